"""Scores of a predicted cumulative incidence, corrected for optimism: all causes are fitted again in every resample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..estimation.competing_risks import incidence_of
from ..models.competing_causes import fit_competing_causes
from ..models.cox import CoxModel
from ..tables.survival_table import SurvivalTable
from ..validation.bootstrap import BootstrapSettings, OptimismResult, each_item, optimism
from ..validation.cox_modelling import FittedResamples
from .competing_scores import competing_auc, competing_brier

if TYPE_CHECKING:
    import pandas as pd

CAUSE_SPECIFIC, FINE_GRAY = "cause_specific", "fine_gray"
"""The two ways to a cumulative incidence: cause-specific Cox models combined, and the subdistribution hazard."""
WAYS = (CAUSE_SPECIFIC, FINE_GRAY)


@dataclass(frozen=True)
class FittedIncidences:
    """What the models of every resample predict for all patients.

    Its rows are those of the :class:`~SurvivalNomogramLib.validation.cox_modelling.FittedResamples` it was made of.

    Args:
        predictions: rows (as bytes) -> incidences (n, ways * k), or the reason why there are none. An incidence is NaN
            where Fine and Gray's model could not be fitted.
        partitions: folds of a cross-validation, where the modelling step chooses by the outcome.
    """

    predictions: Mapping[bytes, np.ndarray | str]
    partitions: tuple[np.ndarray, ...] = ()

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        found = self.predictions.get(np.asarray(rows, np.int64).tobytes(), "these patients were not resampled")
        if isinstance(found, str):
            raise ModelError(found)
        return found


def fit_incidences(
    refits: FittedResamples, horizons: Sequence[float], workers: int = 1, progress: Progress = no_progress
) -> FittedIncidences:
    """Fit the competing causes beside the model of every resample.

    Args:
        refits: the modelling step's model of the event of interest on every resample.
        horizons: (k,) times to predict at.
        workers: processes at a time.
        progress: told after every resample.
    """
    times = np.asarray(horizons, float)

    def one(item: tuple[bytes, CoxModel | str]) -> tuple[bytes, np.ndarray | str]:
        key, model = item
        if isinstance(model, str):
            return key, model
        try:
            return key, _incidences(refits.table, np.frombuffer(key, np.int64), model, times)
        except (InputError, ModelError) as error:
            return key, str(error)

    pairs = each_item(one, list(refits.models.items()), workers, progress)
    return FittedIncidences(dict(pairs), refits.partitions)


def _incidences(table: SurvivalTable, rows: np.ndarray, model: CoxModel, times: np.ndarray) -> np.ndarray:
    competing = fit_competing_causes(table.rows(rows), model)
    if competing is None:  # nobody of this resample had another event
        risk = 1 - model.survival_at(table.frame, times)
        return np.hstack((risk, risk))
    combined = competing.incidence_at(model, table.frame, times)
    direct = np.full(combined.shape, np.nan)
    if competing.fine_gray is not None:
        direct = competing.fine_gray.incidence_at(table.frame, times)
    return np.hstack((combined, direct))


@dataclass(frozen=True)
class CorrectedIncidence:
    """AUC, Brier score and observed over expected of the fitted patients, corrected; elements are ways, then horizons.

    Attributes:
        horizons: (k,).
        auc, brier, observed_to_expected: results of 2 k elements.
    """

    horizons: tuple[float, ...]
    auc: OptimismResult
    brier: OptimismResult
    observed_to_expected: OptimismResult

    def table(self) -> pd.DataFrame:
        """A row a way and horizon: apparent, corrected, its interval."""
        import pandas as pd

        named = {"auc": self.auc, "brier": self.brier, "observed_to_expected": self.observed_to_expected}
        columns: dict[str, object] = {
            "model": np.repeat(WAYS, len(self.horizons)),
            "horizon": np.tile(self.horizons, len(WAYS)),
        }
        for name, result in named.items():
            columns[f"{name}_apparent"], columns[f"{name}_corrected"] = result.apparent, result.corrected
            columns[f"{name}_corrected_lower"], columns[f"{name}_corrected_upper"] = result.lower, result.upper
        columns["resamples_used"] = self.auc.used
        return pd.DataFrame(columns)


def corrected_incidence(
    table: SurvivalTable,
    fitted: FittedIncidences,
    horizons: Sequence[float],
    settings: BootstrapSettings,
) -> CorrectedIncidence:
    """Correct the scores of incidences for optimism.

    Args:
        table: the training patients, with their states.
        fitted: of the same patients and settings.
        horizons: (k,) those of ``fitted``.
        settings: resamples and seed.

    Raises:
        InputError: the table has no competing events.
        ModelError: the models could be fitted on fewer than half of the resamples.
    """
    if table.state is None:
        raise InputError("the event column holds no competing event: there is no incidence to correct")
    time, state = table.time, np.where(table.state > 1, 2, table.state)
    columns = [(k, float(horizon)) for k, horizon in enumerate([*horizons, *horizons])]

    def auc(rows: np.ndarray, risks: np.ndarray) -> np.ndarray:
        return np.array([_auc(time[rows], state[rows], risks[:, k], horizon) for k, horizon in columns])

    def brier(rows: np.ndarray, risks: np.ndarray) -> np.ndarray:
        return np.array([_brier(time[rows], state[rows], risks[:, k], horizon) for k, horizon in columns])

    def ratio(rows: np.ndarray, risks: np.ndarray) -> np.ndarray:
        return np.array([_ratio(time[rows], state[rows], risks[:, k], horizon) for k, horizon in columns])

    n, partitions = len(table), fitted.partitions
    return CorrectedIncidence(
        tuple(float(horizon) for horizon in horizons),
        optimism(fitted, auc, n, settings, partitions=partitions, on_logit=True),
        optimism(fitted, brier, n, settings, partitions=partitions),
        optimism(fitted, ratio, n, settings, partitions=partitions),
    )


def _auc(time: np.ndarray, state: np.ndarray, risk: np.ndarray, horizon: float) -> float:
    try:
        return competing_auc(time, state, risk, horizon).auc
    except InputError:  # no case or no control among these patients, or no prediction
        return float("nan")


def _brier(time: np.ndarray, state: np.ndarray, risk: np.ndarray, horizon: float) -> float:
    try:
        return competing_brier(time, state, risk, horizon).score
    except InputError:
        return float("nan")


def _ratio(time: np.ndarray, state: np.ndarray, risk: np.ndarray, horizon: float) -> float:
    expected = float(risk.mean())
    if not expected > 0 or horizon > time.max():
        return float("nan")
    return float(incidence_of(time, state == 1, state != 0).at([horizon])[0]) / expected
