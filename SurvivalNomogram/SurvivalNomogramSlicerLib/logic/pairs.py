"""Names with values as a list of texts, which a parameter node keeps: both may hold any sign, as ``>=5 cm`` does."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any


def texts_of(pairs: Mapping[str, Any]) -> list[str]:
    """Return a text for each pair.

    Example:
        >>> texts_of({"size": ">=5"})
        ['["size", ">=5"]']
    """
    return [json.dumps([name, str(value)]) for name, value in pairs.items()]


def pairs_of(texts: Sequence[str]) -> dict[str, str]:
    """Return the pairs of :func:`texts_of`.

    Example:
        >>> pairs_of(texts_of({"size": ">=5", "a=b": "c"}))
        {'size': '>=5', 'a=b': 'c'}
    """
    return {str(name): str(value) for name, value in map(json.loads, texts)}
