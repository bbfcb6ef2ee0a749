"""A Cox model for each covariate alone, fast enough for thousands of features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..estimation.monotone_likelihood import monotone_columns
from ..estimation.partial_likelihood import (
    CONVERGED_DECREMENT,
    FARTHEST,
    MAXIMUM_STEPS,
    is_suspect,
    log_likelihood,
    maximise,
    sums_at_events,
)
from ..estimation.risk_sets import RiskSets, risk_sets
from ..tables.covariates import DesignMatrix, Term
from .cox import Coefficient, chosen_terms, coefficient_lines

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.survival_table import SurvivalTable

CHUNK = 256
"""Covariates that are fitted at once."""


@dataclass(frozen=True)
class UnivariableLine:
    """The Cox model of one covariate.

    Args:
        term: the covariate.
        coefficients: one line for each of its columns (levels); empty where ``reason`` says why.
        chi_square, degrees_of_freedom, p: likelihood ratio test of the whole covariate. For a separating
            covariate it is the limit, which the likelihood does reach.
        reason: why there are no coefficients; "" otherwise.
    """

    term: Term
    coefficients: tuple[Coefficient, ...]
    chi_square: float
    degrees_of_freedom: int
    p: float
    reason: str = ""


def univariable_cox(
    table: SurvivalTable,
    covariates: Sequence[str | Term] | None = None,
    *,
    confidence: float = 0.95,
    progress: Progress = no_progress,
) -> list[UnivariableLine]:
    """Fit a Cox model for each covariate alone (Efron's ties).

    Args:
        table: patients; where there is a split, those labelled "train" are used.
        covariates: names or terms; all of the table's when None.
        confidence: of the intervals, in (0, 1).
        progress: called after each group of covariates.

    Returns:
        One line for each covariate, in the order asked for.

    Raises:
        InputError: a covariate is not in the table.
        ModelError: no training patient has the event.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> frame = pd.DataFrame({"t": [5.0, 8, 9, 12, 14, 20], "e": [1, 1, 0, 1, 0, 1],
        ...                       "age": [70.0, 52, 66, 58, 61, 49]})
        >>> table = read_survival_table(frame, time="t", event="e")
        >>> len(univariable_cox(table))
        1
    """
    training = table.training
    if not training.events:
        raise ModelError("no training patient has the event: nothing can be fitted")
    terms = chosen_terms(training, covariates)
    numeric = [term for term in terms if not term.is_categorical]
    lines: dict[str, UnivariableLine] = {}
    for start in range(0, len(numeric), CHUNK):
        group = numeric[start : start + CHUNK]
        lines |= _numeric_lines(training, group, confidence)
        progress((start + len(group)) / len(terms), f"univariable Cox: {start + len(group)} covariates")
    for term in terms:
        if term.is_categorical:
            lines[term.name] = _categorical_line(training, term, confidence)
    progress(1.0, "univariable Cox done")
    return [lines[term.name] for term in terms]


def univariable_frame(lines: Sequence[UnivariableLine]) -> pd.DataFrame:
    """Return the lines as a table: a row for each column, the test of the covariate in each of its rows."""
    import pandas as pd

    rows = []
    for line in lines:
        whole = {"covariate": line.term.name, "lr_chi_square": line.chi_square, "lr_p": line.p}
        note = {"reason": line.reason}
        if not line.coefficients:
            rows.append(whole | {"column": ", ".join(line.term.columns)} | note)
        rows += [whole | vars(coefficient) | note for coefficient in line.coefficients]
    names = ["covariate", "column", *list(Coefficient.__dataclass_fields__)[1:], "lr_chi_square", "lr_p", "reason"]
    return pd.DataFrame(rows, columns=names)


def significant(lines: Sequence[UnivariableLine], p_below: float = 0.05) -> list[str]:
    """Return the covariates whose likelihood ratio test lies below ``p_below``."""
    return [line.term.name for line in lines if line.p < p_below]


def _line(
    term: Term, beta: np.ndarray, covariance: np.ndarray, chi_square: float, confidence: float, reason: str
) -> UnivariableLine:
    from scipy.special import chdtrc

    chi_square = max(chi_square, 0.0)
    coefficients = () if reason else tuple(coefficient_lines(term.columns, beta, covariance, confidence))
    degrees = len(term.columns)
    return UnivariableLine(term, coefficients, chi_square, degrees, float(chdtrc(degrees, chi_square)), reason)


def _separates(x: np.ndarray, training: SurvivalTable, term: Term) -> str:
    guilty = monotone_columns(x, training.time, training.event)
    if not guilty:
        return ""
    named = " with ".join(repr(term.columns[k]) for k in guilty)
    return f"{named} separates the events from the patients at risk: its coefficient is infinite"


def _categorical_line(training: SurvivalTable, term: Term, confidence: float) -> UnivariableLine:
    x = DesignMatrix((term,)).transform(training.frame)
    best = maximise(x, training.time, training.event)
    reason = "" if best.is_sound else _separates(x, training, term)
    gained = 2 * (best.log_likelihood - best.null_log_likelihood)
    return _line(term, best.coefficients, best.covariance, gained, confidence, reason)


def _numeric_lines(training: SurvivalTable, terms: Sequence[Term], confidence: float) -> dict[str, UnivariableLine]:
    x = DesignMatrix(tuple(terms)).transform(training.frame)
    sets = risk_sets(training.time, training.event)
    spread = x.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    standard = ((x - x.mean(axis=0)) / spread)[sets.order]
    null = log_likelihood(sets, np.zeros(len(x)))
    beta, value, information = _maximise_each(sets, standard)
    lines = {}
    for k, term in enumerate(terms):
        is_sound = not is_suspect(standard[:, k] * beta[k])
        reason = "" if is_sound else _separates(x[:, [k]], training, term)
        if information[k] <= 0:
            reason = f"column {term.name!r} is the same in all patients at risk at the events"
        covariance = np.array([[1 / (max(information[k], 1e-300) * spread[k] ** 2)]])
        gained = 2 * (value[k] - null)
        lines[term.name] = _line(term, beta[[k]] / spread[k], covariance, gained, confidence, reason)
    return lines


def _maximise_each(sets: RiskSets, x: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Newton's method on each column (n, q) of its own: coefficients, log-likelihoods, informations (q,)."""
    beta = np.zeros(x.shape[1])
    value, score, information = _evaluate_each(sets, x, beta)
    moving = information > 0
    for _ in range(MAXIMUM_STEPS):
        step = np.where(moving, score / np.where(information > 0, information, 1.0), 0.0)
        is_last = score * step / 2 < CONVERGED_DECREMENT
        for _ in range(30):
            ahead = _evaluate_each(sets, x, beta + step)
            lost = ~(ahead[0] >= value - 1e-13 * (1 + np.abs(value)))
            if not lost.any():
                break
            step = np.where(lost, step / 2, step)
        beta, (value, score, information) = beta + step, ahead
        moving &= ~is_last & (np.abs(beta) < FARTHEST) & (information > 0)
        if not moving.any():
            break
    return beta, value, information


def _evaluate_each(sets: RiskSets, x: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    predictor = x * beta
    top = predictor.max(axis=0)
    with np.errstate(all="ignore"):  # a step too far overflows; the caller halves it
        risk = np.exp(predictor - top)
        total = sums_at_events(sets, risk)
        means = sums_at_events(sets, risk * x) / total
        squares = sums_at_events(sets, risk * x * x) / total
        value = predictor[sets.event].sum(axis=0) - np.log(total).sum(axis=0) - len(sets.tied) * top
    score = x[sets.event].sum(axis=0) - means.sum(axis=0)
    return value, score, (squares - means**2).sum(axis=0)
