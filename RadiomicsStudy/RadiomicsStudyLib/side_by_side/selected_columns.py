"""Columns of feature tables by pattern."""

from __future__ import annotations

from collections.abc import Sequence
from fnmatch import fnmatchcase

from RadiomicsCoreLib.cohort.joined import listed
from RadiomicsCoreLib.errors import InputError


def selected_columns(columns: Sequence[str], patterns: Sequence[str]) -> list[str]:
    """Return the columns that fit a pattern, in their order; all where there is none.

    Raises:
        InputError: a pattern that fits nothing.

    Example:
        >>> selected_columns(["ct.ring_0_3mm.a", "ct.intratumour.a"], ["*.intratumour.*"])
        ['ct.intratumour.a']
    """
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in columns):
            raise InputError(
                f"no feature column fits the pattern {pattern!r}; there are {len(columns)}: {listed(columns, 3)}"
            )
    return [name for name in columns if not patterns or any(fnmatchcase(name, pattern) for pattern in patterns)]
