"""The rings that a model reads, and a ring by its name, as segments of the tumour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from DeepRadiomicsFusionLib.models.bundle_card import BundleCard
from DeepRadiomicsFusionLib.models.bundle_steps import rings_named
from PeritumoralRadiomicsLib.regions.kinds import TUMOUR
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralSlicerLib.logic.ring_tags import rings_of
from PeritumoralSlicerLib.logic.rings import grow_rings, put_rings
from RadiomicsSlicerLib.segments import find_segment


def rings_of_card(card: BundleCard) -> RingSettings | None:
    """Return the rings that a model reads; None if it reads the tumour alone. Raises ModelError for a strange name."""
    if not any(region != TUMOUR for region in card.regions):
        return None
    made: Mapping[str, Any] = card.rings
    if not card.is_network:
        groups = [source["rings"] for source in card.sources.values() if isinstance(source.get("rings"), Mapping)]
        found = groups[0] if groups else {}
        made = found.get(card.phase, found)
    return _settings(rings_named(card.regions, made))


def grow_rings_of(card: BundleCard, segmentationNode: Any, tumour: str, volumeNode: Any, organ: str = "") -> list[str]:
    """Add the rings that a model reads as segments; nothing is done where the tumour has them already.

    They are the rings that the jobs grow: the same tumour, settings and organ.

    Returns:
        The ids of the rings' segments.
    """
    settings = rings_of_card(card)
    if settings is None:
        return []
    present = rings_of(segmentationNode, find_segment(segmentationNode, tumour, "the tumour segment"))
    wanted = {region.removeprefix("intra_") for region in card.regions if region != TUMOUR}
    if wanted <= {ring.region for ring in present.values()}:
        return list(present)
    return _put(segmentationNode, tumour, volumeNode, settings, organ)


def show_ring(region: str, segmentationNode: Any, tumour: str, volumeNode: Any, organ: str = "") -> list[str]:
    """Put the ring of a region's name in place of the tumour's rings. Raises ModelError for a strange name."""
    return _put(segmentationNode, tumour, volumeNode, _settings(rings_named([region], {})), organ)


def _put(segmentationNode: Any, tumour: str, volumeNode: Any, settings: RingSettings, organ: str) -> list[str]:
    grown = grow_rings(segmentationNode, tumour, volumeNode, settings, organ=organ or None)
    return put_rings(segmentationNode, volumeNode, grown, settings)


def _settings(values: Mapping[str, Any]) -> RingSettings:
    known = {item.name for item in fields(RingSettings)}
    return RingSettings(**{name: value for name, value in values.items() if name in known and name != "union"})
