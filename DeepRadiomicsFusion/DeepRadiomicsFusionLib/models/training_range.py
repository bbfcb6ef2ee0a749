"""Where the training patients of a model lay, as far as the model itself remembers: mean and deviation of its features.

A bundle holds no patient. What it knows of them is what it scales features by.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .classifiers import ClassifierModel
from .cross_validation import MeanOfModels
from .fusion import FusedModel
from .rad_score import RadScore
from .ring_sweep import ChosenModel

FAR = 4.0
"""Deviations from the training's mean beyond which one of 16,000 normal values lies."""
Scale = tuple[float, float]


def training_scale(model: Any) -> dict[str, Scale]:
    """Return feature to mean and standard deviation of the training patients; of several fold models their mean.

    Features that a model does not scale are left out.

    Example:
        >>> import numpy as np
        >>> score = RadScore(("a",), np.ones(1), 0.0, np.array([5.0]), np.array([2.0]), 0.1)
        >>> training_scale(score)
        {'a': (5.0, 2.0)}
    """
    found: dict[str, list[Scale]] = {}
    for name, scale in _scales(model):
        found.setdefault(name, []).append(scale)
    return {
        name: (sum(mean for mean, _ in scales) / len(scales), sum(sd for _, sd in scales) / len(scales))
        for name, scales in found.items()
    }


def far_from_training(model: Any, values: Mapping[str, float], most: float = FAR) -> list[tuple[str, float]]:
    """Return the features of a patient that lie far from the training's mean, in its deviations, the farthest first.

    Args:
        model: fitted.
        values: feature to the patient's value.
        most: deviations that are not far.

    Example:
        >>> import numpy as np
        >>> score = RadScore(("a",), np.ones(1), 0.0, np.array([5.0]), np.array([2.0]), 0.1)
        >>> far_from_training(score, {"a": 15.0})
        [('a', 5.0)]
    """
    distances = {
        name: (float(values[name]) - mean) / sd for name, (mean, sd) in training_scale(model).items() if name in values
    }
    return sorted(
        ((name, z) for name, z in distances.items() if abs(z) > most), key=lambda item: abs(item[1]), reverse=True
    )


def _scales(model: Any) -> Iterator[tuple[str, Scale]]:
    if isinstance(model, RadScore):
        yield from _usable(model.feature_names, model.mean, model.scale)
    elif isinstance(model, ClassifierModel):
        yield from _usable(model.selected.features, model.selected.centre, model.selected.scale)
    elif isinstance(model, FusedModel):
        for part in model.signatures.values():
            yield from _scales(part)
    elif isinstance(model, MeanOfModels):
        for part in model.models:
            yield from _scales(part)
    elif isinstance(model, ChosenModel):
        yield from _scales(model.model)


def _usable(names: Any, means: Any, deviations: Any) -> Iterator[tuple[str, Scale]]:
    for name, mean, sd in zip(names, means, deviations, strict=True):
        if sd > 0 and (mean, sd) != (0.0, 1.0):  # else it is not scaled at all
            yield str(name), (float(mean), float(sd))
