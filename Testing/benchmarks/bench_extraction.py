"""Four regions of LUNG1-001, 1316 features each: one extract_features against four pyradiomics executes.

    python Testing/benchmarks/bench_extraction.py [--engine native|pyradiomics] [--case lung1_001|lung2] [--threads 2]

The naive executes are what a user of pyradiomics does: default settings, each one normalising and resampling.
Equality is shown against executes on the same preprocessed image. Needs the real patients' images
(PERITUMORAL_SHARED_DATA, default ../shared/data) and pyradiomics.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as in the workers of a cohort run

import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "PeritumoralRadiomics"))

from PeritumoralRadiomicsLib.engines.choice import engine_names, get_engine  # noqa: E402
from PeritumoralRadiomicsLib.engines.extraction import extract_features  # noqa: E402
from PeritumoralRadiomicsLib.preprocessing.pipeline import preprocess  # noqa: E402
from PeritumoralRadiomicsLib.regions.growing import grow_regions  # noqa: E402
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings  # noqa: E402
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings  # noqa: E402
from PeritumoralRadiomicsLib.settings.presets import preset  # noqa: E402
from RadiomicsCoreLib.images.masks import read_mask  # noqa: E402
from RadiomicsCoreLib.images.reading import read_image  # noqa: E402

DATA = Path(os.environ.get("PERITUMORAL_SHARED_DATA", ROOT.parent / "shared" / "data"))
NAMES = ("intratumour", "ring_0_3mm", "ring_0_6mm", "ring_0_9mm")
DONE_BEFORE = ("normalize", "normalizeScale", "resampledPixelSpacing")


def main() -> None:
    """Print one line a figure."""
    arguments = _arguments()
    if arguments.memory_only:
        image, regions = _case(arguments.case)
        extract_features(image, regions, preset("liu2025"), engine=arguments.engine, threads=arguments.threads)
        print(_own_peak_megabytes())
        return
    warnings.simplefilter("ignore")  # pyradiomics' own numerical warnings
    image, regions = _case(arguments.case)
    settings = preset("liu2025")
    get_engine(arguments.engine)  # imports are not part of the time
    print(f"load of the machine at the start: {os.getloadavg()[0]:.1f}")
    print(f"case: {arguments.case}, {' x '.join(map(str, image.GetSize()))} voxels, {len(regions)} regions")
    print(f"engine: {arguments.engine}, features a region: {settings.feature_count}")
    with _Stopwatch() as ours:
        result = extract_features(image, regions, settings, engine=arguments.engine, threads=arguments.threads)
    stages = ", ".join(f"{stage} {seconds:.1f}" for stage, seconds in result.timings.items())
    print(f"one extract_features, {arguments.threads} threads: {ours} ({stages})")
    whole = {name: _on_whole_grid(mask, image) for name, mask in regions.items()}
    naive, _ = _executes(settings, {name: (image, mask) for name, mask in whole.items()}, naive=True)
    print(f"four naive pyradiomics executes: {naive}")
    print(f"ratio to naive executes: wall {naive.wall / ours.wall:.1f}, CPU {naive.cpu / ours.cpu:.1f}")
    case = preprocess(image, regions, settings)
    assert case.image is not None
    same, theirs = _executes(settings, {name: (case.image, mask) for name, mask in case.masks.items()})
    print(f"four executes on the preprocessed image: {same}")
    print(f"ratio to these: wall {same.wall / ours.wall:.1f}, CPU {same.cpu / ours.cpu:.1f}")
    _compare(result.features, theirs)
    print(f"peak memory of one extract_features, image reading included: {_peak_megabytes(arguments):.0f} MB")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=engine_names(), default="native")
    parser.add_argument("--case", choices=("lung1_001", "lung2"), default="lung1_001")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--memory-only", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _case(name: str) -> tuple[sitk.Image, dict[str, sitk.Image]]:
    if name == "lung1_001":
        folder = DATA / "lung1_001" / "LUNG1-001"
        image = read_image(folder / "image")
        tumour = read_mask(folder / "mask_rtstruct", reference=image, roi="GTV-1")
    else:
        image = read_image(DATA / "pyradiomics_cases" / "lung2_image.nrrd")
        tumour = read_mask(DATA / "pyradiomics_cases" / "lung2_label.nrrd", reference=image)
    grown = grow_regions(tumour, RingSettings(outer_mm=(3, 6, 9)))
    return image, {name: grown.regions[name].mask for name in NAMES}


def _on_whole_grid(mask: sitk.Image, image: sitk.Image) -> sitk.Image:
    """Return a mask on the image's grid, as pyradiomics wants it."""
    return sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)


class _Stopwatch:
    """Wall and CPU seconds of a with block. CPU seconds tell more on a machine that others use too."""

    def __enter__(self) -> _Stopwatch:
        self._start = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall, self.cpu = time.perf_counter() - self._start[0], time.process_time() - self._start[1]

    def __str__(self) -> str:
        return f"{self.wall:.1f} s wall, {self.cpu:.1f} s CPU"


def _executes(
    settings: ExtractionSettings, pairs: dict[str, tuple[sitk.Image, sitk.Image]], *, naive: bool = False
) -> tuple[_Stopwatch, dict[str, dict[str, float]]]:
    """Return the time of one execute for each region, and their features."""
    import radiomics
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    radiomics.setVerbosity(60)

    setting: dict[str, Any] = dict(settings.setting)
    if not naive:
        setting = {name: value for name, value in setting.items() if name not in DONE_BEFORE}
        setting["additionalInfo"] = False
    extractor = RadiomicsFeatureExtractor(
        {
            "imageType": {name: dict(options) for name, options in settings.image_types.items()},
            "featureClass": {name: [] for name in settings.feature_classes},
            "setting": setting,
        }
    )
    with _Stopwatch() as taken:
        found = {name: extractor.execute(image, mask) for name, (image, mask) in pairs.items()}
    if naive:
        return taken, {}
    return taken, {name: {key: float(v) for key, v in row.items()} for name, row in found.items()}


def _compare(ours: dict[str, dict[str, float]], theirs: dict[str, dict[str, float]]) -> None:
    pairs = [(ours[region][name], value) for region, row in theirs.items() for name, value in row.items()]
    equal = sum(a == b for a, b in pairs)
    worst = max(abs(a - b) / max(abs(b), 1e-12) for a, b in pairs)
    print(f"bit-equal to executes on the preprocessed image: {equal} of {len(pairs)} values")
    print(f"largest relative difference: {worst:.1e}")


def _own_peak_megabytes() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux ru_maxrss begins with the peak of the process that started this one.
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    import resource

    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def _peak_megabytes(arguments: argparse.Namespace) -> float:
    command = [sys.executable, __file__, "--memory-only", "--engine", arguments.engine, "--case", arguments.case]
    command += ["--threads", str(arguments.threads)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
