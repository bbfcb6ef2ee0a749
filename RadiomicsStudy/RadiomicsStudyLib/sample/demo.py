"""A first look: sample patients, rings and features, and the files to open. ``quickstart.py demo`` runs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from ..cli import main as run_command_line
from ..words.console import print_files, print_lines

PATIENTS = 24


def main(out: Path, run: Callable[[Sequence[str]], int] = run_command_line) -> int:
    """Make patients, draw rings, extract features, and name the files to open; return the exit code.

    Args:
        out: output folder; what an earlier demonstration left there is used again.
        run: the command line.
    """
    cohort, features = out / "cohort", out / "features"
    table = str(cohort / "cohort.csv")
    steps = (
        (
            f"Making a sample cohort of {PATIENTS} patients",
            ["sample-cohort", str(cohort), "--patients", str(PATIENTS), "--seed", "1"],
        ),
        (
            "Drawing rings of 3, 6 and 9 mm and extracting 107 features of tumour and rings",
            ["extract", table, "--rings", "3,6,9", "--preset", "wu2021", "-o", str(features)],
        ),
    )
    for title, words in steps:
        print_lines([title])
        code = run(words)
        if code:
            print_lines([f"'peritumoral {words[0]}' ended with exit code {code}: its message is above"])
            return code
    print_lines(["", "Done. The files to begin with:"])
    print_files(_results(cohort, features))
    return 0


def _results(cohort: Path, features: Path) -> dict[str, Path]:
    """What it is -> file, in the order in which to look at them."""
    overlays = sorted(features.rglob("overlay.png"))
    found = {
        **({"tumour and rings of one patient; one picture a patient": overlays[0]} if overlays else {}),
        "a row a patient, a column a feature of a region": features / "features.csv",
        "size and quality of every region": features / "regions.csv",
        "settings, versions and hashes": features / "study.json",
        "the job, which 'peritumoral run' repeats": features / "job.yaml",
        "the patients, their images and outcomes": cohort / "cohort.csv",
    }
    return {what: path for what, path in found.items() if path.is_file()}


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
