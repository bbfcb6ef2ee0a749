"""Regions as rows of quality figures, and as masks on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from .growing import RegionSet

FIGURE_COLUMNS = (
    "region",
    "kind",
    "inner_mm",
    "outer_mm",
    "thickness_mm",
    "voxels",
    "volume_ml",
    "retained_fraction",
    "mean_radius_mm",
    "grey_levels",
    "reason",
    "warnings",
)


def region_rows(
    regions: RegionSet, reasons: Mapping[str, str] | None = None, grey_levels: Mapping[str, int] | None = None
) -> list[dict[str, Any]]:
    """Return the quality figures of regions, one plain row each (columns: see ``FIGURE_COLUMNS``).

    Args:
        regions: the regions of one phase.
        reasons: region to why it has no features.
        grey_levels: region to the number of its grey levels.
    """
    reasons, levels = reasons or {}, grey_levels or {}
    return [
        {
            **region.figures(),
            "mean_radius_mm": regions.mean_radius_mm,
            "grey_levels": levels.get(name),
            "reason": region.reason or reasons.get(name),
        }
        for name, region in regions.regions.items()
    ]


def save_masks(regions: RegionSet, folder: Path, *, prefix: str = "") -> None:
    """Write every region as a compressed NIfTI mask on the full grid, ``<prefix><region>.nii.gz``."""
    for name in regions.regions:
        sitk.WriteImage(regions.full_mask(name), str(folder / f"{prefix}{name}.nii.gz"), useCompression=True)
