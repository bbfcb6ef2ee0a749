"""Drops the features that are the region's volume under another name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from .correlation_filter import correlation_with
from .step import Step, TableView

if TYPE_CHECKING:
    import pandas as pd

VOLUME_FEATURES = ("original_shape_MeshVolume", "original_shape_VoxelVolume")


class RegionVolumes:
    """The volume of every region of every case, taken from a feature table once.

    It is never changed, so that copies of a step share it.

    Args:
        table: data frame with case ids as index and columns ``<phase>.<region>.<feature>``; the volume is
            pyradiomics' mesh volume, or voxel volume where there is no mesh volume.

    Raises:
        InputError: no region has a volume.
    """

    def __init__(self, table: pd.DataFrame) -> None:
        found: dict[str, np.ndarray] = {}
        for feature in VOLUME_FEATURES:
            for name in map(str, table.columns):
                prefix, _, rest = name.rpartition(".")
                if rest == feature and prefix not in found:
                    found[prefix] = np.asarray(table[name], float)
        if not found:
            raise InputError(
                f"the table has no volumes: no column ends in .{VOLUME_FEATURES[0]}; extract shape features"
            )
        self.by_region = found
        self._row = {case: row for row, case in enumerate(table.index)}

    def of(self, region: str, cases: Sequence[Any]) -> np.ndarray | None:
        """Volumes (n,) of a region ``<phase>.<region>`` in mm³; None if the region has none.

        Raises:
            InputError: a case that the table does not have.
        """
        if region not in self.by_region:
            return None
        absent = [case for case in cases if case not in self._row]
        if absent:
            raise InputError(f"case {absent[0]!r} has no volumes; give the feature table of the same cases")
        return self.by_region[region][[self._row[case] for case in cases]]

    def __deepcopy__(self, memo: dict[int, Any]) -> RegionVolumes:
        return self

    def __repr__(self) -> str:
        return f"<volumes of {len(self.by_region)} regions of {len(self._row)} cases>"


class VolumeCorrelationFilter(Step):
    """Drop features whose Spearman correlation with the volume of their own region exceeds a threshold.

    Features of a region without a volume are kept, and named in ``without_volume_``.

    Args:
        volumes: volumes of the regions; None takes them from the columns of the table given to ``fit``.
        threshold: largest absolute correlation that is left, in (0, 1).
        keep_volume: keep the volume feature itself, which tells openly what it is.

    After ``fit``: ``correlation_`` (p,), NaN without a volume.

    Reference: Welch ML et al. Radiother Oncol 2019;130:2-9.
    """

    correlation_: np.ndarray
    without_volume_: tuple[str, ...]

    def __init__(self, volumes: RegionVolumes | None = None, threshold: float = 0.9, keep_volume: bool = True) -> None:
        self.volumes = volumes
        self.threshold = threshold
        self.keep_volume = keep_volume

    def _choose(self, table: TableView, outcome: np.ndarray | None) -> np.ndarray:
        if not 0 < self.threshold < 1:
            raise InputError(f"the volume-correlation threshold must lie between 0 and 1, not {self.threshold:g}")
        if not table.is_frame:
            raise InputError("the volume-correlation filter needs a data frame with <phase>.<region>.<feature> columns")
        volumes = self.volumes or RegionVolumes(table.source)
        region = np.array([name.rpartition(".")[0] for name in table.names], dtype=object)
        self.correlation_ = np.full(len(table.names), np.nan)
        for name in dict.fromkeys(region.tolist()):
            volume = volumes.of(name, table.case_ids or ())
            if volume is not None:
                own = region == name
                self.correlation_[own] = correlation_with(table.values[:, own], volume)
        unknown = np.isnan(self.correlation_)
        self.without_volume_ = tuple(name for name, bare in zip(table.names, unknown, strict=True) if bare)
        is_volume = np.array([name.rpartition(".")[2] in VOLUME_FEATURES for name in table.names])
        keep = unknown | (np.abs(self.correlation_) <= self.threshold) | (is_volume & self.keep_volume)
        if not keep.any():
            raise InputError(
                f"all {len(keep)} features follow their region's volume (absolute Spearman correlation above "
                f"{self.threshold:g}); raise the threshold or keep the volume itself"
            )
        return keep
