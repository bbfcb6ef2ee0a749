"""What the reader of a ring's features should know of it, in words: too thin, cut, empty."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .ring_settings import RingPlane, RingSettings, RingSpan, SurfaceRule

BORDER = "image border"
_FEW_LEFT = 0.5
_LEAST_TOLD = 0.0005
"""Shares that read as 0.0 % are no warning."""
_SLICES, _PIXELS = "slice spacing", "pixel spacing"


def thin_notes(name: str, thickness_mm: float, spacing: Sequence[float], settings: RingSettings) -> list[str]:
    """Return the warning of a ring that is thinner than the voxels.

    Args:
        name: of the ring or rim.
        thickness_mm: how thick it is.
        spacing: mm along (k, j, i).
        settings: what the user chose.
    """
    in_plane = settings.plane is not RingPlane.VOLUME
    axis, coarsest = _PIXELS, max(spacing[1:])
    if not in_plane and spacing[0] > coarsest:
        axis, coarsest = _SLICES, spacing[0]
    if not 0 < thickness_mm < coarsest * (1 - 1e-6):
        return []
    remedy = "use a thicker ring"
    # Another plane helps where the slices are the thick ones, and the pixels are fine enough.
    if axis == _SLICES and thickness_mm >= max(spacing[1:]) * (1 - 1e-6):
        remedy += f", or --plane {RingPlane.LARGEST_SLICE.value}"
    if not in_plane and not settings.supersampling and settings.surface is SurfaceRule.SUBVOXEL:
        # Only the surface gets finer; the voxels stay as thick as they are.
        remedy += ", or --supersampling for a truer volume"
    return [f"{name} is {thickness_mm:.3g} mm thick, thinner than the {axis} of {coarsest:.3g} mm; {remedy}"]


def cut_notes(
    name: str, cuts: Mapping[str, float], total: float, count: float, always_told: Iterable[str] = ()
) -> list[str]:
    """Return the warnings of a ring that lost voxels.

    Args:
        name: of the ring.
        cuts: what took voxels (:data:`BORDER` or a barrier's name) to how many.
        total: voxels of the whole ring.
        count: voxels that are left.
        always_told: barriers whose share is told, however small.

    Example:
        >>> cut_notes("ring_0_3mm", {"other tumour": 25}, 100, 75, ["other tumour"])
        ['25.0% of ring_0_3mm lies inside other tumour and is left out']
    """
    notes = []
    if cuts.get(BORDER, 0) >= _LEAST_TOLD * total and cuts.get(BORDER):
        notes.append(f"{name} is cut by the image border: {cuts[BORDER] / total:.1%} of it lies outside the image")
    notes += [
        f"{cuts[barrier] / total:.1%} of {name} lies inside {barrier} and is left out"
        for barrier in always_told
        if cuts.get(barrier, 0) >= _LEAST_TOLD * total and cuts.get(barrier)
    ]
    blocked = {barrier: n for barrier, n in cuts.items() if n and barrier != BORDER}
    if count and blocked and count < _FEW_LEFT * total:
        listed = ", ".join(f"{barrier} {n / total:.0%}" for barrier, n in blocked.items())
        notes.append(f"{name} keeps only {count / total:.0%} of its voxels; cut by {listed}")
    return notes


def why_empty(span: RingSpan, cuts: Mapping[str, float], total: int, gap_mm: float) -> str:
    """Return the reason of a ring without voxels; arguments as :func:`cut_notes`."""
    if span.outer_mm <= span.inner_mm:
        return f"it ends {span.outer_mm:.3g} mm from the tumour, within the gap_mm of {gap_mm:g}; use a smaller gap"
    if total == 0:
        return (
            f"no voxel centre lies between {span.inner_mm:.3g} and {span.outer_mm:.3g} mm "
            "from the tumour; use a thicker ring"
        )
    if cuts.get(BORDER) == total:
        return "it lies outside the image"
    listed = " and ".join(name for name, voxels in cuts.items() if voxels)
    return f"nothing of its {total} voxels is left by {listed}"
