"""What a network sees where neither a study, a trained model nor the user says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings

from ..networks.catalogue import network_spec
from ..settings.input_settings import InputKind, NetworkInput

DEFAULT_RINGS = RingSettings(outer_mm=(3.0,))


def usual_input(network: str) -> NetworkInput:
    """Return the input of a first try: a masked slice in the network's size, or a masked cube for a 3D network."""
    spec = network_spec(network)
    kind = InputKind.BOX_3D if spec.spatial_dims == 3 else InputKind.RESIZED_SLICE
    return NetworkInput(kind, size=spec.input_size, masked=True)


def with_unions(rings: RingSettings | None, regions: Iterable[str]) -> RingSettings:
    """Return rings, a ring of 3 mm where none are given, with their unions with the tumour if a region is one.

    Example:
        >>> with_unions(None, ["intra_ring_0_3mm"]).union
        True
    """
    rings = rings or DEFAULT_RINGS
    return replace(rings, union=rings.union or any(region.startswith("intra_") for region in regions))
