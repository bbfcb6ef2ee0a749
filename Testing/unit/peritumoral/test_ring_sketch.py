"""Sketches of rings: near the final rings on every grid, with the final rings' words, at a bounded cost."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from PeritumoralRadiomicsLib.regions.barriers import Barrier
from PeritumoralRadiomicsLib.regions.growing import grow_regions, mean_radius_mm
from PeritumoralRadiomicsLib.regions.kinds import RegionKind
from PeritumoralRadiomicsLib.regions.ring_settings import RingPlane, RingSettings
from PeritumoralRadiomicsLib.regions.ring_sketch import SketchGround, sketch_factors, sketch_rings, sketch_steps

SHAPE = (48, 96, 96)
SPACING = (2.5, 1.0, 0.9)  # mm along (k, j, i)


@pytest.fixture(scope="module")
def lumpy():
    """A tumour of two lumps and a spur."""
    k, j, i = (axis * step for axis, step in zip(np.ogrid[tuple(map(slice, SHAPE))], SPACING, strict=True))
    large = (k - 60) ** 2 + (j - 45) ** 2 + (i - 40) ** 2 <= 15**2
    small = (k - 70) ** 2 + (j - 52) ** 2 + (i - 54) ** 2 <= 9**2
    spur = (np.abs(k - 60) <= 4) & (np.abs(j - 30) <= 12) & (np.abs(i - 40) <= 4)
    return large | small | spur


def as_image(mask):
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(SPACING[::-1])
    return image


def sampled(mask, factors):
    """The mask at every so many voxels, from the middle of the first step on."""
    return mask[tuple(slice((factor - 1) // 2, None, factor) for factor in factors)]


def ground_of(tumour, factors, settings, barriers=()):
    plane = settings.plane
    if plane is RingPlane.LARGEST_SLICE:
        only = np.zeros_like(tumour)
        k = int(np.argmax(tumour.sum(axis=(1, 2))))
        only[k] = tumour[k]
        tumour = only
    radius = mean_radius_mm(np.count_nonzero(tumour, axis=(1, 2)), SPACING, plane)
    on_points = [Barrier(item.name, sampled(item.blocked, factors), item.always_told) for item in barriers]
    return SketchGround(sampled(tumour, factors), on_points, SPACING, factors, radius)


def outlined(ring, factors):
    """Whether each voxel's centre lies within the outline, by linear interpolation as it is drawn."""
    places = [(np.arange(n) - (factor - 1) // 2) / factor for n, factor in zip(SHAPE, factors, strict=True)]
    field = ndimage.map_coordinates(ring.field, np.meshgrid(*places, indexing="ij"), order=1, mode="nearest")
    return field > 0


def farthest_miss_mm(found, expected):
    """How far the voxels on which two masks differ lie from the border of the expected one."""
    differ = found != expected
    if not differ.any():
        return 0.0
    inside = ndimage.distance_transform_edt(expected, sampling=SPACING)
    outside = ndimage.distance_transform_edt(~expected, sampling=SPACING)
    return float((inside + outside)[differ].max())


SETTINGS = {
    "cumulative": RingSettings(outer_mm=(3, 6, 12)),
    "bands after a gap": RingSettings(outer_mm=(6, 12), gap_mm=2, layout="bands"),
    "fractions of the radius": RingSettings(fractions=(1 / 6, 4 / 6)),
    "centres of voxels": RingSettings(outer_mm=(4, 9), surface="voxel_centres"),
    "largest slice": RingSettings(outer_mm=(3, 8), plane="largest_slice"),
    "every slice": RingSettings(outer_mm=(3, 8), plane="every_slice"),
    "a rim": RingSettings(outer_mm=(5,), inner_rim_mm=6),
}


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("coarse", [1, 2, 3])
def test_an_outline_misses_the_final_ring_by_about_a_coarse_voxel_at_most(lumpy, name, coarse):
    settings = SETTINGS[name]
    in_plane = settings.plane is not RingPlane.VOLUME
    factors = (1 if in_plane else (coarse + 1) // 2, coarse, coarse)
    final = grow_regions(as_image(lumpy), settings)
    tumour = sitk.GetArrayFromImage(final.full_mask("intratumour")) != 0
    ground = ground_of(lumpy, factors, settings)
    step = max(ground.spacing[1:] if in_plane else ground.spacing)
    for ring in sketch_rings(ground, settings):
        expected = sitk.GetArrayFromImage(final.full_mask(ring.name)) != 0
        if ring.kind is RegionKind.RING and final.regions[ring.name].inner_mm == 0:
            expected |= tumour
        assert farthest_miss_mm(outlined(ring, factors), expected) <= 1.1 * step, ring.name


def test_the_outline_of_a_ball_lies_at_its_distance_from_it():
    k, j, i = np.ogrid[:60, :60, :60]
    distance = np.sqrt((k - 30.0) ** 2 + (j - 30.0) ** 2 + (i - 30.0) ** 2)
    ground = SketchGround(distance <= 12.2, (), (1.0, 1.0, 1.0), (1, 1, 1), 12.2)
    for ring, radius in zip(sketch_rings(ground, RingSettings(outer_mm=(4, 10))), (16.2, 22.2), strict=True):
        assert distance[ring.field > 0].max() <= radius + 0.6
        assert distance[ring.field < 0].min() >= radius - 0.6
        shell_ml = 4 / 3 * math.pi * (radius**3 - 12.2**3) / 1000
        assert ring.volume_ml == pytest.approx(shell_ml, rel=0.1)


def test_barriers_cut_an_outline_but_never_the_tumour(lumpy):
    settings = RingSettings(outer_mm=(6,))
    wall = np.zeros_like(lumpy)
    wall[:, :, 50:] = True
    (ring,) = sketch_rings(ground_of(lumpy, (1, 1, 1), settings, [Barrier("exclusion", wall)]), settings)
    final = grow_regions(as_image(lumpy), settings, exclusions=[as_image(wall)])
    assert not (outlined(ring, (1, 1, 1)) & wall & ~lumpy).any()
    assert (outlined(ring, (1, 1, 1)) & lumpy).sum() == lumpy.sum()
    assert ring.retained_fraction == pytest.approx(final.regions["ring_0_6mm"].retained_fraction, abs=0.02)
    assert ring.volume_ml == pytest.approx(final.regions["ring_0_6mm"].volume_ml, rel=0.05)


def test_a_sketch_says_what_the_final_ring_says(lumpy):
    other, organ = np.zeros_like(lumpy), np.ones_like(lumpy)
    other[:, 58:, 60:] = True
    organ[:, :46] = False
    settings = RingSettings(outer_mm=(2, 6), layout="bands")
    barriers = [Barrier("organ mask", ~organ), Barrier("other tumour 'B'", other, always_told=True)]
    final = grow_regions(as_image(lumpy), settings, organ=as_image(organ), other_tumours={"B": as_image(other)})
    for ring in sketch_rings(ground_of(lumpy, (1, 1, 1), settings, barriers), settings):
        expected = final.regions[ring.name].warnings
        assert len(expected) >= 2
        for found, text in zip(ring.warnings, expected, strict=True):
            assert re.sub(r"[\d.]+%", "%", found) == re.sub(r"[\d.]+%", "%", text)
            shares = [[float(number) for number in re.findall(r"([\d.]+)%", line)] for line in (found, text)]
            assert shares[0] == pytest.approx(shares[1], abs=4)


def test_an_emptied_ring_and_one_within_the_gap_are_told(lumpy):
    blocked = [Barrier("organ mask", ~lumpy)]
    (ring,) = sketch_rings(
        ground_of(lumpy, (1, 2, 2), RingSettings(outer_mm=(3,)), blocked), RingSettings(outer_mm=(3,))
    )
    assert any("nothing of its" in text and "organ mask" in text for text in ring.warnings)
    assert ring.volume_ml == 0
    gap = RingSettings(fractions=(1 / 6,), gap_mm=8)
    (ring,) = sketch_rings(ground_of(lumpy, (1, 1, 1), gap), gap)
    assert any("within the gap_mm of 8" in text for text in ring.warnings)
    assert not (ring.field > 0).any()


def test_a_ring_that_reaches_beyond_the_image_says_so():
    tumour = np.zeros((20, 30, 30), bool)
    tumour[8:12, 10:20, 10:20] = True
    ground = SketchGround(tumour, (), (1.0, 1.0, 1.0), (1, 1, 1), 4.0, room_mm=8.0)
    near, far = sketch_rings(ground, RingSettings(outer_mm=(6, 9)))
    assert near.warnings == ()
    assert far.warnings == ("ring_0_9mm is cut by the image border",)


def test_the_number_of_points_is_bounded_whatever_the_size():
    for size in ((1, 1, 1), (60, 180, 180), (300, 512, 512), (3, 5000, 5000), (4000, 30, 30), (2000, 2000, 2000)):
        for spacing in ((1.0, 1.0, 1.0), (5.0, 0.5, 0.5), (0.3, 2.0, 0.7)):
            for most in (1000, 250_000):
                factors = sketch_factors(size, spacing, most)
                assert math.prod(math.ceil(n / f) for n, f in zip(size, factors, strict=True)) <= most
                coarse = [f * mm for f, mm in zip(factors, spacing, strict=True) if f > 1]
                assert not coarse or max(coarse) < 2 * min(coarse)
    assert sketch_factors((40, 900, 900), (3.0, 1.0, 1.0), 250_000, whole_slices=True)[0] == 1


def test_the_window_can_live_after_the_distance_and_after_each_ring(lumpy):
    settings = RingSettings(outer_mm=(2, 4, 6), inner_rim_mm=3)
    steps = sketch_steps(ground_of(lumpy, (1, 2, 2), settings), settings)
    assert len(list(steps)) == 1 + 3 + 1
