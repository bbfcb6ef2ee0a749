"""Image filters: every pyradiomics image type as a function from an image to one or more derived images.

A filter sees the image alone, never the region: filter first, mask second. One filtered image serves all
regions of a case. :data:`FILTERS` is the table of image types.

References: van Griethuysen et al. 2017, doi 10.1158/0008-5472.CAN-17-0339; the single functions name theirs.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import DependencyError, InputError

from .engine import FilteredImage

_LOG = logging.getLogger(__name__)

Filter = Callable[[sitk.Image, Mapping[str, Any]], Iterator[tuple[str, sitk.Image]]]


def filtered_images(
    image: sitk.Image, image_types: Mapping[str, Mapping[str, Any]], setting: Mapping[str, Any]
) -> Iterator[FilteredImage]:
    """Yield the image types asked for, in order.

    Args:
        image: 3D image.
        image_types: image type to its own settings, for example ``{"Original": {}, "LoG": {"sigma": [1.0]}}``.
        setting: settings common to all types, in pyradiomics' names.

    Raises:
        InputError: an image type is unknown, or its settings or the image do not allow it.

    Example:
        >>> image = sitk.GetImageFromArray(np.arange(64.0).reshape(4, 4, 4))
        >>> [filtered.name for filtered in filtered_images(image, {"Original": {}, "Square": {}}, {})]
        ['original', 'square']
    """
    for image_type, own in image_types.items():
        if image_type not in FILTERS:
            raise InputError(f"image type {image_type!r} is unknown; use one of {', '.join(FILTERS)}")
        merged = {**setting, **(own or {})}
        for name, derived in FILTERS[image_type](image, merged):
            yield FilteredImage(name, derived, merged)


def original(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
    """The image itself."""
    yield "original", image


def laplacian_of_gaussian(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
    r"""Laplacian of Gaussian, :math:`\sigma^2 \nabla^2 G_\sigma * f`, for each ``sigma`` in mm.

    Computed by ITK's recursive filters. A sigma that is too wide for the image is left out.
    Reference: Marr and Hildreth 1980, doi 10.1098/rspb.1980.0020.
    """
    sigmas = setting.get("sigma") or []
    if not sigmas:
        raise InputError("image type LoG needs the setting sigma, a list of widths in mm, for example [1, 2, 3]")
    size, spacing = np.array(image.GetSize()), np.array(image.GetSpacing())
    for sigma in sigmas:
        if not sigma > 0:
            raise InputError(f"sigma of LoG must be positive, got {sigma} mm")
        needed = np.maximum(np.ceil(sigma / spacing) + 1, 4)
        if np.any(size < needed):
            _LOG.warning("LoG of %g mm left out: it needs %s voxels, the image has %s", sigma, _by(needed), _by(size))
            continue
        gaussian = sitk.LaplacianRecursiveGaussianImageFilter()
        gaussian.SetNormalizeAcrossScale(True)
        gaussian.SetSigma(float(sigma))
        yield f"log-sigma-{str(sigma).replace('.', '-')}-mm-3D", gaussian.Execute(image)


def wavelet(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
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
    array = sitk.GetArrayFromImage(image)
    crop = tuple(slice(0, size) for size in array.shape)
    array = np.pad(array, [(0, size % 2) for size in array.shape], "wrap")
    low = "a" * len(axes)
    for n in range(start + level):
        bands = transform(array, tuple(axes))
        array = bands.pop(low)
        if n < start:
            continue
        for band, values in bands.items():
            yield _band_name(n - start + 1, band), _like(values[crop], image)
    yield _band_name(level, low), _like(array[crop], image)


def square(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`(c f)^2` with :math:`c = 1 / \sqrt{\max |f|}`."""
    f = _float_array(image)
    yield "square", _like((f * _inverse(np.sqrt(_largest(f)))) ** 2, image)


def square_root(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`\mathrm{sign}(f) \sqrt{c |f|}` with :math:`c = \max |f|`."""
    f = _float_array(image)
    yield "squareroot", _like(np.sign(f) * np.sqrt(np.abs(f) * _largest(f)), image)


def logarithm(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`c\,\mathrm{sign}(f) \log(|f| + 1)` with c such that the largest :math:`|f|` is kept."""
    f = _float_array(image)
    logs = np.sign(f) * np.log(np.abs(f) + 1)
    yield "logarithm", _like(logs * (_largest(f) * _inverse(_largest(logs))), image)


def exponential(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`e^{c f}` with :math:`c = \log(\max |f|) / \max |f|`."""
    f = _float_array(image)
    largest = _largest(f)
    if largest == 0:
        raise InputError("image type Exponential is not defined for an image that is zero everywhere")
    yield "exponential", _like(np.exp(np.log(largest) / largest * f), image)


def gradient(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
    r""":math:`|\nabla f|` by central differences, per mm unless ``gradientUseSpacing`` is False."""
    magnitude = sitk.GradientMagnitudeImageFilter()
    magnitude.SetUseImageSpacing(bool(setting.get("gradientUseSpacing", True)))
    yield "gradient", magnitude.Execute(image)


def local_binary_pattern_2d(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
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
    slices = np.moveaxis(array, setting.get("force2Ddimension", 0), 0)
    with warnings.catch_warnings():
        # scikit-image advises against float images because of ties; pyradiomics compares floats as well.
        warnings.filterwarnings("ignore", message="Applying `local_binary_pattern` to floating-point")
        for plane in slices:
            plane[...] = local_binary_pattern(plane, P=samples, R=radius, method=method)
    yield "lbp-2D", _like(array, image)


def local_binary_pattern_3d(image: sitk.Image, setting: Mapping[str, Any]) -> Iterator[tuple[str, sitk.Image]]:
    """Rotation invariant local binary patterns on spheres around the voxels, and the kurtosis of the samples.

    Settings: ``lbp3DLevels`` (2), ``lbp3DIcosphereRadius`` (1, voxels), ``lbp3DIcosphereSubdivision`` (1).
    Reference: Banerjee et al. 2013, doi 10.1007/978-3-642-37410-4_3.
    """
    from .spherical_patterns import pattern_maps

    maps = pattern_maps(
        sitk.GetArrayFromImage(image).astype(np.float64),
        levels=int(setting.get("lbp3DLevels", 2)),
        radius=float(setting.get("lbp3DIcosphereRadius", 1)),
        subdivisions=int(setting.get("lbp3DIcosphereSubdivision", 1)),
    )
    for number, values in enumerate(maps[:-1], start=1):
        yield f"lbp-3D-m{number}", _like(values, image)
    yield "lbp-3D-k", _like(maps[-1], image)


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


def _wavelet_transform(setting: Mapping[str, Any]) -> Callable[[np.ndarray, tuple[int, ...]], dict[str, np.ndarray]]:
    """One level of the stationary transform: band name ('a' low, 'd' high, one letter an axis) to values."""
    try:
        import pywt
    except ImportError as error:
        raise DependencyError("image type Wavelet needs PyWavelets: pip install PyWavelets") from error
    name = setting.get("wavelet", "coif1")
    if name not in pywt.wavelist(kind="discrete"):
        raise InputError(f"wavelet {name!r} is unknown; use for example coif1, haar, db2 or sym4")
    kernel = pywt.Wavelet(name)
    return lambda array, axes: pywt.swtn(array, kernel, level=1, start_level=0, axes=axes)[0]


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
