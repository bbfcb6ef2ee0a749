"""Risk groups of training patients by models that have not seen them: the whole modelling step, fold by fold.

Groups made by the model that was fitted on the same patients are always apart, even where the covariates are noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..tables.survival_table import SurvivalTable
from ..validation.cox_modelling import CoxModelling, NothingChosen
from .risk_groups import CutoffMethod, RiskCutoff, median_cutoff, youden_cutoff

FOLDS = 10


@dataclass(frozen=True)
class OutOfFold:
    """Risks and groups of training patients by the models of the other folds.

    Attributes:
        risk: (n,) linear predictor, above the mean patient of each fold's training; NaN in a fold without a model.
        is_high: (n,) True at or above the cut-off that was found on that fold's training patients.
        ids: (n,) of the patients.
        folds: number of folds.
        reasons: why folds have no model, one a fold that failed.
    """

    risk: np.ndarray
    is_high: np.ndarray
    ids: np.ndarray
    folds: int
    reasons: tuple[str, ...]

    @property
    def known(self) -> np.ndarray:
        """(n,) the patients whose fold has a model."""
        return np.isfinite(self.risk)

    def note(self) -> str:
        """Say how it was made, and who is missing."""
        said = f"out-of-fold groups: the modelling step and its cut-off are done again in each of {self.folds} folds"
        if not self.reasons:
            return said
        left_out = int((~self.known).sum())
        return f"{said}; {len(self.reasons)} folds gave no model ({self.reasons[0]}), {left_out} patients are left out"


def out_of_fold(
    table: SurvivalTable,
    modelling: CoxModelling,
    cutoff: RiskCutoff,
    *,
    folds: int = FOLDS,
    seed: int = 0,
    progress: Progress = no_progress,
) -> OutOfFold:
    """Predict every training patient by a model of the others.

    Args:
        table: the training patients, no split.
        modelling: the whole modelling step.
        cutoff: of the model; its rule is applied again in every fold, a given value is kept.
        folds: as many, or as there are events.
        seed: of the folds.
        progress: told after each fold.

    Raises:
        ModelError: there are fewer than two events, or no fold has a model.
    """
    count = min(folds, table.events)
    if count < 2:
        raise ModelError(f"{table.events} events cannot be dealt into folds")
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(table))
    shuffled = shuffled[np.argsort(table.event[shuffled], kind="stable")]
    fold_of = np.empty(len(table), int)
    fold_of[shuffled] = np.arange(len(table)) % count
    risk, is_high, reasons = np.full(len(table), np.nan), np.zeros(len(table), bool), []
    for fold in range(count):
        mine = fold_of == fold
        try:
            risk[mine], is_high[mine] = _predicted(table.rows(~mine), table.rows(mine), modelling, cutoff)
        except (ModelError, InputError) as error:
            reasons.append(str(error))
        progress((fold + 1) / count, f"fold {fold + 1} of {count}")
    if not np.isfinite(risk).any():
        raise ModelError(f"no fold has a model: {reasons[0]}")
    return OutOfFold(risk, is_high, table.ids, count, tuple(reasons))


def _predicted(
    training: SurvivalTable, others: SurvivalTable, modelling: CoxModelling, cutoff: RiskCutoff
) -> tuple[np.ndarray, np.ndarray]:
    try:
        model = modelling.fit(training).model
    except NothingChosen as error:  # one risk for all makes no groups: told, not dealt to one side
        raise ModelError(str(error)) from None
    own, risk = model.linear_predictor(training.frame), model.linear_predictor(others.frame)
    if cutoff.method is CutoffMethod.MEDIAN:
        cutoff = median_cutoff(own)
    elif cutoff.method is CutoffMethod.YOUDEN:
        assert cutoff.horizon is not None
        cutoff = youden_cutoff(training.time, training.event, own, cutoff.horizon)
    return risk, cutoff.is_high(risk)
