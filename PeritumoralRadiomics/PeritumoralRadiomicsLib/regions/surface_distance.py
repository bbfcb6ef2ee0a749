"""Where the surface of a voxel mask lies, and which voxels lie within a distance of it.

A mask says of every voxel centre whether it is inside; the surface runs somewhere between. Two rules:

``SUBVOXEL`` (default). The surface is the zero level of a field that is positive outside and negative inside. The
field is made from the mask blurred by three Gaussians: each blurred value is read as a distance (probit of the
value, exact for a plane at any angle), and the three distances are extrapolated to no blur at all, which removes
the inward shift of a curved surface (sigma^2 times the mean curvature, and the next order). The blur is 1.4 voxels
and more for a smooth tumour, half of that for a rugged one. Consequences:

* a flat face along the grid lies exactly on the faces of its voxels, half a voxel outside their centres;
* a digital sphere gets back its radius within about 0.02 voxel on average, from a radius of 3 voxels on;
* the rings of a digital sphere of 8 voxels or more match the analytic shell within 1 %. Where the sphere's centre
  lies on a corner, edge or face of a voxel, the mask itself can be 2 % off, and the ring then up to 1.6 %;
* every tumour voxel's centre is inside, every other centre outside, even where the blur would lose a thin part;
* edges and corners are rounded by about one voxel.

A voxel is *within d* if its centre is at most d from this surface. Counting centres makes the volume jump with the
lattice (by up to 2 % for a sphere of radius 12), so the threshold moves by at most a tenth of a voxel to where the
number of voxels equals the volume that the same distances give when voxels count partly. With d negative, the
voxels are those of the tumour that are deeper than -d.

With *supersampling* the field lives on a nearly isotropic finer grid, whose voxels include the original centres; the
blur is the same in mm along every axis, and so the surface runs obliquely from slice to slice. The ring is sampled
at the original centres, its volume is measured on the finer grid. On 1 x 1 x 3 mm, the rings of a sphere of 12 mm
match the shell within about 1 %, from 16 mm within 0.5 %; a sphere of 8 mm shows in five slices, its mask itself is
up to 2 % off, and so is the ring.

``VOXEL_CENTRES``. A voxel is within d if its centre is at most d from the centre of the nearest tumour voxel, which
is thresholding a plain distance map. It is about half a voxel too narrow (7 % of the volume of a 3-voxel ring).

Distances are Euclidean in mm with the true spacing. Arrays are (k, j, i) or (j, i).

Reference: S. Gibson 1998 (constrained surfaces of binary masks), doi 10.1109/SVV.1998.729581; C. Maurer et al.
2003 (exact distance maps), doi 10.1109/TPAMI.2003.1177156; the probit extrapolation is this project's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from .ring_settings import SurfaceRule
from .supersampling import centres, fine_positions_mm, interpolate_linearly, isotropic_factors, spread

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

TIE_MM = 1e-4
"""Distance maps are float32: a voxel at exactly d must not depend on the last bit."""

_BLUR_VOXELS = (1.4, 2.0, 2.8)
# On a finer grid the blur is the same in mm along every axis, in units of the coarsest spacing; less would show
# the slices as terraces.
_BLUR_SUPERSAMPLED = (1.0, 1.41, 2.0)
_BLUR_STRENGTHS = (1.0, 0.71, 0.5)
# Share of the surface voxels that may come out on the wrong side. Thick slices show a smooth tumour's poles as
# plateaus, whose rims do so at any blur that takes the terraces away.
_WRONG_SHARE = 0.03
_WRONG_SHARE_SUPERSAMPLED = 0.1
_SATURATION = 1e-4
_DISC_RADIUS = 0.3
_BAND = 1.7
_THRESHOLD_SHIFT = 0.1
_SAME_DISTANCE = 1e-6
_QUERY_THREADS = 2


def within_distances(
    mask: np.ndarray,
    spacing: Sequence[float],
    levels_mm: Sequence[float],
    rule: SurfaceRule = SurfaceRule.SUBVOXEL,
    supersampling: bool = False,
) -> list[np.ndarray]:
    """Return, for each level, the voxels whose signed distance from the surface is at most the level.

    Args:
        mask: bool, 2D or 3D, at least one voxel inside. The array must reach the largest level and the
            coarsest spacing, and two voxels, beyond the mask.
        spacing: mm along each array axis.
        levels_mm: ascending; positive outside, negative inside the mask.
        rule: where the surface lies.
        supersampling: find the surface on a nearly isotropic grid.

    Returns:
        One bool array a level. Each holds the one before; a level >= 0 holds the whole mask, a level < 0 only
        voxels of the mask.

    Example:
        >>> mask = np.zeros((9, 9, 9), bool)
        >>> mask[3:6, 3:6, 3:6] = True
        >>> [int(m.sum()) for m in within_distances(mask, (1, 1, 1), [0.0, 1.0], SurfaceRule.VOXEL_CENTRES)]
        [27, 81]
    """
    if rule is SurfaceRule.VOXEL_CENTRES:
        return [_within_of_centres(mask, spacing, level) for level in levels_mm]
    factors = isotropic_factors(spacing) if supersampling else (1,) * mask.ndim
    distances = _subvoxel_distances(mask, spacing, factors, levels_mm)
    found: list[np.ndarray] = []
    for level in levels_mm:
        voxels = _within_of_surface(distances, mask, level)
        found.append(voxels | found[-1] if found else voxels)
    return found


def distance_map(mask: np.ndarray, spacing: Sequence[float]) -> np.ndarray:
    """Return the exact distance of each voxel centre outside to the nearest centre inside, mm, float32.

    Inside, the value is minus the distance to the nearest voxel of the mask that has a neighbour outside.
    """
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing([float(step) for step in reversed(spacing)])
    return sitk.GetArrayFromImage(
        sitk.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    )


def _within_of_centres(mask: np.ndarray, spacing: Sequence[float], level: float) -> np.ndarray:
    if level >= 0:
        return mask | (distance_map(mask, spacing) <= level + TIE_MM if level > 0 else mask)
    return mask & (distance_map(~mask, spacing) > -level + TIE_MM)


@dataclass(frozen=True)
class SubvoxelSurface:
    """The surface of a mask as points with normals, dense enough for distances to hundredths of a voxel.

    Attributes:
        tree: kd-tree of the points, (n, d) in mm from the centre of the mask's first voxel.
        normals: unit vectors, (n, d).
        disc_mm: radius of the flat disc that each point stands for.
        inside: bool, which fine voxels' centres are inside the surface.
        factors: fine voxels per voxel along each axis.
    """

    tree: cKDTree
    normals: np.ndarray
    disc_mm: float
    inside: np.ndarray
    factors: tuple[int, ...]

    @classmethod
    def of_mask(cls, mask: np.ndarray, spacing: Sequence[float], factors: Sequence[int]) -> SubvoxelSurface:
        """Find the surface of a bool array whose outermost voxels are outside."""
        from scipy.spatial import cKDTree

        level_set = _level_set(mask, spacing, factors)
        fine_spacing = np.asarray(spacing, float) / factors
        indices, normals = _crossings(level_set, fine_spacing)
        points = fine_positions_mm(indices, spacing, factors)
        disc_mm = _DISC_RADIUS * float(fine_spacing.max())
        tree = cKDTree(points, leafsize=64)
        return cls(tree, normals, disc_mm, level_set < 0, tuple(factors))

    def distances(self, points: np.ndarray) -> np.ndarray:
        """Return the unsigned distance in mm of points (n, d).

        The surface near its nearest point is taken as a small disc across the normal: without it the distance
        would be that to the point, which grows with the gaps between the points.
        """
        straight, nearest = self.tree.query(points, workers=_QUERY_THREADS)
        rays = points - self.tree.data[nearest]
        along = np.einsum("nd,nd->n", rays, self.normals[nearest])
        aside = np.sqrt(np.maximum(straight**2 - along**2, 0))
        return np.hypot(along, np.maximum(aside - self.disc_mm, 0))


def _level_set(mask: np.ndarray, spacing: Sequence[float], factors: Sequence[int]) -> np.ndarray:
    """Field on the fine grid, > 0 outside: about the distance from the surface in units of the blur."""
    field = _trusted_field(mask, spacing, factors)
    # Between centres that are all inside (or all outside) there is no surface.
    share = interpolate_linearly(mask, factors) if max(factors) > 1 else mask.astype(float)
    wrong = ((share > 1 - 1e-9) & (field >= 0)) | ((share < 1e-9) & (field <= 0))
    field[wrong] = np.where(share[wrong] > 0.5, -1.0, 1.0) * (2 * np.abs(field[wrong]) + 1e-3)
    if max(factors) == 1:
        return field
    # The same for lone centres, whose neighbours on the fine grid must follow without a step.
    at_centres = field[centres(factors)]
    wrong = (at_centres < 0) != mask
    mended = np.where(wrong, np.where(mask, -1.0, 1.0) * (2 * np.abs(at_centres) + 1e-3), at_centres)
    return field + interpolate_linearly(mended - at_centres, factors)


def _trusted_field(mask: np.ndarray, spacing: Sequence[float], factors: Sequence[int]) -> np.ndarray:
    """Field with the strongest blur that leaves nearly all voxels at the surface on their own side.

    A smooth tumour bears a strong blur, which averages the steps of the voxels out; one that is thin, rugged or
    drawn differently from slice to slice does not.
    """
    from scipy import ndimage

    share = _WRONG_SHARE_SUPERSAMPLED if max(factors) > 1 else _WRONG_SHARE
    bearable = share * np.count_nonzero(mask & ~ndimage.binary_erosion(mask))
    for strength in _BLUR_STRENGTHS:
        field = _unblurred_distance(mask, spacing, factors, strength)
        wrong = np.count_nonzero((field[centres(factors)] < 0) != mask)
        if wrong <= bearable:
            break
    return field


def _unblurred_distance(
    mask: np.ndarray, spacing: Sequence[float], factors: Sequence[int], strength: float
) -> np.ndarray:
    from scipy import ndimage
    from scipy.special import ndtri

    fine_spacing = np.asarray(spacing, float) / factors
    supersampled = max(factors) > 1
    scales = strength * np.array(_BLUR_SUPERSAMPLED if supersampled else _BLUR_VOXELS)
    comb = spread(mask, factors)
    total = np.zeros_like(comb)
    for scale, weight in zip(scales, _extrapolation_weights(scales), strict=True):
        sigmas = scale * (max(spacing) / fine_spacing if supersampled else np.ones(mask.ndim))
        blurred = ndimage.gaussian_filter(comb, sigmas, mode="constant") * float(np.prod(factors))
        total += weight * scale * ndtri(np.clip(1 - blurred, _SATURATION, 1 - _SATURATION))
    return total


def _extrapolation_weights(scales: np.ndarray) -> np.ndarray:
    """Weights that take values at these blurs to blur 0, exact for a polynomial in the squared blur."""
    powers = np.vander(scales**2, increasing=True).T
    return np.linalg.solve(powers, np.eye(len(scales))[0])


def _crossings(level_set: np.ndarray, spacing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points where the field changes sign along the grid, as fine indices (n, d), and unit normals (n, d)."""
    gradient = np.gradient(level_set, *spacing)
    inside = level_set < 0
    points, normals = [], []
    for axis in range(level_set.ndim):
        step = np.eye(level_set.ndim, dtype=int)[axis]
        here = np.argwhere(np.diff(inside, axis=axis))
        there = here + step
        at_here, at_there = tuple(here.T), tuple(there.T)
        share = level_set[at_here] / (level_set[at_here] - level_set[at_there])
        points.append(here + share[:, None] * step)
        normals.append(np.stack([(1 - share) * part[at_here] + share * part[at_there] for part in gradient], axis=1))
    normal = np.concatenate(normals)
    return np.concatenate(points), normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)


@dataclass(frozen=True)
class _Distances:
    """Signed distances on the fine grid, mm: exact near the levels and the surface, right side elsewhere."""

    fine: np.ndarray
    factors: tuple[int, ...]
    step_mm: float
    coarse_step_mm: float

    @property
    def at_centres(self) -> np.ndarray:
        return self.fine[centres(self.factors)]

    def volume_within(self, level: float) -> float:
        """Volume in original voxels; voxels near the level count partly.

        Counting over a ramp as wide as a voxel frees the volume from the lattice; of two ramps, the share that
        grows with the squared width is removed.
        """
        depth = (level - self.fine[np.abs(self.fine - level) <= self.step_mm]) / self.step_mm
        narrow = np.clip(0.5 + depth, 0, 1).sum()
        wide = np.clip(0.5 + depth / 2, 0, 1).sum()
        surely = np.count_nonzero(self.fine < level - self.step_mm)
        return float(((4 * narrow - wide) / 3 + surely) / np.prod(self.factors))


def _subvoxel_distances(
    mask: np.ndarray, spacing: Sequence[float], factors: Sequence[int], levels: Sequence[float]
) -> _Distances:
    """Exact distances are asked for only where they decide; an exact map of the voxel centres says where."""
    fine_spacing = np.asarray(spacing, float) / factors
    step = float(fine_spacing.max())
    box = _box_with_margin(mask, 3)
    surface = SubvoxelSurface.of_mask(mask[box], spacing, factors)
    inside = np.zeros([n * factor for n, factor in zip(mask.shape, factors, strict=True)], bool)
    inside[tuple(slice(part.start * f, part.stop * f) for part, f in zip(box, factors, strict=True))] = surface.inside
    # The nearest centre inside lies between 0 and about one voxel below the surface.
    rough = distance_map(inside, fine_spacing.tolist()).astype(np.float64) - 0.45 * step
    near = np.zeros(rough.shape, bool)
    for level in (0.0, *levels):
        near |= np.abs(rough - level) < _BAND * step
    origin = np.array([part.start for part in box]) * np.asarray(spacing, float)
    points = fine_positions_mm(np.argwhere(near), spacing, factors) - origin
    rough[near] = surface.distances(points) * np.where(inside[near], -1.0, 1.0)
    return _Distances(rough, tuple(factors), step, float(max(spacing)))


def _box_with_margin(mask: np.ndarray, margin: int) -> tuple[slice, ...]:
    hits = np.argwhere(mask)
    low = np.maximum(hits.min(axis=0) - margin, 0)
    high = np.minimum(hits.max(axis=0) + 1 + margin, mask.shape)
    return tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))


def _within_of_surface(distances: _Distances, mask: np.ndarray, level: float) -> np.ndarray:
    if level == 0:
        return mask.copy()
    values = distances.at_centres
    eligible = ~mask if level > 0 else mask
    reach = _THRESHOLD_SHIFT * distances.coarse_step_mm
    wanted = distances.volume_within(level) - distances.volume_within(0.0)
    wanted += 0 if level > 0 else np.count_nonzero(mask)
    surely = np.count_nonzero(eligible & (values < level - reach))
    undecided = np.sort(values[eligible & (np.abs(values - level) <= reach)])
    threshold = _matching_threshold(undecided, wanted - surely, level - reach)
    within = eligible & (values <= threshold)
    return mask | within if level > 0 else within


def _matching_threshold(undecided: np.ndarray, wanted: float, lowest: float) -> float:
    """Threshold that takes about ``wanted`` of the sorted distances; equal distances stay together."""
    if undecided.size == 0:
        return lowest
    gaps = np.flatnonzero(np.diff(undecided) > _SAME_DISTANCE)
    counts = np.concatenate([[0], gaps + 1, [undecided.size]])
    cuts = np.concatenate(
        [[undecided[0] - _SAME_DISTANCE], (undecided[gaps] + undecided[gaps + 1]) / 2, [undecided[-1]]]
    )
    return float(cuts[np.argmin(np.abs(counts - wanted))])
