"""What rings may not enter, as segments: the outside of an organ, structures that are left out, other tumours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from RadiomicsSlicerLib.segments import find_segment, segment_name

from .tumour_marks import other_tumours as tumours_besides


@dataclass(frozen=True)
class RingLimits:
    """Segments by id.

    Attributes:
        organ: rings do not leave it; None: no organ.
        exclusions: rings do not enter these.
        other_tumours: nor these.
        marked: whether the other tumours are those that are marked or have rings. Such a one is no obstacle where it
            is empty, lies beside the volume, or is another drawing of the same tumour.
    """

    organ: str | None
    exclusions: tuple[str, ...]
    other_tumours: tuple[str, ...]
    marked: bool

    @property
    def left_out(self) -> Iterator[tuple[str, str]]:
        """Role and id of the segments that rings may not enter."""
        yield from (("exclusion", segment) for segment in self.exclusions)
        yield from (("other tumour", segment) for segment in self.other_tumours)


def find_limits(
    segmentationNode: Any,
    tumour_id: str,
    organ: str | None = None,
    exclusions: Sequence[str] = (),
    other_tumours: Sequence[str] | None = None,
) -> RingLimits:
    """Find the segments that limit the rings of a tumour.

    Args:
        segmentationNode: with all of them.
        tumour_id: id of the tumour.
        organ, exclusions, other_tumours: by id or name; other tumours None: those that are marked or have rings.

    Raises:
        InputError: no such segment.
    """
    organ_id = find_segment(segmentationNode, organ) if organ else None
    excluded = tuple(find_segment(segmentationNode, name) for name in exclusions)
    if other_tumours is not None:
        chosen = tuple(find_segment(segmentationNode, name) for name in other_tumours)
        return RingLimits(organ_id, excluded, chosen, marked=False)
    besides = [found for found in tumours_besides(segmentationNode, tumour_id) if found not in (organ_id, *excluded)]
    return RingLimits(organ_id, excluded, tuple(besides), marked=True)


def names_of(segmentationNode: Any, segments: Sequence[str]) -> dict[str, str]:
    """Return id to name; two of one name are told apart by their ids."""
    names = {segment: segment_name(segmentationNode, segment) for segment in segments}
    shown = list(names.values())
    return {segment: name if shown.count(name) == 1 else f"{name} ({segment})" for segment, name in names.items()}
