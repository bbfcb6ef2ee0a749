"""The survival verbs of the command line: a table in, files out, one clear line where it cannot be."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

from RadiomicsStudyLib.cli import main


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    """120 patients whose hazard doubles with the signature; a third belongs to the test cohort."""
    rng = np.random.default_rng(4)
    signature = rng.normal(0, 1, 120)
    stage = rng.choice(["I", "II", "III"], 120)
    death = rng.exponential(900 / np.exp(0.7 * signature + 0.4 * (stage == "III")))
    censored = rng.uniform(300, 2000, 120)
    path = tmp_path_factory.mktemp("table") / "clinical.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case_id", "days", "death", "age", "stage", "signature", "split"])
        for n in range(120):
            time, dead = min(death[n], censored[n]), int(death[n] <= censored[n])
            age = int(rng.integers(40, 80))
            cohort = "test" if n % 3 == 0 else "train"
            writer.writerow([f"p{n}", round(time, 1) + 1, dead, age, stage[n], round(signature[n], 4), cohort])
    return path


COLUMNS = ["--time", "days", "--event", "death", "--id", "case_id", "--covariates", "age,stage,signature"]
QUICK = ["--bootstrap", "5", "--formats", "png"]


@pytest.fixture(scope="module")
def model(table, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("model") / "cox"
    words = ["cox", str(table), *COLUMNS, "--split", "split", "--selection", "backward", "--horizons", "365"]
    assert main([*words, *QUICK, "-o", str(out)]) == 0
    return out / "model"


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def test_cox_writes_coefficients_figures_and_a_bundle(model, capsys):
    out = model.parent
    by_column = {row["column"]: row for row in rows_of(out / "coefficients.csv")}
    assert 0.3 < float(by_column["signature"]["coefficient"]) < 1.1
    assert (out / "figures" / "nomogram.png").is_file()
    stored = json.loads((model / "model.json").read_text(encoding="utf-8"))
    assert "versions" in json.dumps(stored)


def test_nomogram_reads_a_patient(model, tmp_path, capsys):
    out = tmp_path / "nomogram"
    patient = ["--patient", "signature=1.5", "--patient", "stage=III", "--patient", "age=60"]
    assert main(["nomogram", str(model), *patient, "--formats", "png", "-o", str(out)]) == 0
    values = {row["what"]: float(row["value"]) for row in rows_of(out / "patient.csv")}
    assert 0 < values["survival_365"] < 1
    assert (out / "figures" / "nomogram.png").is_file()


def test_an_elastic_net_writes_its_signature_which_predict_could_compute_by_hand(table, tmp_path):
    out = tmp_path / "net"
    words = ["cox", str(table), *COLUMNS, "--split", "split", "--selection", "lasso", "--alpha", "0.5", "--folds", "3"]
    assert main([*words, *QUICK, "-o", str(out)]) == 0
    stored = json.loads((out / "model" / "model.json").read_text(encoding="utf-8"))
    assert stored["settings"]["modelling"]["alpha"] == 0.5
    formula = (out / "signature_formula.txt").read_text(encoding="utf-8")
    terms = re.findall(r"([+-][\d.e-]+) x \((\S+) ([+-] [\d.e-]+)\) / ([\d.e-]+)", formula)
    assert formula.startswith("lasso.signature = ") and "signature" in [name for _, name, _, _ in terms]
    patients = {row["case_id"]: row for row in rows_of(table)}
    for row in rows_of(out / "signature.csv"):
        patient = patients[row["case_id"]]
        by_hand = sum(
            float(w) * (_design(patient, name) + float(m.replace(" ", ""))) / float(s) for w, name, m, s in terms
        )
        assert float(row["lasso.signature"]) == pytest.approx(by_hand, abs=1e-4)
        assert row["split"] == patient["split"]


def _design(patient: dict[str, str], column: str) -> float:
    name, is_level, level = column.partition("=")
    return float(patient[name] == level) if is_level else float(patient[name])


def test_missing_values_are_handled_column_by_column(table, tmp_path, capsys):
    rows = rows_of(table)
    for k, column in ((1, "age"), (2, "stage"), (4, "signature")):
        rows[k][column] = ""
    path = tmp_path / "holes.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    words = ["cox", str(path), *COLUMNS, "--missing", "drop,age=median,stage=level", *QUICK]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    notes = (tmp_path / "out" / "notes.txt").read_text(encoding="utf-8")
    assert "'age': 1 missing filled with" in notes
    assert "'stage': 1 missing filled with 'missing'" in notes
    assert "'signature': 1 patients without a value dropped" in notes
    model = tmp_path / "out" / "model"  # the bundle remembers the policies, and validates the same table
    assert main(["validate", str(model), str(path), "--horizons", "365", *QUICK, "-o", str(tmp_path / "v")]) == 0


def test_a_subgroup_is_cut_where_the_user_says(model, table, tmp_path):
    words = ["validate", str(model), str(table), "--subgroups", "age", "--cut", "age=65", *QUICK]
    assert main([*words, "-o", str(tmp_path / "v")]) == 0
    levels = [row["level"] for row in rows_of(tmp_path / "v" / "subgroups_train.csv")]
    assert levels[1:] == ["< 65", ">= 65"]


def test_validate_and_predict_agree_on_the_patients(model, table, tmp_path):
    assert main(["validate", str(model), str(table), *QUICK, "-o", str(tmp_path / "v")]) == 0
    assert {row["cohort"] for row in rows_of(tmp_path / "v" / "concordance.csv")} == {"train", "test"}
    assert main(["predict", str(model), str(table), "-o", str(tmp_path / "p")]) == 0
    predictions = rows_of(tmp_path / "p" / "predictions.csv")
    assert [row["case_id"] for row in predictions] == [f"p{n}" for n in range(120)]


def test_logistic_writes_odds_ratios(table, tmp_path):
    out = tmp_path / "logistic"
    words = ["logistic", str(table), "--event", "death", "--covariates", "age,signature", *QUICK, "-o", str(out)]
    assert main(words) == 0
    assert {row["column"] for row in rows_of(out / "coefficients.csv")} >= {"age", "signature"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cox", "nowhere.csv", *COLUMNS, "-o", "out"], "nowhere.csv"),
        (["cox", "{table}", "--time", "dayz", "--event", "death", "-o", "out"], "days"),
        (["cox", "{table}", "--time", "stage", "--event", "death", "-o", "out"], "stage"),
        (["nomogram", "{table}", "-o", "out"], "clinical.csv"),
        (["predict", "nowhere", "{table}", "-o", "out"], "nowhere"),
        (["cox", "{table}", *COLUMNS, "--missing", "drop,weight=median", "-o", "out"], "weight"),
        (["cox", "{table}", *COLUMNS, "--missing", "age=mean", "-o", "out"], "'mean' is unknown"),
        (["cox", "{table}", *COLUMNS, "--missing", "drop,median", "-o", "out"], "two policies for all"),
        (["cox", "{table}", *COLUMNS, "--selection", "lasso", "--alpha", "0", "-o", "out"], "alpha"),
        (["validate", "{table}", "{table}", "--cut", "age=old", "-o", "out"], "'old' is not a number"),
    ],
)
def test_a_wrong_word_ends_in_one_line_and_exit_code_2(table, words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main([word.format(table=table) for word in words]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("peritumoral: ")]
    assert len(said) == 1 and message in said[0]


def test_a_horizon_beyond_the_follow_up_is_refused_with_the_last_event_time(model, tmp_path, capsys):
    assert main(["nomogram", str(model), "--horizons", "99999", "-o", str(tmp_path / "n")]) == 2
    assert "last event" in capsys.readouterr().err
