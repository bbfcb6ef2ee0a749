"""``dicom``: regions, their features and maps as DICOM objects of the scan's study."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import EmptyMaskError, InputError
from RadiomicsCoreLib.files.tables import read_cells
from RadiomicsCoreLib.images.geometry import aligned_start
from RadiomicsCoreLib.images.masks import read_mask
from RadiomicsCoreLib.images.reading import read_image
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known

from ..dicom.source import SourceScan, read_source

SEGMENTATION, REPORT, STRUCTURES = "regions.seg.dcm", "features.sr.dcm", "regions.rtstruct.dcm"


@dataclass(frozen=True, kw_only=True)
class DicomJob(Job):
    """Write regions as DICOM SEG, features as a structured report, maps as Parametric Maps, chosen regions as RTSTRUCT.

    Attributes:
        scan: folder of the DICOM series that the regions were drawn on, a file a slice.
        regions: name -> mask on the scan's grid, or on a crop of it.
        series: SeriesInstanceUID or SeriesDescription, where the folder holds several.
        features: table with the columns region, feature and value, as ``measure`` writes it; None: no report.
        maps: feature -> image of its map on the scan's grid, or on a crop of it.
        structures: names of regions that become an RTSTRUCT.

    Raises:
        InputError: no region, or a structure that is none of them.

    Example:
        >>> DicomJob.from_dict({"scan": "ct", "regions": {"ring_0_3mm": "ring.nii"}, "structures": ["ring_0_3mm"]}).maps
        {}
    """

    verb = "dicom"

    scan: Path = option("folder of the DICOM series", positional=True)
    regions: Mapping[str, Path] = option(
        "mask of a region, and the region's name", positional=True, many=True, metavar="NAME=MASK"
    )
    series: str | None = option("SeriesInstanceUID or SeriesDescription, where the folder holds several", None)
    features: Path | None = option("table of measure, for a structured report", None)
    maps: Mapping[str, Path] = option("map of a feature", factory=dict, many=True, metavar="FEATURE=IMAGE")
    structures: tuple[str, ...] = option("regions that become an RTSTRUCT, too", ())

    def __post_init__(self) -> None:
        if not self.regions:
            raise InputError("no region is named; give at least one NAME=MASK")
        for name in self.structures:
            check_known("structure", name, self.regions)

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Write ``regions.seg.dcm``, and what else is asked for."""
        progress(0.0, "reading the scan")
        scan = read_source(self.scan, self.series)
        masks = {name: self._mask(name, path, scan, output) for name, path in self.regions.items()}
        progress(0.3, "writing the regions")
        self._write_regions(scan, masks, output)
        for number, (feature, path) in enumerate(self.maps.items()):
            progress(0.6 + 0.4 * number / len(self.maps), f"writing the map of {feature}")
            self._write_map(scan, number, feature, path, output)

    def _mask(self, name: str, path: Path, scan: SourceScan, output: JobOutput) -> sitk.Image:
        def warn(line: str) -> None:
            output.warnings.append(f"{name}: {line}")

        try:
            return read_mask(path, reference=scan.image, reference_path=self.scan, warn=warn)
        except EmptyMaskError:
            output.warnings.append(f"{name} has no voxel and is left out")
            empty = sitk.Image(scan.image.GetSize(), sitk.sitkUInt8)
            empty.CopyInformation(scan.image)
            return empty

    def _write_regions(self, scan: SourceScan, masks: Mapping[str, sitk.Image], output: JobOutput) -> None:
        from ..dicom.measurements import make_report
        from ..dicom.segments import make_segmentation
        from ..dicom.structures import make_structures

        segmentation = make_segmentation(scan, masks)
        segmentation.save_as(_file(output, "segmentation", SEGMENTATION))
        if self.structures:
            chosen = make_structures(scan, {name: masks[name] for name in self.structures})
            chosen.save_as(_file(output, "structures", STRUCTURES), enforce_file_format=True)
        if self.features:
            report = make_report(scan, segmentation, _features(self.features))
            report.save_as(_file(output, "report", REPORT))

    def _write_map(self, scan: SourceScan, number: int, feature: str, path: Path, output: JobOutput) -> None:
        from ..dicom.parametric_map import make_parametric_map

        values = _on_grid(read_image(path), scan.image)
        written = make_parametric_map(scan, values, feature, number)
        written.save_as(_file(output, f"map of {feature}", f"map_{number + 1}.pm.dcm"))


def _file(output: JobOutput, what: str, name: str) -> Path:
    output.files[what] = output.folder / name
    return output.files[what]


def _features(table: Path) -> dict[str, dict[str, float]]:
    header, rows = read_cells(table)
    missing = [name for name in ("region", "feature", "value") if name not in header]
    if missing:
        raise InputError(f"{table} has no column {missing[0]!r}; give the features.csv that measure wrote")
    places = [header.index(name) for name in ("region", "feature", "value")]
    found: dict[str, dict[str, float]] = {}
    for row in rows:
        region, feature, value = (row[k] for k in places)
        try:
            found.setdefault(region, {})[feature] = float(value) if value else float("nan")
        except ValueError:
            raise InputError(f"{table}: {feature} of {region} is {value!r}, which is no number") from None
    return found


def _on_grid(values: sitk.Image, reference: sitk.Image) -> sitk.Image:
    """The map on the whole grid; NaN where it has no value."""
    i, j, k = aligned_start(reference, values, "the map")
    whole = np.full(reference.GetSize()[::-1], np.nan)
    part = sitk.GetArrayViewFromImage(values)
    whole[k : k + part.shape[0], j : j + part.shape[1], i : i + part.shape[2]] = part
    image = sitk.GetImageFromArray(whole)
    image.CopyInformation(reference)
    return image
