"""Cumulative incidence of a patient from cause-specific Cox models combined.

A Cox model of one event with the others taken as censoring gives a hazard, not a risk: one minus its survival is the
risk in a world without the other events, and is too large wherever they happen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError

from ..estimation.relative_hazard import relative_hazard
from .cox import CoxModel, fit_cox
from .fine_gray import FineGrayModel, fit_fine_gray
from .incidence_interval import IncidenceInterval, incidence_interval

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.survival_table import SurvivalTable


@dataclass(frozen=True)
class CompetingCauses:
    """What a bundle keeps of the events that compete with the one its Cox model is of.

    Args:
        event: name of the event of interest.
        models: name of each competing event to its cause-specific Cox model.
        fine_gray: model of the subdistribution hazard of the event of interest; None if it could not be fitted.
        warnings: what a reader should know, one line each.
    """

    event: str
    models: Mapping[str, CoxModel]
    fine_gray: FineGrayModel | None = None
    warnings: tuple[str, ...] = ()

    def incidence_at(
        self, model: CoxModel, frame: pd.DataFrame, times: Sequence[float] | np.ndarray | float
    ) -> np.ndarray:
        """Return cumulative incidences (n, k) of the event of interest at ``times`` (k,).

        Args:
            model: cause-specific Cox model of the event of interest.
            frame: (n rows) covariates.
            times: (k,) horizons within the follow-up.

        Raises:
            InputError: a column or value is missing, or a time lies beyond the follow-up.
        """
        return combined_incidence([model, *self.models.values()], frame, times)[0]

    def has_intervals(self, model: CoxModel) -> bool:
        """Whether every cause's model holds what an interval needs; a penalised one has no covariance."""
        return all(each.has_intervals and each.penalty is None for each in (model, *self.models.values()))

    def incidence_interval(
        self, model: CoxModel, frame: pd.DataFrame, times: Sequence[float] | np.ndarray, confidence: float = 0.95
    ) -> IncidenceInterval:
        """Return cumulative incidences (n, k) with their log-log interval; arguments as :meth:`incidence_at`."""
        return incidence_interval([model, *self.models.values()], frame, times, confidence)

    def to_dict(self) -> dict[str, object]:
        """Return plain values, as they stand in a bundle."""
        return {
            "event": self.event,
            "models": {name: model.to_dict() for name, model in self.models.items()},
            "fine_gray": None if self.fine_gray is None else self.fine_gray.to_dict(),
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CompetingCauses:
        """Rebuild from :meth:`to_dict`; InputError where a part is missing or has the wrong form."""
        models = {str(name): CoxModel.from_dict(model) for name, model in data["models"].items()}
        if not models:
            raise InputError("the bundle speaks of competing events and holds the model of none")
        fine_gray = data.get("fine_gray")
        return cls(
            str(data["event"]),
            models,
            None if fine_gray is None else FineGrayModel.from_dict(fine_gray),
            tuple(data.get("warnings", ())),
        )


def fit_competing_causes(table: SurvivalTable, model: CoxModel) -> CompetingCauses | None:
    """Fit what turns a Cox model of the event into a cumulative incidence; None without competing events.

    Every competing event gets a Cox model with the covariates of the event's own model. Where it has too few events
    for them, or one of them separates it, its hazard is taken as the same for all patients, and a warning says so: an
    incidence without its competitors would be further off.

    Args:
        table: the patients that the model was fitted on (those labelled "train" are used).
        model: cause-specific Cox model of the event of interest.

    Raises:
        ModelError: the competing hazard cannot be estimated at all.
    """
    training = table.training
    if training.state is None:
        return None
    names = dict(enumerate(training.state_names)) if training.state_names else {}
    models, warnings = {}, []
    for state in sorted({int(s) for s in training.state if s > 1}):
        name = names.get(state, str(state))
        other = replace(training, event=(training.state == state).astype(int), state=None)
        try:
            models[name] = fit_cox(other, model.terms)
        except ModelError as error:
            models[name] = fit_cox(other, [])
            warnings.append(f"competing event {name!r} is taken to be equally likely for all patients: {error}")
    if not models:
        return None
    try:
        fine_gray = fit_fine_gray(training, model.terms)
    except ModelError as error:
        fine_gray = None
        warnings.append(f"no Fine-Gray model: {error}")
    return CompetingCauses(names.get(1, "1"), models, fine_gray, tuple(warnings))


def combined_incidence(
    models: Sequence[CoxModel], frame: pd.DataFrame, times: Sequence[float] | np.ndarray | float
) -> np.ndarray:
    """Return the cumulative incidence (causes, n, k) of every cause at ``times`` (k,).

    Between two event times the patient's hazards are constant, so that a step of all causes together, dH, takes the
    share 1 - exp(-dH) of those still free of events and divides it among the causes as their hazards are. The
    incidences and exp(-H) add up to one exactly, a large step takes nobody twice (the product limit's 1 - dH may turn
    negative), and with a single cause this is 1 - ``CoxModel.survival_at``.

    Args:
        models: cause-specific Cox models of the same patients, one for each kind of event.
        frame: (n rows) covariates.
        times: (k,) horizons within the follow-up.

    Raises:
        InputError: a column or value is missing, or a time lies beyond the follow-up.

    Reference:
        Aalen OO, Johansen S. Scand J Stat 1978;5:141; as R's ``survfit`` of a multi-state ``coxph``. riskRegression's
        ``CSC`` takes the product limit instead: the two differ by the order of one step.
    """
    risks = relative_hazard(np.stack([model.linear_predictor(frame) for model in models]))
    return incidence_of_risks(models, risks, times)


def incidence_of_risks(
    models: Sequence[CoxModel], risks: np.ndarray, times: Sequence[float] | np.ndarray | float
) -> np.ndarray:
    """Do :func:`combined_incidence` for patients whose exp(linear predictor) is known, (causes, n)."""
    times = np.atleast_1d(np.asarray(times, float))
    for model in models:
        model.baseline.at(times)  # refuses a horizon outside the follow-up
    grid = np.unique(np.concatenate([model.baseline.times for model in models]))
    grid = grid[grid <= times.max()]
    place = np.searchsorted(grid, times, side="right")
    steps = np.stack([np.diff(model.baseline.at(grid), prepend=0.0) for model in models])
    incidence = np.empty((len(models), risks.shape[1], len(times)))
    for row in range(risks.shape[1]):  # one patient at a time: all at once would need causes x patients x times
        own = risks[:, row, np.newaxis] * steps
        together = own.sum(axis=0)
        free = np.exp(-np.concatenate(([0.0], np.cumsum(together))))
        share = np.divide(own, together, out=np.zeros_like(own), where=together > 0)
        reached = np.cumsum(share * -np.diff(free), axis=1)
        incidence[:, row] = np.concatenate((np.zeros((len(models), 1)), reached), axis=1)[:, place]
    return incidence
