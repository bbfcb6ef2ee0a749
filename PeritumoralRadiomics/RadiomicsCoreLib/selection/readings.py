"""Repeated feature tables of the same cases: by a second reader, or from perturbed masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..statistics.icc import Icc, IccModel, icc

if TYPE_CHECKING:
    import pandas as pd


FEWEST_CASES = 3
"""An ICC of fewer cases says nothing."""


class Readings:
    """The features of the same cases, read several times.

    It is never changed, so that copies of a step share it.

    Args:
        tables: data frames with the case ids as index, the first reading first. Cases and features that all
            have are used.

    Raises:
        InputError: fewer than 2 tables, repeated case ids, or nothing in common.
    """

    def __init__(self, tables: Sequence[pd.DataFrame]) -> None:
        if len(tables) < 2:
            raise InputError(f"an ICC needs at least 2 readings, got {len(tables)}")
        for number, table in enumerate(tables, start=1):
            if not table.index.is_unique:
                twice = table.index[table.index.duplicated()][0]
                raise InputError(f"reading {number} has case {twice!r} twice; keep one row a case")
        first = tables[0]
        self.cases = [case for case in first.index if all(case in table.index for table in tables[1:])]
        self.features = [str(name) for name in first.columns if all(name in table.columns for table in tables[1:])]
        if not self.cases or not self.features:
            raise InputError(
                f"the {len(tables)} readings share {len(self.cases)} cases and {len(self.features)} features; "
                "extract them with the same settings and case ids"
            )
        self.values = np.stack([np.asarray(t.loc[self.cases, self.features], float) for t in tables], axis=1)
        self._row = {case: row for row, case in enumerate(self.cases)}
        self._column = {name: column for column, name in enumerate(self.features)}

    def of(self, cases: Sequence[Any], features: Sequence[str]) -> np.ndarray:
        """Readings (n, k, p) of the given cases that were read, and of features that were read.

        Raises:
            KeyError: a feature that was not read.
        """
        rows = [self._row[case] for case in cases if case in self._row]
        return self.values[rows][:, :, [self._column[name] for name in features]]

    def reliability(
        self,
        cases: Sequence[Any],
        features: Sequence[str],
        model: IccModel = IccModel.AGREEMENT,
        smallest_cases: int = 5,
    ) -> Icc:
        """ICC (p,) of features that were read, over those of the given cases that were read.

        A case without a finite value counts for no feature that it lacks; a feature that too few cases have, or
        that does not vary, gets NaN.

        Args:
            cases: ids, such as those of the training part; others have no say.
            features: names.
            model: ICC(2,1) or ICC(3,1).
            smallest_cases: fewest cases, at least 3.

        Raises:
            InputError: too few of the cases were read.
            KeyError: a feature that was not read.
        """
        smallest = max(smallest_cases, FEWEST_CASES)
        read = [case for case in cases if case in self._row]
        if len(read) < smallest:
            raise InputError(
                f"{len(read)} of {len(cases)} training cases were read twice; an ICC needs at least {smallest}"
            )
        values = self.of(read, features)
        found = np.full((3, len(features)), np.nan)
        whole = np.isfinite(values).all(axis=(0, 1))
        if whole.any():
            found[:, whole] = _measured(values[:, :, whole], model)
        for column in np.flatnonzero(~whole):
            finite = values[np.isfinite(values[:, :, column]).all(axis=1)][:, :, [column]]
            if len(finite) >= smallest:
                found[:, column] = _measured(finite, model)[:, 0]
        return Icc(found[0], found[1], found[2], len(read), values.shape[1])

    def has(self, feature: str) -> bool:
        """True if the feature stands in every reading."""
        return feature in self._column

    def __deepcopy__(self, memo: dict[int, Any]) -> Readings:
        return self

    def __repr__(self) -> str:
        return f"<{self.values.shape[1]} readings of {len(self.cases)} cases and {len(self.features)} features>"


@dataclass(frozen=True)
class Reliability:
    """Which features repeated readings agree on.

    Attributes:
        features: (p,) names.
        icc: their ICC with its interval.
        threshold: ICC to exceed.
        model: ICC(2,1) or ICC(3,1).
    """

    features: tuple[str, ...]
    icc: Icc
    threshold: float
    model: IccModel

    @property
    def above(self) -> np.ndarray:
        """(p,) bool, whose ICC exceeds the threshold; a feature without an ICC does not."""
        return self.icc.value > self.threshold

    def rows(self) -> list[dict[str, object]]:
        """One row a feature, those without an ICC and then the lowest first."""
        order = np.argsort(np.where(np.isnan(self.icc.value), -np.inf, self.icc.value), kind="stable")
        columns = (self.icc.value, self.icc.lower, self.icc.upper, self.above)
        return [
            {"feature": self.features[k]}
            | dict(zip(("icc", "lower", "upper", "kept"), (column[k].item() for column in columns), strict=True))
            for k in order
        ]

    def note(self) -> str:
        """One line for the reader of the results."""
        return (
            f"ICC({self.model.value}) of {self.icc.readings} readings of {self.icc.subjects} training patients: "
            f"{int(self.above.sum())} of {len(self.features)} features exceed {self.threshold:g} and go on, icc.csv "
            "names the others"
        )


def _measured(values: np.ndarray, model: IccModel) -> np.ndarray:
    """Value, lower and upper end (3, p) of readings (n, k, p)."""
    found = icc(values, model)
    return np.stack([found.value, found.lower, found.upper])
