"""A small study as a runner leaves it, for the tests of the report: fitted models, a case's pictures, hostile texts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from job_runs import run_job

from RadiomicsCoreLib.files.tables import write_csv, write_json

HOSTILE = "<script>window.hacked=1</script>"
HOSTILE_COLUMN = "size <img src=x onerror=hacked=1> & 'mm'"
QUICK: Mapping[str, Any] = {"bootstrap": 5, "formats": ["png"], "seed": 1}


def patients(count: int = 120) -> pd.DataFrame:
    """Give patients with survival, a competing event (state 2), a binary end point, a column of a hostile name."""
    rng = np.random.default_rng(4)
    signature, size = rng.normal(0, 1, count), rng.uniform(10, 60, count)
    stage = rng.choice(["I", "II", "III"], count)
    first = rng.exponential(900 / np.exp(0.8 * signature + 0.5 * (stage == "III")))
    second, censored = rng.exponential(2200, count), rng.uniform(300, 2000, count)
    days = np.minimum.reduce([first, second, censored])
    return pd.DataFrame(
        {
            "case_id": [f"P{k:03d}" for k in range(count)],
            "patient_name": [f"Doe^Jane {k}" for k in range(count)],
            "days": days.round(1) + 1,
            "state": np.where(days == first, 1, np.where(days == second, 2, 0)),
            "death": (days == first).astype(int),
            "relapse": (rng.random(count) < 1 / (1 + np.exp(-signature))).astype(int),
            "age": rng.integers(40, 80, count),
            "stage": stage,
            "signature": signature.round(4),
            HOSTILE_COLUMN: size.round(1),
            "centre": np.where(np.arange(count) % 2, "north", HOSTILE),
            "split": np.where(np.arange(count) % 3 == 0, "test", "train"),
        }
    )


def write_study(out: Path) -> Path:
    """Write the study's folder: three models, an extraction with two cases, a stage that failed; return it."""
    table = out.parent / "cohort.csv"
    patients().to_csv(table, index=False)
    survival = {"cohort": table, "time": "days", "covariates": ["age", "stage", "signature", HOSTILE_COLUMN], **QUICK}
    run_job("cox", out / "clinical", **survival, event="death", horizons=[365, 700])
    run_job(
        "cox", out / "competing", **survival, event="state", event_values=["1"], censored_values=["0"], horizons=[365]
    )
    run_job(
        "logistic", out / "relapse", cohort=table, event="relapse", covariates=["age", "stage", "signature"], **QUICK
    )
    write_extraction(out / "radiomics")
    stages = [
        _stage("radiomics", "extract", "Radiomics", paper="Table 1"),
        _stage("clinical", "cox", f"Clinical {HOSTILE}", needs=["radiomics"], seconds=2.5),
        _stage("competing", "cox", "Competing"),
        _stage("relapse", "logistic", "Relapse"),
        _stage("deep", "train", "Deep", state="failed", why=f"no network {HOSTILE}"),
    ]
    write_json(out / "stages.json", stages)
    (out / "recipe.yaml").write_text(f"# {HOSTILE}\nstages: []\n", encoding="utf-8")
    (out / "job.yaml").write_text("verb: study\nrecipe: liu2025\ncohort: ../cohort.csv\n", encoding="utf-8")
    return out


def _stage(name: str, verb: str, title: str, **more: Any) -> dict[str, Any]:
    common: dict[str, Any] = {"folder": name, "state": "done", "why": "", "seconds": None, "needs": [], "paper": ""}
    return {"name": name, "verb": verb, "title": title, **common, **more}


def write_extraction(folder: Path) -> None:
    """Write what ``extract`` leaves of three cases: one fine, one whose ring was lost, one that failed."""
    from PIL import Image

    from RadiomicsCoreLib.jobs.batch import case_folder

    rows, cases = [], {}
    for case_id, retained, status in (("a fine case", 1.0, "done"), (HOSTILE, 0.2, "done"), ("broken", 1.0, "failed")):
        reason = f"no mask {HOSTILE}" if status == "failed" else ""
        warnings = [f"ring lost {HOSTILE}"] if retained < 1 else []
        cases[case_id] = {"status": status, "reason": reason, "fingerprint": "", "warnings": warnings}
        if status == "failed":
            continue
        common = {"case_id": case_id, "phase": "ct", "grey_levels": 12, "reason": ""}
        rows.append({**common, "region": "intratumour", "kind": "tumour", "voxels": 900, "volume_ml": 4.2 + retained})
        rows.append({**common, "region": "ring_0_3mm", "kind": "ring", "voxels": 500, "retained_fraction": retained})
        place = case_folder(folder, case_id)
        place.mkdir(parents=True)
        Image.fromarray(np.full((60, 90), round(200 * retained), np.uint8)).save(place / "overlay.png")
    columns = [
        "case_id",
        "phase",
        "region",
        "kind",
        "voxels",
        "volume_ml",
        "retained_fraction",
        "grey_levels",
        "reason",
    ]
    write_csv(folder / "regions.csv", rows, columns)
    write_csv(folder / "features.csv", [{"case_id": case_id, "ct.intratumour.x": 1.0} for case_id in cases])
    warnings = [f"{case}: {line}" for case, outcome in cases.items() for line in outcome["warnings"]]
    settings = {"cohort": "../../cohort.csv", "rings": {"outer_mm": [3.0]}}
    write_json(
        folder / "study.json",
        {"job": "extract", "status": "partly", "settings": settings, "cases": cases, "warnings": warnings}
        | {"made": "2026-01-01T00:00:00+00:00", "seed": 3, "settings_hash": "ab" * 32, "versions": {"numpy": "2.1"}}
        | {"made_with": {"rings": {"ct": {"outer_mm": [3.0], "layout": "cumulative", "plane": "3d"}}}},
    )
