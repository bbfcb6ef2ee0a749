"""Masks that a trained network draws of new patients, on each patient's own grid."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from PeritumoralRadiomicsLib.regions.kinds import TUMOUR
from RadiomicsCoreLib.errors import RegionError

from ..inputs.patches import NetworkImage, network_image
from ..inputs.patient_grid import map_on_patient
from ..networks.prediction import predict
from ..settings.input_settings import InputKind, NetworkInput, Slices
from ..settings.training_settings import Device

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class NewMask:
    """A mask drawn by a network.

    Attributes:
        mask: UInt8, 1 inside, on the patient's grid.
        slices: number of slices that the network saw.
    """

    mask: sitk.Image
    slices: int

    @property
    def volume_ml(self) -> float:
        """Volume inside."""
        return float(sitk.GetArrayViewFromImage(self.mask).sum() * np.prod(self.mask.GetSpacing()) / 1000)


def needs_region(settings: NetworkInput) -> bool:
    """Whether the input is cut around a region, so that a new patient needs a mask before the network can draw one.

    Example:
        >>> needs_region(NetworkInput("full_slice", masked=False)), needs_region(NetworkInput("patch"))
        (False, True)
    """
    return settings.kind is not InputKind.FULL_SLICE or settings.is_masked


def draw_mask(
    network: nn.Module,
    image: sitk.Image,
    regions: Mapping[str, sitk.Image],
    settings: NetworkInput,
    *,
    device: Device | str = Device.AUTO,
) -> NewMask:
    """Let a network draw the mask of one patient.

    A network of whole slices sees every slice of the image, whatever masks there are; z-scores of a network that was
    trained on all slices of a tumour are then over the whole image. Another network sees what its training showed of
    the region.

    Args:
        network: from a bundle that segments.
        image: 3D image, LPS, mm.
        regions: name to mask; may be empty where :func:`needs_region` says no.
        settings: what the network sees.
        device: where it runs.

    Raises:
        RegionError: the region is missing, or no slice can be shown.
        GeometryError, ModelError: as :func:`~DeepRadiomicsFusionLib.inputs.patches.network_image` and
            :func:`~DeepRadiomicsFusionLib.networks.prediction.predict`.
    """
    inside = np.zeros(image.GetSize()[::-1], np.uint8)
    slices = 0
    for target, first, shown in _pieces(image, regions, settings):
        chance = _inside_probability(predict(network, list(shown.array), device=device))
        on_input = sitk.GetImageFromArray(chance)
        on_input.CopyInformation(shown.image)
        drawn = sitk.GetArrayFromImage(map_on_patient(on_input, target, shown)) >= 0.5
        inside[first : first + len(drawn)] |= drawn
        slices += len(chance)
    if not slices:
        raise RegionError("every slice of the image is one intensity in the network's window; check the image")
    mask = sitk.GetImageFromArray(inside)
    mask.CopyInformation(image)
    return NewMask(mask, slices)


def dice_with(drawn: sitk.Image, truth: sitk.Image) -> float:
    """Dice overlap of a drawn mask with another one of the same grid; 1 where both are empty."""
    first, second = (sitk.GetArrayViewFromImage(mask) != 0 for mask in (drawn, truth))
    total = int(first.sum()) + int(second.sum())
    return 2 * int((first & second).sum()) / total if total else 1.0


def _pieces(
    image: sitk.Image, regions: Mapping[str, sitk.Image], settings: NetworkInput
) -> Iterator[tuple[sitk.Image, int, NetworkImage]]:
    """The part of the image that is drawn on, its first slice, and what the network sees of it."""
    if needs_region(settings):
        yield image, 0, network_image(image, regions, settings)
        return
    if settings.which_slices is Slices.ALL:
        yield image, 0, network_image(image, _whole(image, range(image.GetSize()[2]), settings), settings)
        return
    for k in range(image.GetSize()[2]):
        try:
            yield image[:, :, k : k + 1], k, network_image(image, _whole(image, range(k, k + 1), settings), settings)
        except RegionError:  # one intensity throughout, as in air: nothing to draw in this slice
            continue


def _whole(image: sitk.Image, slices: range, settings: NetworkInput) -> dict[str, sitk.Image]:
    """Whole slices in the place of the regions."""
    mask = sitk.Image([*image.GetSize()[:2], len(slices)], sitk.sitkUInt8) + 1
    mask.SetSpacing(image.GetSpacing())
    mask.SetDirection(image.GetDirection())
    mask.SetOrigin(image.TransformIndexToPhysicalPoint((0, 0, slices.start)))
    return {TUMOUR: mask, settings.region: mask}


def _inside_probability(logits: np.ndarray) -> np.ndarray:
    """Probability (n, H, W) of being inside, from one logit, or from one a label with the background first."""
    logits = np.asarray(logits, np.float64)
    background = np.zeros_like(logits[:, 0]) if logits.shape[1] == 1 else logits[:, 0]
    others = np.logaddexp.reduce(logits if logits.shape[1] == 1 else logits[:, 1:], axis=1)
    return np.exp(-np.logaddexp(0, background - others)).astype(np.float32)
