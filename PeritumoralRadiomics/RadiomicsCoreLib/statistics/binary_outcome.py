"""One rule for outcomes of two classes: 0 and 1, nothing missing, both present."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import InputError


def binary_outcome(outcome: Any, name: str = "the outcome") -> np.ndarray:
    """Return an outcome as whole numbers 0 and 1.

    Args:
        outcome: (n,) of 0 and 1, whole numbers, floats or truths.
        name: how messages call it.

    Raises:
        InputError: not one-dimensional, a text, another value, a missing value, or one class only.

    Example:
        >>> binary_outcome([True, False, True])
        array([1, 0, 1])
    """
    values = np.asarray(outcome)
    if values.ndim != 1 or not len(values):
        raise InputError(f"{name} has shape {values.shape}; give one value for every case")
    listed = values.tolist()
    for place, value in enumerate(listed):
        if value is None or value != value:
            raise InputError(f"{name} is missing for case {place + 1} of {len(listed)}; leave such cases out")
        if isinstance(value, str) or value not in (0, 1):
            raise InputError(f"{name} holds {value!r}; code it as 0 and 1")
    result = np.array([int(value) for value in listed])
    if result.min() == result.max():
        raise InputError(f"{name} is {result[0]} for all {len(result)} cases; both classes, 0 and 1, are needed")
    return result
