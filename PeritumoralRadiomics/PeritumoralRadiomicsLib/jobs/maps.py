"""``maps``: at every voxel of a region, a feature of the voxel's neighbourhood."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.images.geometry import whole_box
from RadiomicsCoreLib.images.masks import read_mask
from RadiomicsCoreLib.images.reading import read_image
from RadiomicsCoreLib.jobs.batch import duration_text
from RadiomicsCoreLib.jobs.cores import free_cores
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, StatedTime
from RadiomicsCoreLib.settings.options import option

from ..engines.missing_packages import explained_missing_packages
from ..maps.feature_maps import estimate_seconds, feature_map, map_features
from ..maps.map_settings import map_image, map_setting, map_settings
from ..settings.measure_settings import MeasureSettings

MAP_FILE = "map.nrrd"
LARGEST_RADIUS = 20
"""A neighbourhood of 41 voxels a side: larger ones say nothing local, and fill the memory."""


@dataclass(frozen=True, kw_only=True)
class MapsJob(Job):
    """The map of one feature in one region.

    Attributes:
        image: image file or DICOM folder.
        mask: the region's mask file, RTSTRUCT or DICOM SEG.
        feature: class and name, ``glcm_Contrast``.
        kernel_radius: voxels to each side of the neighbourhood's centre, 1 to 20.
        measure: preprocessing without its resampling, binning, texture settings; of the original image.
        phase: of the image, where the settings have a window for each phase.
        label, roi: which structure of the mask file is the region.
        masked_kernel: leave voxels outside the region out of the neighbourhoods.
        resample_masks: accept a mask on another grid.
        estimate_only: state how long the map will take, and make none.
        workers: threads; None: all cores but one.

    Raises:
        InputError: a value out of bounds.

    Example:
        >>> MapsJob.from_dict({"image": "ct.nii", "mask": "tumour.nii", "feature": "glcm_Contrast"}).kernel_radius
        1
    """

    verb = "maps"

    image: Path = option("image file or DICOM folder", positional=True)
    mask: Path = option("mask file, RTSTRUCT or DICOM SEG", positional=True)
    feature: str = option("feature to map", choices=map_features, metavar="CLASS_NAME")
    kernel_radius: int = option("voxels to each side of a neighbourhood's centre", 1)
    measure: MeasureSettings = MeasureSettings()
    phase: str | None = option("phase of the image, where a preset has a window for each phase", None)
    label: int | None = option("label of the region in the mask", None)
    roi: str | None = option("name of the region's structure (RTSTRUCT, DICOM SEG)", None)
    masked_kernel: bool = option("let neighbourhoods reach out of the region", True, off="--unmasked-kernel")
    resample_masks: bool = option("accept a mask on another grid", False)
    estimate_only: bool = option("state how long it will take, and make no map", False)
    workers: int | None = option("threads (default: all cores but one)", None)

    def __post_init__(self) -> None:
        if not 1 <= self.kernel_radius <= LARGEST_RADIUS:
            raise InputError(f"kernel_radius is {self.kernel_radius}; give a whole number from 1 to {LARGEST_RADIUS}")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"workers is {self.workers}; give a whole number of 1 or more")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """State the time, then make the map: ``map.nrrd`` on the image's grid, NaN outside the region."""
        settings, note = map_settings(self.measure.extraction().for_phase(self.phase or ""))
        output.notes += [note] if note else []
        image = read_image(self.image)
        mask = read_mask(
            self.mask,
            reference=image,
            reference_path=self.image,
            label=self.label,
            roi=self.roi,
            resample=self.resample_masks,
            warn=output.warnings.append,
        )
        image = map_image(image, whole_box(image), settings)
        what: dict[str, Any] = {
            "kernel_radius": self.kernel_radius,
            "settings": map_setting(settings),
            "masked_kernel": self.masked_kernel,
            "threads": self.workers or free_cores(),
        }
        with explained_missing_packages("these settings"):
            seconds = estimate_seconds(image, mask, [self.feature], **what)
            progress(0.0, StatedTime(f"takes about {duration_text(seconds)}", seconds))
            output.record["estimated_seconds"] = seconds
            if self.estimate_only:
                output.notes.append(f"the map takes about {duration_text(seconds)}; none was made")
                return
            made = feature_map(image, mask, self.feature, progress=progress, **what)
        self._write(made, mask, output)

    def _write(self, made: sitk.Image, mask: sitk.Image, output: JobOutput) -> None:
        path = output.folder / MAP_FILE
        try:
            sitk.WriteImage(made, str(path), useCompression=True)
        except RuntimeError:
            raise InputError(f"{path} cannot be written; check free space and permissions") from None
        output.files["map"] = path
        inside = sitk.GetArrayViewFromImage(made)[sitk.GetArrayViewFromImage(mask) != 0]
        undefined = int(np.isnan(inside).sum())
        if undefined:
            output.notes.append(f"{self.feature} is not defined at {undefined} of {inside.size} voxels: they are NaN")
