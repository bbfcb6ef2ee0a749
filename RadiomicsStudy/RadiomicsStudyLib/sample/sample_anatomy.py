"""One synthetic patient: the right upper abdomen with liver, vessels, ribs, kidney, and a liver tumour.

Everything is a function of world coordinates (LPS, mm; the patient's long axis is z), so that several phases
of one patient show the same anatomy, each on its own grid. The scan is a zoomed reconstruction, 144 mm wide.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import SimpleITK as sitk

FIELD_OF_VIEW_MM = (144.0, 144.0, 110.0)
CENTRE_MM = (-86.0, -6.0, 0.0)  # from the middle of the body towards the patient's right side
LOWEST_HU, HIGHEST_HU = -1024, 3071


@dataclass(frozen=True)
class Enhancement:
    """Mean CT numbers (HU) of the tissues that take up contrast medium, in one phase."""

    liver: float
    vessel: float
    tumour: float
    kidney: float


PHASES = {
    "ct": Enhancement(liver=108, vessel=165, tumour=78, kidney=170),
    "arterial": Enhancement(liver=72, vessel=105, tumour=98, kidney=190),
    "venous": Enhancement(liver=110, vessel=168, tumour=76, kidney=165),
}


class Coordinates(NamedTuple):
    """World coordinates of a grid's voxel centres along its three axes, mm, each one-dimensional."""

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray

    def mesh(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y, z, shaped so that they broadcast to (k, j, i)."""
        return self.x[None, None, :], self.y[None, :, None], self.z[:, None, None]


@dataclass(frozen=True)
class Grid:
    """An axis-aligned voxel grid.

    Attributes:
        size: voxels along i, j, k.
        spacing_mm: distance of voxel centres along i, j, k.
        origin_mm: centre of the first voxel, LPS.
    """

    size: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    origin_mm: tuple[float, float, float]

    @classmethod
    def over_field_of_view(cls, pixel_mm: float, slice_mm: float, shift_mm: float = 0.0) -> Grid:
        """The grid that covers the field of view, moved along z by ``shift_mm``."""
        spacing = (pixel_mm, pixel_mm, slice_mm)
        size = tuple(round(extent / step) for extent, step in zip(FIELD_OF_VIEW_MM, spacing, strict=True))
        origin = [
            round(centre - (count - 1) * step / 2, 3)
            for centre, count, step in zip(CENTRE_MM, size, spacing, strict=True)
        ]
        return cls((size[0], size[1], size[2]), spacing, (origin[0], origin[1], origin[2] + shift_mm))

    def coordinates(self) -> Coordinates:
        """Coordinates of the voxel centres."""
        axes = zip(self.size, self.spacing_mm, self.origin_mm, strict=True)
        return Coordinates(*(start + step * np.arange(count) for count, step, start in axes))

    def image(self, array: np.ndarray) -> sitk.Image:
        """An image on this grid from an array of shape (k, j, i)."""
        image = sitk.GetImageFromArray(array)
        image.SetSpacing(self.spacing_mm)
        image.SetOrigin(self.origin_mm)
        return image


class SmoothField:
    """A random function of space with mean 0, standard deviation about 1 and a chosen size of its blobs.

    White noise on a lattice, interpolated by cubic B-splines, one axis at a time: fast, and the same function
    on every grid.

    Args:
        rng: source of randomness.
        cell_mm: lattice constant along x, y, z, or one number for all; blobs are about twice as wide.

    Example:
        >>> field = SmoothField(np.random.default_rng(0), 10.0)
        >>> field(Grid.over_field_of_view(4.0, 10.0).coordinates()).shape
        (11, 36, 36)
    """

    # Mean over space of the sum of squared cubic B-spline weights, one axis (151/315), three axes.
    _VARIANCE = (151 / 315) ** 3
    _MARGIN_MM = 12.0

    def __init__(self, rng: np.random.Generator, cell_mm: float | tuple[float, float, float]):
        cells = (cell_mm,) * 3 if isinstance(cell_mm, (int, float)) else cell_mm
        self._cells = cells
        self._low = [c - e / 2 - self._MARGIN_MM for c, e in zip(CENTRE_MM, FIELD_OF_VIEW_MM, strict=True)]
        extents = [extent + 2 * self._MARGIN_MM for extent in FIELD_OF_VIEW_MM]
        counts = [math.ceil(extent / cell) + 4 for extent, cell in zip(extents, cells, strict=True)]
        nodes = rng.standard_normal(counts[::-1], dtype=np.float32)
        self._nodes = nodes / np.float32(math.sqrt(self._VARIANCE))

    def __call__(self, at: Coordinates) -> np.ndarray:
        """Values at the voxel centres, shape (k, j, i), float32."""
        values = self._nodes
        for axis, positions in ((2, at.z), (1, at.y), (0, at.x)):
            values = self._along(values, positions, axis)
        return values

    def _along(self, values: np.ndarray, positions: np.ndarray, axis: int) -> np.ndarray:
        """Interpolate one axis (0 is x, the last of the array) by the four nearest lattice points.

        Sums of slices on purpose: a matrix product would start BLAS threads, which here cost ten times the time.
        """
        where = (positions - self._low[axis]) / self._cells[axis] + 1.0
        first = np.floor(where).astype(int)
        t = (where - first).astype(np.float32)
        shape = [1, 1, 1]
        shape[2 - axis] = len(positions)
        spline = (1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3
        total: np.ndarray = np.zeros(1, dtype=np.float32)
        for offset, weight in enumerate(spline):
            nearest = np.take(values, first - 1 + offset, axis=2 - axis)
            total = total + nearest * (weight / np.float32(6)).reshape(shape)
        return total


@dataclass(frozen=True)
class Traits:
    """What one patient's images depend on.

    Attributes:
        invasion: the hidden variable, about standard normal: how far the tumour disturbs its surroundings.
        radius_mm: radius of the tumour before its border is made irregular.
        noise_hu: standard deviation of the image noise at 2.5 mm slices.
    """

    invasion: float
    radius_mm: float
    noise_hu: float

    @property
    def rim_texture_hu(self) -> float:
        """Standard deviation of the texture at the tumour's border, outside; it fades with e^(-d/4 mm)."""
        return 4.0 + 40.0 * _sigmoid(1.5 * self.invasion)

    @property
    def tumour_texture_hu(self) -> float:
        """Standard deviation of the fine texture inside the tumour; depends on the invasion weakly."""
        return 9.0 + 4.0 * _sigmoid(1.5 * self.invasion)

    def surroundings_hu(self, distance_mm: np.ndarray, texture: np.ndarray) -> np.ndarray:
        """What the tumour adds to the CT numbers around it.

        Args:
            distance_mm: from the tumour's border.
            texture: with mean 0 and standard deviation 1, same shape.
        """
        fading = np.exp(-np.clip(distance_mm, 0, None) / 4.0)
        swelling = -6.0 * _sigmoid(1.5 * self.invasion)
        return fading * (self.rim_texture_hu * texture + swelling)


SIGNALS = ("core", "0-3", "3-6", "nowhere")
"""Where :class:`PlantedTraits` show: inside the tumour, in a band of millimetres around it, or in no image."""


@dataclass(frozen=True)
class PlantedTraits(Traits):
    """Traits that show in one place alone, so that a study can be asked where it found them.

    Everywhere else the texture is the same in all patients.

    Attributes:
        signal: one of ``SIGNALS``.

    Example:
        >>> PlantedTraits(2.0, 12.0, 12.0, signal="core").tumour_texture_hu > 30
        True
        >>> PlantedTraits(2.0, 12.0, 12.0, signal="0-3").tumour_texture_hu
        11.0
    """

    signal: str = "0-3"

    @property
    def planted_hu(self) -> float:
        """Standard deviation of the texture where the invasion shows."""
        return 5.0 + 45.0 * _sigmoid(1.5 * self.invasion)

    @property
    def tumour_texture_hu(self) -> float:
        """Standard deviation of the texture inside the tumour."""
        return self.planted_hu if self.signal == "core" else 11.0

    def surroundings_hu(self, distance_mm: np.ndarray, texture: np.ndarray) -> np.ndarray:
        """Texture of two bands of 3 mm, of which one may follow the invasion; further out it fades."""
        distance = np.clip(distance_mm, 0, None)
        amplitude = 14.0 * np.exp(-np.clip(distance - 6.0, 0, None) / 2.0)
        for band, low, high in (("0-3", 0.0, 3.0), ("3-6", 3.0, 6.0)):
            if self.signal == band:
                amplitude = np.where((distance > low) & (distance <= high), self.planted_hu, amplitude)
        return amplitude * texture


class Scan(NamedTuple):
    """One phase of one patient: the image (int16, HU) and its masks (uint8)."""

    image: sitk.Image
    tumour: sitk.Image
    organ: sitk.Image
    second_reader: sitk.Image


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


class Patient:
    """The anatomy of one synthetic patient; :meth:`scan` makes its images.

    Args:
        traits: what the images depend on.
        rng: source of the anatomy's randomness.

    Raises:
        ValueError: the tumour is too large for the organ.

    Example:
        >>> patient = Patient(Traits(invasion=0.0, radius_mm=12.0, noise_hu=12.0), np.random.default_rng(1))
        >>> grid = Grid.over_field_of_view(pixel_mm=2.0, slice_mm=5.0)
        >>> patient.scan(grid, PHASES["ct"], np.random.default_rng(2)).image.GetSize()
        (72, 72, 22)
    """

    def __init__(self, traits: Traits, rng: np.random.Generator):
        self.traits = traits
        self._half_width, self._half_depth = rng.uniform(148, 162), rng.uniform(100, 114)
        self._fat_mm, self._rib_phase_mm = rng.uniform(9, 22), rng.uniform(0, 27)
        self._liver_size = rng.uniform(0.95, 1.08)
        self._kidney_z = rng.uniform(-62, -38)
        self._body_bumps, self._liver_bumps = SmoothField(rng, 45), SmoothField(rng, 34)
        self._bowel, self._vessel_a, self._vessel_b = SmoothField(rng, 14), SmoothField(rng, 18), SmoothField(rng, 18)
        self._drift, self._parenchyma = SmoothField(rng, 30), SmoothField(rng, (2.6, 2.6, 4.0))
        self._rim_texture, self._tumour_texture = SmoothField(rng, (1.7, 1.7, 3.2)), SmoothField(rng, (2.2, 2.2, 3.2))
        radius = traits.radius_mm
        self._border, self._second_border = SmoothField(rng, 0.6 * radius), SmoothField(rng, 0.6 * radius)
        self._core = SmoothField(rng, 0.5 * radius)
        self._stretch = rng.uniform(0.88, 1.14, size=3)
        self._core_size = rng.uniform(0.0, 0.5)
        self._second_bias = rng.normal(0.0, 0.03)
        self._centre = self._place_tumour(rng)

    def scan(self, grid: Grid, phase: Enhancement, rng: np.random.Generator) -> Scan:
        """Make one phase: image, tumour, organ and the second reader's tumour.

        Args:
            grid: voxel grid of the phase.
            phase: how the tissues take up contrast medium.
            rng: source of the image noise.
        """
        at = grid.coordinates()
        organ = self._organ(at)
        level = self._tumour_level(at)
        tumour = _piece_around(level < 0, grid, self._centre) & organ
        second = level + 0.07 * np.clip(self._second_border(at), -2, 2) + self._second_bias < 0
        second = _piece_around(second, grid, self._centre) & organ
        hu = self._without_tumour(at, organ, phase)
        self._add_tumour(hu, grid, level, tumour, organ, phase)
        masks = (grid.image(mask.astype(np.uint8)) for mask in (tumour, organ, second))
        return Scan(grid.image(self._measured(hu, grid, rng)), *masks)

    def reading(self, grid: Grid, rng: np.random.Generator, spread: float = 0.03) -> sitk.Image:
        """Make a further reading of the tumour, as by the same reader on another day.

        Args:
            grid: voxel grid of the phase.
            rng: source of the reading's randomness.
            spread: how far borders differ, in radii; the second reader's is 0.07.
        """
        at = grid.coordinates()
        border = SmoothField(rng, 0.6 * self.traits.radius_mm)
        level = self._tumour_level(at) + spread * np.clip(border(at), -2, 2) + rng.normal(0.0, spread / 3)
        drawn = _piece_around(level < 0, grid, self._centre) & self._organ(at)
        return grid.image(drawn.astype(np.uint8))

    # --- geometry: functions of world coordinates, shape (k, j, i) ---

    def _depth(self, at: Coordinates) -> np.ndarray:
        """Distance below the skin along the line to the body's middle, mm; negative outside."""
        x, y, _ = at.mesh()
        out = np.hypot(x / self._half_width, y / self._half_depth)
        return (np.hypot(x, y) * (1 / out - 1)) + 2.5 * self._body_bumps(at)

    def _kidney_level(self, at: Coordinates) -> np.ndarray:
        x, y, z = at.mesh()
        return np.sqrt(((x + 62) / 25) ** 2 + ((y - 52) / 27) ** 2 + ((z - self._kidney_z) / 52) ** 2) - 1

    def _organ(self, at: Coordinates) -> np.ndarray:
        """The liver, tumour included."""
        x, y, z = at.mesh()
        a, b, c = (self._liver_size * half for half in (64.0, 74.0, 80.0))
        level = np.sqrt(((x + 92) / a) ** 2 + ((y + 4) / b) ** 2 + ((z - 6) / c) ** 2) - 1
        level = level + 0.07 * self._liver_bumps(at)
        inside_ribs = self._depth(at) > self._fat_mm + 15
        return (level < 0) & inside_ribs & (self._kidney_level(at) > 0.1)

    def _tumour_level(self, at: Coordinates) -> np.ndarray:
        """Below 0 inside the tumour; about the distance from its border in units of its radius."""
        offsets = zip(at.mesh(), self._centre, self._stretch, strict=True)
        squares = sum((((axis - centre) / stretch) ** 2 for axis, centre, stretch in offsets), np.float32(0))
        return np.sqrt(squares) / self.traits.radius_mm - 1 - 0.13 * np.clip(self._border(at), -2, 2)

    def _place_tumour(self, rng: np.random.Generator) -> np.ndarray:
        """A centre that leaves room for the whole tumour inside the organ and the scan."""
        grid = Grid.over_field_of_view(3.0, 3.0)
        inside = np.zeros(grid.size[::-1], dtype=np.uint8)
        inside[2:-2, 2:-2, 2:-2] = self._organ(grid.coordinates())[2:-2, 2:-2, 2:-2]
        inward = sitk.SignedMaurerDistanceMap(
            grid.image(inside), insideIsPositive=True, squaredDistance=False, useImageSpacing=True
        )
        room_mm = 1.14 * 1.26 * self.traits.radius_mm + 2.0
        candidates = np.argwhere(sitk.GetArrayViewFromImage(inward) >= room_mm)
        if not len(candidates):
            raise ValueError(f"a tumour of radius {self.traits.radius_mm:.1f} mm does not fit into the organ")
        k, j, i = candidates[rng.integers(len(candidates))]
        return np.array(grid.origin_mm) + 3.0 * np.array([i, j, k])

    # --- CT numbers ---

    def _without_tumour(self, at: Coordinates, organ: np.ndarray, phase: Enhancement) -> np.ndarray:
        """CT numbers of the healthy patient, before blur and noise."""
        x, y, z = at.mesh()
        depth, fat = self._depth(at), self._fat_mm
        drift, fine = self._drift(at), self._parenchyma(at)
        hu = np.where(self._bowel(at) > 0.75, 35 + 6 * drift, -102 + 5 * drift)  # bowel wall in visceral fat
        hu[depth < fat + 14] = 55.0  # muscle
        arc = 130 * np.arctan2(y, -x)
        along = np.mod(z + 0.45 * arc + self._rib_phase_mm, 27.0) - 7.0
        from_rib = np.hypot(along / 6.5, (depth - fat - 8) / 4.5)
        hu[from_rib < 1] = 460.0
        hu[from_rib < 0.6] = 190.0
        hu = np.where(depth < fat, -104 + 6 * drift, hu)
        hu[depth < 2] = 25.0  # skin
        spine = np.hypot(x / 22, (y - 60) / 20) + 0 * z
        hu[spine < 1] = 340.0
        hu[spine < 0.88] = 190.0
        kidney = self._kidney_level(at)
        hu = np.where(kidney < 0, np.where(kidney < -0.55, 0.6, 1.0) * phase.kidney, hu)
        hu = np.where(organ, phase.liver + 4 * drift + 6 * fine, hu)
        vessels = organ & (np.hypot(self._vessel_a(at), self._vessel_b(at)) < 0.19)
        hu[vessels] = phase.vessel
        hu[depth < 0] = -1000.0
        return hu

    def _add_tumour(
        self,
        hu: np.ndarray,
        grid: Grid,
        level: np.ndarray,
        tumour: np.ndarray,
        organ: np.ndarray,
        phase: Enhancement,
    ) -> None:
        """Write the tumour and its rim into ``hu``."""
        at, traits = grid.coordinates(), self.traits
        core = level < -1 + self._core_size * (1 + 0.4 * self._core(at))
        inside = phase.tumour + 5 * self._core(at) + traits.tumour_texture_hu * self._tumour_texture(at)
        inside = np.where(core, 0.4 * (inside - phase.tumour) + 32, inside)  # necrosis
        outward = sitk.SignedMaurerDistanceMap(
            grid.image(tumour.astype(np.uint8)), insideIsPositive=False, squaredDistance=False, useImageSpacing=True
        )
        rim = traits.surroundings_hu(sitk.GetArrayViewFromImage(outward), self._rim_texture(at))
        hu[organ] += rim[organ]
        hu[tumour] = inside[tumour]

    def _measured(self, hu: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """What a scanner makes of it: blur by its point spread, correlated noise, whole numbers."""
        from scipy.ndimage import gaussian_filter

        pixel, thickness = grid.spacing_mm[0], grid.spacing_mm[2]
        sharp = hu.astype(np.float32)
        blurred = gaussian_filter(sharp, (0.3, 0.45 / pixel, 0.45 / pixel), mode="nearest")
        noise = gaussian_filter(rng.standard_normal(hu.shape, dtype=np.float32), (0.3, 0.8, 0.8), mode="wrap")
        noise *= self.traits.noise_hu * math.sqrt(2.5 / thickness) / noise.std()
        return np.clip(np.rint(blurred + noise), LOWEST_HU, HIGHEST_HU).astype(np.int16)


def _piece_around(mask: np.ndarray, grid: Grid, centre_mm: np.ndarray) -> np.ndarray:
    """The connected piece of a mask that holds, or lies nearest to, a point; holes filled slice by slice."""
    from scipy.ndimage import binary_fill_holes, label

    pieces, count = label(mask)
    if count > 1:
        start = (np.asarray(centre_mm) - grid.origin_mm) / grid.spacing_mm
        voxels = np.argwhere(mask)
        nearest = voxels[np.argmin(((voxels - start[::-1]) ** 2).sum(axis=1))]
        mask = pieces == pieces[tuple(nearest)]
    return np.stack([binary_fill_holes(plane) for plane in mask])
