"""Patients with competing events and the values that R found on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from SurvivalNomogramLib.tables.survival_table import SurvivalTable

FOLDER = Path(__file__).resolve().parents[1] / "reference"
SETS = {"pbc": "survival_validation/data/pbc.csv", "mgus2": "competing_risks/data/mgus2.csv"}


def competing_values() -> dict[str, Any]:
    """Return what ``competing_risks/make_reference.R`` wrote."""
    return json.loads((FOLDER / "competing_risks" / "reference.json").read_text(encoding="utf-8"))


def competing_data(name: str, *, ties: bool = True) -> pd.DataFrame:
    """Return the patients of pbc or mgus2; without ties, times are moved apart as the script does."""
    import pandas as pd

    data = pd.read_csv(FOLDER / SETS[name])
    if "bili" in data:
        data["log_bili"] = np.log(data["bili"])
    if not ties:
        data["time"] += 1e-4 * np.arange(1, len(data) + 1)
    return data


def competing_table(name: str, *, ties: bool = True) -> SurvivalTable:
    """Return the same patients as a table of the event that the reference is of."""
    from SurvivalNomogramLib.tables.survival_table import read_survival_table

    case = competing_values()["competing"][name]
    data = competing_data(name, ties=ties)[["time", "state", *case["covariates"]]]
    return read_survival_table(data, time="time", event="state", event_values=[case["cause"]], censored_values=[0])
