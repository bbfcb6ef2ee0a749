"""Options and report of fuse and apply, which are no jobs yet."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError

from .arguments import names
from .console import print_files, print_lines


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add where and in which formats to write."""
    parser.add_argument("-o", "--out", type=Path, required=True, help="output folder")
    parser.add_argument("--formats", type=names, default=("svg", "pdf", "png"), help="of the figures: svg,pdf,png")


def report(result: Any, out: Path) -> int:
    """Say what a reader should know, what failed and where the files are; return the exit code."""
    print_lines(f"note: {note}" for note in result.notes)
    failed = getattr(result, "failures", ())
    print_lines(f"failed {failure}" for failure in failed)
    _print_written(result.files, out)
    return 1 if failed else 0


def _print_written(files: Sequence[Path], out: Path) -> None:
    if not files:
        raise InputError(f"nothing was written to {str(out)!r}")
    tables = {path.stem: path for path in files if path.suffix in (".csv", ".json", ".txt")}
    with_figures = any(path.parent.name == "figures" for path in files)
    print_files(tables | ({"figures": out / "figures"} if with_figures else {}))
