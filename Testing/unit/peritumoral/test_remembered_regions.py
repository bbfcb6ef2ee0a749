"""Which regions' geometries are kept between filtered images."""

from __future__ import annotations

from threading import Thread

import numpy as np
import pytest

from PeritumoralRadiomicsLib.grey_levels import remembered_regions as module
from PeritumoralRadiomicsLib.grey_levels.region import Region
from PeritumoralRadiomicsLib.grey_levels.remembered_regions import RememberedRegions
from PeritumoralRadiomicsLib.grey_levels.settings import FeatureSettings

SETTINGS = FeatureSettings()
SPACING = (1.0, 1.0, 1.0)


def masks(number, size=6):
    random = np.random.default_rng(0)
    return [random.random((size, size, size)) < 0.5 for _ in range(number)]


@pytest.fixture
def made(monkeypatch):
    """The masks of which a geometry was computed."""
    seen = []

    def make(mask, spacing, settings):
        seen.append(mask)
        return Region(mask, spacing, settings)

    monkeypatch.setattr(module, "Region", make)
    return seen


def rounds(regions, cases, times):
    for _ in range(times):
        for mask in cases:
            region = regions.get(mask, SPACING, SETTINGS)
            assert np.array_equal(region.mask, mask[region.box])


def test_all_regions_of_a_case_are_computed_once_however_many_they_are(made):
    cases = masks(40)
    rounds(RememberedRegions(10**9), cases, times=5)
    assert len(made) == 40


def test_another_spacing_or_setting_is_another_region(made):
    regions, (mask,) = RememberedRegions(10**9), masks(1)
    regions.get(mask, SPACING, SETTINGS)
    regions.get(mask, (2.0, 1.0, 1.0), SETTINGS)
    regions.get(mask, SPACING, FeatureSettings(distances=(2,)))
    assert len(made) == 3


def test_where_not_all_fit_most_are_still_found_again(made):
    cases = masks(10)
    room = sum(Region(mask, SPACING, SETTINGS).nbytes for mask in cases[:7])
    rounds(RememberedRegions(room), cases, times=20)
    assert len(made) < 20 * 10 * 0.6


def test_the_memory_is_never_exceeded_by_more_than_one_region():
    cases = masks(30)
    room = 5 * max(Region(mask, SPACING, SETTINGS).nbytes for mask in cases)
    regions = RememberedRegions(room)
    for mask in cases * 3:
        regions.get(mask, SPACING, SETTINGS)
        assert sum(region.nbytes for region in regions._kept.values()) <= room
    tiny = RememberedRegions(1)
    rounds(tiny, cases[:3], times=2)
    assert len(tiny._kept) == 1


def test_the_regions_of_an_earlier_case_make_room_for_the_next(made):
    earlier, later = masks(10)[:5], masks(10)[5:]
    room = int(5.5 * max(Region(mask, SPACING, SETTINGS).nbytes for mask in earlier + later))
    regions = RememberedRegions(room)
    rounds(regions, earlier, times=10)
    rounds(regions, later, times=50)
    made.clear()
    rounds(regions, later, times=3)
    assert not made


def test_the_stated_memory_is_what_the_lines_take():
    axis = np.arange(41) - 20
    ball = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 <= 400
    for mask in (ball, ball & ~(axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 <= 289)):
        region = Region(mask, SPACING, SETTINGS)
        lines = [region.lines(offset) for offset in region.run_offsets]
        taken = sum(line.order.nbytes + line.breaks.nbytes for line in lines)
        taken += region.positions.nbytes + region.inside.nbytes + region.mask.nbytes + region.neighbour_count.nbytes
        assert region.nbytes == pytest.approx(taken, rel=0.25)


def test_threads_get_the_same_region():
    regions, cases, found = RememberedRegions(10**9), masks(4), []
    threads = [
        Thread(target=lambda: found.extend(id(regions.get(mask, SPACING, SETTINGS)) for mask in cases))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 4
