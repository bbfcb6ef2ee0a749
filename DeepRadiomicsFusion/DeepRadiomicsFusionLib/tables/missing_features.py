"""What is done with features that could not be measured: the policies of the cohort's grammar, for numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.joined import listed
from RadiomicsCoreLib.cohort.missing import OTHERS, MissingPolicies, MissingPolicy
from RadiomicsCoreLib.errors import InputError

from .samples import numbers_of

if TYPE_CHECKING:
    import pandas as pd

FILLED = (MissingPolicy.MEDIAN, MissingPolicy.MICE)
"""Policies by which a value is put in; multiple imputation is ``cox``'s and ``logistic``'s."""


def check_policies(policies: MissingPolicies) -> None:
    """Refuse a level of its own: features are numbers.

    Raises:
        InputError: with the column.

    Example:
        >>> check_policies(MissingPolicies({"*": "level"}))
        Traceback (most recent call last):
        RadiomicsCoreLib.errors.InputError: missing: level is for categories, features are numbers; choose drop, ...
    """
    of = [name for name, policy in policies.by_column.items() if policy is MissingPolicy.LEVEL]
    if of:
        where = "missing" if of[0] == OTHERS else f"missing of {of[0]!r}"
        raise InputError(f"{where}: level is for categories, features are numbers; choose drop, median or error")


@dataclass(frozen=True)
class MissingFeatures:
    """How gaps of a feature table are treated, as the training cases say.

    Args:
        policies: by column.
        medians: feature to the median of the training cases, where its policy fills gaps.
    """

    policies: MissingPolicies = MissingPolicies()
    medians: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, policies: MissingPolicies, training: pd.DataFrame) -> MissingFeatures:
        """Learn the medians of the training cases; no outcome is looked at.

        Args:
            policies: by column.
            training: (n, p) features, NaN where missing.

        Raises:
            InputError: a policy of a column that is no feature, or a feature that no training case has.

        Example:
            >>> import pandas as pd
            >>> MissingFeatures.of(MissingPolicies({"*": "median"}), pd.DataFrame({"x": [1.0, None, 4.0]})).medians
            {'x': 2.5}
        """
        check_policies(policies)
        for name in policies.by_column:
            if name not in (*training.columns, OTHERS):
                raise InputError(f"missing values of column {name!r} are spoken of, but it is not among the features")
        filled = [name for name in training.columns if policies.of(name) in FILLED]
        values = numbers_of(training[filled]).replace([np.inf, -np.inf], np.nan)
        empty = [name for name in filled if values[name].isna().all()]
        if empty:
            raise InputError(
                f"no training case has a value of {empty[0]!r} ({len(empty)} such features); leave such features out"
            )
        return cls(policies, {name: float(value) for name, value in values.median().items()})

    def complete(self, table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
        """Return a table of features without gaps, and what was done to it.

        Args:
            table: (n, p) features of any cases, index their ids.

        Raises:
            InputError: a gap where the policy is ``error``.
        """
        table = numbers_of(table)
        gaps = ~np.isfinite(table.to_numpy())
        if not gaps.any():
            return table, []
        policy = np.array([self.policies.of(name).value for name in table.columns])
        _refuse(table, gaps & (policy == MissingPolicy.ERROR))
        filled = gaps & np.isin(policy, [one.value for one in FILLED])
        notes = self._filling_notes(table, filled)
        middle = np.array([self.medians.get(name, np.nan) for name in table.columns])
        values = np.where(filled, middle, table.to_numpy())
        dropped = (gaps & (policy == MissingPolicy.DROP)).any(axis=1)
        if dropped.any():
            cases = table.index[dropped]
            notes.append(f"{len(cases)} cases with missing features were left out: {listed(cases)}")
        table = table.astype(float).copy()
        table[:] = values
        return table.loc[~dropped], notes

    def _filling_notes(self, table: pd.DataFrame, filled: np.ndarray) -> list[str]:
        if not filled.any():
            return []
        of = table.columns[filled.any(axis=0)]
        mice = [name for name in of if self.policies.of(name) is MissingPolicy.MICE]
        told = "; multiple imputation is for cox and logistic alone" if mice else ""
        return [
            f"{int(filled.sum())} missing values of {len(of)} features were filled with the median of the training "
            f"cases{told}: {listed(of)}"
        ]


def fill_medians(table: pd.DataFrame, medians: Mapping[str, float]) -> tuple[pd.DataFrame, Sequence[str]]:
    """Fill the gaps of new cases as those of a model's training were; features without a median keep theirs.

    Returns:
        The table, and a note where something was filled.

    Example:
        >>> import pandas as pd
        >>> fill_medians(pd.DataFrame({"x": [None, 1.0]}), {"x": 2.5})[0]["x"].tolist()
        [2.5, 1.0]
    """
    known = {name: value for name, value in medians.items() if name in table.columns}
    if not known:
        return table, ()
    numbers = numbers_of(table[list(known)]).replace([np.inf, -np.inf], np.nan)
    count = int(numbers.isna().to_numpy().sum())
    if not count:
        return table, ()
    return table.assign(**numbers.fillna(known)), (
        f"{count} missing feature values were filled with the median of the model's training cases",
    )


def _refuse(table: pd.DataFrame, gaps: np.ndarray) -> None:
    if not gaps.any():
        return
    row, column = (int(place[0]) for place in np.nonzero(gaps))
    raise InputError(
        f"{int(gaps.sum())} feature values are NaN or infinite, the first is {table.columns[column]!r} of case "
        f"{table.index[row]!r}; say what to do by --missing drop or median"
    )
