"""Decision curves: net benefit of acting on a predicted risk, for binary and for censored end points.

With censoring the share of events among the positive patients is 1 - Kaplan-Meier at the horizon, as in the
dcurves package (Apache-2.0), to which the values are equal; own code because the bootstrap needs arrays and
dcurves brings statsmodels and a pin on ``typing``. One difference is meant: where all positive patients had
their event before the horizon, their risk is 1 and not missing.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..estimation.competing_risks import incidence_of
from ..estimation.kaplan_meier import survival_at
from ..estimation.outcome_checks import check_horizon, check_outcome, check_probability
from .bootstrap import (
    DEFAULT_BOOTSTRAP,
    BootstrapSettings,
    Refit,
    bootstrap_interval,
    optimism,
    too_few_for_interval,
)

if TYPE_CHECKING:
    import pandas as pd

THRESHOLDS = tuple(np.round(np.arange(0.01, 1.0, 0.01), 2).tolist())
ALL, NONE = "all", "none"


@dataclass(frozen=True)
class DecisionCurve:
    """Net benefit over threshold probabilities.

    Attributes:
        thresholds: (k,).
        net_benefit: model -> (k,), with "all" (everyone treated) and "none"; NaN where it is undefined.
        true_positive_rate, false_positive_rate: model -> (k,) as shares of all patients.
        prevalence: share of events (by the horizon).
        horizon: None for a binary end point.
        intervals: model -> lower and upper end (k,) of its net benefit; empty without resamples.
    """

    thresholds: np.ndarray
    net_benefit: dict[str, np.ndarray]
    true_positive_rate: dict[str, np.ndarray]
    false_positive_rate: dict[str, np.ndarray]
    prevalence: float
    horizon: float | None = None
    intervals: Mapping[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def interventions_avoided(self, model: str) -> np.ndarray:
        """Net share of patients spared an intervention against treating everyone, (k,)."""
        gain = self.net_benefit[model] - self.net_benefit[ALL]
        return gain / (self.thresholds / (1 - self.thresholds))

    def _ends(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        nothing = np.full(len(self.thresholds), np.nan)
        return self.intervals.get(name, (nothing, nothing))

    def table(self) -> pd.DataFrame:
        """Long table: model, threshold, true and false positive rate, net benefit, interventions avoided."""
        import pandas as pd

        return pd.concat(
            [
                pd.DataFrame(
                    {
                        "model": name,
                        "threshold": self.thresholds,
                        "true_positive_rate": self.true_positive_rate[name],
                        "false_positive_rate": self.false_positive_rate[name],
                        "net_benefit": values,
                        "net_benefit_lower": self._ends(name)[0],
                        "net_benefit_upper": self._ends(name)[1],
                        "interventions_avoided": self.interventions_avoided(name),
                    }
                )
                for name, values in self.net_benefit.items()
            ],
            ignore_index=True,
        )


def decision_curve_binary(
    outcome: Sequence[int] | np.ndarray,
    risks: Mapping[str, Sequence[float] | np.ndarray],
    thresholds: Sequence[float] = THRESHOLDS,
    settings: BootstrapSettings | None = None,
) -> DecisionCurve:
    """Decision curves for a binary end point.

    Args:
        outcome: (n,) 0 or 1.
        risks: model name -> (n,) predicted probability.
        thresholds: in (0, 1).
        settings: resamples for the intervals, at least 200; None: no intervals.

    Reference:
        Vickers AJ, Elkin EB. Med Decis Making 2006;26:565.
    """
    outcome = np.asarray(outcome)
    if not np.isin(outcome, (0, 1)).all() or outcome.ndim != 1:
        raise InputError("outcome must hold 0 and 1, one a patient")

    def rates(positive: np.ndarray) -> tuple[float, float]:
        return float((positive & (outcome == 1)).mean()), float((positive & (outcome == 0)).mean())

    curve = _curve(len(outcome), risks, thresholds, rates, float(outcome.mean()), None)

    def again(rows: np.ndarray) -> DecisionCurve:
        return decision_curve_binary(outcome[rows], _rows_of(risks, rows), thresholds)

    return _with_intervals(curve, again, len(outcome), settings)


def decision_curve_survival(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    risks: Mapping[str, Sequence[float] | np.ndarray],
    horizon: float,
    thresholds: Sequence[float] = THRESHOLDS,
    settings: BootstrapSettings | None = None,
) -> DecisionCurve:
    """Decision curves for survival with censoring.

    Args:
        time: (n,) follow-up, positive.
        event: (n,) 0 or 1.
        risks: model name -> (n,) predicted probability of an event by the horizon.
        horizon: the time.
        thresholds: in (0, 1).
        settings: resamples for the percentile intervals of the models, at least 200; None: no intervals.

    Raises:
        InputError: horizon beyond the last event, a risk or threshold that is no probability.

    Reference:
        Vickers AJ et al. BMC Med Inform Decis Mak 2008;8:53.
    """
    time, event = check_outcome(time, event)
    horizon = check_horizon(horizon, time, event)

    def rates(positive: np.ndarray) -> tuple[float, float]:
        return _survival_rates(time, event, horizon, positive)

    prevalence = 1 - survival_at(time, event, horizon)
    curve = _curve(len(time), risks, thresholds, rates, prevalence, horizon)

    def again(rows: np.ndarray) -> DecisionCurve:
        return decision_curve_survival(time[rows], event[rows], _rows_of(risks, rows), horizon, thresholds)

    return _with_intervals(curve, again, len(time), settings)


def decision_curve_competing(
    time: Sequence[float] | np.ndarray,
    state: Sequence[int] | np.ndarray,
    risks: Mapping[str, Sequence[float] | np.ndarray],
    horizon: float,
    thresholds: Sequence[float] = THRESHOLDS,
    settings: BootstrapSettings | None = None,
) -> DecisionCurve:
    """Decision curves of a predicted cumulative incidence.

    Patients whom another event took before are no true positives: among the positive patients the share of events is
    Aalen and Johansen's incidence. One minus Kaplan-Meier would count them in.

    Args:
        time: (n,) follow-up, positive.
        state: (n,) 0 censored, 1 the event of interest, other numbers competing events.
        risks: model name -> (n,) predicted incidence by the horizon.
        horizon, thresholds, settings: as in :func:`decision_curve_survival`.

    Raises:
        InputError: nobody had the event of interest, a horizon beyond the last event, a risk or threshold that is no
            probability.

    Example:
        >>> curve = decision_curve_competing([1, 2, 3, 4], [1, 2, 1, 0], {"model": [0.9, 0.2, 0.6, 0.1]}, 3, [0.5])
        >>> curve.net_benefit["model"].tolist(), curve.prevalence
        ([0.5], 0.5)

    Reference:
        Vickers AJ et al. BMC Med Inform Decis Mak 2008;8:53, section on competing risk.
    """
    state = np.asarray(state)
    time, own = check_outcome(time, (state == 1).astype(int))
    any_event = (state != 0).astype(int)
    horizon = check_horizon(horizon, time, any_event)

    def rates(positive: np.ndarray) -> tuple[float, float]:
        return _incidence_rates(time, own, any_event, horizon, positive)

    prevalence = float(incidence_of(time, own, any_event).at([horizon])[0])
    curve = _curve(len(time), risks, thresholds, rates, prevalence, horizon)

    def again(rows: np.ndarray) -> DecisionCurve:
        return decision_curve_competing(time[rows], state[rows], _rows_of(risks, rows), horizon, thresholds)

    return _with_intervals(curve, again, len(time), settings)


def _incidence_rates(
    time: np.ndarray, own: np.ndarray, any_event: np.ndarray, horizon: float, positive: np.ndarray
) -> tuple[float, float]:
    share = positive.mean()
    if share == 0:
        return 0.0, 0.0
    last = float(time[positive].max())
    if last < horizon and not any_event[positive & (time == last)].all():
        return float("nan"), float("nan")  # their curve ends too early to be read at the horizon
    if not any_event[positive].any():
        return 0.0, float(share)
    found = incidence_of(time[positive], own[positive], any_event[positive])
    incidence = float(found.at([min(horizon, last)])[0])
    return float(incidence * share), float((1 - incidence) * share)


def _rows_of(risks: Mapping[str, Sequence[float] | np.ndarray], rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: np.asarray(risk, float)[rows] for name, risk in risks.items()}


def _with_intervals(
    curve: DecisionCurve, again: Callable[[np.ndarray], DecisionCurve], n: int, settings: BootstrapSettings | None
) -> DecisionCurve:
    """Add percentile intervals of the models' net benefit, at fixed predictions."""
    if settings is None or too_few_for_interval(settings.repeats):
        return curve
    names = [name for name in curve.net_benefit if name not in (ALL, NONE)]

    def benefits(rows: np.ndarray) -> np.ndarray:
        found = again(rows)
        return np.stack([found.net_benefit[name] for name in names])

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "All-NaN slice", RuntimeWarning)  # a threshold that nobody's curve reaches
        warnings.filterwarnings("ignore", "Degrees of freedom", RuntimeWarning)
        ends = bootstrap_interval(benefits, n, settings)
    return replace(curve, intervals={name: (ends.lower[k], ends.upper[k]) for k, name in enumerate(names)})


def _survival_rates(time: np.ndarray, event: np.ndarray, horizon: float, positive: np.ndarray) -> tuple[float, float]:
    share = positive.mean()
    if share == 0:
        return 0.0, 0.0
    own_time, own_event = time[positive], event[positive]
    survival = survival_at(own_time, own_event, horizon)
    if own_time.max() < horizon and survival > 0:  # their curve ends too early to be read at the horizon
        return float("nan"), float("nan")
    return float((1 - survival) * share), float(survival * share)


def _curve(
    n: int,
    risks: Mapping[str, Sequence[float] | np.ndarray],
    thresholds: Sequence[float] | np.ndarray,
    rates: Callable[[np.ndarray], tuple[float, float]],
    prevalence: float,
    horizon: float | None,
) -> DecisionCurve:
    thresholds = _check_thresholds(thresholds)
    scores = {name: _inside(check_probability(risk, n)) for name, risk in risks.items()}
    for name in (ALL, NONE):
        if name in scores:
            raise InputError(f"a model cannot be called {name!r}: that is one of the two reference strategies")
    scores[ALL], scores[NONE] = np.full(n, 2.0), np.full(n, -1.0)
    odds = thresholds / (1 - thresholds)
    benefit, true_rates, false_rates = {}, {}, {}
    for name, score in scores.items():
        pairs = np.array([rates(score >= threshold) for threshold in thresholds])
        true_rates[name], false_rates[name] = pairs[:, 0], pairs[:, 1]
        benefit[name] = pairs[:, 0] - odds * pairs[:, 1]
    return DecisionCurve(thresholds, benefit, true_rates, false_rates, prevalence, horizon)


def _inside(risk: np.ndarray) -> np.ndarray:
    # As in dcurves: a risk of exactly 0 is never positive, one of exactly 1 always is.
    return np.where(risk == 0, -1.0, np.where(risk == 1, 2.0, risk))


def _check_thresholds(thresholds: Sequence[float] | np.ndarray) -> np.ndarray:
    values = np.asarray(thresholds, float)
    if values.ndim != 1 or not len(values) or not ((values > 0) & (values < 1)).all():
        raise InputError("thresholds must be probabilities above 0 and below 1")
    return values


@dataclass(frozen=True)
class CorrectedDecisionCurve:
    """Net benefit of a model, apparent and corrected for optimism, with the two reference strategies.

    Attributes:
        curve: the apparent curve of the model "model".
        corrected: (k,) net benefit less its optimism.
        optimism: (k,).
        repeats: resamples drawn.
        lower, upper: (k,) interval of ``corrected``; NaN with fewer than 200 resamples.
    """

    curve: DecisionCurve
    corrected: np.ndarray
    optimism: np.ndarray
    repeats: int
    lower: np.ndarray
    upper: np.ndarray

    def table(self) -> pd.DataFrame:
        """One row a threshold: apparent, optimism, corrected, all, none."""
        import pandas as pd

        return pd.DataFrame(
            {
                "threshold": self.curve.thresholds,
                "net_benefit": self.curve.net_benefit["model"],
                "optimism": self.optimism,
                "net_benefit_corrected": self.corrected,
                "corrected_lower": self.lower,
                "corrected_upper": self.upper,
                "net_benefit_all": self.curve.net_benefit[ALL],
                "net_benefit_none": self.curve.net_benefit[NONE],
            }
        )


def corrected_decision_curve(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    refit: Refit,
    horizon: float,
    thresholds: Sequence[float] = THRESHOLDS,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    progress: Progress = no_progress,
    *,
    partitions: Sequence[np.ndarray] = (),
) -> CorrectedDecisionCurve:
    """Decision curve with the bootstrap's correction for optimism, at every threshold.

    Args:
        time, event: (n,).
        refit: the whole modelling step; returns the predicted probability of an event by the horizon (n,).
        horizon, thresholds: as in :func:`decision_curve_survival`.
        settings: resamples, seed, processes.
        progress: told after every batch of resamples.
        partitions: folds, where the modelling step chooses covariates by the outcome; see :func:`optimism`.
    """
    time, event = check_outcome(time, event)
    horizon = check_horizon(horizon, time, event)

    def rates(rows: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
        return _survival_rates(time[rows], event[rows], horizon, positive)

    everyone = refit(np.arange(len(time))).reshape(-1)
    curve = decision_curve_survival(time, event, {"model": everyone}, horizon, thresholds)
    return _corrected(curve, rates, refit, len(time), settings, progress, partitions)


def corrected_decision_curve_competing(
    time: Sequence[float] | np.ndarray,
    state: Sequence[int] | np.ndarray,
    refit: Refit,
    horizon: float,
    thresholds: Sequence[float] = THRESHOLDS,
    settings: BootstrapSettings = DEFAULT_BOOTSTRAP,
    progress: Progress = no_progress,
    *,
    partitions: Sequence[np.ndarray] = (),
) -> CorrectedDecisionCurve:
    """Decision curve of a cumulative incidence with the correction for optimism.

    Args:
        time, state: (n,) as in :func:`decision_curve_competing`.
        refit: the whole modelling step; returns the predicted incidence by the horizon (n,).
        horizon, thresholds, settings, progress, partitions: as in :func:`corrected_decision_curve`.
    """
    state = np.asarray(state)
    time, own = check_outcome(time, (state == 1).astype(int))
    any_event = (state != 0).astype(int)

    def rates(rows: np.ndarray, positive: np.ndarray) -> tuple[float, float]:
        return _incidence_rates(time[rows], own[rows], any_event[rows], horizon, positive)

    everyone = refit(np.arange(len(time))).reshape(-1)
    curve = decision_curve_competing(time, state, {"model": everyone}, horizon, thresholds)
    return _corrected(curve, rates, refit, len(time), settings, progress, partitions)


def _corrected(
    curve: DecisionCurve,
    rates: Callable[[np.ndarray, np.ndarray], tuple[float, float]],
    refit: Refit,
    n: int,
    settings: BootstrapSettings,
    progress: Progress,
    partitions: Sequence[np.ndarray],
) -> CorrectedDecisionCurve:
    values = curve.thresholds
    odds = values / (1 - values)

    def net_benefit(rows: np.ndarray, risk: np.ndarray) -> np.ndarray:
        risk = _inside(risk.reshape(-1))
        pairs = np.array([rates(rows, risk >= threshold) for threshold in values])
        return pairs[:, 0] - odds * pairs[:, 1]

    result = optimism(refit, net_benefit, n, settings, progress, partitions=partitions)
    return CorrectedDecisionCurve(
        curve, result.corrected, result.optimism, settings.repeats, result.lower, result.upper
    )
