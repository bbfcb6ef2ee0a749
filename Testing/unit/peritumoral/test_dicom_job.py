"""DICOM objects of regions, features and maps, read back by readers that know nothing of the writer."""

from __future__ import annotations

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.native_engine import FAMILIES
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import write_csv
from RadiomicsCoreLib.images.masks import read_mask
from RadiomicsCoreLib.images.reading import read_image
from RadiomicsCoreLib.jobs.registry import job_from

OBLIQUE = np.linalg.qr(np.random.default_rng(3).normal(size=(3, 3)))[0]
OBLIQUE *= np.sign(np.linalg.det(OBLIQUE))
SHAPE = (9, 24, 30)
FEATURES = {"original_firstorder_Mean": 12.25, "original_firstorder_Kurtosis": 3.5, "wavelet-LLH_glcm_Idm": 1 / 3}


@pytest.fixture(params=["straight", "oblique"])
def scan(request, made_dicom, tmp_path):
    """A scan as DICOM files, in a frame of its own."""
    direction = np.eye(3) if request.param == "straight" else OBLIQUE
    made_dicom.series(
        tmp_path / "ct", np.zeros(SHAPE), direction=direction, spacing=(0.8, 0.9, 2.5), origin=(5.0, -7.0, 9.0)
    )
    return tmp_path / "ct"


@pytest.fixture
def regions(scan, tmp_path):
    """A tumour, a ring around it that reaches the border of the image, and one with holes and islands."""
    k, j, i = np.indices(SHAPE)
    away = np.sqrt(((k - 4) * 2.5) ** 2 + ((j - 10) * 0.9) ** 2 + ((i - 13) * 0.8) ** 2)
    speckled = (np.random.default_rng(1).random(SHAPE) < 0.4) & (away < 7)
    arrays = {"intratumour": away <= 5, "ring_0_6mm": (away > 5) & (away <= 11), "ring_0_3mm": speckled}
    image = read_image(scan)
    paths = {}
    for name, array in arrays.items():
        mask = sitk.GetImageFromArray(array.astype(np.uint8))
        mask.CopyInformation(image)
        paths[name] = tmp_path / f"{name}.nrrd"
        sitk.WriteImage(mask, str(paths[name]))
    return paths


def written(scan, regions, out, **more):
    values = {"verb": "dicom", "scan": str(scan), "regions": {name: str(path) for name, path in regions.items()}}
    return job_from({**values, **more}).run(out)


def voxels(path):
    return sitk.GetArrayFromImage(sitk.ReadImage(str(path)))


def test_segments_and_structures_give_back_every_voxel(scan, regions, tmp_path):
    result = written(scan, regions, tmp_path / "out", structures=list(regions))
    image = read_image(scan)
    for file in (result.files["segmentation"], result.files["structures"]):
        for name, path in regions.items():
            back = sitk.GetArrayFromImage(read_mask(file, reference=image, roi=name))
            np.testing.assert_array_equal(back, voxels(path), err_msg=f"{file.name} {name}")


def test_the_objects_belong_to_the_scans_study_and_refer_to_its_slices(scan, regions, tmp_path):
    result = written(scan, regions, tmp_path / "out", structures=["ring_0_6mm"])
    slices = [pydicom.dcmread(path) for path in scan.iterdir()]
    for name in ("segmentation", "structures"):
        file = pydicom.dcmread(result.files[name])
        assert file.StudyInstanceUID == slices[0].StudyInstanceUID
        assert file.SeriesInstanceUID != slices[0].SeriesInstanceUID
        assert file.PatientID == slices[0].PatientID
        assert file.FrameOfReferenceUID == slices[0].FrameOfReferenceUID
    known = {item.SOPInstanceUID for item in slices}
    (drawn,) = pydicom.dcmread(result.files["structures"]).ROIContourSequence
    used = {contour.ContourImageSequence[0].ReferencedSOPInstanceUID for contour in drawn.ContourSequence}
    assert used <= known and len(used) == np.any(voxels(regions["ring_0_6mm"]), axis=(1, 2)).sum()


def test_the_report_holds_every_finite_value_with_its_code_and_its_segment(scan, regions, tmp_path):
    rows = [
        {"region": region, "feature": feature, "value": value * (1 + n)}
        for n, region in enumerate(("intratumour", "ring_0_6mm"))
        for feature, value in FEATURES.items()
    ]
    rows += [{"region": "intratumour", "feature": "original_glcm_MCC", "value": None}]
    rows += [{"region": "ring_9_12mm", "feature": "original_firstorder_Mean", "value": 1.0}]
    write_csv(tmp_path / "features.csv", rows)
    result = written(scan, regions, tmp_path / "out", features=str(tmp_path / "features.csv"))
    report = hd.sr.srread(result.files["report"])
    segmentation = hd.seg.segread(result.files["segmentation"])
    groups = report.content.get_volumetric_roi_measurement_groups()
    assert [group.tracking_identifier for group in groups] == ["intratumour", "ring_0_6mm"]
    for n, group in enumerate(groups):
        found = {item.name.meaning: item for item in group.get_measurements()}
        assert set(found) == set(FEATURES)
        for feature, value in FEATURES.items():
            assert found[feature].value == pytest.approx(value * (1 + n), rel=1e-12)
        referenced = group.referenced_segment
        assert referenced.referenced_sop_instance_uid == segmentation.SOPInstanceUID
        described = segmentation.get_segment_description(referenced.referenced_segment_numbers[0])
        assert described.segment_label == group.tracking_identifier
        mean = found["original_firstorder_Mean"].name
        assert (mean.value, mean.scheme_designator) == (FAMILIES["firstorder"].features["Mean"].ibsi, "IBSI")
        # pyradiomics' kurtosis is not the one that IBSI's code names; a filtered image has no code at all.
        assert {found[name].name.scheme_designator for name in list(FEATURES)[1:]} == {"99PERITUMORAL"}


def test_a_map_keeps_its_numbers_and_its_place(scan, regions, tmp_path):
    image = read_image(scan)
    values = np.full(SHAPE, np.nan)
    values[2:5, 4:9, 3:20] = np.random.default_rng(0).normal(size=(3, 5, 17))
    part = sitk.GetImageFromArray(values[2:5, 4:9, 3:20])
    part.SetSpacing(image.GetSpacing())
    part.SetDirection(image.GetDirection())
    part.SetOrigin(image.TransformIndexToPhysicalPoint((3, 4, 2)))
    sitk.WriteImage(part, str(tmp_path / "map.nrrd"))
    result = written(scan, regions, tmp_path / "out", maps={"original_glcm_Idm": str(tmp_path / "map.nrrd")})
    file = pydicom.dcmread(result.files["map of original_glcm_Idm"])
    frames = file.pixel_array
    assert file.DoubleFloatPixelData and frames.dtype == np.float64
    for frame, groups in zip(frames, file.PerFrameFunctionalGroupsSequence, strict=True):
        place = [float(x) for x in groups.PlanePositionSequence[0].ImagePositionPatient]
        k = image.TransformPhysicalPointToContinuousIndex(place)[2]
        assert k == pytest.approx(round(k), abs=1e-4)
        np.testing.assert_array_equal(frame, values[round(k)])


def test_what_cannot_be_written_is_one_line(scan, regions, tmp_path):
    empty = sitk.ReadImage(str(regions["intratumour"])) * 0
    sitk.WriteImage(empty, str(tmp_path / "empty.nrrd"))
    with pytest.raises(InputError, match="no region holds a voxel"):
        written(scan, {"ring_0_3mm": tmp_path / "empty.nrrd"}, tmp_path / "a")
    with pytest.raises(InputError, match="structure 'ring_0_4mm' is not known; did you mean"):
        written(scan, regions, tmp_path / "b", structures=["ring_0_4mm"])
    with pytest.raises(InputError, match="is no folder"):
        written(regions["intratumour"], regions, tmp_path / "c")
    (tmp_path / "other.csv").write_text("case_id,age\na,1\n")
    with pytest.raises(InputError, match="has no column 'region'"):
        written(scan, regions, tmp_path / "d", features=str(tmp_path / "other.csv"))
    result = written(scan, {**regions, "ring_6_9mm": tmp_path / "empty.nrrd"}, tmp_path / "e")
    assert any("ring_6_9mm has no voxel" in line for line in result.warnings)
