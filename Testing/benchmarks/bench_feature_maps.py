"""How fast feature maps are, against pyradiomics' voxel-based extraction, in one run, with the same values.

    python Testing/benchmarks/bench_feature_maps.py [--bin-width 25]

The image is synthetic. Prints one line a figure.
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
from typing import NamedTuple

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "PeritumoralRadiomics"))

from PeritumoralRadiomicsLib.engines.native_engine import INTENSITY_FAMILIES  # noqa: E402
from PeritumoralRadiomicsLib.maps.feature_maps import estimate_seconds, feature_map, feature_maps  # noqa: E402

RADIUS = 2


def block(size):
    """A smooth random image and a block of voxels (i, j, k) in its middle.

    The standard deviation of 120 is that of lung tumours with their surroundings on CT, in HU.
    """
    shape = [n + 10 for n in size[::-1]]
    noise = np.random.default_rng(3).normal(0, 1, shape)
    smooth = sitk.Cast(sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(noise), 1.0), sitk.sitkFloat64)
    image = smooth * (120 / float(sitk.GetArrayViewFromImage(smooth).std()))
    inside = np.zeros(shape, dtype=np.uint8)
    inside[5:-5, 5:-5, 5:-5] = 1
    return image, sitk.GetImageFromArray(inside)


def pyradiomics_maps(image, mask, class_name, bin_width):
    import radiomics

    logging.getLogger("radiomics").setLevel(logging.CRITICAL + 1)
    extractor = radiomics.featureextractor.RadiomicsFeatureExtractor(
        additionalInfo=False, kernelRadius=RADIUS, initValue=float("nan"), binWidth=bin_width
    )
    extractor.disableAllImageTypes()
    extractor.disableAllFeatures()
    extractor.enableImageTypeByName("Original")
    extractor.enableFeaturesByName(**{class_name: []})
    with warnings.catch_warnings():
        # Means over empty directions are part of pyradiomics' definition.
        warnings.simplefilter("ignore")
        maps = extractor.execute(image, mask, voxelBased=True)
    return {name.removeprefix("original_"): values for name, values in maps.items() if name.startswith("original_")}


def largest_difference(ours, theirs, image):
    worst = 0.0
    for name, values in theirs.items():
        onto = sitk.Resample(values, image, sitk.Transform(), sitk.sitkNearestNeighbor, float("nan"))
        expected, got = sitk.GetArrayFromImage(onto), sitk.GetArrayFromImage(ours[name])
        both = np.isfinite(expected) & np.isfinite(got)
        worst = max(worst, float(np.max(np.abs(got - expected)[both] / np.maximum(np.abs(expected[both]), 1e-6))))
    return worst


class Seconds(NamedTuple):
    wall: float
    cpu: float

    def __str__(self):
        return f"{self.wall:.3f} s ({self.cpu:.3f} s CPU)"


def shortest(function, *arguments, **options):
    """Seconds of one call, of the quickest of five if it is quick (others only ever add to it), and its result."""
    found = []
    while not found or (len(found) < 5 and found[0].wall < 1):
        wall, cpu = time.perf_counter(), time.process_time()
        result = function(*arguments, **options)
        found.append(Seconds(time.perf_counter() - wall, time.process_time() - cpu))
    return Seconds(min(one.wall for one in found), min(one.cpu for one in found)), result


def against_pyradiomics(bin_width):
    image, mask = block((20, 20, 10))
    total_ours = total_theirs = 0.0
    for class_name in ("firstorder", "glszm", "glcm"):
        names = [f"{class_name}_{name}" for name in INTENSITY_FAMILIES[class_name].names()]
        feature_maps(image[:12, :12, :12], mask[:12, :12, :12], names, kernel_radius=RADIUS, settings={"binWidth": 25})
        options = {"kernel_radius": RADIUS, "settings": {"binWidth": bin_width}}
        native, ours = shortest(feature_maps, image, mask, names, **options)
        slow, theirs = shortest(pyradiomics_maps, image, mask, class_name, bin_width)
        total_ours, total_theirs = total_ours + native.wall, total_theirs + slow.wall
        print(
            f"maps of all {len(names)} {class_name} features, 20 x 20 x 10 voxels, radius 2, bin width {bin_width:g}: "
            f"native {native}, pyradiomics {slow}: "
            f"ratio {slow.wall / native.wall:.1f}, CPU {slow.cpu / native.cpu:.1f}; "
            f"largest relative difference {largest_difference(ours, theirs, image):.1e}",
            flush=True,
        )
    print(
        f"all three classes: native {total_ours:.2f} s, pyradiomics {total_theirs:.2f} s: "
        f"ratio {total_theirs / total_ours:.1f}",
        flush=True,
    )


def large(bin_width):
    """A map of one GLCM feature of 72 000 voxels, in a process of its own for its memory."""
    for name in ("glcm_Contrast", "glcm_JointEntropy", "glcm_MCC"):
        command = [sys.executable, __file__, "--large", name, "--bin-width", str(bin_width)]
        print(subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip(), flush=True)


def only_large(name, bin_width):
    image, mask = block((60, 60, 20))
    options = {"kernel_radius": RADIUS, "settings": {"binWidth": bin_width}}
    expected = estimate_seconds(image, mask, [name], **options)
    calls = []
    start = time.perf_counter()
    feature_map(image, mask, name, progress=lambda fraction, message: calls.append(fraction), **options)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"map of {name}, 60 x 60 x 20 voxels, radius 2: {seconds:.1f} s (estimated {expected:.1f} s), "
        f"peak {peak:.2f} GB, {len(calls)} progress calls"
    )


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin-width", type=float, default=25.0)
    parser.add_argument("--large")
    options = parser.parse_args()
    if options.large:
        only_large(options.large, options.bin_width)
        return
    large(options.bin_width)
    against_pyradiomics(options.bin_width)


if __name__ == "__main__":
    main()
