"""How far deep features say the same as radiomic ones: Pearson correlations and the mean absolute r."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

if TYPE_CHECKING:
    import pandas as pd

LEAST_PATIENTS = 3
_ROWS_AT_A_TIME = 500


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


def correlate_features(
    table: pd.DataFrame, radiomic: Sequence[str], deep: Sequence[str], progress: Progress = no_progress
) -> FeatureCorrelation:
    """Correlate every radiomic with every deep feature, over the patients who have all of them.

    Args:
        table: one row a patient.
        radiomic: columns of the heat map's rows: radiomic features or RadScores.
        deep: columns of its columns.
        progress: told after every 500 rows.

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
    r = np.empty((left.shape[1], right.shape[1]))
    for start in range(0, len(r), _ROWS_AT_A_TIME):
        rows = slice(start, start + _ROWS_AT_A_TIME)
        np.clip(left[:, rows].T @ right / int(complete.sum()), -1.0, 1.0, out=r[rows])
        done = min(start + _ROWS_AT_A_TIME, len(r))
        progress(done / len(r), f"correlations of {done:,} of {len(r):,} features")
    return FeatureCorrelation(r, tuple(radiomic), tuple(deep), int(complete.sum()), tuple(fixed))


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
