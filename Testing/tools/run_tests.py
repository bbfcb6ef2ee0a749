"""Run the tests in two halves, the fast one first, and say in one line what cannot run here and how to add it.

Run by ``python3 quickstart.py test``; further words go to pytest.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SHARED_DATA = Path(os.environ.get("PERITUMORAL_SHARED_DATA") or ROOT.parent / "shared" / "data")
INTERRUPTED, NO_TESTS = 2, 5  # pytest's exit codes

Run = Callable[[Sequence[str]], int]


def run_pytest(words: Sequence[str]) -> int:
    """Run pytest in a process of its own; return its exit code."""
    # Worker processes share the cores already.
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen"}
    command = [sys.executable, "-m", "pytest", "-n", "2", *words]
    return subprocess.run(command, cwd=ROOT, env={**quiet, **os.environ}).returncode


def main(words: Sequence[str], run: Run = run_pytest) -> int:
    """Run both halves, also if the first fails; return the exit code of the first that failed."""
    if "-m" in words:  # the caller's own choice
        return run(words)
    codes = []
    for title, marks in (("fast", "not slow"), ("slow", "slow")):
        print(f"{time.strftime('%H:%M:%S')} running the {title} tests", flush=True)
        codes.append(run(["-m", marks, *words]))
        if codes[-1] == INTERRUPTED:
            break
    print(left_out(), flush=True)
    return worst_exit_code(codes)


def worst_exit_code(codes: Sequence[int]) -> int:
    """Join pytest's exit codes: a half without any test is right as long as the other has some."""
    failures = [code for code in codes if code not in (0, NO_TESTS)]
    if failures:
        return failures[0]
    return 0 if 0 in codes else NO_TESTS


def left_out(installed: Callable[[str], bool] | None = None, shared_data: Path = SHARED_DATA) -> str:
    """Say in one line which tests could not run here, and how to add them."""
    there = installed or (lambda name: importlib.util.find_spec(name) is not None)
    missing = []
    if not there("torch"):
        missing.append("the networks (PyTorch, some 3 GB: python3 quickstart.py test --with deep)")
    if not (there("slicer_core") and there("PySide6")):
        missing.append("the panels (python3 quickstart.py test --with slicer)")
    if not shared_data.is_dir():
        missing.append(f"real patients' images (put them into {shared_data}, or name their folder in "
                       "PERITUMORAL_SHARED_DATA)")  # fmt: skip
    return f"Left out: tests of {'; '.join(missing)}" if missing else "Nothing was left out"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
