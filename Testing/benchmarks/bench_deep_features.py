"""Deep features of 34 patients with soft-tissue sarcoma on two cores, loading included; the bare network beside them.

Run: ``python Testing/benchmarks/bench_deep_features.py [COHORT.csv]``. The cohort of real patients is found as the
tests find it (``PERITUMORAL_SHARED_DATA``). CT, efficientnet_lite0 with its ImageNet weights, tumour and a ring of
3 mm. Then the time of 3D-SE-ResNet on 64-cubed inputs and of ResNet-50 at 224 through our feature reader against the
bare network in torch. Prints one line a figure and ends with exit code 1 if a figure misses its bound.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for module in ("PeritumoralRadiomics", "DeepRadiomicsFusion"):
    sys.path.insert(0, str(ROOT / module))
os.environ["PYTHONPATH"] = os.pathsep.join([*sys.path[:2], os.environ.get("PYTHONPATH", "")])  # for the workers

import numpy as np  # noqa: E402

from DeepRadiomicsFusionLib.deep_features.computing import array_features  # noqa: E402
from DeepRadiomicsFusionLib.jobs.deep_features import DeepFeaturesJob  # noqa: E402
from DeepRadiomicsFusionLib.networks.catalogue import build_network  # noqa: E402

CORES = 2
SECONDS_ALLOWED = 180.0
RATIO_ALLOWED = 1.5
REGIONS = ("intratumour", "ring_0_3mm")


def cohort_path() -> Path:
    if len(sys.argv) > 1:
        return Path(sys.argv[1])
    return Path(os.environ.get("PERITUMORAL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "sts" / "cohort.csv"


def cohort_seconds(cohort: Path) -> tuple[int, float]:
    """Patients done, and the time from the call to the written table."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        job = DeepFeaturesJob(cohort=cohort, regions=REGIONS, phases=("ct",), pictures=False, workers=CORES)
        done = job.run(folder)
        return len(done.cases) - len(done.failed_cases), time.perf_counter() - started


def ratio_to_bare_network(name: str, shape: tuple[int, ...]) -> tuple[float, float]:
    """Seconds of the bare network, and how many times that our feature reader takes; the shortest of some repeats."""
    import torch

    network = build_network(name, seed=0).eval()
    array = np.random.default_rng(0).normal(size=shape).astype(np.float32)

    def bare() -> None:
        with torch.inference_mode():
            network(torch.from_numpy(array))

    def ours() -> None:
        array_features(network, name, array)

    times: dict[Callable[[], None], list[float]] = {bare: [], ours: []}
    for _ in range(7):  # in turn, so that a busy machine slows both
        for work, seconds in times.items():
            seconds.append(timed(work))
    best = {work: min(seconds) for work, seconds in times.items()}
    return best[bare], best[ours] / best[bare]


def timed(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main() -> int:
    met = True
    for name, shape in (("se_resnet3d", (1, 1, 64, 64, 64)), ("resnet50", (1, 1, 224, 224))):
        seconds, ratio = ratio_to_bare_network(name, shape)
        met &= ratio <= RATIO_ALLOWED
        print(f"{name} {shape}: bare {seconds:.3f} s, deep features {ratio:.2f} times that (<= {RATIO_ALLOWED})")
    cohort = cohort_path()
    if not cohort.is_file():
        print(f"the real patients are not here: {cohort}; name the table of another cohort with a phase ct")
        return 1
    patients, seconds = cohort_seconds(cohort)
    met &= seconds < SECONDS_ALLOWED and patients > 0
    print(f"deep features of {patients} patients, CT, {len(REGIONS)} regions, {CORES} processes: {seconds:.0f} s")
    print(f"under {SECONDS_ALLOWED:.0f} s, at most {RATIO_ALLOWED} times the bare network: {'yes' if met else 'NO'}")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
