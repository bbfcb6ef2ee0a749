"""Randomly perturbed contours, as a stand-in for the masks of further readers.

The contour is moved along its normal by a smooth Gaussian random field: a voxel belongs to the perturbed mask where
its signed distance (mm) from the surface of :mod:`.surface_distance` is below the field. The field has mean 0,
standard deviation ``sd_mm`` and the correlation exp(-(r / correlation_mm)^2) between points r mm apart; it is a sum
of plane waves with Gaussian wave vectors (spectral representation), so that it is the same whatever the spacing of
the voxels. It moves with the tumour: the origin is the centre of the mask.

Reference: A. Zwanenburg et al. 2019, Sci Rep 9:614, doi 10.1038/s41598-018-36938-4, who compare 18 kinds and chains of
perturbations with test-retest imaging: chains find the features that are not robust with few misses. What differs
here: they randomise the contour by supervoxels of the image, which follow its edges, and grow or shrink it by fixed
shares of the volume; we move it without a look at the image, and draw the share. Their rotation, translation and noise
are not done, and they measure by ICC(1,1); our filter takes ICC(2,1), which is nearly the same where readings differ
by chance alone. A perturbed contour says nothing of readers who disagree on what belongs to the tumour.

Spectral representation: M. Shinozuka, G. Deodatis 1991, Appl Mech Rev 44:191, doi 10.1115/1.3119501.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.cohort.table import PhaseData, PhaseFiles, load_phase
from RadiomicsCoreLib.errors import InputError, RegionError
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import is_number

from .surface_distance import SubvoxelSurface, distance_map

_WAVES = 256
_CHUNK = 4096
_REACH = 4.5
"""Standard deviations that the distances are known to; the field exceeds them at one point in 150,000."""
_LARGEST_SLOPE = 1 / 3
_LARGEST_VOLUME_SD = 0.5

_GROUP = "repeated readings"

Warn = Callable[[str], None]


@dataclass(frozen=True)
class ContourPerturbation:
    """How a mask's contour is perturbed.

    Attributes:
        sd_mm: standard deviation of the contour's displacement along its normal, above 0.
        correlation_mm: distance along which the displacement's correlation falls to 1/e, at least three times
            ``sd_mm``: below that the contour would fold.
        volume_sd: None leaves the volume as the contour gives it. A number from 0 to 0.5 shifts the contour by a
            constant, so that the volume becomes that of the mask times exp(volume_sd * z), z standard normal; 0
            keeps the volume to the voxel.
        seed: whole number, 0 or more.
        index: 1, 2, …: which of several perturbations.

    Raises:
        InputError: a value out of bounds.

    Example:
        >>> ContourPerturbation(sd_mm=1.5).reading(2).index
        2
    """

    sd_mm: float = option("displacement of the contour", 1.0, word="--perturb-mm", metavar="SD", group=_GROUP)
    correlation_mm: float = option(
        "smoothness of the displacement", 10.0, word="--perturb-correlation", metavar="MM", group=_GROUP
    )
    volume_sd: float | None = option(
        "set the volume too: 0 keeps it, 0.1 varies it by 10 percent",
        None,
        word="--perturb-volume",
        metavar="SD",
        group=_GROUP,
    )
    seed: int = option("of the perturbations", 0, group=_GROUP)
    index: int = 1

    def __post_init__(self) -> None:
        for name in ("sd_mm", "correlation_mm"):
            value = getattr(self, name)
            if not is_number(value) or value <= 0:
                raise InputError(f"{name} must be a number of mm above 0, not {value!r}")
        if self.sd_mm > _LARGEST_SLOPE * self.correlation_mm * (1 + 1e-9):
            raise InputError(
                f"sd_mm {self.sd_mm:g} is more than a third of correlation_mm {self.correlation_mm:g}, which folds "
                f"the contour; give correlation_mm of at least {self.sd_mm / _LARGEST_SLOPE:g}"
            )
        if self.volume_sd is not None and not (is_number(self.volume_sd) and 0 <= self.volume_sd <= _LARGEST_VOLUME_SD):
            raise InputError(f"volume_sd must lie from 0 to {_LARGEST_VOLUME_SD:g}, not {self.volume_sd!r}")
        for name, lowest in (("seed", 0), ("index", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
                raise InputError(f"{name} must be a whole number of {lowest} or more, not {value!r}")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for provenance and hashing."""
        return asdict(self)

    def reading(self, index: int) -> ContourPerturbation:
        """Return the same perturbation, drawn anew: 1, 2, …"""
        return replace(self, index=index)

    def generator(self, key: Sequence[str]) -> np.random.Generator:
        """Random numbers of one mask: the same for the same seed, index and key on any machine or process."""
        text = "\x1f".join([str(self.seed), str(self.index), *key])
        return np.random.default_rng(int.from_bytes(hashlib.sha256(text.encode()).digest(), "big"))


def load_perturbed(
    files: PhaseFiles,
    perturbation: ContourPerturbation | None,
    key: Sequence[str],
    *,
    resample: bool = False,
    warn: Warn,
) -> PhaseData:
    """Read one phase of a case, with the tumour's contour perturbed.

    Args:
        files: from the cohort table.
        perturbation: how; None leaves the mask as it is.
        key: case id and phase, part of the seed.
        resample: as in :func:`~RadiomicsCoreLib.cohort.table.load_phase`.
        warn: called with one line for each thing the user should know.

    Raises:
        InputError, GeometryError, RegionError: as ``load_phase`` and :func:`perturb_contour`.
    """
    data = load_phase(files, resample=resample, warn=warn)
    if perturbation is None:
        return data
    return replace(data, mask=perturb_contour(data.mask, perturbation, key, warn=warn))


def perturb_contour(
    mask: sitk.Image,
    perturbation: ContourPerturbation,
    key: Sequence[str] = (),
    *,
    warn: Warn = lambda _: None,
) -> sitk.Image:
    """Return a mask whose contour is randomly displaced.

    A tumour drawn in one slice only is perturbed within that slice. Displacements go with the true spacing, but
    where they are small against the voxel few voxels change.

    Args:
        mask: 1 inside.
        perturbation: how far, how smooth, which seed.
        key: what tells this mask from others of the cohort: case id and phase.
        warn: called with one line if a separate piece of the tumour is lost.

    Returns:
        UInt8 on the same grid, 1 inside.

    Raises:
        RegionError: the mask is empty, or nothing is left of it.

    Example:
        >>> image = sitk.Image(40, 40, 40, sitk.sitkUInt8)
        >>> image[10:30, 10:30, 10:30] = 1
        >>> moved = perturb_contour(image, ContourPerturbation(sd_mm=1.5), ("A1", "ct"))
        >>> moved.GetSize(), bool(sitk.Hash(moved) == sitk.Hash(image))
        ((40, 40, 40), False)
    """
    voxels = sitk.GetArrayFromImage(mask) != 0
    if not voxels.any():
        raise RegionError("the mask is empty, there is no contour to perturb")
    spacing = tuple(reversed(mask.GetSpacing()))
    if np.count_nonzero(voxels.any(axis=(1, 2))) == 1:
        k = int(np.flatnonzero(voxels.any(axis=(1, 2)))[0])
        moved = np.zeros_like(voxels)
        moved[k] = _perturbed(voxels[k], spacing[1:], perturbation, key)
    else:
        moved = _perturbed(voxels, spacing, perturbation, key)
    _check_what_is_left(voxels, moved, spacing, perturbation, warn)
    result = sitk.GetImageFromArray(moved.astype(np.uint8))
    result.CopyInformation(mask)
    return result


def _perturbed(
    mask: np.ndarray, spacing: Sequence[float], perturbation: ContourPerturbation, key: Sequence[str]
) -> np.ndarray:
    random = perturbation.generator(key)
    field = _Field.draw(random, mask.ndim, perturbation)
    share = 1.0 if perturbation.volume_sd is None else math.exp(perturbation.volume_sd * random.standard_normal())
    hits = np.argwhere(mask)
    reach = _REACH * perturbation.sd_mm + _growth_mm(len(hits) * math.prod(spacing), share, mask.ndim)
    margin = np.ceil(reach / np.asarray(spacing)).astype(int) + 3
    low, high = hits.min(axis=0) - margin, hits.max(axis=0) + 1 + margin
    canvas = np.zeros(high - low, bool)
    canvas[tuple((hits - low).T)] = True
    indices, distances = _signed_distances(canvas, spacing, reach)
    centre = hits.mean(axis=0) - low
    height = distances - field((indices - centre) * np.asarray(spacing))
    places = tuple(indices.T)
    # Voxels deeper than the reach stay inside; with a wanted volume the lowest of the others follow them.
    moved = canvas.copy()
    moved[places] = False
    if perturbation.volume_sd is None:
        chosen = height < 0
    else:
        wanted = round(share * len(hits)) - int(np.count_nonzero(moved))
        chosen = np.zeros(len(height), bool)
        chosen[np.argsort(height, kind="stable")[: max(wanted, 0)]] = True
    moved[places] = chosen
    result = np.zeros_like(mask)
    inside = np.argwhere(moved) + low
    inside = inside[((inside >= 0) & (inside < mask.shape)).all(axis=1)]
    result[tuple(inside.T)] = True
    return result


def _growth_mm(volume: float, share: float, dimensions: int) -> float:
    """How far a ball (disc) of this volume (area) moves its border to become ``share`` times as large."""
    unit = {2: math.pi, 3: 4 / 3 * math.pi}[dimensions]
    radius = (volume / unit) ** (1 / dimensions)
    return float(2 * radius * abs(share ** (1 / dimensions) - 1))


def _signed_distances(mask: np.ndarray, spacing: Sequence[float], reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices (n, d) of the voxels within reach of the surface, and their distances (n,), negative inside."""
    step = float(max(spacing))
    rough = np.where(mask, distance_map(~mask, spacing), distance_map(mask, spacing))
    indices = np.argwhere(rough <= reach + step)
    surface = SubvoxelSurface.of_mask(mask, spacing, (1,) * mask.ndim)
    distances = surface.distances(indices * np.asarray(spacing, float))
    return indices, np.where(mask[tuple(indices.T)], -distances, distances)


@dataclass(frozen=True)
class _Field:
    """A Gaussian random field as a sum of plane waves: wave vectors (m, d) per mm, phases (m,), amplitude in mm."""

    waves: np.ndarray
    phases: np.ndarray
    amplitude: float

    @classmethod
    def draw(cls, random: np.random.Generator, dimensions: int, perturbation: ContourPerturbation) -> _Field:
        # E[cos(k r)] over k ~ N(0, s^2) is exp(-s^2 r^2 / 2): s = sqrt(2) / correlation_mm gives exp(-(r / c)^2).
        # Three components are always drawn: the plane through a volume's centre then has the same field as the volume.
        waves = random.standard_normal((_WAVES, 3))[:, 3 - dimensions :] * (math.sqrt(2) / perturbation.correlation_mm)
        phases = random.uniform(0, 2 * math.pi, _WAVES)
        return cls(waves, phases, perturbation.sd_mm * math.sqrt(2 / _WAVES))

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """Values (n,) in mm at points (n, d) in mm."""
        values = np.empty(len(points))
        for start in range(0, len(points), _CHUNK):
            part = points[start : start + _CHUNK]
            # No matrix product: BLAS may sum in another order on another number of threads.
            angle = self.phases + sum(part[:, [axis]] * self.waves[:, axis] for axis in range(points.shape[1]))
            values[start : start + _CHUNK] = np.cos(angle).sum(axis=1)
        return self.amplitude * values


def _check_what_is_left(
    mask: np.ndarray, moved: np.ndarray, spacing: Sequence[float], perturbation: ContourPerturbation, warn: Warn
) -> None:
    from scipy import ndimage

    if not moved.any():
        volume = np.count_nonzero(mask) * math.prod(spacing)
        raise RegionError(
            f"nothing is left of the tumour ({volume / 1000:.3g} ml) by perturbation {perturbation.index} with a "
            f"standard deviation of {perturbation.sd_mm:g} mm; use a smaller one, or another seed"
        )
    pieces, count = ndimage.label(mask, np.ones((3, 3, 3)))
    left = np.unique(pieces[moved])
    lost = count - np.count_nonzero(left)
    if lost:
        sizes = np.bincount(pieces.ravel())[1:]
        gone = [size for number, size in enumerate(sizes, start=1) if number not in left]
        warn(
            f"perturbation {perturbation.index} lost {lost} of {count} separate pieces of the tumour, the largest of "
            f"{max(gone)} voxels; a smaller standard deviation keeps them"
        )
