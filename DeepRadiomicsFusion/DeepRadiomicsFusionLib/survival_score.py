"""Harrell's concordance of a network's risks with survival, with an interval by the jackknife."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.errors import InputError

_NORMAL_975 = 1.959963984540054


@dataclass(frozen=True)
class SurvivalScore:
    """How well risks order survival.

    Attributes:
        value: Harrell's C; ties of the risk count half.
        lower, upper: 95 % interval, normal, with the jackknife's standard error, cut at 0 and 1.
        cases, events: numbers of them.
    """

    value: float
    lower: float
    upper: float
    cases: int
    events: int


def survival_score(time: np.ndarray, event: np.ndarray, risk: np.ndarray) -> SurvivalScore:
    """Return Harrell's C of risks: the share of pairs in which the higher risk has the earlier event.

    Args:
        time: (n,) follow-up.
        event: (n,) 1 where it happened, 0 where the patient was censored.
        risk: (n,), higher for worse.

    Raises:
        InputError: no pair can be compared, or lengths differ.

    Example:
        >>> survival_score([1, 2, 3], [1, 1, 0], [3.0, 1.0, 2.0]).value.__round__(3)
        0.667

    Reference: Harrell FE et al. JAMA 1982;247:2543-2546; the jackknife, Efron B. SIAM 1982.
    """
    t, d, r = np.asarray(time, float), np.asarray(event, float) == 1, np.asarray(risk, float)
    if not len(t) == len(d) == len(r):
        raise InputError(f"there are {len(t)} times, {len(d)} events and {len(r)} risks; give one of each a case")
    earlier = d[:, None] & ((t[:, None] < t) | ((t[:, None] == t) & ~d))
    agreed = earlier * ((r[:, None] > r) + 0.5 * (r[:, None] == r))
    pairs, concordant = earlier.sum(), agreed.sum()
    if not pairs:
        raise InputError(f"no event among the {len(t)} cases comes before another's end; there is no pair to compare")
    value = float(concordant / pairs)
    pairs_without = pairs - earlier.sum(axis=0) - earlier.sum(axis=1)
    agreed_without = concordant - agreed.sum(axis=0) - agreed.sum(axis=1)
    if (pairs_without > 0).all():
        left_out = agreed_without / pairs_without
        error = float(np.sqrt((len(t) - 1) / len(t) * ((left_out - left_out.mean()) ** 2).sum()))
    else:
        error = float("nan")  # one patient holds all pairs: there is a value and no interval
    half = _NORMAL_975 * error
    lower, upper = (float(np.clip(value + sign * half, 0, 1)) for sign in (-1, 1))
    return SurvivalScore(value, lower, upper, len(t), int(d.sum()))
