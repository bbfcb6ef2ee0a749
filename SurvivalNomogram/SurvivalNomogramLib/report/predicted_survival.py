"""Predicted survival with its interval, as the tables of ``predict`` and ``nomogram`` show it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..models.cox import CoxModel

if TYPE_CHECKING:
    import pandas as pd


def with_intervals(
    predictions: pd.DataFrame, model: CoxModel, frame: pd.DataFrame, horizons: Sequence[float]
) -> pd.DataFrame:
    """Return predictions with ``survival_365_lower`` and ``_upper`` behind each ``survival_365``.

    A bundle of an older version does not hold what the intervals need; its predictions come back as they are.

    Args:
        predictions: one row a patient, with the survival at the horizons.
        model: that made them.
        frame: covariates of the same patients.
        horizons: the times.
    """
    if not model.has_intervals or not len(horizons):
        return predictions
    interval = model.survival_interval(frame, list(horizons))
    whole = predictions.copy()
    for k, horizon in enumerate(horizons):
        place = int(whole.columns.get_loc(f"survival_{horizon:g}")) + 1
        whole.insert(place, f"survival_{horizon:g}_lower", interval.lower[:, k])
        whole.insert(place + 1, f"survival_{horizon:g}_upper", interval.upper[:, k])
    return whole
