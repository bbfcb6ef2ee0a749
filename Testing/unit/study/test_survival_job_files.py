"""Every survival verb again from its job.yaml: same inputs, same values, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from RadiomicsCoreLib.jobs.registry import load_job
from RadiomicsStudyLib.cli import main

pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A cohort of 90 patients with a table of features beside it."""
    import pandas as pd

    folder = tmp_path_factory.mktemp("study")
    random = np.random.default_rng(6)
    signal, age = random.normal(size=90), random.normal(60, 9, 90)
    death, censored = random.exponential(900 * np.exp(-signal)), random.uniform(300, 2000, 90)
    cohort = pd.DataFrame({"case_id": [f"p{k}" for k in range(90)], "split": ["train", "train", "test"] * 30})
    cohort["age"], cohort["days"] = age.round(1), (np.minimum(death, censored) + 1).round()
    cohort["death"] = (death <= censored).astype(int)
    cohort["response"] = (signal + random.normal(size=90) > 0).astype(int)
    cohort.to_csv(folder / "cohort.csv", index=False)
    features = {f"ct.ring_0_3mm.f{k}": signal * (k < 2) + random.normal(size=90) for k in range(5)}
    pd.DataFrame({"case_id": cohort["case_id"], **features}).to_csv(folder / "features.csv", index=False)
    return folder


def test_a_job_file_repeats_every_verb(study, monkeypatch, capsys):
    monkeypatch.chdir(study)
    tables = ["--features", "rings=features.csv"]
    end_point = ["--time", "days", "--event", "death"]
    quick = ["--bootstrap", "3", "--seed", "5", "--formats", "png"]
    lasso = ["--selection", "lasso", "--folds", "3", "--readings", "features.csv", "--horizons", "365,730"]
    patient = [word for k in range(5) for word in ("--patient", f"ct.ring_0_3mm.f{k}={k / 2}")]
    verbs = {
        "cox": ["cohort.csv", *tables, *end_point, *lasso, "--cutoff", "0.1", *quick],
        "logistic": ["cohort.csv", *tables, "--select", "*.f0,*.f1", "--event", "response", *quick],
        "pca": ["cohort.csv", *tables, "--share", "0.8", "--formats", "png"],
        "nomogram": ["cox/model", *patient, "--formats", "png"],
        "validate": ["cox/model", "cohort.csv", *tables, "--subgroups", "age", "--cut", "age=60", *quick],
        "predict": ["cox/model", "cohort.csv", *tables, "--horizons", "365"],
    }
    for verb, words in verbs.items():
        assert main([verb, *words, "-o", verb]) in (0, 1), capsys.readouterr().err
        assert main(["run", f"{verb}/job.yaml", "-o", f"again/{verb}"]) in (0, 1), capsys.readouterr().err
        first, again = ({path.name: path.read_bytes() for path in folder.glob("*.csv")} for folder in _folders(verb))
        assert first and first == again, verb
        one, two = (load_job(folder) for folder in _folders(verb))
        assert one.decisive() == two.decisive(), verb
        assert (Path(verb) / "study.json").is_file()


def _folders(verb: str) -> tuple[Path, Path]:
    return Path(verb), Path("again") / verb
