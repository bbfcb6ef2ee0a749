"""The cohort as a second reader drew it: the same images, the masks of the columns ``<phase>_second_mask``."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..errors import InputError
from ..files.safe_names import one_line
from .table import Case, Cohort, PhaseFiles

_SHOWN = 6


@dataclass(frozen=True)
class SecondReading:
    """A cohort whose masks are the second reader's.

    Attributes:
        cohort: the cases that have a second mask, in the order of the table. Phases without one stand in
            ``Case.left_out`` and are no failure.
        notes: how many cases and phases have no second mask, one line each.
    """

    cohort: Cohort
    notes: tuple[str, ...]


def read_by(cohort: Cohort, reader: int) -> SecondReading:
    """Return the cohort as a reader drew it: reader 1 leaves it as it is, for 2 see :func:`second_reading`.

    Raises:
        InputError: another reader, or no second mask.
    """
    if reader not in (1, 2):
        raise InputError(f"reader is {reader!r}; give 1, or 2 for the masks of the second reader")
    return SecondReading(cohort, ()) if reader == 1 else second_reading(cohort)


def second_reading(cohort: Cohort) -> SecondReading:
    """Return the cohort with the second reader's masks in the place of the first's.

    Organ and exclusion masks stay. A second mask whose own cells cannot be used is still a problem of its case.

    Raises:
        InputError: no case names a second mask.

    Example:
        >>> second_reading(read_cohort("cohort.csv")).notes  # doctest: +SKIP
        ('4 of 34 cases have no mask of a second reader and are left out: STS_002, STS_005, STS_011, STS_019',)
    """
    read = [_second_case(case, cohort.phases) for case in cohort.cases]
    kept = tuple(case for case in read if set(case.phases(cohort.phases)))
    if not kept:
        columns = ", ".join(f"{phase}_second_mask" for phase in cohort.phases)
        raise InputError(
            f"no case of {cohort.path} names a mask of a second reader; fill in {columns}, or perturb the first masks"
        )
    absent = [case.case_id for case in read if not case.phases(cohort.phases)]
    notes = []
    if absent:
        notes.append(
            f"{len(absent)} of {len(read)} cases have no mask of a second reader and are left out: {_listed(absent)}"
        )
    for phase in cohort.phases:
        partly = [case.case_id for case in kept if phase in case.left_out]
        if partly:
            notes.append(f"{phase}: {len(partly)} of {len(kept)} cases lack the second mask: {_listed(partly)}")
    return SecondReading(replace(cohort, cases=kept), tuple(notes))


def _second_case(case: Case, phases: tuple[str, ...]) -> Case:
    images = {phase: _second_files(files) for phase, files in case.images.items() if files.second is not None}
    problems = tuple(problem for problem in case.problems if problem.column.startswith(f"{problem.phase}_second_"))
    known = {*images, *(problem.phase for problem in problems)}
    left_out = tuple(phase for phase in phases if phase not in known)
    return replace(case, images=images, problems=problems, left_out=left_out)


def _second_files(files: PhaseFiles) -> PhaseFiles:
    assert files.second is not None
    return replace(files, mask=files.second.path, roi=files.second.roi, label=files.second.label, second=None)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(one_line(name) for name in names[:_SHOWN]) + more
