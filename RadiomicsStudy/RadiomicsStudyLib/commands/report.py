"""``peritumoral report``: the page of a study's folder, or of one job's."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

EXAMPLES = """examples:
  peritumoral report out
  peritumoral report out/cox

The folder is one that a study or a job wrote; report.html and checklists/*.csv are written into it.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "report",
        help="write report.html of a study's or a job's folder",
        description="Gather what a folder holds into one page that needs no network, and fill reporting checklists.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="output folder of a study or a job")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the page and name it."""
    from ..report.write_report import write_report

    path = write_report(arguments.folder)
    print(f"report: {path}")
    return 0
