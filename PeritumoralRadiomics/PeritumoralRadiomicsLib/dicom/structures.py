"""Regions as a DICOM RTSTRUCT: closed contours on the scan's slices."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.ring_palette import TUMOUR_COLOUR, ring_palette
from RadiomicsCoreLib.images.geometry import index_to_world

from ..regions.kinds import TUMOUR
from .source import MAKER, SourceScan

if TYPE_CHECKING:
    from pydicom.dataset import Dataset, FileDataset
    from pydicom.uid import UID

SERIES_NUMBER = 8102
_SMALLEST = 3
"""Points of a contour."""


def make_structures(scan: SourceScan, masks: Mapping[str, sitk.Image]) -> FileDataset:
    """Return regions as an RTSTRUCT of the scan's study; a ring is an outer contour and its hole.

    Contours run half-way between inside and outside voxel centres, so that a reader that takes the voxels whose centres
    lie inside gets the mask back. Several on one slice are combined by exclusive or (CLOSED_PLANAR, as most planning
    systems do).

    Args:
        scan: what they were drawn on.
        masks: by region name, on the scan's grid, 1 inside.

    Raises:
        InputError: no region holds a voxel.

    Reference:
        DICOM PS3.3 A.19 (RT Structure Set IOD).
    """
    from pydicom.uid import RTStructureSetStorage, generate_uid

    file = _file(scan, RTStructureSetStorage)
    file.Modality, file.SeriesInstanceUID, file.SeriesNumber = "RTSTRUCT", generate_uid(), SERIES_NUMBER
    file.SeriesDescription = file.StructureSetLabel = "Peritumoral rings"[:16]
    file.StructureSetDate, file.StructureSetTime = file.InstanceCreationDate, file.InstanceCreationTime
    file.ReferencedFrameOfReferenceSequence = [_frame(scan)]
    file.StructureSetROISequence, file.ROIContourSequence, file.RTROIObservationsSequence = [], [], []
    colours = ring_palette(name for name in masks if name != TUMOUR) | {TUMOUR: TUMOUR_COLOUR}
    for name, mask in masks.items():
        contours = list(_contours(scan, mask))
        if contours:
            _add(file, name, contours, colours[name])
    if not file.StructureSetROISequence:
        raise InputError("no region holds a voxel; there is nothing to write")
    return file


def _contours(scan: SourceScan, mask: sitk.Image) -> Iterator[Dataset]:
    from pydicom.dataset import Dataset
    from skimage.measure import find_contours

    inside = sitk.GetArrayViewFromImage(mask)
    to_world = index_to_world(mask)
    for k, plane in enumerate(inside):
        if not plane.any():
            continue
        # A frame of outside voxels closes contours at the border of the image.
        for rows_columns in find_contours(np.pad(plane.astype(np.float64), 1), 0.5):
            points = rows_columns[:-1, ::-1] - 1.0
            if len(points) < _SMALLEST:
                continue
            index = np.column_stack([points, np.full(len(points), float(k)), np.ones(len(points))])
            contour = Dataset()
            contour.ContourImageSequence = [_image_of(scan, k)]
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(points)
            contour.ContourData = [f"{value:.6f}" for value in (index @ to_world.T)[:, :3].ravel()]
            yield contour


def _add(file: Dataset, name: str, contours: list[Dataset], colour: tuple[float, float, float]) -> None:
    from pydicom.dataset import Dataset

    number = len(file.StructureSetROISequence) + 1
    roi, drawn, observed = Dataset(), Dataset(), Dataset()
    roi.ROINumber, roi.ROIName = number, name[:64]
    roi.ReferencedFrameOfReferenceUID = file.ReferencedFrameOfReferenceSequence[0].FrameOfReferenceUID
    roi.ROIGenerationAlgorithm = "MANUAL" if name == TUMOUR else "AUTOMATIC"
    drawn.ReferencedROINumber, drawn.ContourSequence = number, contours
    drawn.ROIDisplayColor = [round(255 * part) for part in colour]
    observed.ObservationNumber = observed.ReferencedROINumber = number
    observed.RTROIInterpretedType, observed.ROIInterpreter = "GTV" if name == TUMOUR else "", ""
    file.StructureSetROISequence.append(roi)
    file.ROIContourSequence.append(drawn)
    file.RTROIObservationsSequence.append(observed)


def _file(scan: SourceScan, storage: UID) -> FileDataset:
    import datetime

    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, storage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    file = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    file.SOPClassUID, file.SOPInstanceUID = storage, meta.MediaStorageSOPInstanceUID
    now = datetime.datetime.now()
    file.InstanceCreationDate, file.InstanceCreationTime = now.strftime("%Y%m%d"), now.strftime("%H%M%S")
    first = scan.headers[0]
    for keyword in _OF_THE_STUDY:
        setattr(file, keyword, first.get(keyword, ""))
    file.FrameOfReferenceUID, file.PositionReferenceIndicator = first.get("FrameOfReferenceUID", ""), ""
    file.OperatorsName = ""
    file.Manufacturer, file.ManufacturerModelName = MAKER, "peritumoral-radiomics"
    return file


_OF_THE_STUDY = (
    "StudyInstanceUID",
    "StudyID",
    "StudyDate",
    "StudyTime",
    "AccessionNumber",
    "ReferringPhysicianName",
    "PatientName",
    "PatientID",
    "PatientBirthDate",
    "PatientSex",
)


def _image_of(scan: SourceScan, k: int) -> Dataset:
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID = scan.headers[k].SOPClassUID
    item.ReferencedSOPInstanceUID = scan.headers[k].SOPInstanceUID
    return item


def _frame(scan: SourceScan) -> Dataset:
    from pydicom.dataset import Dataset

    first = scan.headers[0]
    series = Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = [_image_of(scan, k) for k in range(len(scan.headers))]
    study = Dataset()
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", first.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame = Dataset()
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = first.get("FrameOfReferenceUID", ""), [study]
    return frame
