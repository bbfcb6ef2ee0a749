"""A model refuses features that were made otherwise."""

from __future__ import annotations

import pytest

from DeepRadiomicsFusionLib.networks.training_record import (
    TrainingRecord,
    check_compatible,
    record_from_dict,
    record_of,
)
from RadiomicsCoreLib.errors import ModelError
from RadiomicsCoreLib.files.provenance import study_beside
from RadiomicsCoreLib.files.tables import write_json

COLUMNS = ["ct.intratumour.original_glcm_Idm", "ct.ring_0_3mm.original_glcm_Idm", "age"]


def study(bin_width=25, engine="native", version="0.1", gap=0.0, outer=(3.0,)):
    return {
        "made_with": {
            "rings": {"outer_mm": list(outer), "gap_mm": gap},
            "extraction": {"name": "liu2025", "setting": {"binWidth": bin_width}},
            "engine": {"name": engine, "version": version},
            "overlays": True,
        }
    }


def record(columns=COLUMNS, **changes):
    return record_of(columns, {"radiomics": study(**changes)})


def test_a_record_says_phases_regions_engine_and_preprocessing():
    found = record()
    assert (found.phases, found.regions) == (("ct",), ("intratumour", "ring_0_3mm"))
    assert (found.engine, found.engine_version) == ("native", "0.1")
    assert found.preprocessing["radiomics"] == {"rings": {"gap_mm": 0.0}, "extraction": {"setting": {"binWidth": 25}}}
    assert record_from_dict(found.to_dict()) == found


def test_the_same_settings_fit_even_if_more_rings_were_grown():
    more = record([*COLUMNS, "ct.ring_0_6mm.original_glcm_Idm"], outer=(3.0, 6.0))
    assert check_compatible(record(), more) == ()


@pytest.mark.parametrize(
    ("new", "line"),
    [
        (record(bin_width=10), r"trained with extraction.setting.binWidth = 25, these radiomics features .* 10"),
        (record(engine="pyradiomics"), "features of the engine 'native', these are of 'pyradiomics'"),
        (record(gap=1.0), r"trained with rings.gap_mm = 0.0, these radiomics features were made with 1.0"),
        (record(COLUMNS[:1]), "trained on region 'ring_0_3mm', which these features lack .they have 'intratumour'."),
        (record(["pet.intratumour.x"]), "trained on phase 'ct', which these features lack .they have 'pet'."),
    ],
)
def test_a_mismatch_is_refused_in_one_clear_line(new, line):
    with pytest.raises(ModelError, match=line) as caught:
        check_compatible(record(), new)
    assert "\n" not in str(caught.value)


def test_what_cannot_be_compared_is_noted():
    notes = check_compatible(record(), TrainingRecord(("ct",), ("intratumour", "ring_0_3mm")))
    assert notes == ("no study.json beside the radiomics table: its preprocessing could not be compared",)
    assert "native 0.1, these features are of 0.2" in check_compatible(record(), record(version="0.2"))[0]


def test_the_study_beside_a_table_is_found(tmp_path):
    assert study_beside(tmp_path / "features.csv") is None
    write_json(tmp_path / "study.json", study())
    assert study_beside(tmp_path / "features.csv") == study()


def test_a_networks_outputs_are_told_by_the_network_whatever_job_wrote_them():
    train = {"job": "train", "made_with": {"trained_network": "abc", "training": {"epochs": 3}, "phase": "ct"}}
    apply = {"job": "apply", "made_with": {"network": {"weights_sha256": "abc"}, "thresholds": {"y": 0.5}}}
    other = {"job": "apply", "made_with": {"network": {"weights_sha256": "def"}}}
    learnt, new, wrong = (record_of(["y.signature"], {"cnn": found}) for found in (train, apply, other))
    assert check_compatible(learnt, new) == ()
    with pytest.raises(
        ModelError, match="trained with trained_network = 'abc', these cnn features were made with 'def'"
    ):
        check_compatible(learnt, wrong)


def test_what_else_a_run_says_of_itself_changes_no_feature():
    named = study() | {"settings": {"study": "liu2025", "cohort": "elsewhere.csv"}}
    assert check_compatible(record(), record_of(COLUMNS, {"radiomics": named})) == ()


def test_of_settings_for_each_phase_those_of_the_models_phases_count():
    def of(**phases):
        made = {"extraction": {phase: {"binWidth": width} for phase, width in phases.items()}}
        return record_of([f"{phase}.intratumour.x" for phase in phases], {"radiomics": {"made_with": made}})

    trained = TrainingRecord(("ct",), ("intratumour",), preprocessing=of(ct=25, pet=1).preprocessing)
    assert check_compatible(trained, of(ct=25)) == ()
    with pytest.raises(ModelError, match=r"extraction\.ct\.binWidth = 25"):
        check_compatible(trained, of(ct=10, pet=1))
