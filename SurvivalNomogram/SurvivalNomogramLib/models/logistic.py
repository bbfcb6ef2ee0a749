"""The logistic model for binary end points, with the face of the Cox model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics import logistic_fit

from ..tables.covariates import DesignMatrix, ModelOfTerms, Term, check_full_rank
from .cox import (
    Coefficient,
    check_parts,
    check_shape,
    chosen_terms,
    coefficient_lines,
    few_events,
)

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.cohort_table import CohortTable

SUSPECT_RANGE = 12.0
"""Range of the log odds from which on the exact check for separation is worth its time."""


@dataclass(frozen=True)
class LogisticModel(ModelOfTerms):
    """A fitted logistic model.

    Args:
        terms: covariates with their levels.
        intercept: log odds of the event where all design columns are zero.
        coefficients: (p,) log odds ratios, one for each of ``columns``.
        covariance: (p + 1, p + 1), the intercept first.
        log_likelihood, null_log_likelihood: with the covariates, and with the intercept alone.
        n, events: patients and events of the fit.
        warnings: what a reader should know, one line each.
    """

    terms: tuple[Term, ...]
    intercept: float
    coefficients: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    null_log_likelihood: float
    n: int
    events: int
    warnings: tuple[str, ...] = ()

    @property
    def aic(self) -> float:
        """Akaike's criterion, the intercept counted."""
        return 2 * (len(self.coefficients) + 1) - 2 * self.log_likelihood

    def linear_predictor(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the log odds (n,), intercept included.

        Raises:
            InputError: a column or value is missing, or a category was not seen in training.
        """
        return self.intercept + self.design.transform(frame) @ self.coefficients

    def predict_probability(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the probability of the event (n,)."""
        from scipy.special import expit

        return expit(self.linear_predictor(frame))

    def summary(self, confidence: float = 0.95) -> list[Coefficient]:
        """Return one line for each column; ``hazard_ratio`` and its interval are odds ratios."""
        return coefficient_lines(self.columns, self.coefficients, self.covariance[1:, 1:], confidence)

    def to_dict(self) -> dict[str, object]:
        """Return the model as numbers, texts and lists that JSON holds without loss."""
        return {
            "kind": "logistic",
            "terms": [term.to_dict() for term in self.terms],
            "columns": list(self.columns),
            "intercept": self.intercept,
            "coefficients": self.coefficients.tolist(),
            "covariance": self.covariance.tolist(),
            "log_likelihood": self.log_likelihood,
            "null_log_likelihood": self.null_log_likelihood,
            "n": self.n,
            "events": self.events,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LogisticModel:
        """Rebuild a model from :meth:`to_dict`; InputError where a part is missing."""
        if data.get("kind") != "logistic":
            raise InputError(f"this bundle holds a model of kind {data.get('kind')!r}, not a logistic model")
        check_parts(data, ("terms", "intercept", "coefficients", "covariance", "n", "events"))
        terms = tuple(Term.from_dict(term) for term in data["terms"])
        coefficients = np.array(data["coefficients"], float)
        check_shape(terms, coefficients)
        return cls(
            terms=terms,
            intercept=float(data["intercept"]),
            coefficients=coefficients,
            covariance=np.array(data["covariance"], float),
            log_likelihood=float(data["log_likelihood"]),
            null_log_likelihood=float(data["null_log_likelihood"]),
            n=int(data["n"]),
            events=int(data["events"]),
            warnings=tuple(data.get("warnings", ())),
        )


def fit_logistic(table: CohortTable, covariates: Sequence[str | Term] | None = None) -> LogisticModel:
    """Fit a logistic model by maximum likelihood on the training patients.

    Args:
        table: patients with a binary event (:func:`SurvivalNomogramLib.tables.binary_table.read_binary_table`).
        covariates: names or terms to enter; all of the table's terms when None.

    Raises:
        InputError: a covariate is not in the table, or is an interaction.
        ModelError: one outcome only, constant or collinear columns, or columns that separate the outcomes
            so that the likelihood has no maximum; the message names them.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.binary_table import read_binary_table
        >>> frame = pd.DataFrame({"y": [0, 0, 1, 0, 1, 1], "age": [40, 50, 52, 60, 61, 70]})
        >>> fit_logistic(read_binary_table(frame, event="y")).columns
        ('age',)
    """
    training = table.training
    terms = chosen_terms(training, covariates)
    design = DesignMatrix(terms)
    x = design.transform(training.frame)
    rarer = min(training.events, len(training) - training.events)
    if not rarer:
        raise ModelError("all training patients have the same outcome: nothing can be fitted")
    check_full_rank(x, design.columns)
    intercept, coefficients, covariance, log_likelihood = _fit(x, training.event, design.columns)
    rate = training.events / len(training)
    null = len(training) * (rate * np.log(rate) + (1 - rate) * np.log1p(-rate))
    return LogisticModel(
        terms=terms,
        intercept=intercept,
        coefficients=coefficients,
        covariance=covariance,
        log_likelihood=log_likelihood,
        null_log_likelihood=float(null),
        n=len(training),
        events=training.events,
        warnings=tuple(few_events(rarer, x.shape[1])),
    )


def _fit(x: np.ndarray, event: np.ndarray, columns: Sequence[str]) -> tuple[float, np.ndarray, np.ndarray, float]:
    """Fit standardised columns, and return to the columns' own scale."""
    mean, spread = x.mean(axis=0), x.std(axis=0)
    standard = (x - mean) / spread
    try:
        fit = logistic_fit.fit_logistic(standard, event, largest_predictor=np.inf)
    except ModelError:
        _refuse_separation(standard, event, columns)
        raise
    if np.ptp(standard @ fit.coefficients) >= SUSPECT_RANGE:
        _refuse_separation(standard, event, columns)
    back = np.eye(x.shape[1] + 1)
    back[0, 1:] = -mean / spread
    back[1:, 1:] = np.diag(1 / spread)
    natural = back @ np.concatenate([[fit.intercept], fit.coefficients])
    return float(natural[0]), natural[1:], back @ fit.covariance @ back.T, fit.log_likelihood


def _refuse_separation(x: np.ndarray, event: np.ndarray, columns: Sequence[str]) -> None:
    guilty = separating_columns(x, event)
    if guilty:
        named = " with ".join(repr(columns[k]) for k in guilty)
        raise ModelError(
            f"{named} separates the outcomes, so its coefficient is infinite: merge categories or remove it"
        )


def separating_columns(x: np.ndarray, event: np.ndarray) -> list[int]:
    """Return the columns that separate the outcomes completely or with ties; empty if none do.

    Args:
        x: standardised covariates (n, p).
        event: (n,) 0 or 1.

    Reference:
        Albert A, Anderson JA. On the existence of maximum likelihood estimates in logistic regression models.
        Biometrika 1984;71:1-10.
    """
    single = [k for k in range(x.shape[1]) if _is_separated(x[:, [k]], event)]
    if single:
        return single
    if not _is_separated(x, event):
        return []
    allowed = list(range(x.shape[1]))
    for column in range(x.shape[1]):
        fewer = [k for k in allowed if k != column]
        if fewer and _is_separated(x[:, fewer], event):
            allowed = fewer
    return allowed


def _is_separated(x: np.ndarray, event: np.ndarray) -> bool:
    """Some plane has no event on one side and no censored patient on the other, by linear programming."""
    from scipy.optimize import linprog

    signed = np.where(event == 1, 1.0, -1.0)[:, np.newaxis] * np.column_stack([np.ones(len(x)), x])
    solution = linprog(
        -signed.sum(axis=0),
        A_ub=-signed,
        b_ub=np.zeros(len(x)),
        bounds=[(-1, 1)] * signed.shape[1],
        method="highs",
    )
    return bool(solution.status == 0 and -solution.fun > 1e-7)
