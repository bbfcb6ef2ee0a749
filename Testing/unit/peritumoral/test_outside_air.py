"""Air outside the patient: found on CT, PET and MR, told from lung, and no part of a ring."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.regions.growing import grow_regions
from PeritumoralRadiomicsLib.regions.outside_air import outside_air
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.images.geometry import IndexBox
from RadiomicsCoreLib.images.masks import read_mask
from RadiomicsCoreLib.images.reading import read_image

SHAPE = (20, 60, 60)
Y, X = np.mgrid[: SHAPE[1], : SHAPE[2]]
BODY = np.broadcast_to((X - 30) ** 2 + (Y - 30) ** 2 <= 24**2, SHAPE)
LUNG = np.broadcast_to((X - 30) ** 2 + (Y - 30) ** 2 <= 10**2, SHAPE)
AT_THE_SKIN = np.zeros(SHAPE, bool)
AT_THE_SKIN[8:12, 28:33, 48:53] = True
SCALES = {"ct": (-1000.0, 40.0, -850.0, 15.0), "pet": (0.02, 2.5, 0.5, 0.01), "t1": (3.0, 400.0, 100.0, 1.0)}


def scan(phase: str, *, noise: int = 1) -> sitk.Image:
    """A cylinder with a lung in it; ``phase`` says in which unit."""
    air, tissue, lung, sd = SCALES[phase]
    values = np.where(LUNG, lung, np.where(BODY, tissue, air)) + sd * np.random.default_rng(noise).normal(size=SHAPE)
    return sitk.GetImageFromArray(np.abs(values) if phase != "ct" else values)


def mask(inside: np.ndarray) -> sitk.Image:
    return sitk.GetImageFromArray(inside.astype(np.uint8))


@pytest.mark.parametrize("phase", list(SCALES))
def test_a_ring_at_the_skin_holds_no_air_and_says_how_much_was_cut(phase):
    image, tumour = scan(phase), mask(AT_THE_SKIN)
    cut = grow_regions(tumour, RingSettings(outer_mm=(6,)), image=image, phase=phase)
    whole = grow_regions(tumour, RingSettings(outer_mm=(6,), keep_air=True), image=image, phase=phase)
    ring, all_of_it = (sitk.GetArrayFromImage(found.full_mask("ring_0_6mm")) != 0 for found in (cut, whole))
    lost = all_of_it & ~ring
    # The median smooths the skin's corners: a pixel of air in one may count as skin.
    deep = np.broadcast_to((X - 30) ** 2 + (Y - 30) ** 2 >= 25.5**2, SHAPE)
    assert not (ring & deep).any()
    assert not (lost & BODY).any()
    region = cut.regions["ring_0_6mm"]
    assert region.retained_fraction == pytest.approx(ring.sum() / all_of_it.sum())
    share = f"{lost.sum() / all_of_it.sum():.1%} of ring_0_6mm lies inside the air outside the patient"
    assert any(share in line for line in region.warnings), region.warnings
    assert not any("air" in line for line in whole.warnings)


@pytest.mark.parametrize("phase", list(SCALES))
def test_lung_stays_in_a_ring_whether_the_image_is_whole_or_cut_through_it(phase):
    beside = np.zeros(SHAPE, bool)
    beside[8:12, 28:33, 41:44] = True
    settings = RingSettings(outer_mm=(8,))
    whole = grow_regions(mask(beside), settings, image=scan(phase), phase=phase).regions["ring_0_8mm"]
    assert whole.retained_fraction == 1.0
    if phase != "ct":
        return  # only on CT is lung told from air where a crop cuts through it
    image = scan(phase)[30:, :, :]
    part = grow_regions(mask(beside)[30:, :, :], settings, image=image, phase=phase)
    lung = sitk.GetArrayFromImage(part.full_mask("ring_0_8mm"))[LUNG[:, :, 30:]]
    assert lung.any() and part.regions["ring_0_8mm"].retained_fraction == 1.0


def test_air_enclosed_by_the_patient_stays():
    values = sitk.GetArrayFromImage(scan("ct"))
    bowel = np.broadcast_to((X - 44) ** 2 + (Y - 30) ** 2 <= 3**2, SHAPE)
    values[bowel] = -1000.0
    tumour = np.zeros(SHAPE, bool)
    tumour[8:12, 26:30, 38:40] = True
    found = grow_regions(mask(tumour), RingSettings(outer_mm=(6,)), image=sitk.GetImageFromArray(values), phase="ct")
    assert (sitk.GetArrayFromImage(found.full_mask("ring_0_6mm")) != 0)[bowel].any()
    assert found.regions["ring_0_6mm"].retained_fraction == 1.0


def test_a_tumour_that_would_be_air_itself_switches_the_rule_off_with_a_note():
    outside = np.zeros(SHAPE, bool)
    outside[8:12, 28:33, 52:58] = True
    box = IndexBox((0, 0, 0), SHAPE[::-1])
    found = outside_air(scan("ct"), outside, box, "ct")
    assert not found.air.any() and "of the tumour itself would be air" in found.note
    regions = grow_regions(mask(outside), RingSettings(outer_mm=(3,)), image=scan("ct"), phase="ct")
    assert any("was not looked for" in line for line in regions.warnings)


def test_the_tumour_itself_is_never_cut():
    air = outside_air(scan("ct"), AT_THE_SKIN, IndexBox((0, 0, 0), SHAPE[::-1]), "ct").air
    assert air.any() and not (air & AT_THE_SKIN).any()


@pytest.mark.shared_data
def test_rings_of_real_patients_hold_no_dark_rim_and_lose_little(shared_data):
    for case, phase in (("STS_002", "CT"), ("STS_023", "CT"), ("STS_023", "PET")):
        folder = shared_data / "sts" / case
        image = read_image(folder / f"{phase}.nii.gz")
        tumour = read_mask(folder / f"{phase}_tumour.nii.gz", reference=image)
        found = grow_regions(tumour, RingSettings(outer_mm=(15,)), image=image, phase=phase.lower())
        kept = grow_regions(tumour, RingSettings(outer_mm=(15,), keep_air=True), image=image, phase=phase.lower())
        ring = sitk.GetArrayFromImage(found.full_mask("ring_0_15mm")) != 0
        lost = (sitk.GetArrayFromImage(kept.full_mask("ring_0_15mm")) != 0) & ~ring
        values = sitk.GetArrayFromImage(image)
        assert (values[lost] < (-500 if phase == "CT" else 0.1)).all(), (case, phase)
        assert np.mean(values[ring] < (-900 if phase == "CT" else 0.03)) < 0.02, (case, phase)
