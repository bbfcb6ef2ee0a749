"""What the panel's ring widgets mean: from a parameter node to ring settings."""

from __future__ import annotations

from typing import Any

from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.settings.number_lists import read_numbers


def ring_settings_of(parameters: Any) -> RingSettings:
    """Return the ring settings that a parameter node holds.

    Args:
        parameters: with ``distancesMm`` and ``fractions`` (texts), ``layout``, ``plane``, ``gapMm``,
            ``innerRimMm`` (0: no rim), ``useWindow``, ``windowLow``, ``windowHigh``, ``supersampling``,
            ``minVoxels``.

    Raises:
        InputError: a value that makes no sense; the message names it.
    """
    return RingSettings(
        outer_mm=read_numbers(parameters.distancesMm, "ring distances in mm"),
        fractions=read_numbers(parameters.fractions, "ring distances as fractions of the mean radius"),
        layout=parameters.layout,
        plane=parameters.plane,
        gap_mm=parameters.gapMm,
        inner_rim_mm=parameters.innerRimMm or None,
        window=(parameters.windowLow, parameters.windowHigh) if parameters.useWindow else None,
        supersampling=parameters.supersampling,
        min_voxels=parameters.minVoxels,
        union=False,
    )
