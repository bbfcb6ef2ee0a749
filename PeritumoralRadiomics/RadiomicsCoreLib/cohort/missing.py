"""What is done with missing values, for all columns or by column: the words are the same in every verb."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from ..errors import InputError

OTHERS = "*"
"""In a mapping from column to policy: all columns that it does not name."""


class MissingPolicy(StrEnum):
    """What is done with a patient whose value was not recorded."""

    DROP = "drop"
    """The patient is left out, by name."""
    MEDIAN = "median"
    """The median of the training patients; their most frequent level for a category."""
    LEVEL = "level"
    """A level of its own, "missing", for a category."""
    MICE = "mice"
    """Multiple imputation: `cox` and `logistic` fit and pool completed tables; all else gets the median, as above."""
    ERROR = "error"
    """The verb stops and says where."""

    @classmethod
    def of(cls, value: str) -> MissingPolicy:
        """Return the policy of a word. Raises InputError for any other word."""
        try:
            return cls(value)
        except ValueError:
            raise InputError(f"missing={value!r} is unknown; choose one of {', '.join(cls)}") from None


@dataclass(frozen=True)
class MissingPolicies:
    """One policy for all columns, and others for some.

    Args:
        by_column: column to policy; ``"*"`` stands for all that are not named. Where it is not there, they drop.

    Example:
        >>> MissingPolicies.from_plain("drop,age=median")
        MissingPolicies(drop,age=median)
        >>> MissingPolicies.from_plain("median").to_plain()
        'median'
    """

    by_column: Mapping[str, MissingPolicy] = field(default_factory=dict)

    def __post_init__(self) -> None:
        named = {OTHERS: MissingPolicy.DROP, **self.by_column}
        policies = {str(name): MissingPolicy.of(policy) for name, policy in named.items()}
        object.__setattr__(self, "by_column", policies)

    @classmethod
    def from_plain(cls, value: Any, where: str = "missing") -> MissingPolicies:
        """Read a mapping, or a text such as ``drop,age=median,stage=level``.

        Raises:
            InputError: an unknown policy, or two for one column.
        """
        if isinstance(value, Mapping):
            return cls({str(name): policy for name, policy in value.items()})
        if not isinstance(value, str):
            raise InputError(f"{where} must be a policy ({', '.join(MissingPolicy)}) or policies by column")
        policies: dict[str, MissingPolicy] = {}
        for part in filter(None, map(str.strip, value.split(","))):
            column, sign, policy = part.rpartition("=")
            name = column.strip() if sign else OTHERS
            if name in policies:
                raise InputError(f"{where} {value!r} names two policies for {'all' if name == OTHERS else name}")
            policies[name] = MissingPolicy.of(policy.strip())
        return cls(policies)

    def to_plain(self) -> str:
        """Return the text that :meth:`from_plain` reads."""
        named = [f"{name}={policy.value}" for name, policy in self.by_column.items() if name != OTHERS]
        return ",".join([self.others.value, *named])

    @property
    def others(self) -> MissingPolicy:
        """The policy of all columns that are not named."""
        return self.by_column[OTHERS]

    def of(self, column: str) -> MissingPolicy:
        """The policy of a column."""
        return self.by_column.get(column, self.others)

    def without(self, columns: Collection[str]) -> MissingPolicies:
        """The same without what is said of some columns."""
        return MissingPolicies({name: policy for name, policy in self.by_column.items() if name not in columns})

    def only(self, columns: Collection[str]) -> MissingPolicies:
        """The same with what is said of some columns alone, and of all others."""
        return self.without({name for name in self.by_column if name != OTHERS} - set(columns))

    def __repr__(self) -> str:
        return f"MissingPolicies({self.to_plain()})"
