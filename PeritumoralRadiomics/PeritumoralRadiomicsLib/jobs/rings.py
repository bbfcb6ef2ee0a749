"""``rings``: the rings of one tumour as masks, a table of quality figures and a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from RadiomicsCoreLib.errors import EmptyMaskError, InputError
from RadiomicsCoreLib.images.masks import read_mask
from RadiomicsCoreLib.images.reading import read_image
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option

from ..regions.growing import grow_regions
from ..regions.overlay import OverlayPanel, save_overlay
from ..regions.ring_settings import RingSettings
from ..regions.tables import FIGURE_COLUMNS, region_rows, save_masks


@dataclass(frozen=True, kw_only=True)
class RingsJob(Job):
    """Grow rings around one tumour.

    Attributes:
        image: image file or DICOM folder.
        mask: the tumour's mask file, RTSTRUCT or DICOM SEG.
        label, roi: which structure of the mask file is the tumour.
        organ: mask that rings may not leave.
        exclude: masks that rings may not enter.
        resample_masks: accept masks on another grid.
        rings: which regions to grow, at least one.

    Raises:
        InputError: no ring is asked for.

    Example:
        >>> RingsJob.from_dict({"image": "ct.nii", "mask": "tumour.nii", "rings": {"outer_mm": [6, 3]}}).rings.outer_mm
        (3.0, 6.0)
    """

    verb = "rings"

    image: Path = option("image file or DICOM folder", positional=True)
    mask: Path = option("mask file, RTSTRUCT or DICOM SEG", positional=True)
    label: int | None = option("label of the tumour in the mask", None)
    roi: str | None = option("name of the tumour's structure (RTSTRUCT, DICOM SEG)", None)
    organ: Path | None = option("mask of the organ that rings may not leave", None)
    exclude: tuple[Path, ...] = option("mask that rings may not enter (repeatable)", (), repeated=True)
    resample_masks: bool = option("accept masks on another grid", False)
    rings: RingSettings = RingSettings()

    def __post_init__(self) -> None:
        if not self.rings.asks_for_rings:
            raise InputError("no ring named; give --rings 3,6,9 (mm) or --adaptive 1/6,2/6 (of the mean radius)")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Grow the rings and write them."""
        image = read_image(self.image)
        tumour = self._mask(self.mask, image, label=self.label, roi=self.roi)
        regions = grow_regions(
            tumour,
            self.rings,
            image=image,
            organ=self._mask(self.organ, image) if self.organ else None,
            exclusions=list(self._exclusions(image, output)),
            progress=progress,
        )
        save_masks(regions, output.folder)
        output.files["quality figures"] = output.table("regions", region_rows(regions), FIGURE_COLUMNS)
        output.files["picture"] = output.folder / "overlay.png"
        masks = {name: region.mask for name, region in regions.regions.items()}
        save_overlay(output.files["picture"], [OverlayPanel("", image, masks)])
        output.files["masks"] = output.folder
        output.record["mean_radius_mm"] = regions.mean_radius_mm
        output.warnings += regions.warnings

    def _exclusions(self, image: sitk.Image, output: JobOutput) -> Iterator[sitk.Image]:
        for path in self.exclude:
            try:
                yield self._mask(path, image)
            except EmptyMaskError as error:  # no other tumour, no vessel nearby
                output.notes.append(f"nothing is excluded: {error}")

    def _mask(self, path: Path, image: sitk.Image, **which: Any) -> sitk.Image:
        return read_mask(path, reference=image, reference_path=self.image, resample=self.resample_masks, **which)
