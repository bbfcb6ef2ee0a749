"""Stepwise selection of a Cox model by an information criterion, step for step as R's ``step``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..estimation.partial_likelihood import maximise
from ..tables.covariates import DesignMatrix, Term, check_full_rank
from .cox import CoxModel, chosen_terms, fit_cox

if TYPE_CHECKING:
    from ..tables.survival_table import SurvivalTable

SLACK = 1e-7
"""A step must lower the criterion by more than minus this, as in R."""


class Direction(Enum):
    """Which steps are allowed."""

    BACKWARD = "backward"
    FORWARD = "forward"
    BOTH = "both"


@dataclass(frozen=True)
class Candidate:
    """One change that was weighed: "- age", "+ sex", or "" for none, with the criterion it leads to."""

    change: str
    criterion: float


@dataclass(frozen=True)
class Step:
    """A model on the way.

    Args:
        change: what led here ("- age", "+ sex"); "" for the start.
        terms: names of the covariates now in the model.
        criterion: -2 log likelihood + penalty x coefficients.
        candidates: the changes weighed from here, best first; "" is to stay.
    """

    change: str
    terms: tuple[str, ...]
    criterion: float
    candidates: tuple[Candidate, ...] = ()


@dataclass(frozen=True)
class StepwiseResult:
    """The path of a stepwise selection, and the model at its end.

    Args:
        warnings: candidates whose likelihood has no maximum, one line each; their criterion is its limit.
    """

    steps: tuple[Step, ...]
    model: CoxModel
    warnings: tuple[str, ...] = ()

    @property
    def path(self) -> tuple[str, ...]:
        """The changes in order."""
        return tuple(step.change for step in self.steps[1:])


def stepwise_cox(
    table: SurvivalTable,
    covariates: Sequence[str | Term] | None = None,
    direction: Direction | str = Direction.BACKWARD,
    *,
    starts_full: bool | None = None,
    keep: Sequence[str] = (),
    penalty: float = 2.0,
    progress: Progress = no_progress,
) -> StepwiseResult:
    """Select covariates of a Cox model step by step; a category enters or leaves with all its columns.

    Args:
        table: patients; where there is a split, those labelled "train" are used.
        covariates: names or terms to choose from; all of the table's when None.
        direction: "backward", "forward" or "both".
        starts_full: start with all covariates, or with none (plus ``keep``); by default with none for
            "forward" and with all otherwise, as R.
        keep: covariates that never leave.
        penalty: price of a coefficient; 2 is AIC, log(events) is BIC for the Cox model.
        progress: called at each step.

    Raises:
        InputError: the direction, a covariate or the penalty cannot be used.
        ModelError: the start has collinear or constant columns, or the chosen model cannot be fitted.

    Reference:
        Venables WN, Ripley BD. Modern Applied Statistics with S, 4th ed., 6.8 (stepAIC).
    """
    search = _Search(table.training, chosen_terms(table.training, covariates), penalty)
    way = _direction(direction)
    if penalty <= 0:
        raise InputError(f"penalty must be above zero, not {penalty:g}")
    for name in keep:
        if name not in search.terms:
            raise InputError(f"keep names {name!r}, which is not among the covariates")
    begins_full = way is not Direction.FORWARD if starts_full is None else starts_full
    names = list(search.terms) if begins_full else [name for name in search.terms if name in keep]
    search.check(names)
    steps = search.walk(names, way, set(keep), progress)
    model = fit_cox(table, [search.terms[name] for name in steps[-1].terms])
    return StepwiseResult(tuple(steps), model, tuple(search.warnings.values()))


def _direction(direction: Direction | str) -> Direction:
    try:
        return Direction(direction)
    except ValueError:
        choices = ", ".join(choice.value for choice in Direction)
        raise InputError(f"direction {direction!r} is unknown; choose one of {choices}") from None


class _Search:
    def __init__(self, training: SurvivalTable, terms: tuple[Term, ...], penalty: float) -> None:
        if not training.events:
            raise ModelError("no training patient has the event: nothing can be selected")
        self.training, self.penalty = training, penalty
        self.terms = {term.name: term for term in terms}
        self.blocks = {term.name: DesignMatrix((term,)).transform(training.frame) for term in terms}
        self.warnings: dict[frozenset[str], str] = {}
        self._known: dict[frozenset[str], float] = {}

    def check(self, names: Sequence[str]) -> None:
        columns = DesignMatrix(tuple(self.terms[name] for name in names)).columns
        if len(columns) >= self.training.events:
            raise ModelError(
                f"{len(columns)} coefficients cannot be fitted with {self.training.events} events: start from "
                "fewer covariates, go forward, or select them with LASSO-Cox"
            )
        check_full_rank(self._matrix(names), columns)

    def _matrix(self, names: Sequence[str]) -> np.ndarray:
        return np.hstack([np.empty((len(self.training), 0)), *(self.blocks[name] for name in names)])

    def criterion(self, names: Sequence[str]) -> float:
        key = frozenset(names)
        if key not in self._known:
            x = self._matrix(names)
            best = maximise(x, self.training.time, self.training.event)
            if not best.is_sound:
                self.warnings[key] = (
                    f"the likelihood of the model with {', '.join(names)} has no maximum (a category without "
                    "events, or separation); its criterion is the limit"
                )
            self._known[key] = self.penalty * x.shape[1] - 2 * best.log_likelihood
        return self._known[key]

    def walk(self, names: list[str], way: Direction, keep: set[str], progress: Progress) -> list[Step]:
        steps = [Step("", tuple(names), self.criterion(names))]
        while True:
            progress(0.5, f"{len(names)} covariates, criterion {steps[-1].criterion:.2f}")
            options = self._options(names, way, keep)
            # Stable: among equals R takes the first, and staying comes first.
            ranked = sorted(options, key=lambda change: options[change][1])
            weighed = tuple(Candidate(change, options[change][1]) for change in ranked)
            steps[-1] = Step(steps[-1].change, steps[-1].terms, steps[-1].criterion, weighed)
            chosen, criterion = options[ranked[0]]
            if not ranked[0] or criterion >= steps[-1].criterion + SLACK:
                progress(1.0, "selection done")
                return steps
            names = chosen
            steps.append(Step(ranked[0], tuple(names), criterion))

    def _options(self, names: list[str], way: Direction, keep: set[str]) -> dict[str, tuple[list[str], float]]:
        changes: dict[str, list[str]] = {"": list(names)}
        if way is not Direction.FORWARD:
            changes |= {f"- {name}": [k for k in names if k != name] for name in names if name not in keep}
        if way is not Direction.BACKWARD:
            changes |= {f"+ {name}": [*names, name] for name in self.terms if name not in names}
        return {change: (after, self.criterion(after)) for change, after in changes.items()}
