"""Boxes on an image's grid, and masks that lie on it or not."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.voxel_box import Box, aligned_start, box_of, union_box
from RadiomicsCoreLib.errors import GeometryError

ANGLE = 0.3


@pytest.fixture
def image():
    image = sitk.GetImageFromArray(np.zeros((8, 10, 12), np.float32))
    image.SetSpacing((0.7, 0.9, 3.0))
    image.SetOrigin((-120.3, 55.5, 901.2))
    c, s = np.cos(ANGLE), np.sin(ANGLE)
    image.SetDirection((c, -s, 0, s, c, 0, 0, 0, 1))
    return image


def test_the_box_of_a_mask_holds_all_its_voxels():
    array = np.zeros((5, 6, 7), np.uint8)
    array[1, 2, 3] = array[4, 2, 6] = 1
    assert box_of(sitk.GetImageFromArray(array)) == Box((3, 2, 1), (4, 1, 4))
    assert box_of(sitk.GetImageFromArray(np.zeros((2, 2, 2), np.uint8))) is None


def test_a_box_grows_to_the_border_and_no_further():
    assert Box((1, 5, 0), (2, 2, 2)).grown((3, 3, 3), (10, 8, 2)) == Box((0, 2, 0), (6, 6, 2))
    assert union_box([Box((1, 1, 1), (1, 1, 1)), Box((0, 4, 2), (2, 2, 2))]) == Box((0, 1, 1), (2, 5, 3))


def test_a_crop_is_found_on_an_oblique_grid(image):
    crop = Box((2, 3, 1), (5, 4, 3)).cut(image)
    assert aligned_start(image, crop) == (2, 3, 1)
    assert aligned_start(image, image) == (0, 0, 0)


def test_masks_off_the_grid_are_refused_with_the_difference(image):
    crop = Box((2, 3, 1), (5, 4, 3)).cut(image)
    shifted = sitk.Image(crop)
    shifted.SetOrigin(crop.TransformContinuousIndexToPhysicalPoint((0.5, 0, 0)))
    with pytest.raises(GeometryError, match=r"ring lies 0\.5 voxels off"):
        aligned_start(image, shifted, "ring")
    other = sitk.Image(crop)
    other.SetSpacing((1, 1, 3))
    with pytest.raises(GeometryError, match=r"spacing 1 x 1 x 3 mm, the image 0\.7 x 0\.9 x 3"):
        aligned_start(image, other)
    turned = sitk.Image(crop)
    turned.SetDirection((1, 0, 0, 0, 1, 0, 0, 0, 1))
    with pytest.raises(GeometryError, match="another direction"):
        aligned_start(image, turned)


def test_a_mask_that_leaves_the_image_is_refused(image):
    with pytest.raises(GeometryError, match="covers voxels"):
        aligned_start(Box((0, 0, 0), (6, 6, 6)).cut(image), image)
