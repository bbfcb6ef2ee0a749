"""Peak memory of one worker: a CT of 512 x 512 x 400 voxels with a tumour of 100 mm, rings to 3, 6 and 9 mm.

Run: ``python Testing/benchmarks/bench_memory.py``. The whole case as a batch does it (reading, rings, features,
picture) in a process of its own; prints one line a figure and ends with exit code 1 if the bound is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PeritumoralRadiomics")]

from PeritumoralRadiomicsLib.jobs.cohort_extraction import ExtractionJob, extract_case  # noqa: E402
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings  # noqa: E402
from PeritumoralRadiomicsLib.settings.presets import preset  # noqa: E402
from RadiomicsCoreLib.cohort.table import read_cohort  # noqa: E402

SHAPE = (400, 512, 512)
SPACING_MM = (0.8, 0.8, 1.0)
DIAMETER_MM = 100.0
BOUND_GB = 1.5


def write_case(folder: Path) -> Path:
    """Write a noisy CT with a ball-shaped tumour, and the cohort table that names them."""
    rng = np.random.default_rng(1)
    centre = [n / 2 for n in SHAPE]
    image = np.empty(SHAPE, np.int16)
    mask = np.zeros(SHAPE, np.uint8)
    rows, columns = np.ogrid[: SHAPE[1], : SHAPE[2]]
    in_plane = ((rows - centre[1]) * SPACING_MM[1]) ** 2 + ((columns - centre[2]) * SPACING_MM[0]) ** 2
    for k in range(SHAPE[0]):
        image[k] = rng.normal(40, 25, SHAPE[1:])
        mask[k] = in_plane + ((k - centre[0]) * SPACING_MM[2]) ** 2 <= (DIAMETER_MM / 2) ** 2
    for name, array in (("ct", image), ("tumour", mask)):
        volume = sitk.GetImageFromArray(array)
        volume.SetSpacing(SPACING_MM)
        sitk.WriteImage(volume, str(folder / f"{name}.nii.gz"), useCompression=True)
    table = folder / "cohort.csv"
    table.write_text("case_id,ct_image,ct_mask\nbig,ct.nii.gz,tumour.nii.gz\n")
    return table


def worker(table: Path, preset_name: str, engine: str, threads: int, results: multiprocessing.Queue) -> None:
    """Do the case and report seconds and peak memory of this process."""
    job = ExtractionJob(RingSettings(outer_mm=(3, 6, 9), union=False), preset(preset_name), engine=engine)
    cohort = read_cohort(table)
    out = table.parent / "out"
    out.mkdir()
    started = time.perf_counter()
    done = extract_case(cohort.cases[0], cohort.phases, job, out, threads=threads)
    peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    results.put((time.perf_counter() - started, peak_kb / 2**20, done.failures))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", default="liu2025")
    parser.add_argument("--engine", default="native")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        table = write_case(Path(folder))
        context = multiprocessing.get_context("spawn")
        results: multiprocessing.Queue = context.Queue()
        process = context.Process(
            target=worker, args=(table, arguments.preset, arguments.engine, arguments.threads, results)
        )
        process.start()
        seconds, peak_gb, failures = results.get()
        process.join()
    print(
        f"case: 512 x 512 x 400 voxels, tumour of {DIAMETER_MM:.0f} mm, {arguments.preset}, {arguments.engine}, "
        f"{arguments.threads} threads"
    )
    print(f"time of the whole case: {seconds:.1f} s")
    print(f"peak memory of the worker: {peak_gb:.2f} GB")
    held = peak_gb <= BOUND_GB and not failures
    print(f"at most {BOUND_GB} GB: {'yes' if held else 'NO'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
