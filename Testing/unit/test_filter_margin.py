"""The margins are wide enough: a crop gives the filtered values of a much larger image."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.extraction_settings import ExtractionSettings
from PeritumoralRadiomicsLib.filter_margin import filter_margin, margins_of, widest
from RadiomicsCoreLib.geometry import IndexBox, crop

SPACING = (0.9, 1.1, 1.5)


@pytest.mark.parametrize(
    ("image_type", "setting", "tolerance"),
    [
        ("Original", {}, 0),
        ("Gradient", {}, 0),
        ("Wavelet", {}, 0),
        ("Wavelet", {"wavelet": "db4", "level": 2}, 0),
        ("Wavelet", {"start_level": 1, "level": 2}, 0),
        ("LoG", {"sigma": [1.0, 1.5]}, 1e-5),
    ],
)
def test_the_crop_has_the_values_of_the_whole(image_type, setting, tolerance):
    operations = pytest.importorskip("radiomics.imageoperations")
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(0, 100, (61, 70, 75)))
    image.SetSpacing(SPACING)
    region = IndexBox((33, 31, 28), (5, 6, 4))
    kept = region.grown(filter_margin(image_type, setting, SPACING), image.GetSize())
    inside = region.shifted([-start for start in kept.start])
    make = getattr(operations, f"get{image_type}Image")
    whole = list(make(image, None, **setting))
    part = list(make(crop(image, kept), None, **setting))
    for (big, name, _), (small, _, _) in zip(whole, part, strict=True):
        theirs = sitk.GetArrayViewFromImage(big)[region.slices]
        ours = sitk.GetArrayViewFromImage(small)[inside.slices]
        assert np.abs(ours - theirs).max() <= tolerance * np.abs(theirs).max(), name


def test_filters_that_scale_by_the_maximum_get_pyradiomics_pad_distance():
    assert filter_margin("Square", {}, SPACING) == (5, 5, 5)
    assert filter_margin("Exponential", {"padDistance": 12}, SPACING) == (12, 12, 12)


def test_the_widest_margin_serves_all_image_types():
    settings = ExtractionSettings(image_types={"Original": {}, "LoG": {"sigma": [3.0]}})
    margins = margins_of(settings, (1.0, 1.0, 5.0))
    assert margins == {"Original": (10, 10, 10), "LoG": (24, 24, 5)}
    assert widest(margins) == (24, 24, 10)
