"""``peritumoral cohort check``: read every row of a cohort table and report problems without computing."""

from __future__ import annotations

import argparse
from typing import Any

from PeritumoralRadiomicsLib.preprocessing.level_survey import LevelSurvey
from RadiomicsCoreLib.cohort.table import check_cohort, read_cohort
from RadiomicsCoreLib.files.safe_names import one_line

from ..words.arguments import names
from ..words.console import print_table, progress_bar

EXAMPLES = """examples:
  peritumoral cohort check cohort.csv
  peritumoral cohort check cohort.csv --phases arterial,venous

Exit code: 0 every row can be used, 1 some cannot, 2 the table itself cannot be read.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser("cohort", help="work on a cohort table (cohort check)")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="read every row and report problems",
        description="Read every image and mask of a cohort table and report problems, without computing.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("cohort", help="cohort table (CSV)")
    check.add_argument("--phases", type=names, help="phases to check (default: all)")
    check.add_argument("--resample-masks", action="store_true", help="accept masks on another grid")
    check.set_defaults(run=run)


def _show_levels(survey: LevelSurvey) -> None:
    rows = [
        (
            found.phase,
            found.unit.value,
            found.cases,
            _spread(found.published),
            _spread(found.suited),
            found.how,
        )
        for found in survey.phases()
    ]
    if rows:
        columns = ("phase", "unit", "tumours", "levels at bin width 25", "levels as extracted", "how")
        print_table("grey levels of the tumours: median (fewest to most)", columns, rows)


def _spread(levels: tuple[int, int, int]) -> str:
    fewest, median, most = levels
    return f"{median} ({fewest} to {most})"


def run(arguments: argparse.Namespace) -> int:
    """Check and show the problems."""
    cohort = read_cohort(arguments.cohort, phases=arguments.phases)
    survey = LevelSurvey()
    with progress_bar("checking") as progress:
        problems = check_cohort(cohort, resample=arguments.resample_masks, look=survey.look, progress=progress)
    _show_levels(survey)
    if problems:
        for problem in problems:
            print(f"{one_line(problem.case_id)}, {problem.column or problem.phase or 'row'}: {problem.message}")
        print(
            f"{len(problems)} problems in {len({problem.case_id for problem in problems})} of {len(cohort.cases)} cases"
        )
        return 1
    print(f"{len(cohort.cases)} cases, phases {', '.join(cohort.phases)}: every file can be read and fits")
    return 0
