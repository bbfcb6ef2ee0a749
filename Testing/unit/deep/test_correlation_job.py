"""The heat map of radiomic and deep features from the command line, on tables with known correlations."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import pearsonr

from DeepRadiomicsFusionLib.jobs.correlation import CorrelationJob
from RadiomicsCoreLib.errors import InputError
from RadiomicsStudyLib.cli import main


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def tables(tmp_path) -> dict[str, str]:
    """Thirty patients, of whom the cohort holds twenty-five; every second deep feature follows a radiomic one."""
    rng = np.random.default_rng(2)
    radiomic = rng.normal(size=(30, 4))
    deep = rng.normal(size=(30, 6))
    deep[:, ::2] += 3 * radiomic[:, :3]
    ids = [f"p{number}" for number in range(30)]
    made = {}
    for name, values in (("radiomics", radiomic), ("deep", deep)):
        columns = [f"ct.intratumour.{name}_{number}" for number in range(values.shape[1])]
        made[name] = str(tmp_path / f"{name}.csv")
        pd.DataFrame(values, index=pd.Index(ids, name="case_id"), columns=columns).to_csv(made[name])
    made["cohort"] = str(tmp_path / "cohort.csv")
    pd.DataFrame({"case_id": ids[:25], "outcome": rng.integers(0, 2, 25)}).to_csv(made["cohort"], index=False)
    return made


def test_the_command_writes_every_pearson_correlation_of_the_cohorts_patients(tables, tmp_path, capsys):
    words = ["correlation", "--cohort", tables["cohort"], "--features"]
    words += [f"radiomics={tables['radiomics']}", f"deep={tables['deep']}", "-o", str(tmp_path / "out")]
    assert main(words) == 0
    radiomic, deep = (pd.read_csv(tables[name], index_col=0).iloc[:25] for name in ("radiomics", "deep"))
    wanted = np.array([[pearsonr(radiomic[a], deep[b])[0] for b in deep] for a in radiomic])
    found = rows_of(tmp_path / "out" / "correlation.csv")
    assert [row["feature"] for row in found] == list(radiomic)
    np.testing.assert_allclose([[float(row[name]) for name in deep] for row in found], wanted, atol=1e-12)
    (summary,) = rows_of(tmp_path / "out" / "correlation_summary.csv")
    assert float(summary["mean_absolute_r"]) == pytest.approx(np.abs(wanted).mean(), abs=1e-12)
    assert (summary["patients"], summary["row_features"], summary["column_features"]) == ("25", "4", "6")
    assert (tmp_path / "out" / "figures" / "correlation.png").stat().st_size > 1000
    assert f"mean |r| = {np.abs(wanted).mean():.3f} over 25 patients" in capsys.readouterr().out
    assert main(["run", str(tmp_path / "out"), "-o", str(tmp_path / "again")]) == 0
    same = [(tmp_path / folder / "correlation.csv").read_bytes() for folder in ("out", "again")]
    assert same[0] == same[1]


def test_a_model_narrows_the_heat_map_to_the_features_that_it_uses(tables, tmp_path):
    pytest.importorskip("skops", reason="needs the extra 'deep'")
    features = [f"radiomics={tables['radiomics']}", f"deep={tables['deep']}"]
    fused = tmp_path / "fused"
    words = ["fuse", tables["cohort"], "--endpoint", "outcome", "--features", *features, "--classifiers", "lr"]
    quick = ["--folds", "2", "--repeats", "1", "--formats", "png", "--selector", "none", "--difference-p-below", "1"]
    assert main([*words, *quick, "-o", str(fused)]) == 0
    out = tmp_path / "out"
    words = ["correlation", "--cohort", tables["cohort"], "--model", str(fused / "model"), "--features", *features]
    assert main([*words, "-o", str(out)]) == 0
    used = {row["feature"] for row in rows_of(fused / "selected_features.csv")}
    shown = rows_of(out / "correlation.csv")
    assert {row["feature"] for row in shown} <= used
    assert set(shown[0]) - {"feature"} <= used


def test_the_difference_filter_leaves_the_features_whose_classes_differ(tmp_path):
    """In every fold the planted feature passes at 1e-6 and thirty features of noise do not."""
    pytest.importorskip("skops", reason="needs the extra 'deep'")
    rng = np.random.default_rng(5)
    outcome = np.arange(60) % 2
    values = rng.normal(size=(60, 31))
    values[:, 0] += 3 * outcome
    ids = pd.Index([f"p{n}" for n in range(60)], name="case_id")
    names = [f"ct.intratumour.f_{n}" for n in range(31)]
    pd.DataFrame(values, index=ids, columns=names).to_csv(tmp_path / "f.csv")
    pd.DataFrame({"case_id": ids, "y": outcome}).to_csv(tmp_path / "c.csv", index=False)
    for test in ("by-normality", "mann-whitney"):
        words = ["fuse", str(tmp_path / "c.csv"), "--endpoint", "y", "--features", f"f={tmp_path / 'f.csv'}"]
        words += ["--classifiers", "lr", "--selector", "none", "--difference-p-below", "1e-6"]
        words += ["--difference-test", test, "--folds", "3", "--repeats", "1", "--formats", "png"]
        assert main([*words, "-o", str(tmp_path / test)]) == 0
        chosen = {(row["model"], row["feature"]) for row in rows_of(tmp_path / test / "selected_features.csv")}
        assert {feature for model, feature in chosen if model == "lr"} == {"ct.intratumour.f_0"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "needs two feature tables, got 0"),
        (["--features", "r={radiomics}"], "needs two feature tables, got 1"),
        (["--cases", "p29", "--features", "r={radiomics}", "d={deep}"], "case 'p29' is not in both"),
        (["--cases", "p1,p2", "--features", "r={radiomics}", "d={deep}"], "2 of 2 patients"),
    ],
)
def test_what_cannot_be_drawn_is_said_in_one_line(tables, words, message, tmp_path, capsys):
    words = [word.format(**tables) for word in words]
    assert main(["correlation", "--cohort", tables["cohort"], *words, "-o", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1 and message in said[0]


def test_patients_of_another_cohort_are_refused(tables, tmp_path):
    features = {name: Path(tables[name]) for name in ("radiomics", "deep")}
    (tmp_path / "other.csv").write_text("case_id\nx\n")
    with pytest.raises(InputError, match="no patient of the cohort is in both feature tables"):
        CorrelationJob(features=features, cohort=tmp_path / "other.csv").run(tmp_path / "out")
    assert not (tmp_path / "out").exists()
