"""Harrell's concordance of a network's risks with survival, with an interval by the jackknife."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.comparable_pairs import pair_sums

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


def survival_score(
    time: np.ndarray, event: np.ndarray, risk: np.ndarray, groups: np.ndarray | None = None
) -> SurvivalScore:
    """Return Harrell's C of risks: the share of pairs in which the higher risk has the earlier event.

    Args:
        time: (n,) follow-up.
        event: (n,) 1 where it happened, 0 where the patient was censored.
        risk: (n,), higher for worse.
        groups: (n,) of patients whose risks may be compared, such as those of one fold's network; None: all of them.

    Raises:
        InputError: no pair can be compared, lengths differ, or a time or risk is NaN.

    Example:
        >>> survival_score([1, 2, 3], [1, 1, 0], [3.0, 1.0, 2.0]).value.__round__(3)
        0.667

    Reference: Harrell FE et al. JAMA 1982;247:2543-2546; the jackknife, Efron B. SIAM 1982.
    """
    t, d, r = np.asarray(time, float), np.asarray(event, float) == 1, np.asarray(risk, float)
    if not len(t) == len(d) == len(r):
        raise InputError(f"there are {len(t)} times, {len(d)} events and {len(r)} risks; give one of each a case")
    for what, values in (("time", t), ("risk", r)):
        if np.isnan(values).any():
            raise InputError(f"the {what} of case {int(np.isnan(values).argmax()) + 1} is nan; leave that case out")
    groups = np.zeros(len(t)) if groups is None else np.asarray(groups)
    pairs, agreed = np.zeros(len(t)), np.zeros(len(t))  # that each patient is part of
    for group in np.unique(groups):
        mine = groups == group
        concordant, discordant, tied = pair_sums(t[mine], d[mine].astype(float), r[mine], np.ones(mine.sum()))
        pairs[mine], agreed[mine] = concordant + discordant + tied, concordant + tied / 2
    if not pairs.any():
        raise InputError(f"no event among the {len(t)} cases comes before another's end; there is no pair to compare")
    value = float(agreed.sum() / pairs.sum())
    pairs_without, agreed_without = pairs.sum() / 2 - pairs, agreed.sum() / 2 - agreed
    if (pairs_without > 0).all():
        left_out = agreed_without / pairs_without
        error = float(np.sqrt((len(t) - 1) / len(t) * ((left_out - left_out.mean()) ** 2).sum()))
    else:
        error = float("nan")  # one patient holds all pairs: there is a value and no interval
    half = _NORMAL_975 * error
    lower, upper = (float(np.clip(value + sign * half, 0, 1)) for sign in (-1, 1))
    return SurvivalScore(value, lower, upper, len(t), int(d.sum()))
