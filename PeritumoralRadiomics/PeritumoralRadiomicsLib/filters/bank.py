"""Image filters: every pyradiomics image type as a function from an image to one or more derived images.

A filter sees the image alone, never the region: filter first, mask second. One filtered image serves all
regions of a case; where it is known which part of it will be read, only that part is made, from the whole image
and with the same values. :data:`FILTERS` is the table of image types.

References: van Griethuysen et al. 2017, doi 10.1158/0008-5472.CAN-17-0339; the single functions name theirs.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.blas_threads import single_blas_thread
from RadiomicsCoreLib.errors import DependencyError, InputError
from RadiomicsCoreLib.images.geometry import IndexBox, crop, whole_box

from ..preprocessing.filtered_image import FilteredImage
from . import recursive_gaussian

_LOG = logging.getLogger(__name__)

Filter = Callable[[sitk.Image, Mapping[str, Any], IndexBox], Iterator[tuple[str, sitk.Image]]]


def filtered_images(
    image: sitk.Image,
    image_types: Mapping[str, Mapping[str, Any]],
    setting: Mapping[str, Any],
    kept: IndexBox | None = None,
) -> Iterator[FilteredImage]:
    """Yield the image types asked for, in order.

    Args:
        image: 3D image.
        image_types: image type to its own settings, for example ``{"Original": {}, "LoG": {"sigma": [1.0]}}``.
        setting: settings common to all types, in pyradiomics' names.
        kept: the part of the image whose filtered values are wanted; None for all of it.

    Raises:
        InputError: an image type is unknown, or its settings or the image do not allow it.

    Example:
        >>> image = sitk.GetImageFromArray(np.arange(64.0).reshape(4, 4, 4))
        >>> [filtered.name for filtered in filtered_images(image, {"Original": {}, "Square": {}}, {})]
        ['original', 'square']
    """
    kept = whole_box(image) if kept is None else kept
    for image_type, own in image_types.items():
        if image_type not in FILTERS:
            raise InputError(f"image type {image_type!r} is unknown; use one of {', '.join(FILTERS)}")
        merged = {**setting, **(own or {})}
        for name, derived in FILTERS[image_type](image, merged, kept):
            yield FilteredImage(name, derived, merged)


def original(image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox) -> Iterator[tuple[str, sitk.Image]]:
    """The image itself."""
    yield "original", crop(image, kept)


def laplacian_of_gaussian(
    image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox
) -> Iterator[tuple[str, sitk.Image]]:
    r"""Laplacian of Gaussian, :math:`\sigma^2 \nabla^2 G_\sigma * f`, for each ``sigma`` in mm.

    The values are those of ITK's recursive filters, see :mod:`.recursive_gaussian`. A sigma that is too wide for
    the image is left out. One below a tenth of a voxel gives little but ITK's rounding noise, and is left to ITK.
    Reference: Marr and Hildreth 1980, doi 10.1098/rspb.1980.0020.
    """
    sigmas = setting.get("sigma") or []
    if not sigmas:
        raise InputError("image type LoG needs the setting sigma, a list of widths in mm, for example [1, 2, 3]")
    size, spacing = np.array(image.GetSize()), np.array(image.GetSpacing())
    # A copy: another thread may hold the image by the time the next sigma is asked for.
    array, grid = sitk.GetArrayFromImage(image).astype(np.float64, copy=False), crop(image, kept)
    for sigma in sigmas:
        if not sigma > 0:
            raise InputError(f"sigma of LoG must be positive, got {sigma} mm")
        needed = np.maximum(np.ceil(sigma / spacing) + 1, 4)
        if np.any(size < needed):
            _LOG.warning("LoG of %g mm left out: it needs %s voxels, the image has %s", sigma, _by(needed), _by(size))
            continue
        if np.any(sigma / spacing < 0.1):
            values = _itk_laplacian(array, spacing.tolist(), float(sigma))[kept.slices]
        else:
            with single_blas_thread():
                values = recursive_gaussian.laplacian_of_gaussian(
                    array, tuple(spacing[::-1]), float(sigma), kept.slices
                )
        yield f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D", _like(values, grid)


def _itk_laplacian(array: np.ndarray, spacing: list[float], sigma: float) -> np.ndarray:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    gaussian = sitk.LaplacianRecursiveGaussianImageFilter()
    gaussian.SetNormalizeAcrossScale(True)
    gaussian.SetSigma(sigma)
    return sitk.GetArrayFromImage(gaussian.Execute(image))


def wavelet(image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox) -> Iterator[tuple[str, sitk.Image]]:
    """Undecimated wavelet decompositions: low (L) and high (H) pass along x, y, z, all combinations.

    Settings: ``wavelet`` (coif1), ``level`` (1), ``start_level`` (0), ``force2D``. The last level's
    approximation (LLL) comes last. Odd sizes are made even by repeating the first slice at the end (the
    transform is periodic). Reference: Nason and Silverman 1995, doi 10.1007/978-1-4612-2544-7_17.
    """
    transform = _wavelet_transform(setting)
    level, start = int(setting.get("level", 1)), int(setting.get("start_level", 0))
    if level < 1 or start < 0:
        raise InputError(f"wavelet needs level of at least 1 and start_level of at least 0, got {level} and {start}")
    axes = [2, 1, 0]
    if setting.get("force2D", False):
        axes.remove(setting.get("force2Ddimension", 0))
    array, grid = sitk.GetArrayFromImage(image), crop(image, kept)
    array = np.pad(array, [(0, size % 2) for size in array.shape], "wrap")
    low = "a" * len(axes)
    last = start + level - 1
    for n in range(start + level):
        # The next level needs the whole approximation; the last one only what is kept.
        part = kept.slices if n == last else tuple(slice(0, size) for size in array.shape)
        bands = _bands(transform, array, axes, part)
        array = bands.pop(low)
        if n < start:
            continue
        for band, values in bands.items():
            yield _band_name(n - start + 1, band), _like(values if n == last else values[kept.slices], grid)
    yield _band_name(level, low), _like(array, grid)


def square(image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`(c f)^2` with :math:`c = 1 / \sqrt{\max |f|}`."""
    f = _float_array(image)
    yield "square", crop(_like((f * _inverse(np.sqrt(_largest(f)))) ** 2, image), kept)


def square_root(image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`\mathrm{sign}(f) \sqrt{c |f|}` with :math:`c = \max |f|`."""
    f = _float_array(image)
    yield "squareroot", crop(_like(np.sign(f) * np.sqrt(np.abs(f) * _largest(f)), image), kept)


def logarithm(image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`c\,\mathrm{sign}(f) \log(|f| + 1)` with c such that the largest :math:`|f|` is kept."""
    f = _float_array(image)
    logs = np.sign(f) * np.log(np.abs(f) + 1)
    yield "logarithm", crop(_like(logs * (_largest(f) * _inverse(_largest(logs))), image), kept)


def exponential(image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`e^{c f}` with :math:`c = \log(\max |f|) / \max |f|`."""
    f = _float_array(image)
    largest = _largest(f)
    if largest == 0:
        raise InputError("image type Exponential is not defined for an image that is zero everywhere")
    yield "exponential", crop(_like(np.exp(np.log(largest) / largest * f), image), kept)


def gradient(image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`|\nabla f|` by central differences, per mm unless ``gradientUseSpacing`` is False."""
    magnitude = sitk.GradientMagnitudeImageFilter()
    magnitude.SetUseImageSpacing(bool(setting.get("gradientUseSpacing", True)))
    yield "gradient", crop(magnitude.Execute(image), kept)


def local_binary_pattern_2d(
    image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox
) -> Iterator[tuple[str, sitk.Image]]:
    """Local binary pattern of every slice across ``force2Ddimension``.

    Settings: ``lbp2DRadius`` (1), ``lbp2DSamples`` (8), ``lbp2DMethod`` (uniform).
    Reference: Ojala et al. 2002, doi 10.1109/TPAMI.2002.1017623 (scikit-image's implementation).
    """
    try:
        from skimage.feature import local_binary_pattern
    except ImportError as error:
        raise DependencyError("image type LBP2D needs scikit-image: pip install scikit-image") from error
    samples, radius = setting.get("lbp2DSamples", 8), setting.get("lbp2DRadius", 1)
    method = setting.get("lbp2DMethod", "uniform")
    array = sitk.GetArrayFromImage(image)
    # Swapped, not moved: across i a slice is then (j, k), as in pyradiomics, and patterns start at the same neighbour.
    slices = np.swapaxes(array, setting.get("force2Ddimension", 0), 0)
    with warnings.catch_warnings():
        # scikit-image advises against float images because of ties; pyradiomics compares floats as well.
        warnings.filterwarnings("ignore", message="Applying `local_binary_pattern` to floating-point")
        for plane in slices:
            plane[...] = local_binary_pattern(plane, P=samples, R=radius, method=method)
    yield "lbp-2D", crop(_like(array, image), kept)


def local_binary_pattern_3d(
    image: sitk.Image, setting: Mapping[str, Any], kept: IndexBox
) -> Iterator[tuple[str, sitk.Image]]:
    """Rotation invariant local binary patterns on spheres around the voxels, and the kurtosis of the samples.

    Settings: ``lbp3DLevels`` (2), ``lbp3DIcosphereRadius`` (1, voxels), ``lbp3DIcosphereSubdivision`` (1).
    Reference: Banerjee et al. 2013, doi 10.1007/978-3-642-37410-4_3.
    """
    from .spherical_patterns import pattern_maps

    maps = pattern_maps(
        sitk.GetArrayFromImage(image),
        levels=int(setting.get("lbp3DLevels", 2)),
        radius=float(setting.get("lbp3DIcosphereRadius", 1)),
        subdivisions=int(setting.get("lbp3DIcosphereSubdivision", 1)),
    )
    for number, values in enumerate(maps[:-1], start=1):
        yield f"lbp-3D-m{number}", crop(_like(values, image), kept)
    yield "lbp-3D-k", crop(_like(maps[-1], image), kept)


FILTERS: dict[str, Filter] = {
    "Original": original,
    "Wavelet": wavelet,
    "LoG": laplacian_of_gaussian,
    "Square": square,
    "SquareRoot": square_root,
    "Logarithm": logarithm,
    "Exponential": exponential,
    "Gradient": gradient,
    "LBP2D": local_binary_pattern_2d,
    "LBP3D": local_binary_pattern_3d,
}


Transform = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def _wavelet_transform(setting: Mapping[str, Any]) -> Transform:
    """One level of the stationary transform along one axis: low pass and high pass."""
    try:
        import pywt
    except ImportError as error:
        raise DependencyError("image type Wavelet needs PyWavelets: pip install PyWavelets") from error
    name = setting.get("wavelet", "coif1")
    if name not in pywt.wavelist(kind="discrete"):
        raise InputError(f"wavelet {name!r} is unknown; use for example coif1, haar, db2 or sym4")
    kernel = pywt.Wavelet(name)
    return lambda array, axis: pywt.swt(array, kernel, level=1, start_level=0, axis=axis)[0]


def _bands(transform: Transform, array: np.ndarray, axes: list[int], kept: tuple[slice, ...]) -> dict[str, np.ndarray]:
    """Transform along the axes; band name ('a' low, 'd' high, one letter an axis) to its kept part.

    What is not kept is cut off as soon as its axis is done: later axes do not mix it in.
    """
    bands = {"": array}
    for axis in axes:
        cut = (slice(None),) * axis + (kept[axis],)
        bands = {
            band + letter: values[cut]
            for band, source in bands.items()
            for letter, values in zip("ad", transform(source, axis), strict=True)
        }
    untouched = tuple(slice(None) if axis in axes else part for axis, part in enumerate(kept))
    return {band: values[untouched] for band, values in bands.items()}


def _band_name(level: int, band: str) -> str:
    letters = band.replace("a", "L").replace("d", "H")
    return f"wavelet-{letters}" if level == 1 else f"wavelet{level}-{letters}"


def _float_array(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image).astype(np.float64)


def _largest(values: np.ndarray) -> float:
    return float(np.max(np.abs(values)))


def _inverse(value: float) -> float:
    """1 / value; 0 for an image that is zero everywhere, which its filters leave as it is."""
    return 1 / value if value > 0 else 0.0


def _like(values: np.ndarray, image: sitk.Image) -> sitk.Image:
    derived = sitk.GetImageFromArray(np.ascontiguousarray(values))
    derived.CopyInformation(image)
    return derived


def _by(size: np.ndarray) -> str:
    return " x ".join(f"{n:g}" for n in size)
