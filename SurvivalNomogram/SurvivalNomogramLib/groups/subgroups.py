"""Hazard ratio of an exposure in subgroups, with the test of interaction: the numbers of a forest plot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..estimation.kaplan_meier import log_rank
from ..estimation.outcome_checks import check_outcome, check_score
from ..estimation.partial_likelihood import maximise
from ..tables.covariates import is_numeric, level_texts

if TYPE_CHECKING:
    import pandas as pd

OVERALL = "all patients"
FEWEST_EVENTS = 2


@dataclass(frozen=True)
class SubgroupRow:
    """One line of the forest plot.

    Attributes:
        variable, level: the subgroup; "all patients" and "" for the first line.
        n, events: patients and events in it.
        hazard_ratio, lower, upper: of the exposure; NaN where it cannot be estimated.
        p_value: log-rank test of a binary exposure, Wald test of a continuous one.
        interaction_p: likelihood-ratio test that the hazard ratio is the same in all levels of the variable.
        reason: why a hazard ratio is missing; empty if it is there.
    """

    variable: str
    level: str
    n: int
    events: int
    hazard_ratio: float
    lower: float
    upper: float
    p_value: float
    interaction_p: float
    reason: str = ""


def subgroup_analysis(
    time: Sequence[float] | np.ndarray,
    event: Sequence[int] | np.ndarray,
    exposure: Sequence[float] | np.ndarray,
    frame: pd.DataFrame,
    variables: Sequence[str],
    *,
    cuts: Mapping[str, float] | None = None,
    confidence: float = 0.95,
) -> list[SubgroupRow]:
    """Hazard ratio of an exposure in every level of every variable.

    Args:
        time, event: (n,).
        exposure: (n,) 0 and 1 (risk group, treatment) or a number (hazard ratio for one unit more).
        frame: (n rows) the patients' columns.
        variables: columns of the frame; a numeric one with more than five values is cut in two.
        cuts: variable -> value; patients below it against those at or above; the median when not given.
        confidence: level of the intervals.

    Returns:
        The overall line first, then one line a level.

    Raises:
        InputError: an unknown column, or an exposure that is the same in all patients.

    Reference:
        Interaction: Cox model with exposure, levels and their product against one without the product.
    """
    time, event = check_outcome(time, event)
    exposure = check_score(exposure, len(time), "exposure")
    if exposure.std() == 0:
        raise InputError(f"the exposure is {exposure[0]:g} in all {len(time)} patients; nothing can be compared")
    rows = [_row(OVERALL, "", time, event, exposure, float("nan"), confidence)]
    for variable in variables:
        levels = subgroup_levels(frame, variable, (cuts or {}).get(variable))
        known = levels.notna().to_numpy()
        labels = levels.to_numpy()
        p_value = interaction_p(time[known], event[known], exposure[known], labels[known])
        for level in levels.cat.categories:
            inside = labels == level
            if inside.any():
                rows.append(_row(variable, level, time[inside], event[inside], exposure[inside], p_value, confidence))
    return rows


def subgroup_levels(frame: pd.DataFrame, variable: str, cut: float | None = None) -> pd.Series:
    """Level of each patient in a variable, as an ordered category; numeric columns are cut in two.

    Raises:
        InputError: the frame has no such column.
    """
    import pandas as pd

    if variable not in frame.columns:
        raise InputError(f"subgroup column {variable!r} is not in the table; it has {', '.join(frame.columns)}")
    column = frame[variable]
    if is_numeric(column) and (cut is not None or column.nunique() > 5):
        numbers = pd.to_numeric(column)
        value = float(numbers.median()) if cut is None else float(cut)
        names = [f"< {value:g}", f">= {value:g}"]
        texts = pd.Series(np.where(numbers >= value, names[1], names[0]), index=column.index)
        return pd.Series(pd.Categorical(texts.where(numbers.notna()), categories=names), index=column.index)
    texts = level_texts(column)
    return pd.Series(pd.Categorical(texts, categories=sorted(texts.dropna().unique())), index=column.index)


def interaction_p(time: np.ndarray, event: np.ndarray, exposure: np.ndarray, labels: np.ndarray) -> float:
    """Likelihood-ratio p of the product of exposure and level; NaN where it cannot be tested."""
    from scipy.stats import chi2

    present = [
        level
        for level in sorted(set(labels))
        if event[labels == level].sum() >= FEWEST_EVENTS and exposure[labels == level].std() > 0
    ]
    if len(present) < 2:
        return float("nan")
    keep = np.isin(labels, present)
    time, event, exposure, labels = time[keep], event[keep], exposure[keep], labels[keep]
    dummies = np.column_stack([labels == level for level in present[1:]]).astype(float)
    main = np.column_stack((exposure, dummies))
    without = maximise(main, time, event)
    product = maximise(np.column_stack((main, dummies * exposure[:, np.newaxis])), time, event)
    gain = 2 * (product.log_likelihood - without.log_likelihood)
    return float(chi2.sf(max(gain, 0.0), len(present) - 1))


def _row(
    variable: str,
    level: str,
    time: np.ndarray,
    event: np.ndarray,
    exposure: np.ndarray,
    interaction: float,
    confidence: float,
) -> SubgroupRow:
    from scipy.stats import norm

    n, events = len(time), int(event.sum())
    missing = (float("nan"),) * 4
    if events < FEWEST_EVENTS or exposure.std() == 0:
        reason = f"{events} events" if events < FEWEST_EVENTS else f"exposure is {exposure[0]:g} in all"
        return SubgroupRow(variable, level, n, events, *missing, interaction, reason)
    fit = maximise(exposure[:, np.newaxis], time, event)
    if not fit.is_sound:
        return SubgroupRow(variable, level, n, events, *missing, interaction, "one group has no events")
    beta, se = float(fit.coefficients[0]), float(np.sqrt(fit.covariance[0, 0]))
    half = norm.ppf(0.5 + confidence / 2) * se
    if len(np.unique(exposure)) == 2:
        p_value = log_rank(time, event, exposure)[1]
    else:
        p_value = float(2 * norm.sf(abs(beta) / se))
    ratio, lower, upper = (float(v) for v in np.exp([beta, beta - half, beta + half]))
    return SubgroupRow(variable, level, n, events, ratio, lower, upper, p_value, interaction)


def subgroup_table(rows: Sequence[SubgroupRow]) -> pd.DataFrame:
    """The lines as a data frame."""
    import pandas as pd

    return pd.DataFrame([vars(row) for row in rows])
