"""Whom a network has learnt from, told from table to fusion to new patients."""

from __future__ import annotations

import pandas as pd
import pytest

from DeepRadiomicsFusionLib.tables.feature_tables import FeatureTables
from RadiomicsCoreLib.cohort.seen_cases import SeenCases, check_unseen, notes_on_known, seen_from_dict
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import write_csv, write_json


def network_table(folder, seen=None, name="predictions.csv"):
    """A table of a network's outputs with what study.json says of it."""
    folder.mkdir(exist_ok=True)
    rows = [{"case_id": c, "split": "train", "fold": 1, "relapse.signature": k / 4} for k, c in enumerate("abcd")]
    write_csv(folder / name, rows)
    if seen is not None:
        write_json(folder / "study.json", {"job": "train", "settings": {}, "seen": seen})
    return folder / name


def test_a_table_says_whom_its_network_has_seen_and_where_its_columns_come_from_is_no_feature(tmp_path):
    record = {
        "predictions.csv": {"cases": ["a", "b"], "patients": ["p1"]},
        "signatures.csv": {"cases": [], "patients": []},
    }
    tables = FeatureTables.read({"deep": network_table(tmp_path / "t", record)})
    assert tables.seen["deep"] == SeenCases(("a", "b"), ("p1",))
    assert tables.columns["deep"] == ("relapse.signature",)
    other = network_table(tmp_path / "t", None, "signatures.csv")
    assert FeatureTables.read({"deep": other}).seen["deep"] == SeenCases()


def test_a_networks_table_without_a_record_is_told_and_radiomics_is_not_asked(tmp_path):
    moved = FeatureTables.read({"deep": network_table(tmp_path / "moved")})
    assert "no study.json beside it" in moved.seen["deep"].unknown
    beside_another = network_table(tmp_path / "other", {"features.csv": {"cases": [], "patients": []}})
    assert FeatureTables.read({"deep": beside_another}).seen["deep"].unknown
    deep = pd.DataFrame({"case_id": ["a"], "ct.intratumour.resnet18_3": [1.0]})
    radiomics = pd.DataFrame({"case_id": ["a"], "ct.intratumour.original_glcm_Idm": [1.0]})
    found = FeatureTables.read({"deep": deep, "radiomics": radiomics}).seen
    assert "in memory" in found["deep"].unknown
    assert found["radiomics"] == SeenCases()
    (note,) = check_unseen(found, ["a"], {})
    assert note.startswith("deep: it could not be checked")


def test_a_seen_case_is_refused_by_table_number_and_way_out():
    seen = {"radiomics": SeenCases(), "cnn": SeenCases(("b", "c", "elsewhere"), ("b", "c", "elsewhere"))}
    line = r"table 'cnn' was trained on 2 of 3 cases, the first is 'b'.*--folds 5.*signatures.csv"
    with pytest.raises(InputError, match=line) as refused:
        check_unseen(seen, ["a", "b", "c"], {})
    assert "\n" not in str(refused.value)
    assert check_unseen(seen, ["a", "d"], {}) == ()


@pytest.mark.parametrize(
    ("seen", "patient_of"),
    [
        # training knew the patients' names, the study has another case of one of them
        (SeenCases(("b",), ("p2",)), {"a": "p2"}),
        # training had no column of patients: a case of the table that takes no part tells the patient
        (SeenCases(("b",), ("b",)), {"a": "p2", "b": "p2"}),
    ],
)
def test_another_case_of_a_seen_patient_is_refused(seen, patient_of):
    with pytest.raises(InputError, match="1 of 1 cases, the first is 'a'"):
        check_unseen({"cnn": seen}, ["a"], patient_of)


def test_accepting_seen_cases_leaves_a_loud_note():
    (note,) = check_unseen({"cnn": SeenCases(("a",), ("a",))}, ["a", "b"], {}, accept=True)
    assert note.startswith("OPTIMISTIC: ") and "1 of 2 cases" in note and "never seen" in note


def test_a_damaged_record_is_unknown_and_nobody_is_told_nothing():
    assert "damaged" in seen_from_dict({"cases": "a"}).unknown
    assert "damaged" in seen_from_dict(None).unknown
    assert seen_from_dict(SeenCases(("a",), ("p",), "why").to_dict()) == SeenCases(("a",), ("p",), "why")
    assert notes_on_known(SeenCases(("a",), ("a",)), ["x"]) == ()
    (note,) = notes_on_known(SeenCases(("a",), ("a",)), ["x", "a"])
    assert note.startswith("1 of 2 cases were in the training of the model, by their ids, the first is 'a'")
