"""Missing covariates: dropped, filled with what the training patients show, or made a level; never in silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.cohort.missing import OTHERS, MissingPolicies, MissingPolicy
from RadiomicsCoreLib.errors import InputError

from .covariates import MISSING_LEVEL, is_numeric, level_texts

if TYPE_CHECKING:
    import pandas as pd

FILLING = (MissingPolicy.MEDIAN, MissingPolicy.MICE, MissingPolicy.LEVEL)


@dataclass
class MissingValues:
    """Fills missing covariates with values fitted on the training patients.

    Args:
        policy: one policy for all columns, or a policy for each column that has missing values. "drop"
            removes the patient, "median" fills numbers with the median and categories with the mode,
            "level" gives categories a level "missing", "mice" fills as "median" and remembers
            the gaps, "error" refuses. A mapping's key "*" speaks for all
            columns that it does not name; without it they may not miss a value.

    Attributes:
        fill_: column -> value, fitted.
        policy_: column -> policy, fitted.

    Example:
        >>> import pandas as pd
        >>> filler = MissingValues("median").fit(pd.DataFrame({"age": [50.0, 60.0, None]}))
        >>> filler.transform(pd.DataFrame({"age": [None, 70.0]})).age.tolist()
        [55.0, 70.0]
    """

    policy: MissingPolicies | str | Mapping[str, str] = MissingPolicies()
    fill_: dict[str, float | str] = field(default_factory=dict)
    policy_: dict[str, MissingPolicy] = field(default_factory=dict)

    def fit(self, frame: pd.DataFrame, categorical: Sequence[str] = ()) -> MissingValues:
        """Learn medians and modes.

        Args:
            frame: covariates of the training patients.
            categorical: numeric columns that hold codes of categories.
        """
        policies = policies_of(self.policy)
        self.policy_ = {str(name): policies.of(str(name)) for name in frame.columns}
        self.fill_ = {}
        for name, policy in self.policy_.items():
            if policy in FILLING:
                self._fit_column(frame[name], policy, name in categorical)
        return self

    def _fit_column(self, column: pd.Series, policy: MissingPolicy, is_code: bool) -> None:
        import pandas as pd

        name = str(column.name)
        if column.dropna().empty:
            raise InputError(f"column {name!r} has no value in any training patient: leave it out")
        if not is_code and is_numeric(column):
            if policy is not MissingPolicy.LEVEL:
                self.fill_[name] = float(pd.to_numeric(column).median())
        elif policy is MissingPolicy.LEVEL:
            self.fill_[name] = MISSING_LEVEL
        else:
            self.fill_[name] = str(level_texts(column).dropna().mode().iloc[0])

    def gaps(self, frame: pd.DataFrame) -> pd.DataFrame | None:
        """Where values of columns to be imputed several times are missing (bool, same shape); None if nowhere."""
        imputed = [name for name, policy in self.policy_.items() if policy is MissingPolicy.MICE]
        gaps = frame.isna() & frame.columns.isin(imputed)
        return gaps if gaps.to_numpy().any() else None

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return a copy without missing values; rows that were dropped are absent from its index.

        Raises:
            InputError: a column has missing values and its policy is "error", or "level" for a number.
        """
        filled = frame.copy()
        absent = frame.isna().any()
        for name, policy in self.policy_.items():
            if not absent[name] or policy is MissingPolicy.DROP:
                continue
            if name not in self.fill_:
                raise InputError(self._refusal(filled[name], policy))
            if not isinstance(self.fill_[name], float):
                filled[name] = level_texts(filled[name])
            filled[name] = filled[name].where(filled[name].notna(), self.fill_[name])
        dropping = [name for name, policy in self.policy_.items() if policy is MissingPolicy.DROP]
        return filled.dropna(subset=dropping)

    def _refusal(self, column: pd.Series, policy: MissingPolicy) -> str:
        count = int(column.isna().sum())
        if policy is MissingPolicy.LEVEL:
            return (
                f"column {column.name!r} is numeric and misses {count} values: a missing level exists only for "
                'categories; choose "median" or "drop" for it'
            )
        return (
            f"column {column.name!r} misses {count} values (first in row {column.index[column.isna()][0]}): "
            'say what to do with them: "drop", "median" or "level"'
        )

    def report(self, frame: pd.DataFrame) -> list[str]:
        """Say in one line a column what :meth:`transform` does to this frame."""
        counts = frame.isna().sum()
        lines = [
            f"column {name!r}: {counts[name]} missing filled with "
            + (f"{self.fill_[name]:.6g}" if isinstance(self.fill_[name], float) else f"{self.fill_[name]!r}")
            for name in self.fill_
            if counts[name]
        ]
        return lines + [
            f"column {name!r}: {counts[name]} patients without a value dropped"
            for name, policy in self.policy_.items()
            if policy is MissingPolicy.DROP and counts[name]
        ]

    def to_dict(self) -> dict[str, object]:
        return {
            "fill": dict(self.fill_),
            "policy": {name: policy.value for name, policy in self.policy_.items()},
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MissingValues:
        policies = {str(name): MissingPolicy.of(value) for name, value in data["policy"].items()}
        return cls({n: p.value for n, p in policies.items()}, dict(data["fill"]), policies)


def policies_of(given: MissingPolicies | str | Mapping[str, str]) -> MissingPolicies:
    """Return the policies that a word or a mapping names; a mapping without "*" refuses all other columns."""
    if isinstance(given, Mapping):
        return MissingPolicies.from_plain({OTHERS: MissingPolicy.ERROR, **given})
    return given if isinstance(given, MissingPolicies) else MissingPolicies.from_plain(given)
