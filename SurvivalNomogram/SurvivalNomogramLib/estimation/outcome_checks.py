"""Checks that every function taking follow-up, event and a risk score as arrays makes once."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from RadiomicsCoreLib.errors import InputError

ROUNDING = 1e-12


def check_outcome(
    time: Sequence[float] | np.ndarray, event: Sequence[int] | np.ndarray, *, need_events: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Return follow-up (n,) as float and event (n,) as 0 and 1, or raise InputError with the bad value.

    Args:
        time: follow-up, positive and finite.
        event: 0 and 1, or booleans.
        need_events: refuse data without an event.
    """
    time, event = np.asarray(time, float), np.asarray(event)
    if time.ndim != 1 or time.shape != event.shape:
        raise InputError(f"time has shape {time.shape} and event {event.shape}; both must be one row a patient")
    if not len(time):
        raise InputError("there are no patients")
    bad = ~(np.isfinite(time) & (time > 0))
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(f"time of patient {at + 1} is {time[at]:g}; every time must be above 0")
    event = event.astype(float)
    bad = ~np.isin(event, (0, 1))
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(f"event of patient {at + 1} is {event[at]:g}; it must be 0 (censored) or 1 (event)")
    if need_events and not event.any():
        raise InputError(f"none of the {len(event)} patients had an event; nothing can be estimated")
    return time, event.astype(int)


def check_score(score: Sequence[float] | np.ndarray, n: int, what: str = "risk") -> np.ndarray:
    """Return a score (n,) as float, or raise InputError if it has another length or is not finite."""
    score = np.asarray(score, float)
    if score.shape != (n,):
        raise InputError(f"{what} has shape {score.shape}; one value for each of the {n} patients is needed")
    if not np.isfinite(score).all():
        at = int(np.argmin(np.isfinite(score)))
        raise InputError(f"{what} of patient {at + 1} is {score[at]}; it must be a finite number")
    return score


def check_probability(values: Sequence[float] | np.ndarray, n: int, what: str = "predicted risk") -> np.ndarray:
    """Return probabilities (n,) or raise InputError if one lies outside [0, 1]."""
    values = check_score(values, n, what)
    bad = (values < 0) | (values > 1)
    if bad.any():
        at = int(np.argmax(bad))
        raise InputError(f"{what} of patient {at + 1} is {values[at]:g}; a probability in [0, 1] is needed")
    return values


def check_horizon(horizon: float, time: np.ndarray, event: np.ndarray) -> float:
    """Return the horizon, or raise InputError if it is not positive or lies beyond the last event."""
    last = float(time[event == 1].max())
    if not np.isfinite(horizon) or horizon <= 0:
        raise InputError(f"horizon {horizon:g} must be above 0")
    if horizon > last:
        raise InputError(
            f"horizon {horizon:g} lies beyond the last event, at {last:g}; choose a horizon up to {last:g}"
        )
    return float(horizon)


def is_constant(values: np.ndarray) -> bool:
    """Whether all values are the same but for rounding: those of a model that chose nothing.

    Their standard deviation is no measure of it, the mean of equal numbers being off by its last digit.

    Example:
        >>> is_constant(np.full(50, -0.68258077)), is_constant(np.array([0.0, 1e-3]))
        (True, False)
    """
    return bool(np.ptp(values) <= ROUNDING * max(1.0, float(np.abs(values).max())))
