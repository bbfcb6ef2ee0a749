"""How fast the native engine is, against pyradiomics, in one run, with the same values.

    python Testing/benchmarks/bench_engine.py [--data DATA] [--chart docs/pictures/engine_time.png]

DATA is the folder that holds ``sts`` (see Testing/conftest.py); without it only the synthetic part runs.
Prints one line a figure.
"""

from __future__ import annotations

import argparse
import logging
import os
import resource
import subprocess
import sys
import time
import warnings
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PeritumoralRadiomics"), str(ROOT / "Testing" / "tools")]

from real_cases import read_case, tumour_and_rings  # noqa: E402

from PeritumoralRadiomicsLib.engines.native_engine import NativeEngine  # noqa: E402
from RadiomicsCoreLib.images.geometry import crop, mask_box, union_box  # noqa: E402

CLASSES = dict.fromkeys(("shape", "firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm"))
LIU_2025 = {"Original": {}, "Wavelet": {}, "LoG": {"sigma": [1.0, 2.0, 3.0, 4.0, 5.0]}}
SETTING = {"binWidth": 25}
RINGS, MARGIN = (3, 6, 9), 16
"""Outer distances in mm; voxels kept around the largest ring."""


def pyradiomics(image, masks, image_types=LIU_2025, hashes=False):
    """One execute a region, as a user would call it; ``hashes``: with pyradiomics' default provenance."""
    import radiomics

    logging.getLogger("radiomics").setLevel(logging.CRITICAL + 1)
    extractor = radiomics.featureextractor.RadiomicsFeatureExtractor(additionalInfo=hashes, **SETTING)
    extractor.disableAllImageTypes()
    extractor.disableAllFeatures()
    for name, own in image_types.items():
        extractor.enableImageTypeByName(name, customArgs=dict(own))
    extractor.enableFeaturesByName(**{name: [] for name in CLASSES})
    found = {}
    with warnings.catch_warnings():
        # Means over empty directions are part of pyradiomics' definition.
        warnings.simplefilter("ignore")
        for name, mask in masks.items():
            values = extractor.execute(image, mask)
            found[name] = {key: float(value) for key, value in values.items() if not key.startswith("diagnostics")}
    return found


def native(image, masks, image_types=LIU_2025, threads=2):
    engine = NativeEngine()
    found = {name: engine.shape_features(mask, CLASSES, SETTING) for name, mask in masks.items()}
    # As in an extraction: of the filtered images only what the regions read is made.
    read = union_box(mask_box(mask) for mask in masks.values())
    cut = {name: crop(mask, read) for name, mask in masks.items()}
    filtered = engine.filtered_images(image, image_types, SETTING, read)
    for name, values in engine.features_of_regions(filtered, cut, CLASSES, threads=threads).items():
        found[name].update(values)
    return found


def timed(function, *arguments, **options):
    start = time.perf_counter()
    result = function(*arguments, **options)
    return time.perf_counter() - start, result


def largest_difference(ours, theirs):
    worst = 0.0
    for name, values in theirs.items():
        for feature, expected in values.items():
            if np.isfinite(expected):
                worst = max(worst, abs(ours[name][feature] - expected) / max(abs(expected), 1e-12))
    return worst


def sarcoma(data, patient, spacing=1.0):
    image, mask = read_case(data, f"{patient}-CT")
    image = sitk.Cast(image, sitk.sitkFloat64)
    size = [round(n * s / spacing) for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    grid = sitk.Image(size, sitk.sitkFloat64)
    grid.SetSpacing([spacing] * 3)
    grid.SetOrigin(image.GetOrigin())
    grid.SetDirection(image.GetDirection())
    smooth = sitk.Resample(image, grid, sitk.Transform(), sitk.sitkBSpline)
    resampled = sitk.Resample(mask, grid, sitk.Transform(), sitk.sitkNearestNeighbor)
    return tumour_and_rings(smooth, resampled, RINGS, MARGIN)


def ball(radius, margin=26):
    """A textured image with a ball of so many voxels' radius."""
    size = 2 * (radius + margin) + 1
    noise = np.random.default_rng(1).normal(0, 300, (size, size, size))
    image = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(noise), 1.5)
    axis = np.arange(size) - radius - margin
    inside = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 <= radius**2
    mask = sitk.GetImageFromArray(inside.astype(np.uint8))
    return sitk.Cast(image, sitk.sitkFloat64), mask


def patients(data, names):
    warm = tumour_and_rings(*ball(6), RINGS, MARGIN)
    native(*warm, threads=2)  # imports are not part of the time, of neither engine
    pyradiomics(*warm)
    for name in names:
        image, masks = sarcoma(data, name)
        voxels = sum(int(sitk.GetArrayViewFromImage(mask).sum()) for mask in masks.values())
        two, ours = timed(native, image, masks, threads=2)
        one, _ = timed(native, image, masks, threads=1)
        slow, theirs = timed(pyradiomics, image, masks)
        hashed, _ = timed(pyradiomics, image, masks, hashes=True)
        worst = largest_difference(ours, theirs)
        print(
            f"{name} CT at 1 mm, tumour + rings 3/6/9, 4 x 1316 features, {voxels} voxels: native {two:.2f} s "
            f"(one thread {one:.2f} s), pyradiomics {slow:.2f} s (with its default hashes {hashed:.2f} s): "
            f"ratio {slow / two:.1f} (one thread {slow / one:.1f}, with hashes {hashed / two:.1f}); "
            f"largest relative difference {worst:.1e}",
            flush=True,
        )


def memory():
    """Peak memory of the engine on a tumour of 100 mm at 1 mm with three rings, in a process of its own."""
    command = [sys.executable, __file__, "--only-memory"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    print(done.stdout.strip(), flush=True)


def only_memory():
    image, masks = tumour_and_rings(*ball(50, margin=26), RINGS, MARGIN)
    seconds, _ = timed(native, image, masks, threads=2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"ball of 101 mm at 1 mm, tumour + rings 3/6/9, 4 x 1316 features: {seconds:.1f} s, peak {peak:.2f} GB")


def shortest(function, *arguments, **options):
    """Seconds of the quickest of three calls: what others do on the machine only ever adds."""
    return min(timed(function, *arguments, **options)[0] for _ in range(3))


def chart(target):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    original = {"Original": {}}
    sizes: list[tuple[int, float, float]] = []
    for radius in (5, 10, 15, 20, 30, 40):
        image, mask = ball(radius)
        masks = {"ball": mask}
        native(image, masks, original)
        ours = shortest(native, image, masks, original, threads=1)
        theirs = shortest(pyradiomics, image, masks, original)
        sizes.append((int(sitk.GetArrayViewFromImage(mask).sum()), ours, theirs))
        print(
            f"region of {sizes[-1][0]} voxels, 107 features: native {ours:.3f} s, pyradiomics {theirs:.3f} s",
            flush=True,
        )
    image, mask = ball(12)
    _, rings = tumour_and_rings(image, mask, tuple(range(2, 9)), MARGIN)
    image, _ = tumour_and_rings(image, mask, tuple(range(2, 9)), MARGIN)
    regions: list[tuple[int, float, float]] = []
    for number in (1, 2, 4, 6, 8):
        masks = dict(list(rings.items())[:number])
        ours = shortest(native, image, masks, threads=2)
        theirs = shortest(pyradiomics, image, masks)
        regions.append((number, ours, theirs))
        print(f"{number} regions, 1316 features each: native {ours:.2f} s, pyradiomics {theirs:.2f} s", flush=True)
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for axes, rows, label in (
        (left, sizes, "voxels in the region (107 features, one thread)"),
        (right, regions, "regions on one image (1316 features each, two threads)"),
    ):
        x, ours, theirs = zip(*rows, strict=True)
        axes.plot(x, theirs, "s--", color="0.45", label="pyradiomics, one execute a region")
        axes.plot(x, ours, "o-", color="tab:blue", label="native")
        axes.set(xlabel=label, ylabel="seconds")
        axes.grid(alpha=0.3)
    times = [seconds for row in sizes for seconds in row[1:]]
    left.set(xscale="log", yscale="log", ylim=(min(times) / 1.6, max(times) * 1.6))
    right.set(ylim=(0, None))
    left.legend(frameon=False)
    figure.suptitle("Time of the native engine and of pyradiomics in the same run, the shortest of three each")
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=os.environ.get("PERITUMORAL_SHARED_DATA"))
    parser.add_argument("--patients", default="STS_002,STS_008")
    parser.add_argument("--chart", type=Path)
    parser.add_argument("--only-memory", action="store_true")
    options = parser.parse_args()
    if options.only_memory:
        only_memory()
        return
    if options.data is None:
        print("no --data: the patients are left out")
    else:
        patients(Path(options.data), options.patients.split(","))
    memory()
    if options.chart is not None:
        chart(options.chart)


if __name__ == "__main__":
    main()
