"""One reader of cohorts: tables joined on the id, with whatever was left out named."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.cohort.columns import CohortColumns, named_table
from RadiomicsCoreLib.cohort.joined import read_joined
from RadiomicsCoreLib.cohort.missing import MissingPolicies, MissingPolicy
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.records import plain_values, record_from

COHORT = """case_id,ct_image,ct_mask,age,split,days
001,a.nii,am.nii,61,Train,100
002,b.nii,bm.nii,NA,TRAIN,200
003,c.nii,cm.nii,70,Berlin,300
004,d.nii,dm.nii,55,berlin,400
"""
RINGS = """case_id,ct.ring_0_3mm.a,ct.intratumour.a,split,fold
004,4.5,40,test,0
001,1.5,10,train,1
002,2.5,20,train,0
999,9.5,90,train,0
"""
DEEP = "case_id,net.signature\n003,0.3\n001,0.1\n004,0.4\n002,0.2\n"


@pytest.fixture
def folder(tmp_path) -> Path:
    for name, text in (("cohort", COHORT), ("rings", RINGS), ("deep", DEEP)):
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    return tmp_path


def test_tables_are_joined_on_the_id_in_the_order_of_the_cohort(folder):
    joined = read_joined(folder / "cohort.csv", features={"rings": folder / "rings.csv", "deep": folder / "deep.csv"})
    assert joined.ids == ["001", "002", "004"]
    assert joined.frame["ct.ring_0_3mm.a"].tolist() == [1.5, 2.5, 4.5]
    assert joined.frame["net.signature"].tolist() == [0.1, 0.2, 0.4]
    assert joined.tables == {"rings": ("ct.ring_0_3mm.a", "ct.intratumour.a"), "deep": ("net.signature",)}
    assert (joined.table_of("net.signature"), joined.table_of("age")) == ("deep", None)
    assert joined.clinical == ("age", "days") and joined.files == ("ct_image", "ct_mask")
    assert np.isnan(joined.frame["age"].iloc[1])


def test_cases_without_a_row_and_rows_without_a_case_are_named(folder):
    notes = read_joined(folder / "cohort.csv", features={"rings": folder / "rings.csv"}).notes
    assert len(notes) == 2
    assert "1 of 4 cases" in notes[0] and "rings" in notes[0] and "003" in notes[0]
    assert "1 rows" in notes[1] and "999" in notes[1]


def test_train_is_one_word_and_other_parts_keep_their_spelling(folder):
    joined = read_joined(folder / "cohort.csv")
    assert joined.columns.named == {"id": "case_id", "split": "split"}
    assert joined.split.tolist() == ["train", "train", "Berlin", "Berlin"]
    assert joined.training.tolist() == [True, True, False, False]


def test_columns_may_bear_other_names_and_the_tables_are_still_joined(folder):
    frame = pd.read_csv(folder / "cohort.csv", dtype=str).rename(columns={"case_id": "subject", "split": "part"})
    columns = CohortColumns(id="subject", split="part")
    joined = read_joined(frame, columns, {"deep": folder / "deep.csv"})
    assert joined.frame["net.signature"].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert joined.training.sum() == 2


def test_patterns_keep_features_and_leave_clinical_columns_alone(folder):
    tables = {"rings": folder / "rings.csv", "deep": folder / "deep.csv"}
    joined = read_joined(folder / "cohort.csv", None, tables, ["ct.ring_*", "*.signature"])
    assert joined.features == ("ct.ring_0_3mm.a", "net.signature")
    assert "age" in joined.frame.columns and "ct.intratumour.a" not in joined.frame.columns
    alone = read_joined(folder / "rings.csv", select=["ct.ring_*"])  # a feature table may be the cohort itself
    assert alone.features == ("ct.ring_0_3mm.a",)


def test_signatures_of_one_name_get_the_names_of_their_tables(folder):
    joined = read_joined(folder / "cohort.csv", features={"one": folder / "deep.csv", "two": folder / "deep.csv"})
    assert joined.features == ("one.net.signature", "two.net.signature")


def test_patients_stand_for_their_cases_where_no_column_names_them(folder):
    frame = pd.read_csv(folder / "cohort.csv", dtype={"case_id": str})
    assert read_joined(frame).patients.tolist() == ["001", "002", "003", "004"]
    assert read_joined(frame.assign(patient=[7.0, 7.0, 8.0, 9.0])).patients.tolist() == ["7", "7", "8", "9"]
    with pytest.raises(InputError, match="'003' has no patient"):
        read_joined(frame.assign(patient=["x", "x", None, "y"])).patients  # noqa: B018


def test_a_table_of_any_separator_and_without_ids_is_read_by_row_numbers(tmp_path):
    for sign, name in ((";", "semicolon"), ("\t", "tab")):
        path = tmp_path / f"{name}.csv"
        path.write_text(f"age{sign}note\n61{sign}a,b\n17{sign}c\n", encoding="utf-8-sig")
        joined = read_joined(path)
        assert joined.ids == ["1", "2"]
        assert joined.frame["age"].tolist() == [61, 17] and joined.frame["note"].tolist() == ["a,b", "c"]


def test_what_cannot_be_joined_is_refused_in_one_line(folder):
    (folder / "twice.csv").write_text("case_id,f.a.b\n001,1\n001,2\n", encoding="utf-8")
    (folder / "others.csv").write_text("case_id,f.a.b\nx1,1\nx2,2\n", encoding="utf-8")
    (folder / "age.csv").write_text("case_id,age\n001,1\n002,2\n", encoding="utf-8")
    (folder / "nothing.csv").write_text("case_id,split\n001,train\n", encoding="utf-8")
    (folder / "nameless.csv").write_text("patient_name,f.a.b\n001,1\n", encoding="utf-8")
    for name, told in (
        ("twice", "'001' twice"),
        ("others", "no case in common"),
        ("age", "'age' stands in the cohort"),
        ("nothing", "no feature column"),
        ("nameless", "'case_id'|case_id"),
        ("absent", "cannot be read"),
    ):
        with pytest.raises(InputError, match=told) as caught:
            read_joined(folder / "cohort.csv", features={name: folder / f"{name}.csv"})
        assert "\n" not in str(caught.value) and name in str(caught.value)
    with pytest.raises(InputError, match="no feature column fits the pattern 'mr"):
        read_joined(folder / "cohort.csv", None, {"rings": folder / "rings.csv"}, ["mr.*"])
    with pytest.raises(InputError, match="'001' twice"):
        read_joined(folder / "twice.csv")
    with pytest.raises(InputError, match="no column 'subject' to be the id"):
        read_joined(folder / "cohort.csv", CohortColumns(id="subject"))


def test_a_table_is_read_once_however_many_names_it_has(folder, monkeypatch):
    from RadiomicsCoreLib.cohort import joined as module

    read = []
    monkeypatch.setattr(module, "read_cells", lambda path, **how: read.append(path) or _read_cells(path, **how))
    from RadiomicsCoreLib.files.tables import read_cells as _read_cells

    read_joined(folder / "cohort.csv", features={"one": folder / "deep.csv", "two": folder / "deep.csv"})
    assert len(read) == 2


def test_twenty_thousand_columns_are_read_in_seconds(folder):
    names = [f"ct.region_{k // 100}.f{k % 100}" for k in range(20_000)]
    values = np.random.default_rng(0).normal(size=(4, len(names)))
    lines = [",".join(["case_id", *names])]
    lines += [",".join([f"00{k + 1}", *map(repr, row.tolist())]) for k, row in enumerate(values)]
    (folder / "wide.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    started = time.process_time()
    joined = read_joined(folder / "cohort.csv", features={"wide": folder / "wide.csv"})
    assert time.process_time() - started < 6  # the header check alone took 30 s when it was quadratic
    np.testing.assert_array_equal(joined.frame[names].to_numpy(), values)


def test_columns_come_from_plain_values_and_go_back():
    plain = {"id": "subject", "split": None, "patient": None, "centre": None, "missing": "drop,age=median"}
    columns = record_from(CohortColumns, plain, "columns")
    assert columns.missing.of("age") is MissingPolicy.MEDIAN and columns.missing.of("stage") is MissingPolicy.DROP
    assert plain_values(columns) == plain
    assert MissingPolicies.from_plain({"*": "error", "age": "median"}).to_plain() == "error,age=median"
    for wrong, told in (("mean", "'mean' is unknown"), ("drop,median", "two policies for all"), (7, "a policy")):
        with pytest.raises(InputError, match=told):
            record_from(CohortColumns, {"missing": wrong}, "columns")


def test_a_table_without_a_name_is_called_as_its_folder():
    assert named_table("deep=out/features.csv") == ("deep", "out/features.csv")
    assert named_table("/study/rings/features.csv") == ("rings", "/study/rings/features.csv")
    for wrong in ("", "=x.csv", "deep="):
        with pytest.raises(InputError, match="names no table"):
            named_table(wrong)
