"""DICOM files made by code, so that the readers' tests need no patient."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FRAME = "1.2.826.0.1.3680043.8.498.1"


class MadeDicom:
    """Writes small DICOM series, RTSTRUCT and SEG files."""

    frame = FRAME

    def series(
        self,
        folder: Path,
        array: np.ndarray,
        *,
        spacing: Sequence[float] = (1.0, 1.0, 1.0),
        origin: Sequence[float] = (0.0, 0.0, 0.0),
        direction: np.ndarray | None = None,
        positions: Sequence[float] | None = None,
        description: str = "chest",
        modality: str = "CT",
        slopes: Sequence[float] | None = None,
        frame: str = FRAME,
        shear: float = 0.0,
    ) -> list[Path]:
        """Write an array (k, j, i) as one file a slice; returns the files, not in the order of their names.

        Args:
            positions: distance of each slice from the origin along the normal, mm; default k * spacing.
            slopes: rescale slope of each slice, default 1.
            shear: sideways shift from slice to slice, mm.
        """
        from pydicom.uid import CTImageStorage, PositronEmissionTomographyImageStorage, generate_uid

        folder.mkdir(parents=True, exist_ok=True)
        axes = np.eye(3) if direction is None else np.asarray(direction, float)
        positions = [k * spacing[2] for k in range(len(array))] if positions is None else positions
        series_uid, study_uid, paths = generate_uid(), generate_uid(), []
        storage = PositronEmissionTomographyImageStorage if modality == "PT" else CTImageStorage
        for k, plane in enumerate(array):
            header = self._dataset(storage, study_uid)
            header.SeriesInstanceUID, header.SeriesDescription, header.Modality = series_uid, description, modality
            header.FrameOfReferenceUID = frame
            place = np.asarray(origin, float) + axes[:, 2] * positions[k] + axes[:, 0] * shear * k
            header.ImagePositionPatient = [f"{x:.8g}" for x in place]
            header.ImageOrientationPatient = [f"{x:.10g}" for x in (*axes[:, 0], *axes[:, 1])]
            header.PixelSpacing = [spacing[1], spacing[0]]
            header.SliceThickness = spacing[2]
            header.RescaleSlope, header.RescaleIntercept = (slopes[k] if slopes else 1), 0
            header.InstanceNumber, header.SeriesNumber, header.AccessionNumber = k + 1, 1, ""
            header.Rows, header.Columns = plane.shape
            header.SamplesPerPixel, header.PhotometricInterpretation = 1, "MONOCHROME2"
            header.BitsAllocated = header.BitsStored = 16
            header.HighBit, header.PixelRepresentation = 15, 1
            header.PixelData = np.ascontiguousarray(plane, np.int16).tobytes()
            # File names run against the slices: whoever sorts by name gets the image upside down.
            paths.append(folder / f"{len(array) - k:03d}.dcm")
            header.save_as(paths[-1], enforce_file_format=True)
        return paths

    def rtstruct(
        self,
        path: Path,
        structures: Mapping[str, Sequence[np.ndarray]],
        *,
        frame: str = FRAME,
        kind: str = "CLOSED_PLANAR",
    ) -> Path:
        """Write contours, each (n, 3) in LPS mm, by structure name."""
        from pydicom.dataset import Dataset
        from pydicom.uid import RTStructureSetStorage, generate_uid

        file = self._dataset(RTStructureSetStorage, generate_uid())
        file.Modality, file.SeriesInstanceUID = "RTSTRUCT", generate_uid()
        file.StructureSetROISequence, file.ROIContourSequence = [], []
        for number, (name, contours) in enumerate(structures.items(), start=1):
            roi, drawn = Dataset(), Dataset()
            roi.ROINumber, roi.ROIName, roi.ReferencedFrameOfReferenceUID = number, name, frame
            drawn.ReferencedROINumber, drawn.ContourSequence = number, []
            for points in contours:
                contour = Dataset()
                contour.ContourGeometricType, contour.NumberOfContourPoints = kind, len(points)
                contour.ContourData = [f"{x:.6f}" for x in np.asarray(points).ravel()]
                drawn.ContourSequence.append(contour)
            file.StructureSetROISequence.append(roi)
            file.ROIContourSequence.append(drawn)
        file.save_as(path, enforce_file_format=True)
        return path

    def seg(self, path: Path, slices: Sequence[Path], masks: Mapping[str, np.ndarray], **options: Any) -> Path:
        """Write masks (k, j, i), drawn on these slices, as a DICOM SEG with one segment a mask."""
        import highdicom as hd
        import pydicom
        from pydicom.sr.codedict import codes
        from pydicom.uid import generate_uid

        segments = [
            hd.seg.SegmentDescription(
                segment_number=number,
                segment_label=name,
                segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
                segmented_property_type=codes.SCT.Neoplasm,
                algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
            )
            for number, name in enumerate(masks, start=1)
        ]
        file = hd.seg.Segmentation(
            source_images=[pydicom.dcmread(item) for item in slices],
            pixel_array=np.stack([mask.astype(options.pop("dtype", np.uint8)) for mask in masks.values()], axis=-1),
            segmentation_type=options.pop("segmentation_type", "BINARY"),
            segment_descriptions=segments,
            series_instance_uid=generate_uid(),
            series_number=2,
            sop_instance_uid=generate_uid(),
            instance_number=1,
            manufacturer="made by a test",
            manufacturer_model_name="none",
            software_versions="1",
            device_serial_number="1",
            **options,
        )
        file.save_as(path)
        return path

    @staticmethod
    def _dataset(storage: str, study_uid: str) -> Any:
        from pydicom.dataset import FileDataset, FileMetaDataset
        from pydicom.uid import ExplicitVRLittleEndian, generate_uid

        meta = FileMetaDataset()
        meta.TransferSyntaxUID = ExplicitVRLittleEndian
        meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = storage, generate_uid()
        dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
        dataset.SOPClassUID, dataset.SOPInstanceUID = storage, meta.MediaStorageSOPInstanceUID
        dataset.StudyInstanceUID, dataset.PatientID, dataset.PatientName = study_uid, "made", "Made^By a test"
        dataset.PatientBirthDate = dataset.PatientSex = dataset.StudyDate = dataset.StudyTime = dataset.StudyID = ""
        dataset.ReferringPhysicianName = ""
        return dataset


@pytest.fixture(scope="session")
def made_dicom() -> MadeDicom:
    """Writer of DICOM files."""
    return MadeDicom()


def write_bright_patients(folder: Path, count: int) -> list[dict[str, Any]]:
    """Write small scans in an oblique frame whose tumour is bright where the outcome is 1; return the table's rows.

    Every second patient has the outcome ``relapse``; two patients with the same ``person`` follow each other.
    """
    import SimpleITK as sitk

    rows = []
    frame = sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3).GetMatrix()
    for number in range(count):
        rng = np.random.default_rng(number)
        relapse = number % 2
        values = rng.normal(20, 4, (6, 40, 44))
        inside = np.zeros(values.shape, np.uint8)
        inside[2:5, 14:26, 12 + number % 4 : 26] = 1
        values[inside == 1] += 45 * relapse
        for name, array in (("ct", values.astype(np.float32)), ("tumour", inside)):
            image = sitk.GetImageFromArray(array)
            image.SetSpacing((1.0, 1.0, 3.0))
            image.SetOrigin((10.0 * number, -5.0, 3.0))
            image.SetDirection(frame)
            sitk.WriteImage(image, str(folder / f"{number:02d}_{name}.nii.gz"))
        rows.append(
            {
                "case_id": f"P{number:02d}",
                "ct_image": f"{number:02d}_ct.nii.gz",
                "ct_mask": f"{number:02d}_tumour.nii.gz",
                "person": f"person {number // 4}.{relapse}",
                "relapse": relapse,
                "rare": None if number < 4 else (number // 2) % 2,
                "days": 900 - 600 * relapse + number,
                "rad_score": float(relapse + rng.normal(0, 0.3)),
            }
        )
    return rows


@pytest.fixture(scope="session")
def bright_patients() -> Any:
    """:func:`write_bright_patients`."""
    return write_bright_patients


@pytest.fixture(scope="module")
def r_values() -> dict[str, Any]:
    """Give what R found on public patients."""
    from survival_references import values_of_r

    return values_of_r()


@pytest.fixture
def one_torch_thread() -> Iterator[None]:
    """Let torch compute in one thread: small networks wait for others longer than they compute."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
