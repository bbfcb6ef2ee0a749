"""Decision curves by the dcurves package (Apache-2.0), the oracle of test_survival_decision_curve.py.

Run in an environment of its own (it pins ``typing`` and brings statsmodels), in this folder:
    python -m venv oracle && oracle/bin/pip install dcurves==1.1.5 && oracle/bin/python make_dcurves.py
"""

from __future__ import annotations

import json
import math
from importlib import metadata
from pathlib import Path

import numpy as np
import pandas as pd
from dcurves import dca

HERE = Path(__file__).parent
THRESHOLDS = [round(k / 100, 2) for k in range(1, 96)]
CASES = {"gbsg2": (1000, 2000), "lung": (365,), "colon": (1500,), "veteran": (120,)}


def plain(values: pd.Series) -> list[float | None]:
    return [None if value is None or math.isnan(value) else float(value) for value in values]


def risk_of(data: pd.DataFrame, horizon: float) -> np.ndarray:
    rate = math.log(2) / data["time"].median()
    return 1 - np.exp(-rate * horizon * np.exp(data["lp"]))


def main() -> None:
    results: dict[str, object] = {"dcurves": metadata.version("dcurves"), "thresholds": THRESHOLDS, "cases": []}
    for name, horizons in CASES.items():
        data = pd.read_csv(HERE / "data" / f"{name}.csv")
        for horizon in horizons:
            frame = data[["time", "event"]].assign(model=risk_of(data, horizon))
            table = dca(
                data=frame,
                outcome="event",
                modelnames=["model"],
                thresholds=THRESHOLDS,
                time=horizon,
                time_to_outcome_col="time",
            )
            results["cases"].append(case(name, horizon, table))
        binary = data.assign(y=(data["time"] <= horizons[0]) & (data["event"] == 1), model=risk_of(data, horizons[0]))
        table = dca(data=binary[["y", "model"]], outcome="y", modelnames=["model"], thresholds=THRESHOLDS)
        results["cases"].append(case(name, None, table))
    (HERE / "dcurves.json").write_text(json.dumps(results), encoding="utf-8")


def case(name: str, horizon: float | None, table: pd.DataFrame) -> dict[str, object]:
    curves = {
        model: {"net_benefit": plain(rows["net_benefit"]), "avoided": plain(rows["net_intervention_avoided"])}
        for model, rows in table.groupby("model", sort=False)
    }
    return {"data": name, "horizon": horizon, "curves": curves}


if __name__ == "__main__":
    main()
