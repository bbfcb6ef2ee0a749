"""Ring settings say what is wrong, and names follow from distances."""

from __future__ import annotations

import pytest

from PeritumoralRadiomicsLib.regions.ring_settings import (
    RingLayout,
    RingPlane,
    RingSettings,
    SurfaceRule,
    adaptive_ring_name,
    rim_name,
    ring_name,
    ring_spans,
    union_name,
)
from RadiomicsCoreLib.errors import InputError


@pytest.mark.parametrize(
    ("inner", "outer", "name"),
    [
        (0, 3, "ring_0_3mm"),
        (3, 6, "ring_3_6mm"),
        (0, 1.5, "ring_0_1p5mm"),
        (1, 3, "ring_1_3mm"),
        (0.25, 10.0, "ring_0p25_10mm"),
        (0, 100, "ring_0_100mm"),
    ],
)
def test_a_ring_is_named_by_its_distances(inner, outer, name):
    assert ring_name(inner, outer) == name


@pytest.mark.parametrize(
    ("fraction", "before", "name"),
    [
        (1 / 6, None, "ring_r1"),
        (0.333333333, None, "ring_r2"),
        (1.0, None, "ring_r6"),
        (0.25, None, "ring_f0p25"),
        (2 / 6, 1 / 6, "ring_r1_r2"),
        (0.25, 1 / 6, "ring_r1_f0p25"),
    ],
)
def test_an_adaptive_ring_is_named_by_sixths_or_by_its_fraction(fraction, before, name):
    assert adaptive_ring_name(fraction, before) == name


def test_unions_and_rims_carry_their_prefix():
    assert union_name("ring_0_3mm") == "intra_ring_0_3mm"
    assert rim_name(2) == "rim_0_2mm"


def test_cumulative_rings_all_begin_at_the_gap():
    spans = ring_spans(RingSettings(outer_mm=(3, 6), gap_mm=1), 9.0)
    assert [(s.name, s.inner_mm, s.outer_mm) for s in spans] == [("ring_1_3mm", 1, 3), ("ring_1_6mm", 1, 6)]


def test_bands_begin_where_the_one_before_ends():
    settings = RingSettings(outer_mm=(3, 6), fractions=(1 / 6, 2 / 6), layout="bands")
    spans = ring_spans(settings, 12.0)
    assert [s.name for s in spans] == ["ring_0_3mm", "ring_3_6mm", "ring_r1", "ring_r1_r2"]
    assert [(s.inner_mm, s.outer_mm) for s in spans[2:]] == [(0, pytest.approx(2)), (pytest.approx(2), 4)]


def test_an_adaptive_ring_inside_the_gap_has_no_thickness():
    (span,) = ring_spans(RingSettings(fractions=(1 / 6,), gap_mm=5), 12.0)
    assert span.inner_mm == span.outer_mm == pytest.approx(2)


def test_lists_are_sorted_and_text_becomes_an_enum():
    settings = RingSettings(outer_mm=[9, 3], layout="bands", plane="largest_slice", surface="voxel_centres")
    assert settings.outer_mm == (3.0, 9.0)
    assert settings.layout is RingLayout.BANDS
    assert settings.plane is RingPlane.LARGEST_SLICE
    assert settings.surface is SurfaceRule.VOXEL_CENTRES
    assert hash(settings) == hash(RingSettings((3, 9), layout="bands", plane="largest_slice", surface="voxel_centres"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"outer_mm": (0,)}, "outer_mm must be a finite number > 0, got 0"),
        ({"outer_mm": (-2,)}, "outer_mm must be a finite number > 0, got -2"),
        ({"outer_mm": ("three",)}, "outer_mm must be a number > 0, got 'three'"),
        ({"outer_mm": (float("nan"),)}, "outer_mm must be a finite number > 0, got nan"),
        ({"outer_mm": (float("inf"),)}, "outer_mm must be a finite number > 0, got inf"),
        ({"outer_mm": (3,), "gap_mm": 3}, "outer_mm must be a finite number > 3, got 3"),
        ({"outer_mm": (1.5, 1.5)}, "outer_mm must hold each distance once, got 1.5 twice"),
        ({"outer_mm": (3, 5000)}, "outer_mm must be at most 300, got 5000"),
        ({"fractions": (0.5, 33)}, "fractions must be at most 10, got 33"),
        ({"fractions": (0,)}, "fractions must be a finite number > 0, got 0"),
        ({"gap_mm": -1}, "gap_mm must be a finite number >= 0, got -1"),
        ({"inner_rim_mm": 0}, "inner_rim_mm must be a finite number > 0, got 0"),
        ({"window": (5, 5)}, "window must be (low, high) with low < high, got (5.0, 5.0)"),
        ({"window": (1, 2, 3)}, "window must be (low, high) with low < high, got (1.0, 2.0, 3.0)"),
        ({"window": ("air", 2)}, "window must be two numbers (low, high), got ('air', 2)"),
        ({"min_voxels": "many"}, "min_voxels must be a whole number >= 1, got 'many'"),
        ({"min_voxels": 0}, "min_voxels must be a whole number >= 1, got 0"),
        ({"min_voxels": 2.5}, "min_voxels must be a whole number >= 1, got 2.5"),
        ({"layout": "nested"}, "layout is 'nested'; choose from cumulative, bands"),
        ({"plane": "2d"}, "plane is '2d'; choose from 3d, largest_slice, every_slice"),
        (
            {"supersampling": True, "surface": "voxel_centres"},
            "supersampling needs surface='subvoxel', got 'voxel_centres': switch one of the two off",
        ),
    ],
)
def test_a_wrong_value_is_named_with_its_bound(values, message):
    with pytest.raises(InputError) as caught:
        RingSettings(**values)
    assert str(caught.value) == message
