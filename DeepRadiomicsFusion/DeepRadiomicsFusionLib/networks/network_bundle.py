"""The bundle of a trained network: ``model.json`` that a person can read, and weights as safetensors. No code.

Loading reads JSON and plain tensors and checks every part, so a bundle from a stranger can do no harm. A bundle says
on which phase, region and preprocessing its network was trained, and refuses others.
"""

from __future__ import annotations

import hashlib
import math
import os
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError, RadiomicsError
from RadiomicsCoreLib.files.bundle_files import MODEL_FILE, BundleFiles, check_hash
from RadiomicsCoreLib.files.tables import write_json

from ..settings.input_settings import NetworkInput
from ..settings.training_settings import Task
from .catalogue import build_network, network_spec, require_torch
from .rad_score_network import build_rad_score_network
from .unet import PAPER_WIDTH, build_unet

if TYPE_CHECKING:
    import torch
    from torch import nn

FORMAT = "peritumoral network model"
VERSION = 1
WEIGHTS_FILE = "network.safetensors"
LARGEST_MODEL_MB, LARGEST_WEIGHTS_MB = 20, 4000
_MOST_OUTPUTS = 1000


@dataclass(frozen=True)
class Architecture:
    """How a network is built again before its weights go in.

    Attributes:
        network: name in the registry.
        in_channels, out_features: 1 to 1000.
        scores: RadScores that enter before the last layer; None: the plain network.
        deep_features: of the penultimate layer, where RadScores enter.
        width: channels of a U-Net's first level; None: the paper's.

    Raises:
        InputError: an unknown network, or a number that cannot be used.
    """

    network: str
    in_channels: int = 1
    out_features: int = 1
    scores: int | None = None
    deep_features: int = 10
    width: int | None = None

    def __post_init__(self) -> None:
        network_spec(self.network)
        for name in ("in_channels", "out_features", "scores", "deep_features", "width"):
            value = getattr(self, name)
            lowest = 0 if name == "scores" else 1
            if value is None and name in ("scores", "width"):
                continue
            if not isinstance(value, int) or isinstance(value, bool) or not lowest <= value <= _MOST_OUTPUTS:
                raise InputError(f"{name} is {value!r}; give a whole number from {lowest} to {_MOST_OUTPUTS}")

    def build(self, *, imagenet: bool = False, seed: int = 0) -> nn.Module:
        """Build the network with random weights, or ImageNet's except for the last layers."""
        from .weights import load_imagenet

        if self.scores is not None:
            return build_rad_score_network(
                self.network,
                scores=self.scores,
                out_features=self.out_features,
                deep_features=self.deep_features,
                in_channels=self.in_channels,
                imagenet=imagenet,
                seed=seed,
            )
        if self.network == "unet":
            width = self.width or PAPER_WIDTH
            network = build_unet(width, in_channels=self.in_channels, labels=self.out_features, seed=seed)
        else:
            network = build_network(
                self.network, in_channels=self.in_channels, out_features=self.out_features, seed=seed
            )
        if imagenet:
            load_imagenet(network, self.network)
        return network


@dataclass(frozen=True)
class NetworkBundle:
    """A trained network with all that applying it to new patients needs.

    Attributes:
        architecture: how it is built.
        network: with its weights, on the CPU, in evaluation mode.
        task: what it was trained for.
        outputs: name of each output: endpoints, ``risk``, or the labels of a mask.
        phase: phase of the cohort that it sees.
        input: what it sees of which region.
        rings: how the region is grown.
        score_names: columns of the RadScores that it takes beside the image, in order.
        thresholds: output to the probability (or risk) from which a patient counts as positive, fixed in training.
        training: settings and losses, plain values.
        provenance: versions, time, hash of the training data; plain values.
    """

    architecture: Architecture
    network: nn.Module
    task: Task
    outputs: tuple[str, ...]
    phase: str
    input: NetworkInput
    rings: RingSettings = field(default_factory=RingSettings)
    score_names: tuple[str, ...] = ()
    thresholds: Mapping[str, float] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)

    @property
    def region(self) -> str:
        """Region that the network sees."""
        return self.input.region

    def to_dict(self) -> dict[str, object]:
        """Plain values as they stand in ``model.json``, without the weights."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "architecture": asdict(self.architecture),
            "task": self.task.value,
            "outputs": list(self.outputs),
            "phases": [self.phase],
            "regions": [self.region],
            "input": self.input.to_dict(),
            "rings": asdict(self.rings),
            "score_names": list(self.score_names),
            "thresholds": dict(self.thresholds),
            "training": dict(self.training),
            "provenance": dict(self.provenance),
        }

    def output_index(self, name: str | None) -> int:
        """Return the place of an output; None: the first.

        Raises:
            ModelError: no such output.
        """
        if name is None:
            return 0
        if name not in self.outputs:
            raise ModelError(f"the network has no output {name!r}; it has {', '.join(self.outputs)}")
        return self.outputs.index(name)


def check_fits(
    bundle: NetworkBundle,
    *,
    phase: str | None = None,
    region: str | None = None,
    settings: NetworkInput | None = None,
    rings: RingSettings | None = None,
) -> None:
    """Refuse data that the network was not trained on.

    Args:
        bundle: the model.
        phase, region, settings, rings: of the data; None: as the bundle says.

    Raises:
        ModelError: one line with the first difference.
    """
    if phase is not None and phase != bundle.phase:
        raise ModelError(f"the model was trained on phase {bundle.phase!r}, not {phase!r}; apply it to that phase")
    if region is not None and region != bundle.region:
        raise ModelError(f"the model was trained on region {bundle.region!r}, not {region!r}; apply it to that region")
    for what, own, other in (("input", bundle.input, settings), ("rings", bundle.rings, rings)):
        if other is None:
            continue
        for item in fields(own):
            left, right = getattr(own, item.name), getattr(other, item.name)
            if left != right:
                raise ModelError(
                    f"the model was trained with {what} setting {item.name} = {_plain(left)}, not {_plain(right)}; "
                    "use the model's own settings"
                )


def save_network_bundle(bundle: NetworkBundle, folder: Path | str) -> Path:
    """Write ``network.safetensors`` and then ``model.json`` with its hash; return the path of ``model.json``.

    Raises:
        InputError: the folder cannot be written.
        DependencyError: safetensors is not installed.
    """
    folder = Path(folder)
    content = _safetensors().save(
        {name: value.detach().cpu().clone().contiguous() for name, value in bundle.network.state_dict().items()}
    )
    partial = folder / f".{uuid.uuid4().hex[:12]}.partial"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(content)
        os.replace(partial, folder / WEIGHTS_FILE)
    except OSError as error:
        raise InputError(f"model folder {str(folder)!r} cannot be written: {error.strerror}; choose another") from None
    finally:
        with suppress(OSError):  # its folder may not even be there
            partial.unlink(missing_ok=True)
    weights = {"file": WEIGHTS_FILE, "sha256": hashlib.sha256(content).hexdigest()}
    write_json(folder / MODEL_FILE, bundle.to_dict() | {"weights": weights})
    return folder / MODEL_FILE


def load_network_bundle(path: Path | str) -> NetworkBundle:
    """Read a bundle; nothing in it is ever run.

    Args:
        path: the folder, its ``model.json``, or a zip of the folder.

    Raises:
        ModelError: one line that says what is missing, torn, of another format, or does not fit.
    """
    path = Path(path)
    try:
        files = BundleFiles(path, (WEIGHTS_FILE,))
        record = files.record(FORMAT, VERSION, "train", LARGEST_MODEL_MB)
        return _from_dict(record, files.read(WEIGHTS_FILE, LARGEST_WEIGHTS_MB))
    except RadiomicsError as error:
        if isinstance(error, DependencyError):
            raise
        raise ModelError(f"model {path.name or str(path)!r}: {error}") from None


def refuse_torn(path: Path | str) -> None:
    """Refuse what is neither a folder nor a sound zip, before anybody asks of which kind it is.

    Raises:
        ModelError: one line.
    """
    try:
        BundleFiles(path, (WEIGHTS_FILE,))
    except ModelError as error:
        raise ModelError(f"model {Path(path).name or str(path)!r}: {error}") from None


def is_network_bundle(path: Path | str) -> bool:
    """Whether a path looks like a bundle of this kind: a folder or zip with both files."""
    try:
        return BundleFiles(path, (WEIGHTS_FILE,)).holds(MODEL_FILE, WEIGHTS_FILE)
    except ModelError:  # whoever reads it next says so
        return False


def bundle_phase(path: Path | str) -> str:
    """Return the phase that a bundle's network sees, without reading its weights.

    Raises:
        ModelError: the bundle cannot be read.
    """
    phases = BundleFiles(path, (WEIGHTS_FILE,)).record(FORMAT, VERSION, "train", LARGEST_MODEL_MB).get("phases")
    return _only(_texts(phases), "phases")


# --- reading ---


def _from_dict(record: Mapping[str, Any], weights: bytes) -> NetworkBundle:
    try:
        check_hash(WEIGHTS_FILE, weights, record["weights"]["sha256"])
        architecture = Architecture(**record["architecture"])
        bundle = NetworkBundle(
            architecture,
            _loaded(architecture, weights),
            Task(record["task"]),
            _texts(record["outputs"]),
            _only(_texts(record["phases"]), "phases"),
            NetworkInput.from_dict(record["input"]),
            RingSettings(**record["rings"]),
            _texts(record["score_names"]),
            {str(name): float(value) for name, value in record["thresholds"].items()},
            dict(record["training"]),
            dict(record["provenance"]),
        )
        regions = _texts(record["regions"])
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f"a part is missing or has the wrong form ({type(error).__name__}: {error})") from None
    _check_whole(bundle, regions)
    return bundle


def _check_whole(bundle: NetworkBundle, regions: tuple[str, ...]) -> None:
    """Parts that are sound each by themselves must belong together."""
    architecture = bundle.architecture
    if regions != (bundle.region,):
        raise ModelError(f"regions are {list(regions)}, the input shows {bundle.region!r}; they must agree")
    if len(bundle.outputs) != architecture.out_features:
        raise ModelError(f"{len(bundle.outputs)} outputs are named, the network has {architecture.out_features}")
    if len(bundle.score_names) != (architecture.scores or 0):
        raise ModelError(f"{len(bundle.score_names)} RadScores are named, the network takes {architecture.scores or 0}")
    if network_spec(architecture.network).spatial_dims != bundle.input.spatial_dims:
        raise ModelError(f"network {architecture.network!r} cannot see a {bundle.input.spatial_dims}D input")
    for name, value in bundle.thresholds.items():
        if name not in bundle.outputs or not math.isfinite(value):
            raise ModelError(f"the threshold of {name!r} is {value:g}; a finite number of one of its outputs is needed")


def _loaded(architecture: Architecture, content: bytes) -> nn.Module:
    torch = require_torch()
    reader = _safetensors()
    try:
        state = reader.load(content)
    except Exception as error:  # the reader has errors of its own, not exported, for a torn or hostile file
        raise ModelError(f"{WEIGHTS_FILE} holds no plain tensors ({type(error).__name__}); it was not run") from None
    if not all(bool(torch.isfinite(value).all()) for value in state.values()):
        raise ModelError(f"{WEIGHTS_FILE} holds a weight that is not finite; train the network again")
    # On no device first: a stranger's numbers may ask for a network that no memory holds.
    with torch.device("meta"):
        _check_state(architecture.network, architecture.build(), state)
    network = architecture.build()
    network.load_state_dict(state)
    return network.eval()


def _check_state(name: str, network: nn.Module, state: Mapping[str, torch.Tensor]) -> None:
    wanted = network.state_dict()
    missing = sorted(set(wanted) - set(state))
    extra = sorted(set(state) - set(wanted))
    if missing or extra:
        what = f"lacks {missing[0]!r}" if missing else f"holds {extra[0]!r} that has no place"
        raise ModelError(f"{WEIGHTS_FILE} {what}: it belongs to another network than {name!r}")
    for key, value in wanted.items():
        if state[key].shape != value.shape:
            raise ModelError(
                f"{key!r} has shape {tuple(state[key].shape)} in {WEIGHTS_FILE} and {tuple(value.shape)} in {name!r}: "
                "the weights belong to another network"
            )


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ModelError(f"{values!r} is no list of names")
    return tuple(values)


def _only(values: tuple[str, ...], what: str) -> str:
    if len(values) != 1:
        raise ModelError(f"{what} are {list(values)}; a network has one")
    return values[0]


def _safetensors() -> ModuleType:
    try:
        from safetensors import torch as reader
    except ImportError:
        raise DependencyError("network bundles need a package: run 'pip install safetensors'") from None
    return reader


def _plain(value: object) -> object:
    return getattr(value, "value", value)
