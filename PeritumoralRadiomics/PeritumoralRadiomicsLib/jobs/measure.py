"""``measure``: the features of regions that are there already, of one image."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from RadiomicsCoreLib.errors import EmptyMaskError, InputError
from RadiomicsCoreLib.images.geometry import crop, mask_box
from RadiomicsCoreLib.images.masks import read_mask
from RadiomicsCoreLib.images.reading import read_image
from RadiomicsCoreLib.jobs.cores import free_cores
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option

from ..engines.choice import DEFAULT_ENGINE, engine_names
from ..engines.extraction import ExtractionResult, extract_features
from ..engines.missing_packages import explained_missing_packages
from ..engines.result_file import write_result
from ..settings.measure_settings import MeasureSettings

RESULT_FILE = "features.json"
COLUMNS = ("region", "feature", "value", "reason")


@dataclass(frozen=True, kw_only=True)
class MeasureJob(Job):
    """Features of one image's regions, each given as a mask. No ring is grown.

    Attributes:
        image: image file or DICOM folder.
        regions: name -> mask on the image's grid, or on a crop of it. An empty one gets NaN and the reason.
        measure: features and preprocessing.
        phase: of the image, where the settings have a window for each phase.
        engine: program that computes the features.
        resample_masks: accept masks on another grid.
        workers: regions at a time; None: all cores but one.

    Raises:
        InputError: no region, or a value out of bounds.

    Example:
        >>> values = {"image": "ct.nii", "regions": {"ring": "ring.nii"}, "measure": {"preset": "wu2021"}}
        >>> MeasureJob.from_dict(values).measure.extraction().feature_count
        107
    """

    verb = "measure"

    image: Path = option("image file or DICOM folder", positional=True)
    regions: Mapping[str, Path] = option(
        "mask of a region, and the region's name", positional=True, many=True, metavar="NAME=MASK"
    )
    measure: MeasureSettings = MeasureSettings()
    phase: str | None = option("phase of the image, where a preset has a window for each phase", None)
    engine: str = option("program that computes the features", DEFAULT_ENGINE, choices=engine_names)
    resample_masks: bool = option("accept masks on another grid", False)
    workers: int | None = option("regions at a time (default: all cores but one)", None)

    def __post_init__(self) -> None:
        if not self.regions:
            raise InputError("no region is named; give at least one NAME=MASK")
        if self.workers is not None and self.workers < 1:
            raise InputError(f"workers is {self.workers}; give a whole number of 1 or more")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Measure all regions: ``features.csv``, a row a region and feature, and ``features.json``."""
        settings = self.measure.extraction().for_phase(self.phase or "")
        progress(0.0, "reading the image")
        image = read_image(self.image)
        masks = {name: self._mask(name, path, image, output) for name, path in self.regions.items()}
        with explained_missing_packages("these settings"):
            result = extract_features(
                image,
                masks,
                settings,
                engine=self.engine,
                threads=self.workers or free_cores(),
                progress=part_of(progress, 0.1, 1.0),
            )
        output.files["features"] = output.table("features", list(_rows(result)), COLUMNS)
        output.files["exact numbers"] = output.folder / RESULT_FILE
        write_result(output.files["exact numbers"], result)
        output.warnings += [f"{name} has no features: {reason}" for name, reason in result.reasons.items()]
        output.warnings += result.warnings
        output.record["engine"] = {"name": result.engine, "version": result.engine_version}

    def _mask(self, name: str, path: Path, image: sitk.Image, output: JobOutput) -> sitk.Image:
        def warn(line: str) -> None:
            output.warnings.append(f"{name}: {line}")

        try:
            mask = read_mask(path, reference=image, reference_path=self.image, resample=self.resample_masks, warn=warn)
        except EmptyMaskError:
            start = (0, 0, 0)
            return sitk.RegionOfInterest(image, (1, 1, 1), start) != sitk.RegionOfInterest(image, (1, 1, 1), start)
        # Its box alone: many regions of a large scan would fill the memory with zeros.
        return crop(mask, mask_box(mask))


def _rows(result: ExtractionResult) -> Iterator[dict[str, Any]]:
    for region, features in result.features.items():
        for feature, value in features.items():
            yield {"region": region, "feature": feature, "value": value, "reason": result.reasons.get(region)}
