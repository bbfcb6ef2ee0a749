"""Do predicted probabilities mean what they say? Slope, intercept, Brier score and curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics.brier import checked_probabilities
from RadiomicsCoreLib.statistics.logistic_fit import fit_logistic
from RadiomicsCoreLib.statistics.roc import Rate, rate

PROBABILITY_FLOOR = 1e-3
"""Probabilities are moved into [floor, 1 - floor] before log odds are taken: neighbours and trees predict 0 and 1."""


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence interval; NaN where it cannot be estimated."""

    value: float
    lower: float
    upper: float


@dataclass(frozen=True)
class CalibrationGroup:
    """Cases of similar predicted probability: its mean, and the share with the outcome."""

    predicted: float
    observed: Rate


@dataclass(frozen=True)
class Calibration:
    """Calibration of probabilities.

    Attributes:
        slope: of the outcome's log odds on the predicted log odds; 1 is right, below 1 too extreme.
        intercept: of the same model.
        in_the_large: intercept with the slope held at 1; 0 is right, above 0 the risk is underestimated.
        curve: groups of equal size by predicted probability.
        reason: why slope and intercept are NaN, else empty.
    """

    slope: Estimate
    intercept: Estimate
    in_the_large: Estimate
    curve: tuple[CalibrationGroup, ...]
    reason: str = ""


def calibration(outcome: np.ndarray, chance: np.ndarray, groups: int | None = None) -> Calibration:
    """Calibration slope, intercept and curve with 95 % intervals (Wald; exact for the curve).

    Args:
        outcome: (n,) 0 and 1.
        chance: (n,) probabilities.
        groups: of the curve; None takes 10 from 200 cases on, else 5.

    Raises:
        InputError: not probabilities, or fewer than 2 groups.

    Reference: Cox DR. Biometrika 1958;45:562-565. Van Calster B et al. BMC Med 2019;17:230.
    """
    outcome, chance = checked_probabilities(outcome, chance)
    groups = groups or (10 if len(outcome) >= 200 else 5)
    if groups < 2:
        raise InputError(f"a calibration curve needs at least 2 groups, not {groups}")
    curve = _curve(outcome, chance, groups)
    clipped = np.clip(chance, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    odds = np.log(clipped / (1 - clipped))
    nothing = Estimate(float("nan"), float("nan"), float("nan"))
    large = fit_logistic(np.empty((len(outcome), 0)), outcome, offset=odds)
    in_the_large = _wald(large.intercept, large.standard_errors[0])
    try:
        fit = fit_logistic(odds[:, np.newaxis], outcome)
    except ModelError as error:
        return Calibration(nothing, nothing, in_the_large, curve, str(error))
    errors = fit.standard_errors
    return Calibration(
        _wald(float(fit.coefficients[0]), errors[1]), _wald(fit.intercept, errors[0]), in_the_large, curve
    )


def _curve(outcome: np.ndarray, chance: np.ndarray, groups: int) -> tuple[CalibrationGroup, ...]:
    order = np.argsort(chance, kind="stable")
    parts = [part for part in np.array_split(order, min(groups, len(order))) if len(part)]
    return tuple(
        CalibrationGroup(float(chance[part].mean()), rate(int(outcome[part].sum()), len(part))) for part in parts
    )


def _wald(value: float, error: float) -> Estimate:
    half = 1.959963984540054 * float(error)
    return Estimate(float(value), float(value) - half, float(value) + half)
