"""Grids: the same or not, by how much, and crops that keep their place."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, RegionError
from RadiomicsCoreLib.images import geometry

# An oblique rotation (about two axes), as in a tilted MR.
TURN_X = np.array([[1, 0, 0], [0, np.cos(0.3), -np.sin(0.3)], [0, np.sin(0.3), np.cos(0.3)]])
TURN_Z = np.array([[np.cos(0.4), -np.sin(0.4), 0], [np.sin(0.4), np.cos(0.4), 0], [0, 0, 1]])


@pytest.fixture
def image() -> sitk.Image:
    image = sitk.GetImageFromArray(np.arange(7 * 8 * 9, dtype=np.float32).reshape(7, 8, 9))
    image.SetSpacing((0.9, 1.1, 3.0))
    image.SetOrigin((-10.0, 20.0, 5.0))
    image.SetDirection((TURN_X @ TURN_Z).ravel().tolist())
    return image


def test_float_noise_in_a_header_is_the_same_grid(image):
    noisy = sitk.Image(image)
    noisy.SetOrigin([float(np.float32(x)) + 1e-4 for x in image.GetOrigin()])
    noisy.SetSpacing([float(np.float32(x)) for x in image.GetSpacing()])
    noisy.SetDirection([round(x, 4) for x in image.GetDirection()])
    assert geometry.same_grid(noisy, image)
    assert geometry.describe_difference(noisy, image) is None
    assert geometry.adopt_grid(noisy, image).GetOrigin() == image.GetOrigin()


def test_a_small_spacing_error_counts_by_what_it_does_at_the_far_corner():
    small, large = sitk.Image(20, 20, 20, sitk.sitkUInt8), sitk.Image(500, 20, 20, sitk.sitkUInt8)
    for image, same in ((small, True), (large, False)):
        other = sitk.Image(image)
        other.SetSpacing((1.001, 1, 1))
        assert geometry.same_grid(other, image) is same


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.SetOrigin((-8.0, 20.0, 5.0)), r"^origin off by \(2, 0, 0\) mm$"),
        (lambda a: a.SetSpacing((0.9, 1.1, 2.5)), r"^spacing 0.9 x 1.1 x 2.5 instead of 0.9 x 1.1 x 3 mm$"),
        (lambda a: a.SetDirection(np.eye(3).ravel().tolist()), r"^direction off by [0-9.]+ degrees$"),
    ],
)
def test_a_difference_is_told_in_mm_and_degrees(image, change, message):
    other = sitk.Image(image)
    change(other)
    assert not geometry.same_grid(other, image)
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(geometry.describe_difference(other, image))


def test_the_angle_between_two_grids_is_that_of_their_axes():
    one, other = sitk.Image(4, 4, 4, sitk.sitkUInt8), sitk.Image(4, 4, 4, sitk.sitkUInt8)
    other.SetDirection(TURN_Z.ravel().tolist())
    assert f"direction off by {np.degrees(0.4):.3g} degrees" in str(geometry.describe_difference(other, one))


def test_a_crop_keeps_every_voxel_in_its_place_and_goes_back(image):
    box = geometry.IndexBox((2, 1, 3), (4, 5, 2))
    part = geometry.crop(image, box)
    assert part.GetSize() == (4, 5, 2)
    np.testing.assert_allclose(
        part.TransformIndexToPhysicalPoint((1, 1, 1)), image.TransformIndexToPhysicalPoint((3, 2, 4))
    )
    assert part[1, 1, 1] == image[3, 2, 4]
    back = sitk.GetArrayFromImage(geometry.paste(part, box, image))
    expected = np.zeros_like(back)
    expected[box.slices] = sitk.GetArrayFromImage(image)[box.slices]
    np.testing.assert_array_equal(back, expected)


def test_a_crop_beyond_the_image_is_refused(image):
    with pytest.raises(GeometryError, match="reaches beyond"):
        geometry.crop(image, geometry.IndexBox((6, 0, 0), (4, 1, 1)))
    with pytest.raises(GeometryError, match="at least one voxel"):
        geometry.IndexBox((0, 0, 0), (0, 1, 1))


def test_the_box_of_a_mask_is_tight_and_grows_as_far_as_the_image(image):
    mask = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    mask[2, 3, 4] = 1
    mask[5, 3, 4] = 1
    box = geometry.mask_box(mask)
    assert box == geometry.IndexBox((2, 3, 4), (4, 1, 1))
    grown = box.grown((4, 3, 1), image.GetSize())
    assert (grown.start, grown.stop) == ((0, 0, 3), (9, 7, 6))
    with pytest.raises(RegionError, match="empty"):
        geometry.mask_box(sitk.Image(image.GetSize(), sitk.sitkUInt8))


def test_world_and_index_agree_with_simpleitk_on_an_oblique_grid(image):
    index = np.array([[1.25, 2.5, 3.75], [0, 0, 0]])
    points = np.array([image.TransformContinuousIndexToPhysicalPoint(row.tolist()) for row in index])
    np.testing.assert_allclose(geometry.world_to_index(image, points), index, atol=1e-9)


ANGLE = 0.3


@pytest.fixture
def oblique_image():
    image = sitk.GetImageFromArray(np.zeros((8, 10, 12), np.float32))
    image.SetSpacing((0.7, 0.9, 3.0))
    image.SetOrigin((-120.3, 55.5, 901.2))
    c, s = np.cos(ANGLE), np.sin(ANGLE)
    image.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    return image


def test_the_box_of_a_mask_holds_all_its_voxels():
    array = np.zeros((5, 6, 7), np.uint8)
    array[1, 2, 3] = array[4, 2, 6] = 1
    assert geometry.mask_box(sitk.GetImageFromArray(array)) == geometry.IndexBox((3, 2, 1), (4, 1, 4))
    assert geometry.find_box(np.zeros((2, 2, 2), np.uint8)) is None


def test_a_box_grows_to_the_border_and_no_further():
    assert geometry.IndexBox((1, 5, 0), (2, 2, 2)).grown((3, 3, 3), (10, 8, 2)) == geometry.IndexBox(
        (0, 2, 0), (6, 6, 2)
    )
    assert geometry.union_box(
        [geometry.IndexBox((1, 1, 1), (1, 1, 1)), geometry.IndexBox((0, 4, 2), (2, 2, 2))]
    ) == geometry.IndexBox((0, 1, 1), (2, 5, 3))


def test_a_crop_is_found_on_an_oblique_grid(oblique_image):
    part = geometry.crop(oblique_image, geometry.IndexBox((2, 3, 1), (5, 4, 3)))
    assert geometry.aligned_start(oblique_image, part) == (2, 3, 1)
    assert geometry.aligned_start(oblique_image, oblique_image) == (0, 0, 0)


def test_masks_off_the_grid_are_refused_with_the_difference(oblique_image):
    part = geometry.crop(oblique_image, geometry.IndexBox((2, 3, 1), (5, 4, 3)))
    shifted = sitk.Image(part)
    shifted.SetOrigin(part.TransformContinuousIndexToPhysicalPoint((0.5, 0, 0)))
    with pytest.raises(GeometryError, match=r"ring lies 0\.5 voxels off"):
        geometry.aligned_start(oblique_image, shifted, "ring")
    other = sitk.Image(part)
    other.SetSpacing((1, 1, 3))
    with pytest.raises(GeometryError, match=r"spacing 1 x 1 x 3 mm, the image 0\.7 x 0\.9 x 3"):
        geometry.aligned_start(oblique_image, other)
    turned = sitk.Image(part)
    turned.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, 1))
    with pytest.raises(GeometryError, match="another direction"):
        geometry.aligned_start(oblique_image, turned)


def test_a_mask_that_leaves_the_image_is_refused(oblique_image):
    with pytest.raises(GeometryError, match="covers voxels"):
        geometry.aligned_start(geometry.crop(oblique_image, geometry.IndexBox((0, 0, 0), (6, 6, 6))), oblique_image)
