"""Inference through our path against the bare network in torch: 3D-SE-ResNet at 64 cubed, ResNet-50 at 224.

Run: ``python Testing/benchmarks/bench_networks.py``. Prints one line a figure and ends with exit code 1 if a
figure misses its bound. The two are timed in turn and the medians compared, because other programs share the
machine.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "PeritumoralRadiomics"))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "DeepRadiomicsFusion"))

from DeepRadiomicsFusionLib.networks.catalogue import build_network, network_spec
from DeepRadiomicsFusionLib.networks.prediction import predict

MOST_TIMES_BARE = 1.5
REPEATS = 7
CASES = 4


def bare(network: torch.nn.Module, images: list[np.ndarray]) -> None:
    """What anybody would write in torch."""
    with torch.no_grad():
        for image in images:
            network(torch.from_numpy(image[np.newaxis]))


def processor_seconds(work: Callable[[], object]) -> float:
    """Processor time of one call, which a busy machine inflates less than the clock's."""
    started = time.process_time()
    work()
    return time.process_time() - started


def compare(name: str) -> bool:
    """Time one network both ways, print the figures, and say whether the bound is kept."""
    spec = network_spec(name)
    network = build_network(name, seed=0).eval()
    shape = (1, *[spec.input_size] * spec.spatial_dims)
    images = list(np.random.default_rng(0).normal(size=(CASES, *shape)).astype(np.float32))
    ways = {
        "bare torch": lambda: bare(network, images),
        "our path": lambda: predict(network, images, batch_size=1, device="cpu"),
    }
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    for work in ways.values():
        work()
    for _ in range(REPEATS):
        for way, work in ways.items():
            seconds[way].append(processor_seconds(work) / CASES)
    median = {way: statistics.median(values) for way, values in seconds.items()}
    ratio = median["our path"] / median["bare torch"]
    what = f"{name} at {' x '.join(map(str, shape[1:]))}"
    for way, value in median.items():
        print(f"{what}, {way}: {1000 * value:.0f} ms a case")
    print(f"{what}, ratio: {ratio:.2f} (bound {MOST_TIMES_BARE})")
    return ratio <= MOST_TIMES_BARE


def main() -> int:
    torch.set_num_threads(1)
    kept = [compare(name) for name in ("se_resnet3d", "resnet50")]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
