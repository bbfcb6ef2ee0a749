"""The tables that a run over a cohort leaves, made up: two models, two ring sizes, a training of two epochs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from RadiomicsCoreLib.files.tables import write_csv, write_json

CASES = 40
STRENGTHS = {"fusion": 0.5, "lr": 0.25}


def write_results(folder: Path) -> Path:
    """Write them into a folder, and return it."""
    fusion, network = folder / "fusion", folder / "network"
    for place in (fusion, network):
        place.mkdir(parents=True)
    rng = np.random.default_rng(0)
    outcome = rng.permutation([0, 1] * (CASES // 2))
    chances = {
        name: np.clip(0.5 + strength * (outcome - 0.5) + rng.normal(0, 0.2, CASES), 0, 1)
        for name, strength in STRENGTHS.items()
    }
    write_csv(
        fusion / "predictions.csv",
        [
            {"case_id": f"p{n}", "part": "train", "outcome": int(outcome[n])}
            | {name: float(chance[n]) for name, chance in chances.items()}
            for n in range(CASES)
        ],
    )
    areas = {"auc": 0.8, "auc_lower": 0.7, "auc_upper": 0.9, "pooled_auc": 0.79}
    figures = {**areas, "sensitivity": 0.75, "specificity": 0.6, "interval": "of the folds", "reason": ""}
    write_csv(fusion / "models.csv", [{"model": name, "part": "train", **figures} for name in STRENGTHS])
    first, second = STRENGTHS
    matrix = [{"model": first, first: 1.0, second: 0.03}, {"model": second, first: 0.03, second: 1.0}]
    for name in ("p_values_train", "delong_test"):
        write_csv(fusion / f"{name}.csv", matrix)
    sizes = (("intratumour", "intratumour", 0.0), ("ring_0_3mm", "ring", 3.0), ("ring_0_6mm", "ring", 6.0))
    interval = {"auc_lower": 0.6, "auc_upper": 0.8, "p_against_tumour": 0.2}
    write_csv(
        fusion / "ring_sweep.csv",
        [
            {
                "family": "radiomics",
                "region": name,
                "kind": kind,
                "size": size,
                "unit": "mm" if size else "",
                "auc": auc,
            }
            | interval
            for (name, kind, size), auc in zip(sizes, (0.62, 0.74, 0.7), strict=True)
        ],
    )
    write_json(network / "loss_curve.json", {"training": [0.7, 0.6], "validation": [0.7, 0.65]})
    return folder
