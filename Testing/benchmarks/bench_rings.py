"""Ring generation against SimpleITK's distance map of the whole volume: time, and the same voxels.

Run: ``python Testing/benchmarks/bench_rings.py``. A tumour of 40 mm (with bumps) in 512 x 512 x 300 voxels of
1 mm, rings to 3, 6 and 9 mm. Prints one line a figure and ends with exit code 1 if a figure misses its bound.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "PeritumoralRadiomics"))

from PeritumoralRadiomicsLib.regions.growing import RegionSet, grow_regions
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings, SurfaceRule
from PeritumoralRadiomicsLib.regions.surface_distance import TIE_MM, within_distances

OUTER_MM = (3.0, 6.0, 9.0)
LEAST_RATIO = 20.0
PREVIEW_SECONDS = 0.3
ROOM_VOXELS = 60
T = TypeVar("T")


def tumour_in_scan() -> sitk.Image:
    """A tumour of 40 mm diameter with a bumpy surface, off the centre of a scan of 512 x 512 x 300 voxels."""
    k, j, i = np.ogrid[-25:26, -25:26, -25:26]
    radius = np.sqrt(k**2 + j**2 + i**2)
    bumps = np.sin(0.35 * k + 1) * np.sin(0.4 * j) * np.sin(0.3 * i + 2)
    volume = np.zeros((300, 512, 512), np.uint8)
    volume[115:166, 180:231, 275:326] = radius <= 19.3 + 0.9 * bumps
    return sitk.GetImageFromArray(volume)


@dataclass(frozen=True)
class Timing:
    """The shortest of some repeats: by the clock, and of the processor, which a busy machine inflates less."""

    wall_s: float
    cpu_s: float


def timed(work: Callable[[], T], repeats: int) -> tuple[T, Timing]:
    """Result and times of a function."""
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return result, Timing(min(walls), min(cpus))


def full_volume_rings(tumour: sitk.Image) -> list[sitk.Image]:
    """The obvious way: distance map of the whole scan, thresholded for each ring."""
    distance = sitk.SignedMaurerDistanceMap(tumour, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    outside = tumour == 0
    return [(distance <= outer + TIE_MM) & outside for outer in OUTER_MM]


def settings(rule: SurfaceRule) -> RingSettings:
    return RingSettings(outer_mm=OUTER_MM, union=False, surface=rule)


def differing_voxels(regions: RegionSet, expected: list[sitk.Image]) -> int:
    """Voxels of the whole scan that are in one ring and not in the other, over all rings."""
    names = [name for name in regions.regions if name.startswith("ring_")]
    different = 0
    for name, ring in zip(names, expected, strict=True):
        ours = sitk.GetArrayFromImage(regions.full_mask(name))
        different += int(np.count_nonzero(ours != sitk.GetArrayViewFromImage(ring)))
    return different


def rings_with_more_room(tumour: sitk.Image) -> list[sitk.Image]:
    """The default rule on a far larger part of the scan than it needs, put back into the scan."""
    whole = sitk.GetArrayViewFromImage(tumour)
    low, high = np.argwhere(whole).min(axis=0) - ROOM_VOXELS, np.argwhere(whole).max(axis=0) + ROOM_VOXELS
    part = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    mask = whole[part] != 0
    rings = []
    for within in within_distances(mask, (1.0, 1.0, 1.0), OUTER_MM):
        ring = np.zeros(whole.shape, np.uint8)
        ring[part] = within & ~mask
        rings.append(sitk.GetImageFromArray(ring))
    return rings


def main() -> int:
    tumour = tumour_in_scan()
    centres, centres_time = timed(lambda: grow_regions(tumour, settings(SurfaceRule.VOXEL_CENTRES)), 9)
    subvoxel, subvoxel_time = timed(lambda: grow_regions(tumour, settings(SurfaceRule.SUBVOXEL)), 9)
    full, full_time = timed(lambda: full_volume_rings(tumour), 2)
    same_centres = differing_voxels(centres, full)
    same_subvoxel = differing_voxels(subvoxel, rings_with_more_room(tumour))
    ratios = [full_time.wall_s / ours.wall_s for ours in (centres_time, subvoxel_time)]
    quick = min(subvoxel_time.wall_s, subvoxel_time.cpu_s)
    print(f"volume 512 x 512 x 300, tumour {subvoxel.regions['intratumour'].volume_ml:.1f} ml, rings {OUTER_MM} mm")
    print(f"full-volume distance map and thresholds: {full_time.wall_s:.3f} s")
    print(f"our rings, voxel centres: {centres_time.wall_s:.3f} s, {ratios[0]:.0f} times faster")
    print(f"our rings, sub-voxel surface (default): {subvoxel_time.wall_s:.3f} s, {ratios[1]:.0f} times faster")
    print(f"the same, time of the processor: {subvoxel_time.cpu_s:.3f} s")
    print(f"voxels that differ from the full-volume map (voxel centres): {same_centres}")
    print(f"voxels that differ with {ROOM_VOXELS} voxels of room on every side (sub-voxel): {same_subvoxel}")
    met = min(ratios) >= LEAST_RATIO and quick < PREVIEW_SECONDS and not same_centres + same_subvoxel
    print(f"at least {LEAST_RATIO:.0f} times faster, under {PREVIEW_SECONDS} s, same voxels: {'yes' if met else 'NO'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
