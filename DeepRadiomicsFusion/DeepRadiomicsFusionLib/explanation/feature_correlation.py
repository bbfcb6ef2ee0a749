"""How far deep features say the same as radiomic ones: Pearson correlations, their heat map, the mean absolute r."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LEAST_PATIENTS = 3
_MOST_LABELS = 40
_CELL_IN, _LARGEST_IN, _SMALLEST_IN = 0.24, 11.0, 2.4


@dataclass(frozen=True)
class FeatureCorrelation:
    """Correlations of two sets of features over the same patients.

    Attributes:
        r: (radiomic, deep) Pearson correlation; NaN for a feature that does not vary.
        radiomic: names of the rows.
        deep: names of the columns.
        patients: number of patients.
        constant: features that do not vary, whose correlation is not defined.
    """

    r: np.ndarray
    radiomic: tuple[str, ...]
    deep: tuple[str, ...]
    patients: int
    constant: tuple[str, ...]

    @property
    def mean_absolute(self) -> float:
        """Mean of |r| over all pairs whose correlation is defined."""
        return float(np.nanmean(np.abs(self.r)))

    def rows(self) -> list[dict[str, float | str]]:
        """Return a table, one row a radiomic feature."""
        return [
            {"feature": name, **dict(zip(self.deep, values.tolist(), strict=True))}
            for name, values in zip(self.radiomic, self.r, strict=True)
        ]


def correlate_features(table: pd.DataFrame, radiomic: Sequence[str], deep: Sequence[str]) -> FeatureCorrelation:
    """Correlate every radiomic with every deep feature, over the patients who have all of them.

    Args:
        table: one row a patient.
        radiomic: columns of the heat map's rows: radiomic features or RadScores.
        deep: columns of its columns.

    Raises:
        InputError: a column that is not there or holds text, fewer than three complete patients, or no feature
            that varies on one side.

    Example:
        >>> import pandas as pd
        >>> table = pd.DataFrame({"a": [1.0, 2, 3], "b": [6.0, 4, 2]})
        >>> round(correlate_features(table, ["a"], ["b"]).mean_absolute, 6)
        1.0
    """
    values = [_numbers(table, columns, what) for columns, what in ((radiomic, "radiomic"), (deep, "deep"))]
    complete = np.isfinite(np.hstack(values)).all(axis=1)
    if complete.sum() < LEAST_PATIENTS:
        raise InputError(
            f"{int(complete.sum())} of {len(table)} patients have every feature; correlations need at least "
            f"{LEAST_PATIENTS}: leave out features that are missing"
        )
    left, right = (_standardised(part[complete]) for part in values)
    fixed = [
        name for name, column in zip((*radiomic, *deep), np.hstack([left, right]).T, strict=True) if np.isnan(column[0])
    ]
    for part, what in ((left, "radiomic"), (right, "deep")):
        if np.isnan(part).all():
            raise InputError(f"no {what} feature varies over the {int(complete.sum())} patients; nothing to correlate")
    r = np.clip(left.T @ right / int(complete.sum()), -1.0, 1.0)
    return FeatureCorrelation(r, tuple(radiomic), tuple(deep), int(complete.sum()), tuple(fixed))


def correlation_figure(correlation: FeatureCorrelation, title: str = "") -> Figure:
    """Draw the heat map, from blue (r = -1) over white to red (r = 1); grey where r is not defined.

    Features are named along the axes where there are at most 40 on an axis.

    Args:
        correlation: from :func:`correlate_features`.
        title: text above; the mean absolute r and the number of patients follow it.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    rows, columns = correlation.r.shape
    height, width = (min(_LARGEST_IN, max(_SMALLEST_IN, _CELL_IN * count)) for count in (rows, columns))
    figure = Figure(figsize=(width + 3.4, height + 2.0), layout="constrained", facecolor="white")
    axes = figure.subplots()
    colours = colormaps["RdBu_r"].with_extremes(bad="#9A9A9A")
    drawn = axes.imshow(correlation.r, cmap=colours, vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    for axis, names, what in (
        (axes.yaxis, correlation.radiomic, "radiomic features"),
        (axes.xaxis, correlation.deep, "deep features"),
    ):
        if len(names) <= _MOST_LABELS:
            axis.set_ticks(np.arange(len(names)), [name.replace("$", r"\$") for name in names], fontsize=7)
        else:
            axis.set_ticks([])
        axis.set_label_text(f"{len(names)} {what}", fontsize=9)
    if columns <= _MOST_LABELS:
        axes.tick_params(axis="x", rotation=90)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, ticks=(-1, -0.5, 0, 0.5, 1))
    bar.set_label("Pearson r", fontsize=9)
    line = f"mean |r| = {correlation.mean_absolute:.2f}, {correlation.patients} patients"
    axes.set_title(f"{title}\n{line}" if title else line, fontsize=10, loc="left")
    return figure


def _numbers(table: pd.DataFrame, columns: Sequence[str], what: str) -> np.ndarray:
    if not len(columns):
        raise InputError(f"no {what} feature is named; give at least one")
    missing = [name for name in columns if name not in table.columns]
    if missing:
        raise InputError(f"the table has no column {missing[0]!r}; check the names of the {what} features")
    for name in columns:
        if not np.issubdtype(table[name].dtype, np.number):
            raise InputError(f"column {name!r} holds text; give numbers")
    return table[list(columns)].to_numpy(np.float64)


def _standardised(values: np.ndarray) -> np.ndarray:
    """Z-scores; NaN for a column that does not vary."""
    spread = values.std(axis=0)
    size = np.abs(values).max(axis=0)
    varies = spread > 1e-12 * np.maximum(size, np.finfo(float).tiny)
    return (values - values.mean(axis=0)) / np.where(varies, spread, np.nan)
