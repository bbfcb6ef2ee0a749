"""Boxes that offer the segments of a segmentation by name.

``qMRMLSegmentSelectorWidget`` chooses the first segment by itself when the chosen one is deleted: a panel that then
silently kept rings inside the wrong organ would be worse than one that asks again. These boxes fall back to none.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from slicer.i18n import tr as _

from RadiomicsSlicerLib.segments import segment_ids, segment_name

from .ring_tags import rings_of


def segment_items(segmentationNode: Any, none: str, *, rings: bool = False) -> list[tuple[str, str]]:
    """Return name and id of the segments, after an item for none of them.

    Args:
        segmentationNode: or None.
        none: words of the first item; empty: there is no such item.
        rings: offer rings, too.
    """
    first = [(none, "")] if none else []
    return first + [
        (segment_name(segmentationNode, segment), segment) for segment in own_segments(segmentationNode, rings=rings)
    ]


def own_segments(segmentationNode: Any, *, rings: bool = False) -> list[str]:
    """Return the ids of the segments; without the rings that we made, unless they are asked for."""
    if segmentationNode is None or segmentationNode.GetScene() is None:
        return []
    made = {} if rings else rings_of(segmentationNode)
    return [segment for segment in segment_ids(segmentationNode) if segment not in made]


def still_there(segmentationNode: Any, chosen: Sequence[str], *, rings: bool = False) -> list[str]:
    """Return those of the chosen segments that the segmentation has."""
    existing = own_segments(segmentationNode, rings=rings)
    return [segment for segment in chosen if segment in existing]


def besides_items(segmentationNode: Any, tumour: str) -> list[tuple[str, str]]:
    """Return name and id of the segments that may be other tumours: no rings, and not the tumour itself."""
    return [(name, segment) for name, segment in segment_items(segmentationNode, "") if segment != tumour]


def tumour_words() -> str:
    """Return what a box shows while no tumour is chosen."""
    return _("Choose the tumour")


def no_organ_words() -> str:
    """Return what the box of the organ shows while none is chosen."""
    return _("No organ: rings go anywhere")
