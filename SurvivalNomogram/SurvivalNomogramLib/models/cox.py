"""The Cox model: fitted once, then a small thing that predicts, prints and travels as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError

from ..estimation.monotone_likelihood import monotone_columns
from ..estimation.partial_likelihood import Maximum, maximise
from ..estimation.relative_hazard import relative_hazard
from ..estimation.risk_sets import risk_sets
from ..estimation.survival_interval import SurvivalInterval, hazard_moments, log_log_interval
from ..tables.covariates import DesignMatrix, ModelOfTerms, Term, check_full_rank

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.cohort_table import CohortTable
    from ..tables.survival_table import SurvivalTable

EVENTS_PER_VARIABLE = 10
"""Fewer events a coefficient than this, and the model says that its intervals are not to be trusted."""


@dataclass(frozen=True)
class Coefficient:
    """One line of a model's summary. ``hazard_ratio`` is the odds ratio in a logistic model."""

    column: str
    coefficient: float
    standard_error: float
    hazard_ratio: float
    lower: float
    upper: float
    z: float
    p: float


@dataclass(frozen=True)
class Baseline:
    """Cumulative hazard of a patient whose design columns all stand at the model's centre.

    Args:
        times: (m,) distinct event times, rising.
        cumulative_hazard: (m,) Efron's estimate, as R's ``basehaz`` and ``survfit`` for ``coxph``.
        last_time: end of the follow-up, the longest time of any patient.
        variance: (m,) of the cumulative hazard at known coefficients; None in a bundle of an older version.
        drift: (m, p) how the cumulative hazard falls with each coefficient; None in a bundle of an older version.
    """

    times: np.ndarray
    cumulative_hazard: np.ndarray
    last_time: float
    variance: np.ndarray | None = None
    drift: np.ndarray | None = None

    def at(self, times: np.ndarray) -> np.ndarray:
        """Return the cumulative hazard (k,) at ``times`` (k,); a step function, zero before the first event.

        Raises:
            InputError: a time is negative or lies beyond the follow-up.
        """
        steps = np.concatenate(([0.0], self.cumulative_hazard))
        return steps[self._place(times)]

    def moments_at(self, times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return variance (k,) and drift (k, p) of the cumulative hazard at ``times`` (k,).

        Raises:
            InputError: as :meth:`at`, or the bundle was written before there were intervals.
        """
        if self.variance is None or self.drift is None:
            raise InputError(
                "the bundle does not hold what an interval of the predicted survival needs; write it again with "
                "`peritumoral cox`"
            )
        place = self._place(times)
        nothing = np.zeros((1, self.drift.shape[1]))
        return np.concatenate(([0.0], self.variance))[place], np.concatenate((nothing, self.drift))[place]

    def _place(self, times: np.ndarray) -> np.ndarray:
        """Number of event times up to and including each of ``times``."""
        times = np.atleast_1d(np.asarray(times, float))
        if not np.isfinite(times).all() or (times < 0).any() or (times > self.last_time).any():
            bad = times[~((times >= 0) & (times <= self.last_time))][0]
            raise InputError(
                f"horizon {bad:g} is outside the follow-up: the last event is at {self.times[-1]:g}, the last "
                f"patient was seen at {self.last_time:g}; choose an earlier horizon"
            )
        return np.searchsorted(self.times, times, side="right")


@dataclass(frozen=True)
class CoxModel(ModelOfTerms):
    """A fitted Cox model.

    Args:
        terms: covariates with their levels.
        coefficients: (p,) log hazard ratios, one for each of ``columns``.
        covariance: (p, p) inverse of the observed information; NaN of a penalised model, which has no such thing.
        center: (p,) means of the training patients' design columns, dummies included. The linear predictor
            is ``(x - center) @ coefficients`` and the baseline belongs to ``x = center``.
        log_likelihood, null_log_likelihood: Efron's log partial likelihood at the coefficients and at zero.
        n, events: patients and events of the fit.
        baseline: cumulative hazard at ``center``.
        time_unit: unit of all times.
        warnings: what a reader should know, one line each.
        penalty: lambda of a LASSO-Cox model, whose coefficients are shrunk; None: the maximum of the likelihood.
    """

    terms: tuple[Term, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    center: np.ndarray
    log_likelihood: float
    null_log_likelihood: float
    n: int
    events: int
    baseline: Baseline
    time_unit: str = "days"
    warnings: tuple[str, ...] = ()
    penalty: float | None = None

    @property
    def aic(self) -> float:
        """Akaike's criterion, -2 log likelihood + 2 coefficients."""
        return 2 * len(self.coefficients) - 2 * self.log_likelihood

    def linear_predictor(self, frame: pd.DataFrame) -> np.ndarray:
        """Return ``(x - center) @ coefficients`` (n,), as R's ``predict(type="lp")`` up to its constant.

        Raises:
            InputError: a column or value is missing, or a category was not seen in training.
        """
        return (self.design.transform(frame) - self.center) @ self.coefficients

    def survival_at(self, frame: pd.DataFrame, times: Sequence[float] | np.ndarray | float) -> np.ndarray:
        """Return survival probabilities (n, k) of the patients at ``times`` (k,).

        Raises:
            InputError: as :meth:`linear_predictor`, or a time beyond the follow-up.
        """
        hazard = self.baseline.at(np.atleast_1d(np.asarray(times, float)))
        return np.exp(-relative_hazard(self.linear_predictor(frame))[:, np.newaxis] * hazard)

    @property
    def has_intervals(self) -> bool:
        """Whether the baseline holds what an interval of the predicted survival needs."""
        return self.baseline.variance is not None

    def survival_interval(
        self, frame: pd.DataFrame, times: Sequence[float] | np.ndarray | float, confidence: float = 0.95
    ) -> SurvivalInterval:
        """Return survival probabilities with their log-log interval, each (n, k).

        The variance of -log S(t|x) is exp(2 lp) [sum 1/S0^2 + d' V d] with d = (x - centre) H(t) - drift(t): what
        the baseline's steps and what the coefficients add. It is that of the patient's expected survival given the
        selected covariates; it knows nothing of the selection.

        Args:
            frame: (n rows) covariates.
            times: (k,) horizons within the follow-up.
            confidence: level.

        Raises:
            InputError: as :meth:`survival_at`, or the bundle was written before there were intervals.

        Reference:
            As R's ``survfit(coxph(...), newdata, conf.type = "log-log")``.
        """
        return self.interval_at(self.design.transform(frame) - self.center, times, confidence)

    def interval_at(
        self, x: np.ndarray, times: Sequence[float] | np.ndarray | float, confidence: float = 0.95
    ) -> SurvivalInterval:
        """Do :meth:`survival_interval` for design columns less their centre, (n, p)."""
        risk = relative_hazard(x @ self.coefficients)[:, np.newaxis]
        times = np.atleast_1d(np.asarray(times, float))
        hazard = self.baseline.at(times)
        variance, drift = self.baseline.moments_at(times)
        slope = x[:, np.newaxis, :] * hazard[:, np.newaxis] - drift
        from_coefficients = np.einsum("nkp,pq,nkq->nk", slope, self.covariance, slope)
        return log_log_interval(np.exp(-risk * hazard), risk * np.sqrt(variance + from_coefficients), confidence)

    def median_survival(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the first time (n,) at which survival is 0.5 or less; inf where it never is."""
        needed = np.log(2) / relative_hazard(self.linear_predictor(frame))
        at = np.searchsorted(self.baseline.cumulative_hazard, needed * (1 - 1e-12), side="left")
        return np.append(self.baseline.times, np.inf)[at]

    def summary(self, confidence: float = 0.95) -> list[Coefficient]:
        """Return one line for each column: coefficient, hazard ratio with Wald interval, z and p."""
        return coefficient_lines(self.columns, self.coefficients, self.covariance, confidence)

    def to_dict(self) -> dict[str, object]:
        """Return the model as numbers, texts and lists that JSON holds without loss."""
        return {
            "kind": "cox",
            "ties": "efron",
            "terms": [term.to_dict() for term in self.terms],
            "columns": list(self.columns),
            "coefficients": self.coefficients.tolist(),
            "covariance": None if self.penalty is not None else self.covariance.tolist(),
            "penalty": self.penalty,
            "center": self.center.tolist(),
            "log_likelihood": self.log_likelihood,
            "null_log_likelihood": self.null_log_likelihood,
            "n": self.n,
            "events": self.events,
            "baseline": {
                "at": "center",
                "times": self.baseline.times.tolist(),
                "cumulative_hazard": self.baseline.cumulative_hazard.tolist(),
                "last_time": self.baseline.last_time,
                "variance": None if self.baseline.variance is None else self.baseline.variance.tolist(),
                "drift": None if self.baseline.drift is None else self.baseline.drift.tolist(),
            },
            "time_unit": self.time_unit,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> CoxModel:
        """Rebuild a model from :meth:`to_dict`.

        Raises:
            InputError: the bundle is of another kind, or lacks a part such as the baseline.
        """
        if data.get("kind") != "cox":
            raise InputError(f"this bundle holds a model of kind {data.get('kind')!r}, not a Cox model")
        penalty = data.get("penalty")
        needed = ("terms", "coefficients", "center", "baseline", "n", "events")
        check_parts(data, needed if penalty is not None else ("covariance", *needed))
        baseline = data["baseline"]
        check_parts(baseline, ("times", "cumulative_hazard", "last_time"), "baseline survival")
        terms = tuple(Term.from_dict(term) for term in data["terms"])
        coefficients = np.array(data["coefficients"], float)
        check_shape(terms, coefficients)
        return cls(
            terms=terms,
            coefficients=coefficients,
            covariance=_covariance(data.get("covariance"), len(coefficients)),
            center=np.array(data["center"], float),
            log_likelihood=float(data["log_likelihood"]),
            null_log_likelihood=float(data["null_log_likelihood"]),
            n=int(data["n"]),
            events=int(data["events"]),
            baseline=_baseline_from(baseline, len(coefficients)),
            time_unit=str(data.get("time_unit", "days")),
            warnings=tuple(data.get("warnings", ())),
            penalty=None if penalty is None else float(penalty),
        )


def _baseline_from(data: Mapping[str, Any], columns: int) -> Baseline:
    times = np.array(data["times"], float)
    variance, drift = data.get("variance"), data.get("drift")
    if variance is None or drift is None or not len(times) == len(data["cumulative_hazard"]) > 0:
        # Of an older version, or with a baseline that the bundle refuses for what is wrong with it.
        variance = drift = None
    else:
        variance, drift = np.array(variance, float), np.array(drift, float)
        if variance.shape != times.shape or drift.size != len(times) * columns or not np.isfinite(drift).all():
            raise InputError("the variance of the baseline survival does not fit its times and coefficients")
        drift = drift.reshape(len(times), columns)
        if not (np.isfinite(variance).all() and (np.diff(variance, prepend=0.0) >= 0).all()):
            raise InputError("the variance of the baseline survival does not rise over its times")
    return Baseline(times, np.array(data["cumulative_hazard"], float), float(data["last_time"]), variance, drift)


def _covariance(stored: object, size: int) -> np.ndarray:
    return np.full((size, size), np.nan) if stored is None else np.array(stored, float).reshape(size, size)


def check_parts(data: Mapping[str, Any], names: Sequence[str], what: str = "bundle") -> None:
    """Raise InputError if a bundle lacks one of the named parts."""
    for name in names:
        if data.get(name) is None:
            part = "baseline survival" if name == "baseline" else repr(name)
            raise InputError(f"the {what} has no {part}: without it the model cannot predict; write the bundle again")


def check_shape(terms: tuple[Term, ...], coefficients: np.ndarray) -> None:
    """Raise InputError if a bundle's coefficients do not match its terms."""
    columns = DesignMatrix(terms).columns
    if len(columns) != len(coefficients):
        raise InputError(f"the bundle has {len(coefficients)} coefficients for {len(columns)} columns")


def coefficient_lines(
    columns: Sequence[str], coefficients: np.ndarray, covariance: np.ndarray, confidence: float = 0.95
) -> list[Coefficient]:
    """Return Wald statistics for each column; ``confidence`` in (0, 1)."""
    from scipy.special import ndtr, ndtri

    if not 0 < confidence < 1:
        raise InputError(f"confidence must lie between 0 and 1, not {confidence:g}")
    width = ndtri(0.5 + confidence / 2)
    lines = []
    for column, beta, error in zip(columns, coefficients, np.sqrt(np.diag(covariance)), strict=True):
        with np.errstate(over="ignore"):  # an interval without an end is printed as such
            low, middle, high = np.exp([beta - width * error, beta, beta + width * error])
        z = beta / error
        numbers = (beta, error, middle, low, high, z, 2 * ndtr(-abs(z)))
        lines.append(Coefficient(column, *(float(number) for number in numbers)))
    return lines


def fit_cox(table: SurvivalTable, covariates: Sequence[str | Term] | None = None) -> CoxModel:
    """Fit a Cox model with Efron's ties on the training patients.

    The maximum is found to rounding by :func:`SurvivalNomogramLib.estimation.partial_likelihood.maximise`;
    R's ``coxph``
    and lifelines agree to their own stopping rules (lifelines takes 30 times longer, its rule leaves 1e-6).

    Args:
        table: patients; where there is a split, those labelled "train" are used.
        covariates: names or terms to enter; all of the table's terms when None. None of them (an empty list)
            is the null model.

    Returns:
        The model; its ``warnings`` tell of too few events.

    Raises:
        InputError: a covariate is not in the table, or is an interaction.
        ModelError: columns are constant or collinear, there are fewer patients than columns, or the
            likelihood has no maximum because a column separates the events; the message names it.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> frame = pd.DataFrame({"t": [5.0, 8, 9, 12, 14, 20], "e": [1, 1, 0, 1, 0, 1],
        ...                       "age": [70, 60, 50, 64, 45, 52]})
        >>> model = fit_cox(read_survival_table(frame, time="t", event="e"))
        >>> model.columns, model.n, model.events
        (('age',), 6, 4)

    Reference:
        Cox DR. Regression models and life-tables. JRSS B 1972;34:187-220.
    """
    training = table.training
    terms = chosen_terms(training, covariates)
    design = DesignMatrix(terms)
    x = design.transform(training.frame)
    if not training.events:
        raise ModelError("no training patient has the event: nothing can be fitted")
    if x.shape[1] >= training.events and x.shape[1] > 0:
        raise ModelError(
            f"{x.shape[1]} coefficients cannot be fitted with {training.events} events: choose fewer "
            "covariates, or select them with LASSO-Cox"
        )
    check_full_rank(x, design.columns)
    best = _maximum(x, training, design.columns)
    center = x.mean(axis=0)
    return CoxModel(
        terms=terms,
        coefficients=best.coefficients,
        covariance=best.covariance,
        center=center,
        log_likelihood=best.log_likelihood,
        null_log_likelihood=best.null_log_likelihood,
        n=len(training),
        events=training.events,
        baseline=efron_baseline(training.time, training.event, x - center, best.coefficients),
        time_unit=training.time_unit,
        warnings=tuple(few_events(training.events, x.shape[1])),
    )


def chosen_terms(table: CohortTable, covariates: Sequence[str | Term] | None) -> tuple[Term, ...]:
    """Return the table's terms that ``covariates`` names, in that order."""
    if covariates is None:
        return table.terms
    known = {term.name: term for term in table.terms}
    terms = []
    for covariate in covariates:
        if isinstance(covariate, str) and covariate not in known:
            raise InputError(_unknown(covariate, table))
        terms.append(known[covariate] if isinstance(covariate, str) else covariate)
    return tuple(terms)


def _unknown(name: str, table: CohortTable) -> str:
    told = [line for line in table.warnings if repr(name) in line]  # why it is left out
    if told:
        return told[0]
    if ":" in name or "*" in name:
        return (
            f"{name!r} asks for an interaction, which a nomogram's single axes cannot show: "
            "add the product as a column of its own, or leave it out"
        )
    return f"{name!r} is not a covariate of the table; it has {', '.join(t.name for t in table.terms[:12])}"


def efron_baseline(time: np.ndarray, event: np.ndarray, x: np.ndarray, coefficients: np.ndarray) -> Baseline:
    """Return Efron's cumulative hazard of a patient with all ``x`` zero, and what its intervals need.

    Args:
        time, event: (n,) of the patients of the fit.
        x: (n, p) covariates less their centre.
        coefficients: (p,).
    """
    sets = risk_sets(time, event)
    moments = hazard_moments(sets, np.asarray(x, float)[sets.order], coefficients)
    return Baseline(sets.times, moments.hazard, float(np.max(time)), moments.variance, moments.drift)


def few_events(events: int, columns: int, what: str = "coefficients") -> list[str]:
    """Return a warning if there are fewer than ten events a coefficient.

    Args:
        events: of the fit.
        columns: coefficients; where covariates were selected, those of all candidates, which were looked at too.
        what: they are.
    """
    if not columns or events >= EVENTS_PER_VARIABLE * columns:
        return []
    return [
        f"{events} events for {columns} {what} are {events / columns:.1f} events per variable, fewer than "
        f"{EVENTS_PER_VARIABLE}: coefficients and intervals are unstable, and the model is likely overfitted"
    ]


def _maximum(x: np.ndarray, training: SurvivalTable, columns: Sequence[str]) -> Maximum:
    best = maximise(x, training.time, training.event)
    if not best.is_sound:
        guilty = monotone_columns(x, training.time, training.event)
        if guilty:
            raise ModelError(separation_message([columns[k] for k in guilty]))
    return best


def separation_message(columns: Sequence[str]) -> str:
    """Say that the likelihood has no maximum, and which columns are to blame."""
    named = " with ".join(repr(column) for column in columns)
    return (
        f"{named} separates the events from the patients at risk, so its coefficient is infinite (monotone "
        "likelihood): merge categories or remove it"
    )
