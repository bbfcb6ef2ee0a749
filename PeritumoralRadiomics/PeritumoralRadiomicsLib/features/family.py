"""A feature family: a table of named features, each a function with its formula, reference and IBSI code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from RadiomicsCoreLib.errors import InputError

Function = TypeVar("Function", bound=Callable[..., Any])


@dataclass(frozen=True)
class Feature:
    """One feature.

    Attributes:
        name: pyradiomics' name.
        function: takes the family's table, returns one value for each of its owners (region or voxel).
        ibsi: identifier in the IBSI reference manual (https://ibsi.readthedocs.io), None if not in it.
        default: False for those that pyradiomics documents as deprecated; they are computed when named.
    """

    name: str
    function: Callable[[Any], Any]
    ibsi: str | None
    default: bool


class Family:
    """Features that are computed from the same table.

    Example:
        >>> family = Family("example")
        >>> @family.feature("Mean", ibsi="Q4LE")
        ... def mean(values):
        ...     return sum(values) / len(values)
        >>> family.compute([1, 3], None)
        {'Mean': 2.0}
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.features: dict[str, Feature] = {}

    def feature(self, name: str, *, ibsi: str | None = None, default: bool = True) -> Callable[[Function], Function]:
        """Decorator: enter a function into the table under pyradiomics' feature name."""

        def enter(function: Function) -> Function:
            self.features[name] = Feature(name, function, ibsi, default)
            return function

        return enter

    def names(self, wanted: Sequence[str] | None = None) -> list[str]:
        """The features to compute: those wanted, or all default ones, in pyradiomics' order."""
        if not wanted:
            default = (feature.name for feature in self.features.values() if feature.default)
            return sorted(default, key=lambda name: name + "FeatureValue")
        unknown = [name for name in wanted if name not in self.features]
        if unknown:
            raise InputError(
                f"feature {unknown[0]!r} is not one of class {self.name}; it has {', '.join(sorted(self.features))}"
            )
        return list(wanted)

    def compute(self, table: Any, wanted: Sequence[str] | None = None) -> dict[str, Any]:
        """Values of the wanted features; a division by zero inside one gives its documented NaN."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return {name: self.features[name].function(table) for name in self.names(wanted)}
