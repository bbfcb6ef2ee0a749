"""The jobs behind a bundle's answer make again the features that it was fitted on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from deep_bundles import fused_model

from DeepRadiomicsFusionLib.models.bundle_card import BundleCard, read_card
from DeepRadiomicsFusionLib.models.bundle_steps import map_step, network_beside, rings_named, steps_of
from DeepRadiomicsFusionLib.models.classifier_bundle import load_bundle
from DeepRadiomicsFusionLib.settings.training_settings import Task
from RadiomicsCoreLib.errors import ModelError
from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsCoreLib.jobs.registry import job_from
from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_sample_cohort(tmp_path_factory.mktemp("sample"), patients=1)


@pytest.fixture(scope="module")
def answered(cohort, tmp_path_factory):
    """The folders of a fusion's jobs, run on the patient that it was fitted around."""
    folder = tmp_path_factory.mktemp("fused")
    model = fused_model(folder / "model", cohort)
    for name, values in steps_of(read_card(model), cohort, folder / "out").items():
        job_from(values).run(folder / "out" / name)
    return folder


def test_features_are_those_of_the_training_to_the_last_digit(answered):
    trained, made = (read_csv(answered / place / "features.csv") for place in ("extracted", "out/radiomics"))
    assert trained.equals(made[trained.columns])


def test_the_answer_is_the_models_and_its_range_that_of_the_folds(answered):
    row = read_csv(answered / "out" / "answer" / "predictions.csv").iloc[0]
    model = load_bundle(answered / "model").model
    table = read_csv(answered / "extracted" / "features.csv")
    each = [float(fold.predict(table)[0]) for fold in model.models]
    assert row["probability"] == pytest.approx(np.mean(each)) and row["positive"] == int(np.mean(each) >= 0.4)
    assert (row["lowest"], row["highest"]) == pytest.approx((min(each), max(each)))
    assert np.isnan(row["unusual"])  # an empty column


def test_contributions_of_one_patient_lead_from_the_trainings_mean_to_him(answered):
    row = read_csv(answered / "out" / "contributions" / "contributions.csv").iloc[0]
    parts = row[["intratumour.signature", "ring_0_3mm.signature"]].astype(float)
    assert row["base"] + parts.sum() == pytest.approx(row["prediction"])
    model, names = load_bundle(answered / "model").model, []
    for fold in model.models:
        names += [dict(zip(part.feature_names, part.mean, strict=True)) for part in fold.signatures.values()]
    mean = {name: value for part in names for name, value in part.items()}
    import pandas as pd

    assert row["base"] == pytest.approx(float(model.predict(pd.DataFrame([mean]))[0]))
    assert "mean" in (answered / "out" / "contributions" / "notes.txt").read_text()


def test_a_networks_answer_takes_one_job_and_its_map_another():
    card = BundleCard(Path("net"), True, Task.CLASSIFICATION, ("a", "b"), {}, ("ct",), ("intratumour",))
    assert [step["verb"] for step in steps_of(card, "c.csv", "out").values()] == ["apply"]
    assert map_step(card, "c.csv", "grad_cam", "b")["maps"]["endpoint"] == "b"


@pytest.mark.parametrize(
    ("regions", "how", "distances", "fractions", "union"),
    [
        (["intratumour"], {}, [], [], False),
        (["ring_0_3mm", "ring_0_4p5mm"], {}, [3.0, 4.5], [], False),
        (["ring_3_6mm"], {"layout": "bands"}, [3.0, 6.0], [], False),
        (["ring_1_4mm"], {"gap_mm": 1.0}, [4.0], [], False),
        (["intra_ring_r2", "ring_f0p25"], {}, [], [0.25, 2 / 6], True),
        (["ring_r1_r2"], {"layout": "bands"}, [], [1 / 6, 2 / 6], False),
    ],
)
def test_rings_of_these_names_are_grown_again(regions, how, distances, fractions, union):
    found = rings_named(regions, how)
    assert found["outer_mm"] == distances and found["fractions"] == pytest.approx(fractions)
    assert found["union"] is union


def test_a_region_without_a_size_is_refused():
    with pytest.raises(ModelError, match="'liver'"):
        rings_named(["liver"], {})


def test_a_network_is_found_beside_the_bundle_by_its_weights(tmp_path):
    bundle, training = tmp_path / "fusion" / "model", tmp_path / "network"
    for folder in (bundle, training / "model"):
        folder.mkdir(parents=True)
    (training / "study.json").write_text(json.dumps({"made_with": {"trained_network": "abc"}}))
    assert network_beside(bundle, "abc") == training / "model"
    with pytest.raises(ModelError, match="does not lie beside it"):
        network_beside(bundle, "another")
