"""AUC and Brier score at horizons, corrected for optimism: what training patients may say of a model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import interval_text
from RadiomicsCoreLib.progress import Progress, no_progress

from .bootstrap import BootstrapSettings, OptimismResult, Refit, optimism
from .brier import brier_at, integrated_brier
from .cox_modelling import FittedResamples
from .time_dependent_roc import time_dependent_roc

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class _Risks:
    """1 - predicted survival (n, k) at horizons."""

    refits: FittedResamples
    horizons: tuple[float, ...]

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        model = self.refits.model(rows)
        # A resample whose follow-up ends early still has its earlier horizons: those beyond have no prediction.
        inside = np.array(self.horizons) <= model.baseline.last_time
        risks = np.full((len(self.refits.table), len(self.horizons)), np.nan)
        risks[:, inside] = 1 - model.survival_at(self.refits.table.frame, np.array(self.horizons)[inside])
        return risks


def corrected_auc(
    refits: FittedResamples,
    horizons: Sequence[float],
    settings: BootstrapSettings,
    progress: Progress = no_progress,
) -> OptimismResult:
    """AUC (k,) at horizons, corrected for optimism."""
    time, event = refits.table.time, refits.table.event

    def auc(rows: np.ndarray, risk: np.ndarray) -> np.ndarray:
        return np.array([_auc(time[rows], event[rows], risk, horizon) for horizon in horizons])

    return optimism(refits, auc, len(time), settings, progress, partitions=refits.partitions, on_logit=True)


def corrected_brier(
    refits: FittedResamples,
    horizons: Sequence[float],
    settings: BootstrapSettings,
    progress: Progress = no_progress,
) -> OptimismResult:
    """Brier score (k,) at horizons, corrected for optimism."""
    time, event = refits.table.time, refits.table.event

    def brier(rows: np.ndarray, risks: np.ndarray) -> np.ndarray:
        arrays = (time[rows], event[rows])
        return np.array([_brier(*arrays, risks[:, k], horizon) for k, horizon in enumerate(horizons)])

    refit: Refit = _Risks(refits, tuple(float(h) for h in horizons))
    return optimism(refit, brier, len(time), settings, progress, partitions=refits.partitions)


def _auc(time: np.ndarray, event: np.ndarray, risk: np.ndarray, horizon: float) -> float:
    try:
        return time_dependent_roc(time, event, risk, horizon).auc
    except InputError:  # nobody of these rows had an event by the horizon, or was followed beyond it
        return float("nan")


def _brier(time: np.ndarray, event: np.ndarray, risk: np.ndarray, horizon: float) -> float:
    try:
        return brier_at(time, event, risk, horizon).score
    except InputError:
        return float("nan")


def with_correction(table: pd.DataFrame, name: str, result: OptimismResult) -> pd.DataFrame:
    """A table of scores of the fitted patients: the apparent figures lose their interval, the corrected get one.

    Args:
        table: from ``auc_table`` or ``brier_table``.
        name: of its column, auc or brier.
        result: of the same horizons.
    """
    renamed = {column: f"{column}_apparent" for column in (name, "integrated", "scaled")}
    own = table.drop(columns=["lower", "upper", "se"]).rename(columns=renamed)
    own[f"{name}_corrected"] = result.corrected
    own["corrected_lower"], own["corrected_upper"] = result.lower, result.upper
    if name == "brier":
        horizons = own["horizon"].to_numpy()
        own["integrated_corrected"] = [
            integrated_brier(horizons[: k + 1], result.corrected[: k + 1]) for k in range(len(horizons))
        ]
    own["resamples_used"] = result.used
    return own


def without_interval(table: pd.DataFrame) -> pd.DataFrame:
    """A table of scores of fitted patients that nothing corrects: their figures without errors and intervals."""
    return table.assign(lower=np.nan, upper=np.nan, se=np.nan)


def corrected_text(row: Mapping[Any, float], name: str) -> str:
    """``0.70 (0.62-0.77) corrected`` of a row of :func:`with_correction`."""
    return f"{interval_text(row[f'{name}_corrected'], row['corrected_lower'], row['corrected_upper'])} corrected"
