"""Soft-tissue sarcoma patients in Slicer's scene: rings and features equal to the library on the files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

import PeritumoralRadiomics as module
from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.regions.growing import grow_regions
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsSlicerLib.nodes import volume_grid, volume_image
from RadiomicsSlicerLib.segments import segment_mask
from RadiomicsSlicerLib.tables import table_columns

RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def load_volume(image: sitk.Image, name: str):
    """Put an image into the scene with plain arithmetic, independent of the code under test."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return slicer.util.addVolumeFromArray(sitk.GetArrayFromImage(image), RAS @ matrix, name)


def load_patient(folder: Path, phase: str):
    image = sitk.ReadImage(str(folder / f"{phase}.nii.gz"))
    mask = sitk.ReadImage(str(folder / f"{phase}_tumour.nii.gz")) != 0
    volume = load_volume(image, phase)
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", folder.name)
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    tumour = segmentation.GetSegmentation().AddEmptySegment("Tumour", "Tumour")
    slicer.util.updateSegmentBinaryLabelmapFromArray(sitk.GetArrayFromImage(mask), segmentation, tumour, volume)
    return image, mask, volume, segmentation


def full(segmentation, segment: str, volume) -> np.ndarray:
    return segment_mask(segmentation, segment, volume).on(volume_grid(volume).whole)


@pytest.mark.shared_data
@pytest.mark.parametrize(("patient", "phase"), [("STS_003", "CT"), ("STS_003", "PET"), ("STS_005", "CT")])
def test_rings_of_a_patient_are_the_librarys_voxel_by_voxel(scene, shared_data, patient, phase):
    image, mask, volume, segmentation = load_patient(shared_data / "sts" / patient, phase)
    assert volume_image(volume).GetSize() == image.GetSize()
    assert np.allclose(volume_image(volume).GetOrigin(), image.GetOrigin(), atol=1e-9)
    settings = RingSettings(outer_mm=(3, 6, 9), fractions=(1 / 6,), layout="bands")
    rings = module.PeritumoralRadiomicsLogic().createRings(segmentation, "Tumour", volume, settings)
    expected = grow_regions(mask, settings, image=image, phase=phase)
    for ring, name in zip(rings, [n for n in expected.regions if n.startswith("ring_")], strict=True):
        assert np.array_equal(full(segmentation, ring, volume), sitk.GetArrayFromImage(expected.full_mask(name))), name
    assert np.array_equal(full(segmentation, "Tumour", volume), sitk.GetArrayFromImage(mask))


@pytest.mark.shared_data
def test_a_tumour_drawn_on_ct_is_read_on_pet_as_slicer_reads_it(scene, shared_data):
    folder = shared_data / "sts" / "STS_003"
    _, _, _, segmentation = load_patient(folder, "CT")
    pet = load_volume(sitk.ReadImage(str(folder / "PET.nii.gz")), "PET")
    tumour = segmentation.GetSegmentation().GetNthSegmentID(0)
    by_slicer = slicer.util.arrayFromSegmentBinaryLabelmap(segmentation, tumour, pet)
    assert np.array_equal(full(segmentation, "Tumour", pet), by_slicer)


@pytest.mark.shared_data
def test_features_of_a_patient_are_the_librarys(scene, shared_data):
    image, mask, volume, segmentation = load_patient(shared_data / "sts" / "STS_003", "PET")
    logic = module.PeritumoralRadiomicsLogic()
    settings = ExtractionSettings(setting={"binWidth": 0.5}, feature_classes={"firstorder": None, "glcm": None})
    logic.createRings(segmentation, "Tumour", volume, RingSettings(outer_mm=(6,)))
    found = table_columns(logic.extract(segmentation, None, volume, settings))
    grown = grow_regions(mask, RingSettings(outer_mm=(6,)))
    regions = {name: grown.full_mask(name) for name in ("intratumour", "ring_0_6mm")}
    expected = extract_features(image, regions, settings).features
    for name, values in expected.items():
        # The world of the scene is RAS: its way back to LPS may differ in the last digit of the spacing.
        assert np.allclose(found[name], list(values.values()), rtol=1e-9), name
