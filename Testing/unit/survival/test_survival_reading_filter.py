"""The ICC filter before Cox and logistic models: what is dropped, who has a say, what is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from job_runs import run_job

from RadiomicsCoreLib.errors import InputError
from RadiomicsStudyLib.cli import main
from SurvivalNomogramLib.bundles.bundle import load_bundle
from SurvivalNomogramLib.tables.reading_filter import ReadingFilter
from SurvivalNomogramLib.tables.table_columns import BinaryColumns, SurvivalColumns

COLUMNS = SurvivalColumns("days", "death", id_column="case_id")
TRAINED = 60


def study() -> pd.DataFrame:
    """90 patients: ``steady`` is read alike, ``shaky`` predicts best but no second reading repeats it."""
    random = np.random.default_rng(7)
    steady, shaky, age = random.standard_normal((3, 90))
    days = random.exponential(1000 * np.exp(-0.8 * steady - 1.2 * shaky)).round() + 1
    return pd.DataFrame(
        {
            "case_id": [f"p{n:02d}" for n in range(90)],
            "days": days,
            "death": (days < 2000).astype(int),
            "split": ["train"] * TRAINED + ["test"] * 30,
            "age": (60 + 10 * age).round(),
            "steady": steady,
            "shaky": shaky,
        }
    )


def second(table: pd.DataFrame, rows: int | slice = slice(0, 30)) -> pd.DataFrame:
    """A second reading of some patients, in another order."""
    random = np.random.default_rng(8)
    read = table.loc[:, ["case_id", "steady", "shaky"]].iloc[rows].copy()
    read["steady"] += 0.1 * random.standard_normal(len(read))
    read["shaky"] = random.standard_normal(len(read))
    return read.iloc[::-1]


def analysis_of_variance(first: np.ndarray, again: np.ndarray) -> float:
    """ICC(2,1) of two readings by the sums of squares of Shrout and Fleiss, written out."""
    both = np.stack([first, again], axis=1)
    n = len(both)
    rows = 2 * ((both.mean(axis=1) - both.mean()) ** 2).sum() / (n - 1)
    readers = n * ((both.mean(axis=0) - both.mean()) ** 2).sum()
    rest = both - both.mean(axis=1, keepdims=True) - both.mean(axis=0) + both.mean()
    error = (rest**2).sum() / (n - 1)
    return float((rows - error) / (rows + error + 2 * (readers - error) / n))


def test_a_feature_that_no_second_reading_repeats_is_dropped_and_the_others_stay():
    table = study()
    found = ReadingFilter((second(table),)).apply(table, replace(COLUMNS, split="split"))
    assert found.columns.covariates == ("age", "steady")
    assert found.dropped == {"shaky"}
    assert "1 of 2 features exceed 0.75" in found.note and "1 columns were not read again and stay" in found.note
    again = second(table).set_index("case_id").loc[table["case_id"][:30]]
    by_hand = [
        analysis_of_variance(table[name][:30].to_numpy(), again[name].to_numpy()) for name in ("steady", "shaky")
    ]
    assert found.reliability.icc.value == pytest.approx(by_hand, abs=1e-12)
    assert found.reliability.icc.subjects == 30


def test_patients_outside_the_training_part_have_no_say():
    table = study()
    everyone = second(table, slice(0, 90))
    changed = everyone.copy()
    changed.loc[changed.index >= TRAINED, ["steady", "shaky"]] = 1e6
    columns = replace(COLUMNS, split="split")
    one, two = (ReadingFilter((reading,)).apply(table, columns).reliability.icc for reading in (everyone, changed))
    assert np.array_equal(one.value, two.value)


def test_ids_that_are_numbers_in_one_table_and_text_in_the_other_are_the_same_patients():
    table = study().assign(case_id=range(1, 91))
    reading = second(table).assign(case_id=lambda frame: frame["case_id"].astype(str))
    assert ReadingFilter((reading,)).apply(table, COLUMNS).reliability.icc.subjects == 30


def test_without_an_id_column_patients_are_matched_by_case_id():
    table = study()
    found = ReadingFilter((second(table),)).apply(
        table, replace(COLUMNS, id_column=None, covariates=("steady", "shaky"))
    )
    assert found.columns.id_column == "case_id" and found.columns.covariates == ("steady",)


def test_covariates_that_are_kept_stay_whatever_their_icc():
    table = study()
    found = ReadingFilter((second(table),)).apply(table, COLUMNS, keep=("shaky",))
    assert "shaky" in found.columns.covariates


def test_a_policy_for_missing_values_of_a_dropped_feature_goes_with_it():
    table = study()
    columns = replace(COLUMNS, missing={"*": "drop", "shaky": "median", "age": "median"})
    kept = ReadingFilter((second(table),)).apply(table, columns).columns
    assert kept.missing == "drop,age=median"
    kept.read(table)  # a policy of a column that is no covariate would be refused


@pytest.mark.parametrize(
    ("reading", "threshold", "told"),
    [
        (lambda t: second(t, slice(0, 4)), 0.8, "4 of 60 training cases were read twice; an ICC needs at least 5"),
        (lambda t: second(t).assign(case_id=range(30)), 0.8, "share 0 cases"),
        (lambda t: second(t).drop(columns="case_id"), 0.8, "reading 2 has no column 'case_id'"),
        (lambda t: second(t).assign(steady="high"), 0.8, "reading 2: column 'steady' holds text"),
        (lambda t: second(t).drop(columns=["steady", "shaky"]).assign(other=1.0), 0.8, "share 30 cases and 0 features"),
    ],
)
def test_readings_that_cannot_be_used_are_told_in_one_line(reading, threshold, told):
    table = study()
    with pytest.raises(InputError, match=told) as caught:
        ReadingFilter((reading(table),), threshold).apply(table, COLUMNS)
    assert "\n" not in str(caught.value)


def test_a_threshold_that_nothing_reaches_names_the_highest_icc():
    table = study()
    columns = replace(COLUMNS, covariates=("steady", "shaky"))
    with pytest.raises(InputError, match=r"none of 2 features has an ICC above 0.999 \(the highest is 0.99"):
        ReadingFilter((second(table),), 0.999).apply(table, columns)


def test_settings_out_of_bounds_are_refused():
    with pytest.raises(InputError, match="no reading is given"):
        ReadingFilter(())
    with pytest.raises(InputError, match="not 1"):
        ReadingFilter(("second.csv",), 1.0)


def test_a_table_without_ids_cannot_be_matched():
    with pytest.raises(InputError, match=r"--id"):
        ReadingFilter((second(study()),)).apply(study().drop(columns="case_id"), replace(COLUMNS, id_column=None))


def test_the_bundle_remembers_the_filter_and_the_columns_left(tmp_path):
    table = study().drop(columns="split")
    out = tmp_path / "c"
    run_job("cox", out, cohort=table, time="days", event="death", readings=[second(table)], bootstrap=2, formats=[])
    settings = load_bundle(out / "model").settings
    assert settings["readings"] == {"readings": 2, "icc_above": 0.75, "icc_model": "2,1"}
    assert settings["columns"]["covariates"] == ["age", "steady"]


@pytest.fixture
def files(tmp_path) -> tuple[Path, Path]:
    table = study()
    table.to_csv(tmp_path / "features.csv", index=False)
    second(table).to_csv(tmp_path / "second.csv", index=False)
    return tmp_path / "features.csv", tmp_path / "second.csv"


@pytest.mark.parametrize("verb", ["cox", "logistic"])
def test_cox_and_logistic_name_what_the_filter_dropped(verb, files, tmp_path, capsys):
    features, reading = files
    time = ["--time", "days"] if verb == "cox" else ["--covariates", "age,steady,shaky"]
    words = [verb, str(features), *time, "--event", "death", "--split", "split", "--id", "case_id", "--bootstrap", "5"]
    code = main([*words, "--readings", str(reading), "--formats", "svg", "-o", str(tmp_path / verb)])
    assert code == 0
    assert "1 of 2 features exceed 0.75 and go on" in capsys.readouterr().out
    iccs = pd.read_csv(tmp_path / verb / "icc.csv").set_index("feature")
    assert list(iccs.index) == ["shaky", "steady"] and iccs["kept"].tolist() == [False, True]
    coefficients = (tmp_path / verb / "coefficients.csv").read_text()
    assert "steady" in coefficients and "shaky" not in coefficients


def test_a_threshold_without_readings_is_told(files, tmp_path, capsys):
    words = [
        "cox",
        str(files[0]),
        "--time",
        "days",
        "--event",
        "death",
        "--icc-above",
        "0.8",
        "-o",
        str(tmp_path / "o"),
    ]
    assert main(words) == 2
    assert "icc_above needs the tables of a second reading; add --readings" in capsys.readouterr().err


def test_binary_tables_are_filtered_by_the_same_rule():
    table = study()
    columns = BinaryColumns("death", covariates=("steady", "shaky"), id_column="case_id")
    assert ReadingFilter((second(table),)).apply(table, columns).columns.covariates == ("steady",)
