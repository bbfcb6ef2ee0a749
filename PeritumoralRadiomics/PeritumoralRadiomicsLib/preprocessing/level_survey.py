"""How many grey levels the tumours of a cohort would get, phase by phase, before anything is extracted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import RegionError

from ..settings.intensity_unit import IntensityUnit, common_unit, unit_of
from ..settings.measure_settings import MeasureSettings
from .bin_edges import region_bin_edges

PRESET = "wu2021"
"""Whose grey levels are looked at: all presets that do not normalise share them."""


@dataclass(frozen=True)
class PhaseLevels:
    """Grey levels of a phase's tumours.

    Attributes:
        phase: its name.
        unit: of its images.
        cases: tumours looked at.
        published: fewest, median and most levels at the published bin width of 25.
        suited: the same as the program would bin this unit.
        how: how that is, ``binWidth 0.25``.
    """

    phase: str
    unit: IntensityUnit
    cases: int
    published: tuple[int, int, int]
    suited: tuple[int, int, int]
    how: str


@dataclass
class LevelSurvey:
    """Collects tumours' intensities as they are read; :meth:`look` is what ``check_cohort`` calls."""

    _units: dict[str, list[IntensityUnit]] = field(default_factory=dict)
    _values: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def look(self, phase: str, image: sitk.Image, tumour: sitk.Image) -> None:
        """Take in one phase of one case."""
        self._units.setdefault(phase, []).append(unit_of(image, phase))
        inside = sitk.GetArrayViewFromImage(tumour) != 0
        # The different values are all that levels depend on, and few where they are whole numbers.
        self._values.setdefault(phase, []).append(np.unique(sitk.GetArrayViewFromImage(image)[inside]))

    def phases(self) -> list[PhaseLevels]:
        """Return what was found, phase by phase."""
        return [self._phase(phase) for phase in self._values]

    def _phase(self, phase: str) -> PhaseLevels:
        unit = common_unit(self._units[phase])
        measure = MeasureSettings(preset=PRESET)
        suited = measure.for_unit(unit)[0].extraction().setting
        values = self._values[phase]
        how = f"binCount {suited['binCount']}" if "binCount" in suited else f"binWidth {suited['binWidth']:g}"
        return PhaseLevels(
            phase, unit, len(values), _spread(values, measure.extraction().setting), _spread(values, suited), how
        )


def _spread(values: list[np.ndarray], setting: Mapping[str, Any]) -> tuple[int, int, int]:
    counts = [_levels(each, setting) for each in values]
    return min(counts), int(np.median(counts)), max(counts)


def _levels(values: np.ndarray, setting: Mapping[str, Any]) -> int:
    try:
        return len(np.unique(np.digitize(values, region_bin_edges(values, setting))))
    except RegionError:  # more than are allowed: the extraction will say so
        return len(values)
