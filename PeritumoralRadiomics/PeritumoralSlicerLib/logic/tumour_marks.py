"""Which segments are tumours of their own: rings of one tumour do not enter another one.

A segment that has rings is a tumour; any other one can be marked as one, and one that has rings as none. A mark is a
tag of the segment, which is saved with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from RadiomicsSlicerLib.segments import find_segment, get_tag, segment_ids, set_tag

from .ring_tags import rings_of

TUMOUR_TAG = "PeritumoralRadiomics.Tumour"
_YES, _NO = "yes", "no"


def mark_tumour(segmentationNode: Any, segment: str, is_tumour: bool = True) -> None:
    """Mark a segment as a tumour of its own, or as none. Raises InputError if there is no such segment."""
    segment_id = find_segment(segmentationNode, segment)
    set_tag(segmentationNode, segment_id, TUMOUR_TAG, _YES if is_tumour else _NO)


def other_tumours(segmentationNode: Any, tumour_id: str) -> list[str]:
    """Return the ids of the segments that are tumours besides this one: marked, or with rings and not unmarked."""
    rings = rings_of(segmentationNode)
    with_rings = {ring.tumour for ring in rings.values()}
    others = [segment for segment in segment_ids(segmentationNode) if segment != tumour_id and segment not in rings]
    marks = {segment: get_tag(segmentationNode, segment, TUMOUR_TAG) for segment in others}
    return [
        segment for segment in others if marks[segment] == _YES or (segment in with_rings and marks[segment] != _NO)
    ]


def mark_only(segmentationNode: Any, tumour_id: str, wanted: Iterable[str]) -> None:
    """Mark segments so that :func:`other_tumours` returns the wanted ones; those that it does already are left."""
    wanted = set(wanted)
    for segment in wanted.symmetric_difference(other_tumours(segmentationNode, tumour_id)):
        mark_tumour(segmentationNode, segment, segment in wanted)
