"""Risk groups by a cut-off that is found on training patients, locked, and applied to others unchanged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..estimation.outcome_checks import check_score
from ..validation.time_dependent_roc import time_dependent_roc

LOW, HIGH = "low risk", "high risk"


class CutoffMethod(StrEnum):
    """How a cut-off was found."""

    MEDIAN = "median"
    YOUDEN = "youden"
    GIVEN = "given"


@dataclass(frozen=True)
class CutoffRule:
    """How the cut-off is found on the training patients: their median, Youden's index at a horizon, or a number.

    Example:
        >>> CutoffRule.from_plain("median"), CutoffRule.from_plain("1.14").value
        (CutoffRule(method=<CutoffMethod.MEDIAN: 'median'>, value=None), 1.14)
    """

    method: CutoffMethod = CutoffMethod.MEDIAN
    value: float | None = None

    @classmethod
    def from_plain(cls, given: str | float, where: str = "cutoff") -> CutoffRule:
        """Read ``median``, ``youden`` or a number. Raises InputError for anything else."""
        words = [CutoffMethod.MEDIAN.value, CutoffMethod.YOUDEN.value]
        if given in words:
            return cls(CutoffMethod(given))
        try:
            value = float(given)
        except (TypeError, ValueError):
            value = float("nan")
        if isinstance(given, bool) or not np.isfinite(value):
            raise InputError(f"{where} {given!r} is unknown; give {', '.join(words)} or a number")
        return cls(CutoffMethod.GIVEN, value)

    def to_plain(self) -> str | float:
        """Return what :meth:`from_plain` reads."""
        return self.method.value if self.value is None else self.value


@dataclass(frozen=True)
class RiskCutoff:
    """A locked cut-off: patients with a risk at or above it are the high-risk group.

    There is no way to refit it on other patients; make a new one.

    Args:
        value: the cut-off, on the scale of the risk score (for a Cox model the linear predictor).
        method: how it was found.
        horizon: time at which Youden's index was taken; None for the other methods.
        n: training patients it was found on; 0 for a given value.

    Example:
        >>> RiskCutoff(0.5, CutoffMethod.GIVEN).groups([0.4, 0.5]).tolist()
        ['low risk', 'high risk']
    """

    value: float
    method: CutoffMethod = CutoffMethod.GIVEN
    horizon: float | None = None
    n: int = 0

    def __post_init__(self) -> None:
        if not np.isfinite(self.value):
            raise InputError(f"cut-off {self.value} must be a finite number")
        object.__setattr__(self, "method", CutoffMethod(self.method))

    def is_high(self, risk: Sequence[float] | np.ndarray) -> np.ndarray:
        """True for the high-risk patients, (n,)."""
        risk = np.asarray(risk, float)
        return check_score(risk, len(risk)) >= self.value

    def groups(self, risk: Sequence[float] | np.ndarray) -> np.ndarray:
        """Name of each patient's group, (n,)."""
        return np.where(self.is_high(risk), HIGH, LOW)

    def to_dict(self) -> dict[str, object]:
        """Plain values for the bundle."""
        return {"value": self.value, "method": self.method.value, "horizon": self.horizon, "n": self.n}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RiskCutoff:
        """Rebuild a cut-off from :meth:`to_dict`."""
        try:
            horizon = data.get("horizon")
            return cls(
                float(data["value"]),
                CutoffMethod(data.get("method", "given")),
                None if horizon is None else float(horizon),
                int(data.get("n", 0)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InputError(f"the bundle's cut-off {dict(data)!r} cannot be read: {error}") from None


def median_cutoff(training_risk: Sequence[float] | np.ndarray) -> RiskCutoff:
    """The median risk of the training patients.

    Example:
        >>> median_cutoff([0.2, 0.4, 0.9]).value
        0.4
    """
    risk = np.asarray(training_risk, float)
    check_score(risk, len(risk))
    if not len(risk):
        raise InputError("there are no training patients to take the median of")
    return RiskCutoff(float(np.median(risk)), CutoffMethod.MEDIAN, n=len(risk))


def youden_cutoff(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    training_risk: Sequence[float] | np.ndarray,
    horizon: float,
) -> RiskCutoff:
    """The risk with the largest sensitivity + specificity - 1 at a horizon, censoring weighted away.

    Raises:
        InputError: horizon beyond the last event of the training patients.
    """
    roc = time_dependent_roc(time, event, training_risk, horizon)
    if (roc.true_positive_rate - roc.false_positive_rate).max() <= 1e-12:
        raise InputError(
            f"the risk does not tell events from survivors at {horizon:g}, so Youden's index has no best "
            "cut-off; use the median"
        )
    return RiskCutoff(roc.youden_threshold(), CutoffMethod.YOUDEN, float(horizon), len(np.asarray(time)))


def given_cutoff(value: float) -> RiskCutoff:
    """A cut-off that the user states."""
    return RiskCutoff(float(value))
