"""Names and shapes of the parameters in the published ImageNet weights, from torchvision's own classes.

Run in an environment of its own: ``pip install torch torchvision && python make_reference.py``. It writes
``reference.json`` beside itself: for each network the name of the published file, the number of parameters that
torchvision states for it, and the shape of everything that the file holds, by name. Nothing is fetched: the shapes are
those of the classes into which torchvision loads its files, strictly.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
import torchvision
from torchvision.models import get_model, get_model_weights

FILES = {
    "resnet18": "IMAGENET1K_V1",
    "resnet50": "IMAGENET1K_V1",
    "resnet101": "IMAGENET1K_V1",
    "densenet121": "IMAGENET1K_V1",
    "vgg19": "IMAGENET1K_V1",
    "inception_v3": "IMAGENET1K_V1",
}


def main() -> None:
    """Write the reference."""
    networks = {}
    for name, version in FILES.items():
        weights = get_model_weights(name)[version]
        slow_start = {} if name.startswith(("resnet", "densenet")) else {"init_weights": False}
        with torch.device("meta"):
            network = get_model(name, weights=None, **slow_start)
        networks[name] = {
            "file": weights.url.rsplit("/", 1)[1],
            "published_parameters": weights.meta["num_params"],
            "shapes": {key: list(value.shape) for key, value in network.state_dict().items()},
        }
    versions = {"torch": torch.__version__, "torchvision": torchvision.__version__}
    text = json.dumps({"versions": versions, "networks": networks}, separators=(",", ":"))
    text = text.replace('},"', '},\n"').replace('],"', '],\n"')
    Path(__file__).with_name("reference.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
