"""Regions of a tumour: names, barriers, figures, warnings, planes, orientation, and real masks."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.regions.growing import grow_regions
from PeritumoralRadiomicsLib.regions.kinds import RegionKind
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.errors import Cancelled, GeometryError, InputError, RegionError
from RadiomicsCoreLib.images.geometry import crop, mask_box


def image_of(array, spacing=(1.0, 1.0, 1.0), kind=np.uint8):
    """Image from a (k, j, i) array; spacing is (x, y, z)."""
    image = sitk.GetImageFromArray(np.asarray(array).astype(kind))
    image.SetSpacing(spacing)
    return image


def ball_image(size=(40, 40, 40), centre=(19.6, 20.2, 20.1), radius=8.0, spacing=(1.0, 1.0, 1.0)):
    """A ball; size and centre are (k, j, i), the centre in voxels, the radius in mm."""
    steps = spacing[::-1]
    grids = np.ogrid[tuple(slice(0, n) for n in size)]
    squares = sum(((g - c) * step) ** 2 for g, c, step in zip(grids, centre, steps, strict=True))
    return image_of(squares <= radius**2, spacing)


def empty_like(mask):
    other = sitk.Image(mask.GetSize(), sitk.sitkUInt8)
    other.CopyInformation(mask)
    return other


def full(regions, name):
    """A region as a bool (k, j, i) array on the full grid."""
    return sitk.GetArrayFromImage(regions.full_mask(name)) > 0


def test_regions_come_in_order_with_the_tumour_first():
    settings = RingSettings(outer_mm=(3, 6), fractions=(1 / 6,), inner_rim_mm=2, layout="bands", union=True)
    assert list(grow_regions(ball_image(), settings).regions) == [
        "intratumour",
        "ring_0_3mm",
        "ring_3_6mm",
        "ring_r1",
        "intra_ring_0_3mm",
        "intra_ring_3_6mm",
        "intra_ring_r1",
        "rim_0_2mm",
    ]


def test_bands_add_up_to_the_cumulative_ring_and_unions_add_the_tumour():
    tumour = ball_image()
    bands = grow_regions(tumour, RingSettings(outer_mm=(3, 6), layout="bands"))
    whole = grow_regions(tumour, RingSettings(outer_mm=(3, 6), union=True))
    inner, outer = full(bands, "ring_0_3mm"), full(bands, "ring_3_6mm")
    assert not (inner & outer).any()
    assert ((inner | outer) == full(whole, "ring_0_6mm")).all()
    assert (full(whole, "intra_ring_0_6mm") == (full(whole, "ring_0_6mm") | full(whole, "intratumour"))).all()
    assert (full(bands, "intratumour") == (sitk.GetArrayFromImage(tumour) > 0)).all()


def test_figures_are_those_of_the_mask():
    tumour = ball_image(spacing=(0.8, 0.9, 1.1), size=(50, 60, 60), centre=(25.1, 30.2, 29.7))
    regions = grow_regions(tumour, RingSettings(outer_mm=(4,), inner_rim_mm=3))
    for region in regions.regions.values():
        assert region.voxels == np.count_nonzero(sitk.GetArrayFromImage(region.mask))
        assert region.voxels == np.count_nonzero(full(regions, region.name))
        assert region.volume_ml == pytest.approx(region.voxels * 0.8 * 0.9 * 1.1 / 1000)
        assert region.retained_fraction == 1.0
        assert region.reason is None and region.warnings == ()
    ring, rim = regions.regions["ring_0_4mm"], regions.regions["rim_0_3mm"]
    assert (ring.inner_mm, ring.outer_mm, ring.thickness_mm) == (0, 4, 4)
    assert (rim.inner_mm, rim.outer_mm, rim.thickness_mm) == (-3, 0, 3)
    assert ring.kind is RegionKind.RING and ring.figures()["region"] == "ring_0_4mm"
    assert ring.volume_ml == pytest.approx(4 / 3 * math.pi * (12**3 - 8**3) / 1000, rel=0.01)
    assert rim.volume_ml == pytest.approx(4 / 3 * math.pi * (8**3 - 5**3) / 1000, rel=0.02)


def test_the_mean_radius_is_that_of_the_equal_sphere_or_of_the_largest_slice():
    tumour = ball_image(radius=8)
    voxels = np.count_nonzero(sitk.GetArrayFromImage(tumour))
    areas = np.count_nonzero(sitk.GetArrayFromImage(tumour), axis=(1, 2))
    in_space = grow_regions(tumour, RingSettings(fractions=(0.5,)))
    in_slice = grow_regions(tumour, RingSettings(fractions=(0.5,), plane="largest_slice"))
    assert in_space.mean_radius_mm == pytest.approx((voxels * 3 / (4 * math.pi)) ** (1 / 3))
    assert in_slice.mean_radius_mm == pytest.approx(math.sqrt(areas.max() / math.pi))
    assert in_slice.regions["ring_r3"].outer_mm == pytest.approx(in_slice.mean_radius_mm / 2)


def test_a_gap_leaves_the_voxels_next_to_the_tumour_out():
    tumour = ball_image()
    plain = grow_regions(tumour, RingSettings(outer_mm=(1.5, 4), layout="bands"))
    gapped = grow_regions(tumour, RingSettings(outer_mm=(4,), gap_mm=1.5))
    assert (full(gapped, "ring_1p5_4mm") == full(plain, "ring_1p5_4mm")).all()


def test_the_largest_slice_holds_tumour_and_ring_alone():
    tumour = ball_image()
    array = sitk.GetArrayFromImage(tumour) > 0
    largest = int(np.argmax(np.count_nonzero(array, axis=(1, 2))))
    regions = grow_regions(tumour, RingSettings(outer_mm=(3,), plane="largest_slice"))
    assert regions.slice_index == largest
    ring, inside = full(regions, "ring_0_3mm"), full(regions, "intratumour")
    others = np.arange(40) != largest
    assert not ring[others].any() and not inside[others].any()
    assert (inside[largest] == array[largest]).all()
    radius = math.sqrt(np.count_nonzero(array[largest]) / math.pi)
    assert np.count_nonzero(ring) == pytest.approx(math.pi * ((radius + 3) ** 2 - radius**2), rel=0.02)


def test_of_equally_large_slices_the_lowest_is_taken():
    tumour = np.zeros((12, 20, 20))
    tumour[4:9, 8:12, 8:12] = 1
    assert grow_regions(image_of(tumour), RingSettings(outer_mm=(3,), plane="largest_slice")).slice_index == 4


def test_in_every_slice_each_slice_grows_as_if_it_were_alone():
    tumour = ball_image(spacing=(1.0, 1.0, 3.0), size=(15, 50, 50), centre=(7.2, 25.1, 24.8), radius=12)
    array = sitk.GetArrayFromImage(tumour)
    ring = full(grow_regions(tumour, RingSettings(outer_mm=(4,), plane="every_slice")), "ring_0_4mm")
    occupied = array.any(axis=(1, 2))
    assert (ring.any(axis=(1, 2)) == occupied).all()
    for k in np.flatnonzero(occupied):
        alone = np.zeros_like(array)
        alone[k] = array[k]
        one = grow_regions(image_of(alone, (1.0, 1.0, 3.0)), RingSettings(outer_mm=(4,), plane="largest_slice"))
        assert (full(one, "ring_0_4mm")[k] == ring[k]).all()


def rotation(seed):
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return matrix * np.sign(np.linalg.det(matrix))


@pytest.mark.parametrize("plane", ["3d", "largest_slice", "every_slice"])
def test_the_orientation_of_the_scan_changes_nothing(plane):
    tumour = ball_image(spacing=(0.9, 0.8, 2.0), size=(24, 50, 50), centre=(12.3, 25.1, 24.6), radius=10)
    settings = RingSettings(outer_mm=(3, 6), fractions=(1 / 3,), inner_rim_mm=2, plane=plane)
    straight = grow_regions(tumour, settings)
    oblique = sitk.Image(tumour)
    oblique.SetDirection(rotation(3).ravel())
    oblique.SetOrigin((-120.5, 33.25, 808.0))
    turned = grow_regions(oblique, settings)
    for name in straight.regions:
        assert (full(straight, name) == full(turned, name)).all()
        mask = turned.regions[name].mask
        assert mask.GetDirection() == pytest.approx(oblique.GetDirection())
        assert mask.GetOrigin() == pytest.approx(oblique.TransformIndexToPhysicalPoint(turned.box.start))
        whole = turned.full_mask(name)
        assert whole.GetOrigin() == pytest.approx(oblique.GetOrigin())
        assert whole.GetSize() == oblique.GetSize()


@pytest.mark.parametrize("order", list(itertools.permutations((0, 1, 2))))
def test_storing_the_axes_in_another_order_or_flipped_gives_the_same_ring_in_the_world(order):
    tumour = ball_image(spacing=(0.9, 0.8, 2.0), size=(20, 40, 44), centre=(9.3, 20.1, 21.6), radius=9)
    stored = sitk.Flip(sitk.PermuteAxes(tumour, order), (True, False, True))
    for settings in (RingSettings(outer_mm=(3,)), RingSettings(outer_mm=(3,), supersampling=True)):
        plain = grow_regions(tumour, settings).full_mask("ring_0_3mm")
        other = grow_regions(stored, settings).full_mask("ring_0_3mm")
        back = sitk.Resample(other, plain, sitk.Transform(), sitk.sitkNearestNeighbor)
        assert (sitk.GetArrayFromImage(back) == sitk.GetArrayFromImage(plain)).all()


def test_the_organ_holds_the_ring_back():
    tumour = ball_image()
    organ = np.zeros((40, 40, 40), bool)
    organ[:, :, :20] = True
    free = grow_regions(tumour, RingSettings(outer_mm=(4,)))
    held = grow_regions(tumour, RingSettings(outer_mm=(4,), union=True), organ=image_of(organ))
    expected = full(free, "ring_0_4mm") & organ
    assert (full(held, "ring_0_4mm") == expected).all()
    assert (full(held, "intratumour") == full(free, "intratumour")).all()
    ring = held.regions["ring_0_4mm"]
    assert ring.retained_fraction == pytest.approx(expected.sum() / free.regions["ring_0_4mm"].voxels)
    union = held.regions["intra_ring_0_4mm"]
    inside = held.regions["intratumour"].voxels
    assert union.retained_fraction == pytest.approx(
        (inside + ring.voxels) / (inside + free.regions["ring_0_4mm"].voxels)
    )


def test_exclusions_and_other_tumours_are_never_in_a_ring_and_never_cut_the_tumour():
    tumour = ball_image()
    second = ball_image(centre=(19.6, 20.2, 31.0), radius=5)
    vessel = np.zeros((40, 40, 40), bool)
    vessel[:, 18:22, :] = True
    regions = grow_regions(tumour, RingSettings(outer_mm=(6,)), exclusions=[image_of(vessel)], other_tumours=[second])
    free = full(grow_regions(tumour, RingSettings(outer_mm=(6,))), "ring_0_6mm")
    blocked = vessel | (sitk.GetArrayFromImage(second) > 0)
    assert (full(regions, "ring_0_6mm") == (free & ~blocked)).all()
    assert (full(regions, "intratumour") == (sitk.GetArrayFromImage(tumour) > 0)).all()


def test_how_much_of_a_ring_lies_inside_another_tumour_is_told_however_little():
    tumour, second = ball_image(), ball_image(centre=(19.6, 20.2, 31.0), radius=4)
    free = full(grow_regions(tumour, RingSettings(outer_mm=(6,))), "ring_0_6mm")
    share = np.count_nonzero(free & (sitk.GetArrayFromImage(second) > 0)) / np.count_nonzero(free)
    assert 0 < share < 0.1
    for masks, name in ({"Node": second}, "other tumour 'Node'"), ([second], "other tumour"):
        ring = grow_regions(tumour, RingSettings(outer_mm=(6,)), other_tumours=masks).regions["ring_0_6mm"]
        assert ring.warnings == (f"{share:.1%} of ring_0_6mm lies inside {name} and is left out",)
        assert ring.retained_fraction == pytest.approx(1 - share)
    (ring,) = [grow_regions(tumour, RingSettings(outer_mm=(6,)), exclusions=[second]).regions["ring_0_6mm"]]
    assert ring.warnings == ()


def test_the_intensity_window_keeps_air_bone_and_nan_out():
    tumour = ball_image()
    values = np.random.default_rng(1).uniform(-1000, 1000, (40, 40, 40))
    values[20, :, :] = np.nan
    values[21, :, :] = -200.0
    image = image_of(values, kind=np.float64)
    regions = grow_regions(tumour, RingSettings(outer_mm=(4,), window=(-200, 300)), image=image)
    free = full(grow_regions(tumour, RingSettings(outer_mm=(4,))), "ring_0_4mm")
    expected = free & (values >= -200) & (values <= 300)
    assert (full(regions, "ring_0_4mm") == expected).all()
    assert full(regions, "ring_0_4mm")[21].any()
    (warning,) = (w for w in regions.warnings if "keeps only" in w)
    assert "intensity window" in warning


def test_a_window_without_an_image_is_an_error():
    with pytest.raises(InputError, match=r"window \(0.0, 1.0\) needs the image; give image="):
        grow_regions(ball_image(), RingSettings(outer_mm=(3,), window=(0, 1)))


def test_an_organ_that_leaves_nothing_leaves_an_entry_with_the_reason():
    tumour = ball_image()
    regions = grow_regions(tumour, RingSettings(outer_mm=(3,), union=True), organ=empty_like(tumour))
    ring = regions.regions["ring_0_3mm"]
    assert ring.voxels == 0 and ring.volume_ml == 0 and ring.retained_fraction == 0
    assert ring.reason is not None and "is left by organ mask" in ring.reason
    assert not full(regions, "ring_0_3mm").any()
    assert regions.regions["intra_ring_0_3mm"].voxels == regions.regions["intratumour"].voxels
    assert list(regions.masks) == ["intratumour", "intra_ring_0_3mm"]


def test_a_ring_beyond_the_image_is_cut_and_says_how_much_is_lost():
    whole = ball_image(size=(60, 60, 60), centre=(30.0, 30.2, 29.9))
    ring = full(grow_regions(whole, RingSettings(outer_mm=(5,))), "ring_0_5mm")
    cut = sitk.RegionOfInterest(whole, (60, 60, 40), (0, 0, 0))
    regions = grow_regions(cut, RingSettings(outer_mm=(5,)))
    lost = ring[40:].sum() / ring.sum()
    assert (full(regions, "ring_0_5mm") == ring[:40]).all()
    assert regions.regions["ring_0_5mm"].retained_fraction == pytest.approx(1 - lost)
    assert f"ring_0_5mm is cut by the image border: {lost:.1%} of it lies outside the image" in regions.warnings


def test_a_tumour_that_fills_the_image_has_rings_outside_the_image():
    regions = grow_regions(image_of(np.ones((6, 6, 6))), RingSettings(outer_mm=(3,)))
    assert regions.regions["ring_0_3mm"].reason == "it lies outside the image"
    assert "the tumour touches the image border; part of it may lie outside the image" in regions.warnings


@pytest.mark.parametrize("at", [(0, 5, 5), (5, 0, 5), (5, 5, 11)])
def test_a_tumour_at_the_border_gets_a_warning(at):
    array = np.zeros((12, 12, 12))
    array[at] = 1
    assert any("touches the image border" in w for w in grow_regions(image_of(array), RingSettings((3,))).warnings)


def test_a_single_slice_image_is_not_at_its_border_when_rings_stay_in_the_plane():
    array = np.zeros((1, 30, 30))
    array[0, 10:20, 10:20] = 1
    regions = grow_regions(image_of(array), RingSettings(outer_mm=(3,), plane="largest_slice"))
    assert regions.warnings == ()
    assert regions.regions["ring_0_3mm"].retained_fraction == 1


def test_an_empty_mask_is_an_error():
    with pytest.raises(RegionError, match="the tumour mask is empty"):
        grow_regions(sitk.Image(5, 5, 5, sitk.sitkUInt8), RingSettings(outer_mm=(3,)))


@pytest.mark.parametrize("plane", ["3d", "largest_slice", "every_slice"])
@pytest.mark.parametrize("surface", ["subvoxel", "voxel_centres"])
def test_one_voxel_works_with_a_warning(plane, surface):
    array = np.zeros((15, 15, 15))
    array[7, 7, 7] = 1
    settings = RingSettings(outer_mm=(3,), inner_rim_mm=1, plane=plane, surface=surface)
    regions = grow_regions(image_of(array), settings)
    assert regions.regions["ring_0_3mm"].voxels > 20
    assert regions.regions["rim_0_1mm"].voxels == 1
    assert any("a single voxel" in w for w in regions.warnings)


def test_thin_rings_and_small_regions_say_so():
    tumour = ball_image(spacing=(1.0, 1.0, 5.0), size=(9, 40, 40), centre=(4.1, 20.2, 19.9))
    regions = grow_regions(tumour, RingSettings(outer_mm=(3, 6), layout="bands", min_voxels=100000, union=False))
    thin = regions.regions["ring_0_3mm"].warnings
    assert thin[0].startswith("ring_0_3mm is 3 mm thick, thinner than the slice spacing of 5 mm; use a thicker ring")
    assert thin[1].endswith("fewer than min_voxels 100000")
    in_plane = grow_regions(tumour, RingSettings(outer_mm=(3,), plane="largest_slice"))
    assert in_plane.warnings == ()
    pixels = grow_regions(tumour, RingSettings(outer_mm=(0.9,), plane="largest_slice", min_voxels=1))
    assert any("thinner than the pixel spacing of 1 mm" in w for w in pixels.warnings)
    assert "or --plane largest_slice, or --supersampling" in thin[0]
    coarse = ball_image(spacing=(5.0, 5.0, 3.0), size=(20, 16, 16), centre=(10.1, 8.2, 7.9), radius=14.0)
    (pixels_are_coarse,) = (
        grow_regions(coarse, RingSettings(outer_mm=(4,), min_voxels=1)).regions["ring_0_4mm"].warnings
    )
    assert "thinner than the pixel spacing of 5 mm" in pixels_are_coarse and "--plane" not in pixels_are_coarse


def test_a_ring_without_any_voxel_keeps_its_entry():
    regions = grow_regions(ball_image(), RingSettings(outer_mm=(0.01,), surface="voxel_centres"))
    ring = regions.regions["ring_0_0p01mm"]
    assert ring.voxels == 0 and math.isnan(ring.retained_fraction)
    assert ring.reason is not None and "no voxel centre lies between 0 and 0.01 mm" in ring.reason


def test_an_adaptive_ring_within_the_gap_keeps_its_entry():
    regions = grow_regions(ball_image(), RingSettings(fractions=(1 / 6, 1), gap_mm=3))
    assert "within the gap_mm of 3" in (regions.regions["ring_r1"].reason or "")
    assert regions.regions["ring_r6"].voxels > 0


def test_several_pieces_are_one_tumour():
    pieces = sitk.Or(ball_image(centre=(20, 20, 10), radius=4), ball_image(centre=(20, 20, 28), radius=4))
    regions = grow_regions(pieces, RingSettings(outer_mm=(3,)))
    ring = full(regions, "ring_0_3mm")
    assert ring[20, 20, 5] and ring[20, 20, 33] and ring[20, 20, 15] and not ring[20, 20, 19]


def test_any_nonzero_value_and_pixel_type_is_inside():
    tumour = ball_image()
    expected = full(grow_regions(tumour, RingSettings(outer_mm=(3,))), "ring_0_3mm")
    for kind, factor in ((sitk.sitkInt16, -3), (sitk.sitkFloat32, 0.5), (sitk.sitkUInt16, 700)):
        other = sitk.Cast(tumour, kind) * factor
        assert (full(grow_regions(other, RingSettings(outer_mm=(3,))), "ring_0_3mm") == expected).all()


def test_nan_in_a_mask_is_an_error():
    array = np.zeros((5, 5, 5))
    array[2, 2, 2:4] = 1, np.nan
    with pytest.raises(RegionError, match="the tumour mask holds NaN"):
        grow_regions(image_of(array, kind=np.float32), RingSettings(outer_mm=(1,)))


def test_masks_on_another_grid_or_of_another_kind_are_named():
    tumour = ball_image()
    shifted = empty_like(tumour)
    shifted.SetOrigin((5, 0, 0))
    with pytest.raises(GeometryError, match=r"the organ mask is not on the tumour mask's grid: origin off by"):
        grow_regions(tumour, RingSettings(outer_mm=(3,)), organ=shifted)
    smaller = sitk.Image(9, 9, 9, sitk.sitkUInt8)
    with pytest.raises(GeometryError, match="the exclusion 2 mask is not on the tumour mask's grid: size"):
        grow_regions(tumour, RingSettings(outer_mm=(3,)), exclusions=[empty_like(tumour), smaller])
    colour = sitk.Image((40, 40, 40), sitk.sitkVectorUInt8, 3)
    with pytest.raises(GeometryError, match="the image must be 3D with one value a voxel, got 3D with 3"):
        grow_regions(tumour, RingSettings(outer_mm=(3,), window=(0, 1)), image=colour)
    with pytest.raises(GeometryError, match="the tumour mask must be 3D with one value a voxel, got 2D"):
        grow_regions(sitk.Image(9, 9, sitk.sitkUInt8), RingSettings(outer_mm=(3,)))


def test_the_crop_reaches_the_largest_distance_and_not_the_whole_scan():
    tumour = ball_image(size=(120, 120, 120), centre=(60, 60, 60))
    regions = grow_regions(tumour, RingSettings(outer_mm=(6,)))
    assert max(regions.box.size) <= 17 + 2 * (6 + 3)
    assert (sitk.GetArrayFromImage(regions.regions["intratumour"].mask).sum()) == regions.regions["intratumour"].voxels


def test_progress_rises_to_one_and_cancelling_stops():
    seen = []
    grow_regions(ball_image(), RingSettings((3,), plane="every_slice"), progress=lambda f, m: seen.append((f, m)))
    fractions = [fraction for fraction, _ in seen]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert any("slice 3 of" in message for _, message in seen)

    def stop(fraction, message):
        if fraction > 0.1:
            raise Cancelled

    with pytest.raises(Cancelled):
        grow_regions(ball_image(), RingSettings((3,), plane="every_slice"), progress=stop)


def brute_force_ring(tumour, outer_mm):
    """SimpleITK's distance map over the whole volume, thresholded."""
    distance = sitk.SignedMaurerDistanceMap(tumour != 0, squaredDistance=False, useImageSpacing=True)
    values = sitk.GetArrayFromImage(distance)
    return (values <= outer_mm + 1e-4) & (sitk.GetArrayFromImage(tumour) == 0)


def test_voxel_centre_rings_equal_the_full_volume_distance_map():
    tumour = ball_image(spacing=(0.9, 0.8, 2.5), size=(30, 60, 60), centre=(15.3, 30.1, 29.6), radius=11)
    regions = grow_regions(tumour, RingSettings(outer_mm=(3, 6), surface="voxel_centres"))
    for outer in (3, 6):
        assert (full(regions, f"ring_0_{outer}mm") == brute_force_ring(tumour, outer)).all()


def around(mask, margin_mm):
    """The part of a scan near its tumour, so that the slow maps of the tests need not cover all of it."""
    margin = np.ceil(np.divide(margin_mm, mask.GetSpacing())).astype(int)
    return crop(mask, mask_box(mask).grown(margin, mask.GetSize()))


REAL = {
    "soft-tissue sarcoma on CT": "sts/STS_044/CT_tumour.nii.gz",
    "soft-tissue sarcoma on PET": "sts/STS_044/PET_tumour.nii.gz",
    "lung tumour on 5 mm slices": "pyradiomics_cases/lung2_label.nrrd",
    "brain tumour": "pyradiomics_cases/brain1_label.nrrd",
    "breast tumour": "pyradiomics_cases/breast1_label.nrrd",
}


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.parametrize("case", REAL)
def test_rings_of_real_tumours_are_nested_disjoint_and_near_the_plain_distance_map(shared_data, case):
    tumour = around(sitk.ReadImage(str(shared_data / REAL[case])), 30.0)
    for supersampling in (False, True):
        regions = grow_regions(tumour, RingSettings(outer_mm=(3, 6, 9), inner_rim_mm=3, supersampling=supersampling))
        inside = sitk.GetArrayFromImage(tumour) != 0
        rings = [full(regions, f"ring_0_{outer}mm") for outer in (3, 6, 9)]
        assert (full(regions, "intratumour") == inside).all()
        assert not (full(regions, "rim_0_3mm") & ~inside).any()
        for smaller, larger in itertools.pairwise(rings):
            assert not (smaller & ~larger).any()
        assert not (rings[-1] & inside).any()
        # A voxel centre is at most one voxel's diagonal farther from the nearest tumour centre than from the
        # surface, and never nearer than the surface by more than the threshold may move.
        diagonal = float(np.linalg.norm(tumour.GetSpacing()))
        for outer, ring in zip((3, 6, 9), rings, strict=True):
            assert not (ring & ~brute_force_ring(tumour, outer + diagonal)).any()
            assert not (brute_force_ring(tumour, outer - 0.5 * max(tumour.GetSpacing())) & ~ring).any()


@pytest.mark.shared_data
@pytest.mark.parametrize("case", REAL)
@pytest.mark.parametrize("plane", ["largest_slice", "every_slice"])
def test_rings_in_the_plane_of_real_tumours_equal_the_distance_map_of_each_slice(shared_data, case, plane):
    tumour = around(sitk.ReadImage(str(shared_data / REAL[case])), 30.0)
    regions = grow_regions(tumour, RingSettings(outer_mm=(6,), plane=plane, surface="voxel_centres"))
    ring = full(regions, "ring_0_6mm")
    array = sitk.GetArrayFromImage(tumour) != 0
    areas = np.count_nonzero(array, axis=(1, 2))
    slices = [int(np.argmax(areas))] if plane == "largest_slice" else np.flatnonzero(areas)
    expected = np.zeros_like(array)
    for k in slices:
        plain = sitk.GetImageFromArray(array[k].astype(np.uint8))
        plain.SetSpacing(tumour.GetSpacing()[:2])
        expected[k] = brute_force_ring(plain, 6)
    assert (ring == expected).all()
