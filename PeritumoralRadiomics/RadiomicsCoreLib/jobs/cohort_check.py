"""Every case of a cohort table looked at in a process of its own, with a JSON line a step, as a job tells them.

It computes nothing, and so it is no job: no ``job.yaml``, no ``study.json``, one table.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..cohort.table import Cohort, check_cohort, read_cohort
from ..errors import RadiomicsError
from ..files.tables import write_csv
from .process import EXIT_DONE, EXIT_FAILED, tell_end, tell_step

CASES_FILE = "cases.csv"
COLUMNS = ("case_id", "split", "phases", "problems")


def main(argv: Sequence[str]) -> int:
    """Check the cohort ``argv[0]`` and write its cases into the folder ``argv[1]``; return the exit code."""
    try:
        cohort = read_cohort(argv[0])
        problems = check_cohort(cohort, progress=tell_step)
        Path(argv[1]).mkdir(parents=True, exist_ok=True)
        write_csv(Path(argv[1]) / CASES_FILE, case_rows(cohort, problems), COLUMNS)
    except RadiomicsError as error:
        tell_end("failed", str(error))
        return EXIT_FAILED
    tell_end("done")
    return EXIT_DONE


def case_rows(cohort: Cohort, problems: Sequence[Any] = ()) -> list[dict[str, str]]:
    """Return a row a case, with :data:`COLUMNS`: its phases, and what is wrong with it.

    Args:
        cohort: from :func:`~RadiomicsCoreLib.cohort.table.read_cohort`.
        problems: from :func:`~RadiomicsCoreLib.cohort.table.check_cohort`; none: those of the table alone.
    """
    found: dict[str, dict[str, None]] = {case.case_id: {} for case in cohort.cases}
    own = [problem for case in cohort.cases for problem in case.problems]
    for problem in (*own, *problems):
        where = f"{problem.phase}: " if problem.phase else ""
        found[problem.case_id][f"{where}{problem.message}"] = None
    return [
        {
            "case_id": case.case_id,
            "split": case.split or "",
            "phases": ", ".join(case.images),
            "problems": "; ".join(found[case.case_id]),
        }
        for case in cohort.cases
    ]
