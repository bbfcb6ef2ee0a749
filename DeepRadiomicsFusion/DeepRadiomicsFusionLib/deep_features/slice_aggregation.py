"""From one row of deep features a slice to one row a patient: mean, maximum, or the larger of two clusters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..settings.deep_feature_settings import SliceRule

CLUSTERS = 2
_STARTS = 10


@dataclass(frozen=True)
class AggregatedSlices:
    """One patient's features.

    Attributes:
        features: (C,).
        used: bool (n,), which slices went into them.
    """

    features: np.ndarray
    used: np.ndarray


def aggregate_slices(
    features: np.ndarray, rule: SliceRule | str = SliceRule.LARGER_CLUSTER, *, seed: int = 0
) -> AggregatedSlices:
    """Reduce the features of a patient's slices to one row.

    The larger cluster: K-means with two clusters; of two clusters of one size the tighter one is kept (smaller
    mean squared distance to its centre), and of two equally tight ones that of the lowest slice. Fewer than three
    different slices have no larger cluster and are averaged.

    Args:
        features: (n, C), one row a slice, finite.
        rule: how; the text of a :class:`SliceRule` is understood.
        seed: of K-means' starts.

    Raises:
        InputError: no slice, a feature that is not finite, or an unknown rule.

    Example:
        >>> rows = np.array([[1.0], [1.2], [9.0]])
        >>> aggregate_slices(rows, "larger_cluster").features
        array([1.1])

    Reference: Song et al. 2021, doi 10.21037/atm-21-25 (two clusters, the larger is kept and averaged).
    """
    rows = _checked(features)
    try:
        how = SliceRule(rule)
    except ValueError:
        known = ", ".join(choice.value for choice in SliceRule)
        raise InputError(f"slice rule is {rule!r}; choose from {known}") from None
    everything = np.ones(len(rows), bool)
    if how is SliceRule.MAXIMUM:
        return AggregatedSlices(rows.max(axis=0), everything)
    used = _larger_cluster(rows, seed) if how is SliceRule.LARGER_CLUSTER else everything
    return AggregatedSlices(rows[used].mean(axis=0), used)


def _checked(features: np.ndarray) -> np.ndarray:
    rows = np.asarray(features, np.float64)
    if rows.ndim != 2 or not len(rows):
        raise InputError(f"slice features have shape {rows.shape}; give one row a slice, at least one")
    if not np.isfinite(rows).all():
        bad = int(np.flatnonzero(~np.isfinite(rows).all(axis=1))[0])
        raise InputError(f"slice {bad + 1} has a deep feature that is not finite; check the network and its weights")
    return rows


def _larger_cluster(rows: np.ndarray, seed: int) -> np.ndarray:
    if len(np.unique(rows, axis=0)) <= CLUSTERS:
        return np.ones(len(rows), bool)
    from sklearn.cluster import KMeans

    labels = KMeans(CLUSTERS, n_init=_STARTS, random_state=seed).fit_predict(rows)
    clusters = [labels == label for label in range(CLUSTERS)]
    return min(clusters, key=lambda inside: (-int(inside.sum()), _spread(rows[inside]), int(np.argmax(inside))))


def _spread(rows: np.ndarray) -> float:
    return float(((rows - rows.mean(axis=0)) ** 2).sum(axis=1).mean())
