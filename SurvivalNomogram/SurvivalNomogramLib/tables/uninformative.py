"""Columns that tell no patients apart, or tell what another column tells: left out before anything is selected."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.joined import listed

if TYPE_CHECKING:
    import pandas as pd

MOSTLY_ONE_VALUE = 0.95
"""A column with one value in more than this share of the training patients is near-constant."""
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Uninformative:
    """Columns to leave out.

    Attributes:
        constant: with one value in all training patients, rounding aside.
        nearly: with one value in more than 95 % of them.
        twins: the same numbers as another column -> that column, which stays.
        patients: how many were looked at.
    """

    constant: tuple[str, ...]
    nearly: tuple[str, ...]
    twins: dict[str, str]
    patients: int

    @property
    def names(self) -> frozenset[str]:
        """All of them."""
        return frozenset((*self.constant, *self.nearly, *self.twins))

    def lines(self) -> list[str]:
        """Say how many are left out of what kind, and name the first."""
        found = []
        if self.constant:
            found.append(
                f"{_columns(self.constant)} the same value in all {self.patients} training patients: left out: "
                f"{listed(map(repr, self.constant))}"
            )
        if self.nearly:
            found.append(
                f"{_columns(self.nearly)} one value in more than {MOSTLY_ONE_VALUE:.0%} of the {self.patients} "
                f"training patients: left out: {listed(map(repr, self.nearly))} (name a column among the covariates to "
                "keep it)"
            )
        if self.twins:
            pairs = [f"{name!r} (as {other!r})" for name, other in self.twins.items()]
            found.append(f"{_columns(self.twins)} the values of another column: left out: {listed(pairs)}")
        return found


def _columns(names: Collection[str]) -> str:
    return f"{len(names)} columns have" if len(names) > 1 else "1 column has"


def uninformative(training: pd.DataFrame, named: Collection[str] = ()) -> Uninformative:
    """Find the columns of the training patients that a model cannot use.

    Args:
        training: (n rows) covariates, nothing missing.
        named: columns that the user names; they are left out only where they are constant or the twin of another.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"a": [1.0, 2, 3], "b": [5.0, 5, 5], "c": [1.0, 2, 3]})
        >>> sorted(uninformative(frame).names)
        ['b', 'c']
    """
    numbers = training.select_dtypes("number")
    values = numbers.to_numpy(dtype=float)
    # An infinite value is refused by name where the column is used, not left out here.
    with np.errstate(invalid="ignore"):
        is_constant = np.ptp(values, axis=0) <= _ROUNDING * np.abs(values).max(axis=0)
    is_constant &= np.isfinite(values).all(axis=0)
    constant = list(numbers.columns[is_constant])
    nearly = list(numbers.columns[_is_mostly_one_value(values) & ~is_constant])
    others = training.columns.difference(numbers.columns, sort=False)
    for name in others:
        counts = training[name].astype(object).value_counts(normalize=True)
        if len(counts) < 2:
            constant.append(name)
        elif counts.iloc[0] > MOSTLY_ONE_VALUE:
            nearly.append(name)
    nearly = [name for name in nearly if name not in set(named)]
    gone = {*constant, *nearly}
    twins = _twins(values, [name if name not in gone else None for name in numbers.columns], set(named))
    order = list(training.columns)
    return Uninformative(
        tuple(name for name in order if name in set(constant)),
        tuple(name for name in order if name in set(nearly)),
        twins,
        len(training),
    )


def _is_mostly_one_value(values: np.ndarray) -> np.ndarray:
    """Columns (p,) of which more than 95 % of the patients have the same value."""
    n = len(values)
    window = int(np.floor(MOSTLY_ONE_VALUE * n)) + 1
    # In sorted order equal values stand together: those of a window are equal if its ends are.
    ordered = np.sort(values, axis=0)
    return (ordered[window - 1 :] == ordered[: n - window + 1]).any(axis=0)


def _twins(values: np.ndarray, names: list[str | None], named: set[str]) -> dict[str, str]:
    """Column -> an equal one before it; of two equal ones that which the user names stays."""
    order = sorted((k for k, name in enumerate(names) if name is not None), key=lambda k: names[k] not in named)
    first: dict[bytes, str] = {}
    twins: dict[str, str] = {}
    for k in order:
        name = names[k]
        assert name is not None
        key = (values[:, k] + 0.0).tobytes()  # -0.0 is 0.0
        if key in first:
            twins[name] = first[key]
        else:
            first[key] = name
    return twins
