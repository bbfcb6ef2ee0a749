"""A network's input: which pixels, at which place, at which scale, for tumour, ring and union."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from DeepRadiomicsFusionLib.inputs.patches import network_image, picture_of_input
from DeepRadiomicsFusionLib.jobs.deep_features import DeepFeaturesJob
from DeepRadiomicsFusionLib.settings.input_settings import InputKind, NetworkInput
from DeepRadiomicsFusionLib.settings.study_networks import STUDIES
from PeritumoralRadiomicsLib.regions.growing import grow_regions
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError

SPACING = (0.8, 0.8, 3.0)
CENTRE = (70, 40, 6)  # (i, j, k)
UNION = "intra_ring_0_3mm"


def shown_by(study):
    """What the network of a published study sees."""
    return DeepFeaturesJob.from_dict({"cohort": "cohort.csv", "study": study}).shown(None)


@pytest.fixture(scope="module")
def scan() -> sitk.Image:
    """Intensity 5 k + 10 j + i, on a turned and shifted grid."""
    k, j, i = np.ogrid[:12, :90, :110]
    image = sitk.GetImageFromArray((5 * k + 10 * j + i).astype(np.float32))
    image.SetSpacing(SPACING)
    image.SetOrigin((-20.0, 33.0, 7.0))
    image.SetDirection((0, -1, 0, 1, 0, 0, 0, 0, 1))
    return image


@pytest.fixture(scope="module")
def regions(scan) -> dict[str, sitk.Image]:
    """A ball of radius 9 mm, its ring of 3 mm and their union, on a crop."""
    k, j, i = np.ogrid[:12, :90, :110]
    squares = sum(((axis - c) * s) ** 2 for axis, c, s in zip((i, j, k), CENTRE, SPACING, strict=True))
    tumour = sitk.GetImageFromArray((squares <= 81).astype(np.uint8))
    tumour.CopyInformation(scan)
    return grow_regions(tumour, RingSettings(outer_mm=(3.0,), union=True)).masks


def array_of(scan, regions, kind, **settings) -> np.ndarray:
    return network_image(scan, regions, NetworkInput(kind, **({"scaling": "none"} | settings))).array


def expected_slice(k: int = CENTRE[2]) -> np.ndarray:
    return 5.0 * k + 10.0 * np.arange(90)[:, None] + np.arange(110)[None, :]


def test_a_patch_is_cut_around_the_tumours_centroid_without_interpolation(scan, regions):
    patch = array_of(scan, regions, "patch", size=32)
    i, j, _ = CENTRE
    np.testing.assert_array_equal(patch[0, 0], expected_slice()[j - 16 : j + 16, i - 16 : i + 16])


def test_tumour_ring_and_union_are_seen_in_the_same_place(scan, regions):
    masked = {
        name: array_of(scan, regions, "patch", size=48, region=name, masked=True)[0, 0]
        for name in ("intratumour", "ring_0_3mm", UNION)
    }
    tumour, ring, union = masked.values()
    assert not (tumour != 0)[ring != 0].any()
    np.testing.assert_array_equal(tumour + ring, union)
    assert (union != 0).sum() > (tumour != 0).sum() > 200


def test_a_full_slice_of_the_wanted_size_is_multiplied_by_the_mask_and_nothing_else(scan, regions):
    square = scan[10:100, :, :]
    seen = array_of(square, regions, "full_slice", size=90)
    k, j, i = np.ogrid[:12, :90, :110]
    inside = sum(((a - c) * s) ** 2 for a, c, s in zip((i, j, k), CENTRE, SPACING, strict=True))[CENTRE[2]] <= 81
    np.testing.assert_array_equal(seen[0, 0], (expected_slice() * inside)[:, 10:100])


def test_a_full_slice_of_another_size_keeps_its_shape_and_is_padded(scan, regions):
    shown = network_image(scan, regions, NetworkInput("full_slice", size=220, masked=False, scaling="none"))
    assert shown.array.shape == (1, 1, 220, 220)
    assert shown.image.GetSpacing() == pytest.approx((0.4, 0.4, 3.0))
    rows = shown.array[0, 0]
    assert (rows[:19] == rows[0, 0]).all()  # beyond the image's 90 of 110 pixels
    assert np.unique(rows[110]).size > 100


@pytest.mark.parametrize("kind", [kind.value for kind in InputKind])
@pytest.mark.parametrize("spacing_mm", [None, 1.0])
def test_every_pixel_of_every_kind_lies_where_the_inputs_geometry_says(scan, regions, kind, spacing_mm):
    shown = network_image(
        scan, regions, NetworkInput(kind, size=40, masked=False, scaling="none", spacing_mm=spacing_mm, region=UNION)
    )
    # The scan is linear in its indices, so any interpolation inside it must give back the index's own value.
    values = sitk.GetArrayFromImage(shown.image)
    checked = 0
    for k in range(0, values.shape[0], 7):
        for j in range(3, 37, 5):
            for i in range(3, 37, 5):
                point = shown.image.TransformIndexToPhysicalPoint((i, j, k))
                index = np.array(scan.TransformPhysicalPointToContinuousIndex(point))
                if (index > 1).all() and (index < np.array(scan.GetSize()) - 2).all():
                    assert values[k, j, i] == pytest.approx(index @ (1, 10, 5), abs=0.6)
                    checked += 1
    assert checked >= 25


def test_a_resized_slice_is_filled_by_the_regions_longer_side(scan, regions):
    shown = network_image(scan, regions, NetworkInput("resized_slice", size=64, scaling="none"))
    inside = sitk.GetArrayFromImage(shown.mask)[0] != 0
    assert inside.any(axis=0).mean() > 0.96
    assert inside.any(axis=1).mean() > 0.96
    assert shown.image.GetSpacing()[0] == pytest.approx(shown.image.GetSpacing()[1])
    wide = network_image(scan, regions, NetworkInput("resized_slice", size=64, margin_mm=9.0))
    assert (sitk.GetArrayFromImage(wide.mask) != 0).any(axis=(0, 1)).mean() == pytest.approx(0.5, abs=0.04)


def test_a_cube_is_filled_by_the_regions_box(scan, regions):
    shown = network_image(scan, regions, NetworkInput("box_3d", region=UNION, spacing_mm=1.0))
    assert shown.array.shape == (1, 1, 64, 64, 64)
    inside = sitk.GetArrayFromImage(shown.mask) != 0
    for axis in range(3):
        assert inside.any(axis=tuple(a for a in range(3) if a != axis)).mean() > 0.95


def test_a_rough_box_from_three_marked_slices_is_that_of_their_enclosing_box(scan):
    marks = np.zeros((12, 90, 110), np.uint8)
    marks[2, 30:40, 50:60] = marks[5, 25:50, 45:70] = marks[9, 45:55, 60:75] = 1
    marked = sitk.GetImageFromArray(marks)
    marked.CopyInformation(scan)
    shown = network_image(scan, {"intratumour": marked}, NetworkInput("rough_box", size=64, scaling="none"))
    assert shown.array.shape == (8, 1, 64, 64)  # slices 2 to 9, the unmarked ones too
    i_extent, j_extent = (n * s for n, s in zip(shown.image.GetSize()[:2], shown.image.GetSpacing()[:2], strict=True))
    assert (i_extent, j_extent) == pytest.approx(((75 - 45) * 0.8, (55 - 25) * 0.8))


def test_the_rough_box_of_a_ring_holds_the_ring_of_the_tumours_largest_slice(scan):
    """A ring is largest in the caps, here twice as large as around the tumour's middle: the box is not the cap's."""
    tumour, ring = np.zeros((2, 12, 90, 110), np.uint8)
    tumour[4:9, 30:50, 50:70] = 1
    ring[4:9, 25:55, 45:75] = 1 - tumour[4:9, 25:55, 45:75]  # 500 pixels a slice
    ring[[3, 9], 30:50, 45:75] = 1  # 600 pixels
    masks = {}
    for name, array in (("intratumour", tumour), ("ring_0_3mm", ring)):
        masks[name] = sitk.GetImageFromArray(array)
        masks[name].CopyInformation(scan)
    shown = network_image(scan, masks, NetworkInput("rough_box", region="ring_0_3mm", size=64))
    extents = [n * s for n, s in zip(shown.image.GetSize()[:2], shown.image.GetSpacing()[:2], strict=True)]
    assert extents == pytest.approx([30 * 0.8, 30 * 0.8])


def test_z_scores_are_over_the_region_where_the_rest_is_hidden(scan, regions):
    shown = network_image(scan, regions, NetworkInput("patch", size=64, masked=True))
    inside = shown.array[0, 0][sitk.GetArrayFromImage(shown.mask)[0] != 0]
    assert inside.mean() == pytest.approx(0, abs=1e-5)
    assert inside.std() == pytest.approx(1, abs=1e-3)
    whole = array_of(scan, regions, "patch", size=32, scaling="zscore")
    assert whole.mean() == pytest.approx(0, abs=1e-4)
    assert whole.std() == pytest.approx(1, abs=1e-4)


def test_a_window_clips_and_goes_from_0_to_1(scan, regions):
    window = {"window_level": 480.0, "window_width": 100.0}
    patch = array_of(scan, regions, "patch", size=32, scaling="unit", **window)[0, 0]
    i, j, _ = CENTRE
    raw = expected_slice()[j - 16 : j + 16, i - 16 : i + 16]
    np.testing.assert_allclose(patch, np.clip((raw - 430) / 100, 0, 1), atol=1e-6)


def test_a_patch_beyond_the_images_border_takes_the_lowest_value_and_its_z_scores_ignore_it(scan, regions):
    inside = array_of(scan, regions, "patch", size=256, scaling="none")[0, 0]
    assert inside.min() == inside[0, 0]
    zscored = array_of(scan, regions, "patch", size=256, scaling="zscore")[0, 0]
    j, i = CENTRE[1] - 128, CENTRE[0] - 128
    part = zscored[-j : -j + 90, -i : -i + 110]
    assert part.mean() == pytest.approx(0, abs=1e-4)
    assert part.std() == pytest.approx(1, abs=1e-4)


def test_resampling_does_not_depend_on_the_region_asked_for(scan, regions):
    settings = {"size": 40, "spacing_mm": 1.0, "kind": "patch"}
    tumour, ring = (array_of(scan, regions, region=name, **settings) for name in ("intratumour", "ring_0_3mm"))
    # Both are cut from one grid; only the spline's far memory of the crop's border differs.
    np.testing.assert_allclose(tumour, ring, atol=1e-2)


def test_an_image_of_one_slice_can_be_resampled(scan):
    flat = sitk.GetImageFromArray(sitk.GetArrayFromImage(scan)[6:7])
    flat.SetSpacing(SPACING)
    mask = np.zeros((1, 90, 110), np.uint8)
    mask[0, 30:50, 60:80] = 1
    tumour = sitk.GetImageFromArray(mask)
    tumour.CopyInformation(flat)
    settings = NetworkInput("resized_slice", size=32, spacing_mm=1.0)
    assert network_image(flat, {"intratumour": tumour}, settings).array.shape == (1, 1, 32, 32)


def test_not_finite_voxels_do_not_reach_the_network(scan, regions):
    values = sitk.GetArrayFromImage(scan)
    values[CENTRE[2], CENTRE[1], CENTRE[0]] = np.nan
    broken = sitk.GetImageFromArray(values)
    broken.CopyInformation(scan)
    assert np.isfinite(array_of(broken, regions, "patch", size=32)).all()


def test_a_constant_region_is_said_rather_than_divided_by_zero(scan, regions):
    flat = sitk.Image(scan.GetSize(), sitk.sitkInt16) + 40
    flat.CopyInformation(scan)
    with pytest.raises(RegionError, match="is 40 everywhere"):
        array_of(flat, regions, "patch", scaling="zscore")
    with pytest.raises(RegionError, match="check the window"):
        array_of(scan, regions, "patch", size=16, window_level=-500.0, window_width=10.0, scaling="zscore")


@pytest.mark.parametrize("name", STUDIES)
def test_the_studies_inputs_have_their_papers_shapes_and_survive_json(scan, regions, name):
    settings = shown_by(name)
    array = network_image(scan, regions, settings).array
    expected = {"wu2021": 512, "song2021": 256, "yang2023": 224, "zhang2024": 160, "liu2025": 64}[name.split("_")[0]]
    assert array.shape[2:] == (expected,) * settings.spatial_dims
    assert array.dtype == np.float32
    assert NetworkInput.from_dict(settings.to_dict()) == settings


def test_the_tensor_holds_the_array(scan, regions):
    pytest.importorskip("torch")
    shown = network_image(scan, regions, NetworkInput("box_3d", size=16))
    assert tuple(shown.tensor().shape) == (1, 1, 16, 16, 16)
    np.testing.assert_array_equal(shown.tensor().numpy(), shown.array)


@pytest.mark.parametrize(("kind", "panels"), [("patch", 1), ("rough_box", 7), ("box_3d", 9)])
def test_the_picture_shows_the_slices_that_the_network_sees(scan, regions, kind, panels):
    shown = network_image(scan, regions, NetworkInput(kind, size=32))
    figure = picture_of_input(shown, "case 1")
    drawn = [axis for axis in figure.axes if axis.images]
    assert len(drawn) == panels
    np.testing.assert_array_equal(drawn[0].images[0].get_array(), sitk.GetArrayFromImage(shown.image)[0])
    assert "intratumour" in figure.get_suptitle()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda s, r: NetworkInput("slice"), InputError, "kind is 'slice'; choose from full_slice"),
        (lambda s, r: NetworkInput("patch", size=4), InputError, "size is 4"),
        (lambda s, r: NetworkInput("patch", window_level=40), InputError, "both window_level and window_width"),
        (lambda s, r: NetworkInput("patch", spacing_mm=0), InputError, "spacing_mm is 0"),
        (lambda s, r: NetworkInput.from_dict({"kind": "patch", "sise": 3}), InputError, "did you mean 'size'"),
        (lambda s, r: NetworkInput.from_dict({}), InputError, "name no kind"),
        (lambda s, r: array_of(s, r, "patch", region="ring_0_6mm"), RegionError, "no region 'ring_0_6mm'"),
        (lambda s, r: array_of(s, {"intratumour": s < -1}, "patch"), RegionError, "'intratumour' has no voxel"),
        (lambda s, r: array_of(s[:, :, 0], r, "patch"), GeometryError, "2 dimensions"),
        (lambda s, r: array_of(sitk.Compose(s, s), r, "patch"), InputError, "2 numbers a voxel"),
    ],
)
def test_a_bad_input_ends_in_one_clear_line(scan, regions, call, error, message):
    with pytest.raises(error, match=message) as caught:
        call(scan, regions)
    assert "\n" not in str(caught.value)


def test_a_region_that_misses_the_tumours_largest_slice_is_said(scan, regions):
    far = sitk.Image(scan.GetSize(), sitk.sitkUInt8)
    far.CopyInformation(scan)
    far[70, 40, 11] = 1
    with pytest.raises(RegionError, match="no voxel in the slice with the largest tumour area"):
        array_of(scan, {**regions, "ring_0_9mm": far}, "patch", region="ring_0_9mm")


def test_a_cube_that_no_memory_holds_is_refused_before_anything_is_read():
    with pytest.raises(InputError, match="size is 1024: a cube of that edge takes 8 GiB a case; give at most 512"):
        NetworkInput("box_3d", size=1024)
    assert NetworkInput("box_3d", size=512).pixels == 512 and NetworkInput("patch", size=1024).pixels == 1024
