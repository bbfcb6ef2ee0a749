"""Regions as rows of quality figures, and as masks on disk."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

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


class Measured(Protocol):
    """What an extraction says of its regions."""

    @property
    def reasons(self) -> Mapping[str, str]:
        """Region to why it has no features."""

    @property
    def grey_levels(self) -> Mapping[str, int]:
        """Region to the number of its grey levels."""

    @property
    def few_levels(self) -> Mapping[str, str]:
        """Region to the warning that its textures rest on few grey levels."""


def region_rows(regions: RegionSet, measured: Measured | None = None) -> list[dict[str, Any]]:
    """Return the quality figures of regions, one plain row each (columns: see ``FIGURE_COLUMNS``).

    Args:
        regions: the regions of one phase.
        measured: what the extraction of their features found; None: nothing was extracted.
    """
    return [_row(regions, name, measured) for name in regions.regions]


def _row(regions: RegionSet, name: str, measured: Measured | None) -> dict[str, Any]:
    region = regions.regions[name]
    row = {**region.figures(), "mean_radius_mm": regions.mean_radius_mm, "grey_levels": None}
    if measured is None:
        return row
    warnings = [*region.warnings, *filter(None, [measured.few_levels.get(name)])]
    found = {"grey_levels": measured.grey_levels.get(name), "reason": region.reason or measured.reasons.get(name)}
    return {**row, **found, "warnings": "; ".join(warnings)}


def save_masks(regions: RegionSet, folder: Path, *, prefix: str = "") -> None:
    """Write every region as a compressed NIfTI mask on the full grid, ``<prefix><region>.nii.gz``."""
    for name in regions.regions:
        sitk.WriteImage(regions.full_mask(name), str(folder / f"{prefix}{name}.nii.gz"), useCompression=True)
