"""What a ring may not enter: the outside of an organ, excluded structures, intensities, other tumours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, InputError
from RadiomicsCoreLib.images.geometry import IndexBox, describe_difference

Masks = Sequence[sitk.Image] | Mapping[str, sitk.Image]
"""Masks one after the other, or each with a name that its messages use."""
ORGAN = "organ mask"
WINDOW = "intensity window"
EXCLUSION = "exclusion"
OTHER_TUMOUR = "other tumour"
AIR = "the air outside the patient"
_SAME_TUMOUR_SHARE = 0.5


@dataclass(frozen=True)
class Barrier:
    """Voxels that no ring may hold.

    Attributes:
        name: what stands in the way, as it reads in messages: ``organ mask``, ``exclusion 1``, ``other tumour 'B'``.
        blocked: bool (k, j, i) on the crop.
        always_told: whether a ring's warnings tell its share, however small.
    """

    name: str
    blocked: np.ndarray
    always_told: bool = False


def find_barriers(
    tumour: sitk.Image,
    box: IndexBox,
    *,
    image: sitk.Image | None = None,
    window: tuple[float, float] | None = None,
    organ: sitk.Image | None = None,
    exclusions: Masks = (),
    other_tumours: Masks = (),
) -> list[Barrier]:
    """Return the barriers within a box; only the box is read from each image.

    Args:
        tumour: the mask whose grid all others share.
        box: part of the grid in which rings grow.
        image: intensities for the window.
        window: lowest and highest intensity a ring may hold; NaN is never inside.
        organ: mask that rings may not leave.
        exclusions: masks that rings may not enter.
        other_tumours: masks of the patient's other tumours.

    Raises:
        GeometryError: a mask or the image lies on another grid; the message says by how much.
        InputError: a window without an image.
    """
    barriers = []
    if organ is not None:
        barriers.append(Barrier(ORGAN, ~_inside(organ, "the organ mask", tumour, box)))
    for kind, masks in ((EXCLUSION, exclusions), (OTHER_TUMOUR, other_tumours)):
        for name, mask in _named(kind, masks).items():
            inside = _inside(mask, f"the {name} mask", tumour, box)
            barriers.append(Barrier(name, inside, always_told=kind == OTHER_TUMOUR))
    if window is not None:
        if image is None:
            raise InputError(f"window {window} needs the image; give image=... or leave the window out")
        values = _part(image, "the image", tumour, box)
        barriers.append(Barrier(WINDOW, ~((values >= window[0]) & (values <= window[1]))))
    return barriers


def barrier_name(kind: str, name: str) -> str:
    """Return the name of a barrier of a kind.

    Example:
        >>> barrier_name(OTHER_TUMOUR, "Node")
        "other tumour 'Node'"
    """
    return f"{kind} {name!r}"


def same_tumour(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether two masks are two drawings of one tumour, not two tumours.

    They are if they share more than half of the smaller one: two readers' contours, or a tumour within its clinical
    target volume. Two tumours that touch, or were drawn a little into each other, share less.

    Args:
        one, other: bool, of one shape.

    Example:
        >>> same_tumour(np.array([1, 1, 1, 0], bool), np.array([0, 1, 1, 1], bool))
        True
        >>> same_tumour(np.array([1, 1, 0, 0], bool), np.array([0, 1, 1, 0], bool))
        False
    """
    smaller = min(np.count_nonzero(one), np.count_nonzero(other))
    return bool(np.count_nonzero(one & other) > _SAME_TUMOUR_SHARE * smaller)


def _named(kind: str, masks: Masks) -> dict[str, sitk.Image]:
    if isinstance(masks, Mapping):
        return {barrier_name(kind, name): mask for name, mask in masks.items()}
    return {f"{kind} {number}" if len(masks) > 1 else kind: mask for number, mask in enumerate(masks, 1)}


def _inside(mask: sitk.Image, what: str, tumour: sitk.Image, box: IndexBox) -> np.ndarray:
    return _part(mask, what, tumour, box) != 0


def check_grid(image: sitk.Image, what: str, tumour: sitk.Image) -> None:
    """Refuse an image or mask that is not on the tumour's grid. Raises GeometryError; it says by how much."""
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise GeometryError(
            f"{what} must be 3D with one value a voxel, got {image.GetDimension()}D with "
            f"{image.GetNumberOfComponentsPerPixel()}"
        )
    difference = describe_difference(image, tumour)
    if difference:
        raise GeometryError(f"{what} is not on the tumour mask's grid: {difference}; resample it first")


def _part(image: sitk.Image, what: str, tumour: sitk.Image, box: IndexBox) -> np.ndarray:
    check_grid(image, what, tumour)
    return sitk.GetArrayViewFromImage(image)[box.slices]
