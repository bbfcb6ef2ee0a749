"""Deep features of a case: what a layer of a network says of each region, as named numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError, ModelError, RegionError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..inputs.patches import NetworkImage, network_image
from ..networks.catalogue import layer_of, network_spec, recorded_output, require_torch
from ..networks.devices import memory_errors_explained
from ..networks.prediction import evaluating
from ..settings.deep_feature_settings import DeepFeatureSettings, FeatureSource, Pooling
from .slice_aggregation import aggregate_slices

if TYPE_CHECKING:
    import torch
    from torch import nn

DEFAULT_SETTINGS = DeepFeatureSettings()
Reader = Callable[["nn.Module", str, "torch.Tensor", DeepFeatureSettings], "torch.Tensor"]


@dataclass(frozen=True)
class DeepFeatures:
    """Deep features of one phase of a case.

    Attributes:
        features: region to (C,) numbers.
        shown: region to what the network saw of it.
        used_slices: region to bool (slices,), which of them went into the features.
        reasons: region to why it has no features, for the regions that have none.
    """

    features: Mapping[str, np.ndarray]
    shown: Mapping[str, NetworkImage]
    used_slices: Mapping[str, np.ndarray]
    reasons: Mapping[str, str]

    def named(self, phase: str, network: str) -> dict[str, float]:
        """Return one row of a table: ``<phase>.<region>.<network>_<index>`` to number."""
        return {
            feature_name(phase, region, network, index): float(value)
            for region, row in self.features.items()
            for index, value in enumerate(row)
        }


def feature_name(phase: str, region: str, network: str, index: int) -> str:
    """Name a deep feature.

    Example:
        >>> feature_name("ct", "ring_0_3mm", "resnet50", 17)
        'ct.ring_0_3mm.resnet50_17'
    """
    return f"{phase}.{region}.{network}_{index}"


def compute_deep_features(
    network: nn.Module,
    name: str,
    image: sitk.Image,
    regions: Mapping[str, sitk.Image],
    settings: DeepFeatureSettings = DEFAULT_SETTINGS,
    *,
    wanted: Sequence[str] | None = None,
    progress: Progress = no_progress,
) -> DeepFeatures:
    """Compute the deep features of every region of one phase of a case.

    A region that cannot be shown (empty, or no voxel in the slice) gets a reason instead of features; the others
    go on.

    Args:
        network: from :func:`~DeepRadiomicsFusionLib.networks.catalogue.build_network`, with its weights; it runs on the
            device that it lies on, in evaluation mode.
        name: of the network in the registry.
        image: 3D image, LPS, mm.
        regions: name to mask on the image's grid or an aligned crop, with ``intratumour``.
        settings: where features are read, what is shown.
        wanted: regions to do; None: all.
        progress: told after each region.

    Raises:
        InputError: a wanted region is not among the regions, or the input does not suit the network.
        ModelError: no such layer, a feature that is not finite, or too little memory for the batch.

    Example:
        >>> from DeepRadiomicsFusionLib.networks.catalogue import build_network
        >>> scan = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(3, 40, 40)))
        >>> tumour = sitk.Image(scan.GetSize(), sitk.sitkUInt8); tumour[10:20, 12:25, 1:2] = 1
        >>> found = compute_deep_features(build_network("resnet18", seed=0), "resnet18", scan, {"intratumour": tumour})
        >>> found.features["intratumour"].shape
        (512,)
    """
    chosen = list(regions if wanted is None else wanted)
    missing = [region for region in chosen if region not in regions]
    if missing:
        raise InputError(f"there is no region {missing[0]!r}; the case has {', '.join(regions) or 'none'}")
    check_input(name, settings)
    features: dict[str, np.ndarray] = {}
    shown: dict[str, NetworkImage] = {}
    used: dict[str, np.ndarray] = {}
    reasons: dict[str, str] = {}
    for number, region in enumerate(chosen):
        progress(number / len(chosen), f"deep features of {region}")
        try:
            seen = network_image(image, regions, replace(settings.input, region=region))
        except RegionError as error:
            reasons[region] = str(error)
            continue
        rows = array_features(network, name, seen.array, settings)
        whole = aggregate_slices(rows, settings.slices, seed=settings.seed)
        features[region], used[region], shown[region] = whole.features, whole.used, seen
    progress(1.0, "deep features done")
    return DeepFeatures(features, shown, used, reasons)


def check_input(name: str, settings: DeepFeatureSettings) -> None:
    """Refuse slices for a network of volumes and the other way round, and features that it does not have.

    Raises:
        InputError: in one line.
    """
    spec = network_spec(name)
    given = settings.input.spatial_dims
    if spec.spatial_dims != given:
        kind = "box_3d" if spec.spatial_dims == 3 else "a two-dimensional kind such as resized_slice"
        raise InputError(
            f"network {name!r} takes {spec.spatial_dims}D input, the settings show {given}D; choose {kind}"
        )
    if spec.output_layer is None and settings.source is not FeatureSource.LAYER:
        raise InputError(f"network {name!r} segments: it has no {settings.source_name} features; read a layer")


def array_features(
    network: nn.Module, name: str, array: np.ndarray, settings: DeepFeatureSettings = DEFAULT_SETTINGS
) -> np.ndarray:
    """Compute features of tensors, batch by batch.

    Args:
        network, name, settings: as in :func:`deep_features`.
        array: float32, (n, C, H, W) or (n, C, D, H, W).

    Returns:
        (n, features), float64.

    Raises:
        ModelError: no such layer, or a feature that is not finite.
    """
    torch = require_torch()
    read = _READERS[FeatureSource(settings.source)]
    if image_part(network) is not network:
        network, read = image_part(network), _reader_of_backbone(settings)
    device = _device_of(network)
    batches = []
    with evaluating(network), memory_errors_explained(settings.batch_size):
        for start in range(0, len(array), settings.batch_size):
            batch = torch.from_numpy(np.ascontiguousarray(array[start : start + settings.batch_size], np.float32))
            batches.append(read(network, name, batch.to(device), settings).double().cpu().numpy())
    rows = np.concatenate(batches)
    if not np.isfinite(rows).all():
        raise ModelError(f"network {name!r} gives features that are not finite; check its weights")
    return rows


def image_part(network: nn.Module) -> nn.Module:
    """Return the part of a network that sees the image: the backbone of a RadScore network, else all of it."""
    return network.backbone if hasattr(network, "penultimate") else network  # type: ignore[return-value]


def _reader_of_backbone(settings: DeepFeatureSettings) -> Reader:
    """In a RadScore network the backbone's outputs are the deep features; RadScores enter after them."""
    if settings.source is FeatureSource.LAYER:
        return _of_layer
    if settings.source is FeatureSource.PENULTIMATE:
        return _output
    raise InputError(
        f"the {settings.source_name} of this network needs RadScores beside the image; read 'penultimate' features"
    )


def _of_layer(network: nn.Module, name: str, batch: torch.Tensor, settings: DeepFeatureSettings) -> torch.Tensor:
    with recorded_output(network, settings.layer or network_spec(name).feature_layer) as outputs:
        network(batch)
    if not outputs:
        raise ModelError(f"layer {settings.layer!r} takes no part in the network's forward pass; name another")
    # A layer that is used several times, such as an activation, speaks last at the end of the network.
    return _pooled(outputs[-1], settings)


def _pooled(values: torch.Tensor, settings: DeepFeatureSettings) -> torch.Tensor:
    flat = values.float().flatten(2) if values.ndim > 2 else values.float().unsqueeze(2)
    return flat.amax(dim=2) if settings.pooling is Pooling.MAXIMUM else flat.mean(dim=2)


def _penultimate(network: nn.Module, name: str, batch: torch.Tensor, settings: DeepFeatureSettings) -> torch.Tensor:
    output_layer = network_spec(name).output_layer
    assert output_layer is not None  # refused by check_input
    entered: list[torch.Tensor] = []
    handle = layer_of(network, output_layer).register_forward_pre_hook(lambda _module, given: entered.append(given[0]))
    try:
        network(batch)
    finally:
        handle.remove()
    return entered[-1].float().flatten(1)


def _output(network: nn.Module, name: str, batch: torch.Tensor, settings: DeepFeatureSettings) -> torch.Tensor:
    return network(batch).float()


def _probability(network: nn.Module, name: str, batch: torch.Tensor, settings: DeepFeatureSettings) -> torch.Tensor:
    return network(batch).double().sigmoid()


_READERS: dict[FeatureSource, Reader] = {
    FeatureSource.LAYER: _of_layer,
    FeatureSource.PENULTIMATE: _penultimate,
    FeatureSource.PROBABILITY: _probability,
    FeatureSource.OUTPUT: _output,
}


def _device_of(network: nn.Module) -> torch.device:
    return next(network.parameters()).device
