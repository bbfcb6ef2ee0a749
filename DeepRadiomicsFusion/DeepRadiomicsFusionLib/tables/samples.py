"""Cases with features and an outcome: what every model here is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics.binary_outcome import binary_outcome

if TYPE_CHECKING:
    import pandas as pd

    from .endpoints import Endpoint


@dataclass(frozen=True)
class Samples:
    """Features and outcome of n cases.

    Attributes:
        table: data frame (n, p) of finite numbers, case ids as index.
        outcome: (n,) 0 and 1.
        patients: (n,) patient of each case; a patient's cases always stay together.
    """

    table: pd.DataFrame
    outcome: np.ndarray
    patients: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.outcome)

    @property
    def key(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Tells samples of one cohort apart by their cases and features."""
        return tuple(self.table.index), tuple(self.table.columns)

    def rows(self, rows: np.ndarray) -> Samples:
        """The cases at these places."""
        return Samples(
            self.table.iloc[rows], self.outcome[rows], tuple(self.patients[row] for row in np.arange(len(self))[rows])
        )

    def columns(self, names: Sequence[str]) -> Samples:
        """The same cases with these features only."""
        return Samples(self.table[list(names)], self.outcome, self.patients)


def make_samples(
    table: pd.DataFrame, outcome: Sequence[object] | np.ndarray, patients: Sequence[object] | None = None
) -> Samples:
    """Check features and outcome, and put them together.

    Args:
        table: data frame (n, p), case ids as index, numbers only.
        outcome: (n,) 0 and 1.
        patients: (n,) patient of each case; None: every case is a patient of its own.

    Raises:
        InputError: text, NaN or infinite values, repeated cases or columns, one class only.
    """
    if not table.index.is_unique:
        raise InputError(f"case {table.index[table.index.duplicated()][0]!r} stands twice in the feature table")
    if not table.columns.is_unique:
        raise InputError(f"feature {table.columns[table.columns.duplicated()][0]!r} stands twice in the feature table")
    if not len(table.columns):
        raise InputError("the feature table has no feature columns")
    numbers = numbers_of(table)
    bad = ~np.isfinite(numbers.to_numpy())
    if bad.any():
        row, column = (int(place[0]) for place in np.nonzero(bad))
        raise InputError(
            f"{int(bad.sum())} feature values are NaN or infinite, the first is {table.columns[column]!r} of case "
            f"{table.index[row]!r}; leave such cases or features out, or fill them"
        )
    coded = binary_outcome(outcome)
    if len(coded) != len(table):
        raise InputError(f"{len(table)} cases have features and {len(coded)} an outcome")
    names = table.index if patients is None else patients
    return Samples(numbers, coded, tuple(str(name) for name in names))


def join_endpoint(
    features: pd.DataFrame,
    endpoint: Endpoint,
    *,
    patients: dict[str, str] | None = None,
) -> tuple[Samples, tuple[str, ...]]:
    """Join features with an endpoint over the cases.

    Args:
        features: data frame with case ids as index.
        endpoint: labelled cases.
        patients: case to patient, where a patient has several cases.

    Returns:
        The samples, and notes on what was left out.

    Raises:
        InputError: no case in common, or as :func:`make_samples`.
    """
    both = [
        (case, value) for case, value in zip(endpoint.case_ids, endpoint.outcome, strict=True) if case in features.index
    ]
    if not both:
        raise InputError(
            f"no case has both features and a label of {endpoint.name!r}; compare the case_id columns of the tables"
        )
    notes = [endpoint.summary]
    if len(both) < len(endpoint.case_ids):
        notes.append(f"{len(endpoint.case_ids) - len(both)} labelled cases have no features and were left out")
    table = features.loc[[case for case, _ in both]]
    label = dict(both)
    ids = [str(case) for case in table.index]
    samples = make_samples(table, [label[case] for case in table.index], [(patients or {}).get(c, c) for c in ids])
    return samples, tuple(notes)


def refuse_shared_patients(training: Samples, other: Samples, name: str = "test") -> None:
    """Refuse a patient (or case) that is in the training part and in another.

    Raises:
        InputError: with the first such patient.
    """
    shared = sorted(
        (set(training.patients) & set(other.patients))
        | ({str(case) for case in training.table.index} & {str(case) for case in other.table.index})
    )
    if shared:
        raise InputError(
            f"{len(shared)} patients are in the training and in the {name} part, the first is {shared[0]!r}; "
            "put all cases of a patient into one part"
        )


def matrix(table: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Values (n, p) of the named features, checked for a model that needs them.

    Raises:
        ModelError: features are missing, or a value is NaN or infinite.
    """
    missing = [name for name in features if name not in table.columns]
    if missing:
        raise ModelError(
            f"{len(missing)} of the model's {len(features)} features are missing, the first is {missing[0]!r}; extract "
            "them with the settings that the model was trained with"
        )
    values = np.asarray(table[list(features)], float)
    bad = ~np.isfinite(values)
    if bad.any():
        row, column = (int(place[0]) for place in np.nonzero(bad))
        raise ModelError(
            f"feature {features[column]!r} of case {table.index[row]!r} is NaN or infinite; the model cannot be applied"
        )
    return values


def numbers_of(table: pd.DataFrame) -> pd.DataFrame:
    """The table as floats.

    Raises:
        InputError: a column holds text.
    """
    import pandas as pd

    for name in table.columns:
        if not pd.api.types.is_numeric_dtype(table[name]):
            text = next((value for value in table[name] if isinstance(value, str)), None)
            raise InputError(f"feature column {str(name)!r} holds text ({text!r}); a feature is a number")
    return table.astype(float)
