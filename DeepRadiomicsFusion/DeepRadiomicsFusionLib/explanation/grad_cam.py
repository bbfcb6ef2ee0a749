"""Where in the patient a network looks: class activation maps and input gradients as volumes on the image's grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..deep_features.computing import image_part
from ..inputs.patches import NetworkImage, network_image
from ..inputs.patient_grid import map_on_patient
from ..networks.catalogue import layer_of, network_spec, require_torch
from ..networks.devices import memory_errors_explained
from ..networks.prediction import evaluating
from ..settings.input_settings import NetworkInput

if TYPE_CHECKING:
    import torch
    from torch import nn

_BATCH = 8
Score = Callable[["torch.Tensor"], "torch.Tensor"]
Attribute = Callable[["torch.Tensor", Score], "torch.Tensor"]


class MapKind(Enum):
    """Which map: Grad-CAM at a layer, or the size of the output's gradient at every input voxel (wu2021).

    With a masked input the gradient is 0 outside the region; Grad-CAM is as coarse as its layer and reaches beyond.
    """

    GRAD_CAM = "grad_cam"
    INPUT_GRADIENT = "input_gradient"


@dataclass(frozen=True)
class Explanation:
    """A map of one output of a network for one case.

    Attributes:
        kind: which map.
        on_patient: float32 on the patient's image grid, 0 where the network saw nothing.
        on_input: the same on the grid of the input, before it was brought to the patient.
        shown: what the network saw.
        outputs: (slices,) the explained output for each slice, or (1,) for a volume; before a sigmoid.
    """

    kind: MapKind
    on_patient: sitk.Image
    on_input: sitk.Image
    shown: NetworkImage
    outputs: np.ndarray


def explain_case(
    network: nn.Module,
    name: str,
    image: sitk.Image,
    regions: Mapping[str, sitk.Image],
    settings: NetworkInput,
    *,
    kind: MapKind | str = MapKind.GRAD_CAM,
    output: int = 0,
    layer: str | None = None,
    scores: Sequence[float] | None = None,
    progress: Progress = no_progress,
) -> Explanation:
    """Map what decides one output of a network, on the patient's image.

    Args:
        network: with its weights; runs on the device that it lies on.
        name: of the network in the registry, for its feature layer.
        image: 3D image, LPS, mm.
        regions: name to mask, with ``intratumour``.
        settings: what the network sees, with the region.
        kind: which map.
        output: which output, from 0; of a network that segments the mean of that channel.
        layer: of Grad-CAM; None: the network's feature layer.
        scores: the patient's RadScores, for a network that takes them beside the image.
        progress: told on the way.

    Raises:
        InputError: an unknown kind, or the input does not suit the network.
        ModelError: no such layer or output.
        RegionError, GeometryError: as :func:`~DeepRadiomicsFusionLib.inputs.patches.network_image`.
        DependencyError: captum is not installed.
    """
    which = _kind(kind)
    spec = network_spec(name)
    if spec.spatial_dims != settings.spatial_dims:
        raise InputError(
            f"network {name!r} takes {spec.spatial_dims}D input, the settings show {settings.spatial_dims}D"
        )
    progress(0.0, "preparing what the network sees")
    shown = network_image(image, regions, settings)
    progress(0.2, "following the gradient")
    if which is MapKind.GRAD_CAM:
        values = class_activation(network, shown.array, layer or spec.feature_layer, output=output, scores=scores)
    else:
        values = input_gradient(network, shown.array, output=output, scores=scores)
        if settings.is_masked:
            # What is hidden from the network is the same for every patient: its voxels decide nothing.
            values *= (sitk.GetArrayViewFromImage(shown.mask) != 0).reshape(values.shape)
    progress(0.8, "bringing the map to the patient")
    on_input = _image_like(values, shown)
    explained = Explanation(
        which, map_on_patient(on_input, image, shown), on_input, shown, _outputs(network, shown, output, scores)
    )
    progress(1.0, "map done")
    return explained


def class_activation(
    network: nn.Module, array: np.ndarray, layer: str, *, output: int = 0, scores: Sequence[float] | None = None
) -> np.ndarray:
    """Grad-CAM: channels of a layer weighed by the mean gradient of the output, summed, negatives set to 0.

    Args:
        network: any torch module.
        array: float32, (n, C, H, W) or (n, C, D, H, W).
        layer: dotted name; its last use in the forward pass counts.
        output: which output, from 0.
        scores: RadScores that enter beside every image.

    Returns:
        (n, H, W) or (n, D, H, W), linearly enlarged to the input's size; not scaled, so that slices compare.

    Raises:
        ModelError: no such layer or output, or a layer without a spatial map.
        DependencyError: captum is not installed.

    Reference: Selvaraju RR et al. Grad-CAM. ICCV 2017, equations 1 and 2.
    """
    attr = _captum()
    module = layer_of(image_part(network), layer)

    def attribute(batch: torch.Tensor, score: Score) -> torch.Tensor:
        coarse = attr.LayerGradCam(score, module).attribute(batch, relu_attributions=True)
        if coarse.ndim != batch.ndim:
            raise ModelError(f"layer {layer!r} has no map over the image; name a convolutional layer")
        mode = "trilinear" if batch.ndim == 5 else "bilinear"
        return attr.LayerAttribution.interpolate(coarse, tuple(batch.shape[2:]), mode)

    return _in_batches(network, array, _scorer(network, output, scores), attribute)


def input_gradient(
    network: nn.Module, array: np.ndarray, *, output: int = 0, scores: Sequence[float] | None = None
) -> np.ndarray:
    """Size of the gradient of an output with respect to every input pixel; the largest over input channels.

    Args:
        network, array, output, scores: as in :func:`class_activation`.

    Returns:
        (n, H, W) or (n, D, H, W).

    Reference: Simonyan K et al. ICLR workshop 2014; Wu et al. 2021, doi 10.1002/mp.14767.
    """
    attr = _captum()

    def attribute(batch: torch.Tensor, score: Score) -> torch.Tensor:
        return attr.Saliency(score).attribute(batch, abs=True).amax(dim=1, keepdim=True)

    return _in_batches(network, array, _scorer(network, output, scores), attribute)


def relative_map(image: sitk.Image) -> sitk.Image:
    """Scale a map to a largest value of 1; a map of zeros stays."""
    values = sitk.GetArrayFromImage(image).astype(np.float32)
    highest = float(values.max())
    result = sitk.GetImageFromArray(values / highest if highest > 0 else values)
    result.CopyInformation(image)
    return result


def _kind(kind: MapKind | str) -> MapKind:
    try:
        return MapKind(kind)
    except ValueError:
        raise InputError(f"map is {kind!r}; choose from {', '.join(choice.value for choice in MapKind)}") from None


def _captum() -> ModuleType:
    try:
        from captum import attr
    except ImportError:
        raise DependencyError("maps of a network's attention need a package: run 'pip install captum'") from None
    return attr


def _in_batches(network: nn.Module, array: np.ndarray, score: Score, attribute: Attribute) -> np.ndarray:
    torch = require_torch()
    device = next(network.parameters()).device
    maps = []
    with evaluating(network), torch.inference_mode(False), torch.enable_grad(), memory_errors_explained(_BATCH):
        for start in range(0, len(array), _BATCH):
            batch = torch.from_numpy(np.array(array[start : start + _BATCH], np.float32)).to(device)
            values = attribute(batch.requires_grad_(), score)
            maps.append(values.detach()[:, 0].cpu().numpy())
    return np.concatenate(maps)


def _scorer(network: nn.Module, output: int, scores: Sequence[float] | None) -> Score:
    """The function from images to the explained number of each, (n,)."""
    if (scores is not None) != (image_part(network) is not network):
        raise InputError("a network that takes RadScores needs the patient's, and another network takes none")

    def score(batch: torch.Tensor) -> torch.Tensor:
        beside: tuple[torch.Tensor, ...] = () if scores is None else (batch.new_tensor(scores).expand(len(batch), -1),)
        outputs = network(batch, *beside)
        if not 0 <= output < outputs.shape[1]:
            raise ModelError(f"there is no output {output}; the network has {outputs.shape[1]}, numbered from 0")
        chosen = outputs[:, output]
        return chosen.flatten(1).mean(dim=1) if chosen.ndim > 1 else chosen

    return score


def _outputs(network: nn.Module, shown: NetworkImage, output: int, scores: Sequence[float] | None) -> np.ndarray:
    torch = require_torch()
    device = next(network.parameters()).device
    score = _scorer(network, output, scores)
    with evaluating(network):
        parts = [score(part.to(device)) for part in torch.split(shown.tensor(), _BATCH)]
    return torch.cat(parts).double().cpu().numpy()


def _image_like(values: np.ndarray, shown: NetworkImage) -> sitk.Image:
    volume = values[0] if shown.settings.spatial_dims == 3 else values
    result = sitk.GetImageFromArray(np.ascontiguousarray(volume, np.float32))
    result.CopyInformation(shown.image)
    return result
