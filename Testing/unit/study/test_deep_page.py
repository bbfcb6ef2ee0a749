"""The page ``docs/deep.md``: its settings file and its tables are those of the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from DeepRadiomicsFusionLib.networks.catalogue import NETWORKS, build_network, parameter_count
from DeepRadiomicsFusionLib.settings.input_settings import InputKind, NetworkInput
from DeepRadiomicsFusionLib.settings.settings_file import read_settings_file
from DeepRadiomicsFusionLib.settings.study_networks import BY_PHASE, STUDIES
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "deep.md").read_text(encoding="utf-8")


def table_rows(heading: str) -> list[list[str]]:
    """Cells of the first table after a heading, without its head."""
    after = PAGE.split(f"\n## {heading}\n")[1]
    lines = re.search(r"(?:^\|.*\n)+", after, re.MULTILINE)
    assert lines is not None
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines.group(0).splitlines()][2:]


def test_the_settings_file_of_the_page_is_accepted(tmp_path):
    (tmp_path / "mine.yaml").write_text(PAGE.split("```yaml\n")[1].split("```")[0], encoding="utf-8")
    values = read_settings_file(tmp_path / "mine.yaml")
    assert values.pop("mode") == "suggested"
    settings = TrainingSettings("classification").changed(values)
    assert (settings.learning_rate, settings.patience) == (1e-4, 10)
    assert set(settings.to_dict()["augmentation"]) == {"rotation", "noise"}


def test_every_kind_of_input_has_its_row_with_its_usual_size():
    rows = {row[0].strip("`"): row for row in table_rows("What a network sees")}
    assert set(rows) == {kind.value for kind in InputKind}
    for kind, row in rows.items():
        assert row[2] == str(NetworkInput(kind).pixels)
        assert row[3].startswith("yes" if NetworkInput(kind).is_masked else "no")


def test_every_network_has_its_row_with_its_features_and_parameters():
    torch = pytest.importorskip("torch", reason="needs the extra 'deep'")
    for package in ("monai", "efficientnet_lite_pytorch"):
        pytest.importorskip(package)
    rows = {row[0].strip("`"): row for row in table_rows("Networks")}
    assert set(rows) == set(NETWORKS)
    for name, spec in NETWORKS.items():
        _, size, features, parameters, _ = rows[name]
        assert size.startswith(str(spec.input_size))
        assert features == f"{spec.features} (`{spec.feature_layer}`)"
        with torch.device("meta"):
            network = build_network(name, out_features=2 if spec.output_layer is None else 1)
        stated = float(re.match(r"[\d.]+", parameters).group(0))
        assert stated == pytest.approx(parameter_count(network) / 1e6, rel=5e-3)


def test_the_studies_are_those_of_the_program():
    head = PAGE.split("\n## The studies in one command\n")[1].split("\n| |")[1].splitlines()[0]
    assert {name.strip() for name in head.strip("|").split("|")} == {*BY_PHASE, *STUDIES} - {
        "song2021_arterial",
        "song2021_venous",
    }
