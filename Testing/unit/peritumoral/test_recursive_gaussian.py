"""ITK's recursive Gaussian as matrices: compared with ITK itself."""

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.filters.bank import filtered_images
from PeritumoralRadiomicsLib.filters.recursive_gaussian import along, kernel, laplacian_of_gaussian
from RadiomicsCoreLib.images.geometry import IndexBox, crop


def _image(size=(41, 30, 23), spacing=(1.0, 1.0, 1.0), kind=np.float64, seed=0):
    values = np.random.default_rng(seed).normal(40, 300, size[::-1])
    image = sitk.GetImageFromArray(values.astype(kind))
    image.SetSpacing(spacing)
    image.SetOrigin((-3.0, 5.5, 12.0))
    return image


def _itk(image, sigma):
    gaussian = sitk.LaplacianRecursiveGaussianImageFilter()
    gaussian.SetNormalizeAcrossScale(True)
    gaussian.SetSigma(sigma)
    return gaussian.Execute(image)


@pytest.mark.parametrize("order", [0, 2])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_one_axis_gives_the_bits_of_itks_recursion(order, axis):
    image = _image()
    array = sitk.GetArrayFromImage(image)
    for sigma in (0.6, 1.0, 2.5, 7.0):
        filter_ = sitk.RecursiveGaussianImageFilter()
        filter_.SetSigma(sigma)
        filter_.SetOrder(order)
        filter_.SetDirection(2 - axis)
        expected = sitk.GetArrayFromImage(filter_.Execute(image))
        got = along(array, kernel(order, sigma, array.shape[axis]), axis, slice(0, array.shape[axis]))
        assert np.mean(got != expected) < 1e-3, sigma  # where two roundings meet, one voxel in thousands
        np.testing.assert_allclose(got, expected, rtol=2e-7, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.8, 3.0)])
@pytest.mark.parametrize("kind", [np.float64, np.float32, np.int16])
def test_the_laplacian_equals_itks_to_the_bit_but_for_single_voxels(spacing, kind):
    image = _image(spacing=spacing, kind=kind)
    for sigma in (0.7, 1.0, 2.5, 5.0):
        expected = _itk(image, sigma)
        (got,) = filtered_images(image, {"LoG": {"sigma": [sigma]}}, {})
        assert got.image.GetPixelID() == expected.GetPixelID() == sitk.sitkFloat32
        assert got.image.GetOrigin() == expected.GetOrigin() and got.image.GetSpacing() == expected.GetSpacing()
        ours, theirs = sitk.GetArrayFromImage(got.image), sitk.GetArrayFromImage(expected)
        assert np.mean(ours != theirs) < 1e-3, sigma
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=5e-7 * np.abs(theirs).max())


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 20.0), (20.0, 20.0, 20.0)])
@pytest.mark.parametrize("mean", [0.0, 1e6])
def test_a_sigma_far_below_a_voxel_keeps_the_bits_of_itk(spacing, mean):
    image = _image(size=(22, 24, 20), spacing=spacing) + mean
    expected = crop(_itk(image, 1.0), IndexBox((2, 3, 4), (9, 8, 7)))
    (got,) = filtered_images(image, {"LoG": {"sigma": [1.0]}}, {}, IndexBox((2, 3, 4), (9, 8, 7)))
    assert np.array_equal(sitk.GetArrayFromImage(got.image), sitk.GetArrayFromImage(expected))
    assert got.image.GetOrigin() == expected.GetOrigin()


def test_a_long_line_is_cut_into_parts_that_fit_together():
    image = _image(size=(300, 5, 5))
    expected = sitk.GetArrayFromImage(_itk(image, 1.0))
    got = laplacian_of_gaussian(
        sitk.GetArrayFromImage(image), (1, 1, 1), 1.0, (slice(0, 5), slice(0, 5), slice(0, 300))
    )
    np.testing.assert_allclose(got, expected, rtol=0, atol=5e-7 * np.abs(expected).max())


TYPES = {
    "Original": {},
    "Wavelet": {"level": 2, "start_level": 1},
    "LoG": {"sigma": [1.0, 3.0]},
    "Square": {},
    "SquareRoot": {},
    "Logarithm": {},
    "Exponential": {},
    "Gradient": {},
    "LBP2D": {},
    "LBP3D": {},
}


@pytest.mark.parametrize("setting", [{}, {"force2D": True, "force2Ddimension": 1}])
def test_a_kept_part_has_the_values_of_the_whole_filtered_image(setting):
    image = _image(size=(24, 19, 17))
    kept = IndexBox((3, 0, 5), (9, 19, 7))
    for image_type, options in TYPES.items():
        whole = list(filtered_images(image, {image_type: options}, setting))
        parts = list(filtered_images(image, {image_type: options}, setting, kept))
        assert [part.name for part in parts] == [full.name for full in whole]
        for part, full in zip(parts, whole, strict=True):
            expected = crop(full.image, kept)
            assert part.image.GetOrigin() == expected.GetOrigin() and part.image.GetSize() == expected.GetSize()
            same = np.array_equal if image_type != "LoG" else _nearly
            assert same(sitk.GetArrayFromImage(part.image), sitk.GetArrayFromImage(expected)), part.name


def _nearly(one, other):
    return np.allclose(one, other, rtol=0, atol=5e-7 * np.abs(other).max())


def test_the_wavelet_is_pywavelets_transform_of_all_axes_at_once():
    import pywt

    image = _image(size=(12, 10, 8))
    expected = pywt.swtn(sitk.GetArrayFromImage(image), "coif1", level=1, axes=(2, 1, 0))[0]
    for filtered in filtered_images(image, {"Wavelet": {}}, {}):
        band = filtered.name.removeprefix("wavelet-").replace("L", "a").replace("H", "d")
        assert np.array_equal(sitk.GetArrayFromImage(filtered.image), expected[band])


def test_a_part_of_an_oblique_image_keeps_its_place():
    image = _image()
    image.SetDirection((0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))
    kept = IndexBox((4, 3, 2), (8, 9, 10))
    (part,) = filtered_images(image, {"LoG": {"sigma": [1.5]}}, {}, kept)
    assert part.image.GetDirection() == image.GetDirection()
    assert np.allclose(part.image.GetOrigin(), image.TransformIndexToPhysicalPoint(kept.start))
