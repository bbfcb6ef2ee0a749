"""What a bundle says of itself is what was put into it; PyTorch and the weights are not asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from DeepRadiomicsFusionLib.models.bundle_card import read_card
from DeepRadiomicsFusionLib.models.classifier_bundle import ClassifierBundle, save_bundle
from DeepRadiomicsFusionLib.models.rad_score import RadScore
from DeepRadiomicsFusionLib.networks import network_bundle
from DeepRadiomicsFusionLib.networks.training_record import TrainingRecord
from DeepRadiomicsFusionLib.settings.training_settings import Task
from RadiomicsCoreLib.errors import ModelError

NETWORK = {
    "format": network_bundle.FORMAT,
    "version": network_bundle.VERSION,
    "architecture": {"network": "resnet18", "out_features": 2},
    "task": "classification",
    "outputs": ["egfr", "alk"],
    "phases": ["arterial"],
    "regions": ["ring_0_3mm"],
    "input": {"kind": "patch", "region": "ring_0_3mm", "window_level": 50, "window_width": 400},
    "rings": {"outer_mm": [3]},
    "score_names": ["tumour.signature"],
    "thresholds": {"egfr": 0.3},
    "provenance": {"training_cases": ["a", "b"]},
}


def written(folder: Path, values: object) -> Path:
    folder.mkdir()
    (folder / "model.json").write_text(json.dumps(values))
    return folder


def test_a_network_is_known_without_its_weights(tmp_path):
    card = read_card(written(tmp_path / "net", NETWORK))
    assert (card.is_network, card.task, card.outputs, card.phase) == (
        True,
        Task.CLASSIFICATION,
        ("egfr", "alk"),
        "arterial",
    )
    assert card.thresholds == {"egfr": 0.3} and card.scores == ("tumour.signature",) and card.cases == 2
    assert card.network == "resnet18" and card.rings["outer_mm"] == [3]
    assert "egfr, alk" in card.words and "ring_0_3mm" in card.words and "arterial" in card.words


def test_a_classifier_is_known_by_the_features_that_it_reads(tmp_path):
    score = RadScore(("ct.ring_0_3mm.F",), np.ones(1), 0.0, np.zeros(1), np.ones(1), 0.1)
    record = TrainingRecord(("ct",), ("ring_0_3mm",), "native", "1", {"radiomics": {"rings": {}}})
    save_bundle(ClassifierBundle(score, "relapse", 0.4, record, provenance={"cases": 40}), tmp_path / "model")
    card = read_card(tmp_path / "model" / "model.json")
    assert (card.is_network, card.outputs, card.thresholds, card.cases) == (False, ("relapse",), {"relapse": 0.4}, 40)
    assert card.sources == {"radiomics": {"rings": {}}} and card.engine == "native"
    assert card.path == tmp_path / "model"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"format": "something else"}, "something else"),
        ([1], "is not of a peritumoral network"),
        ({**NETWORK, "thresholds": 3}, "lacks a part"),
        ({**NETWORK, "version": 99}, "99"),
    ],
)
def test_what_is_no_bundle_is_refused_in_one_line(tmp_path, values, words):
    with pytest.raises(ModelError, match=words) as caught:
        read_card(written(tmp_path / "net", values))
    assert "\n" not in str(caught.value)
    with pytest.raises(ModelError, match="no such file"):
        read_card(tmp_path / "nowhere")
