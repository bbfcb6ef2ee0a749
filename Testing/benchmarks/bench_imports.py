"""What importing a library file costs, as a share of importing numpy and SimpleITK, in the same run.

    python Testing/benchmarks/bench_imports.py

Processor time in forked processes, the best of nine, each beside an import of numpy and SimpleITK. Prints one line for
each of the costliest files, and ends with exit code 1 if one costs more than numpy and SimpleITK themselves.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")
FILES = (
    "DeepRadiomicsFusionLib.jobs.train_job",
    "DeepRadiomicsFusionLib.jobs.apply_network_job",
    "DeepRadiomicsFusionLib.jobs.fuse",
    "PeritumoralRadiomicsLib.jobs.cohort_extraction",
    "SurvivalNomogramLib.jobs.validate",
    "RadiomicsStudyLib.cli",
)
BASE = ("numpy", "SimpleITK")
REPEATS = 9


def seconds(*names: str) -> list[float]:
    """Return the processor time of importing these, one after the other, in a new process."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        taken = []
        for name in names:
            started = time.process_time()
            importlib.import_module(name)
            taken.append(time.process_time() - started)
        os.write(writer, json.dumps(taken).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        taken = json.load(stream)
    os.waitpid(child, 0)
    return [float(value) for value in taken]


def main() -> int:
    """Print one line a file."""
    sys.path[:0] = [str(ROOT / module) for module in MODULES]
    worst = 0.0
    with tempfile.TemporaryDirectory() as compiled:
        # Compiled files are kept, as they are in an installation.
        sys.dont_write_bytecode, sys.pycache_prefix = False, compiled
        for name in FILES:
            runs = [seconds(*BASE, name) for _ in range(REPEATS)]
            base = min(sum(run[: len(BASE)]) for run in runs)
            own = min(run[-1] for run in runs)
            worst = max(worst, own / base)
            print(f"{name}: {own:.3f} s, {own / base:.2f} times numpy and SimpleITK ({base:.3f} s)")
    print(f"at most 1: {'yes' if worst <= 1 else 'no'}")
    return int(worst > 1)


if __name__ == "__main__":
    sys.exit(main())
