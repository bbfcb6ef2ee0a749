"""The case gallery: a card a case with its picture, the size and quality of its regions, and what is wrong with it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsCoreLib.jobs.batch import case_folder

from .folder import Stage, Study
from .table import number_of, rows_of, shown


@dataclass
class Case:
    """One card.

    Attributes:
        case_id: of the cohort.
        picture: ``overlay.png`` of its folder; None where there is none.
        problems: failures first, then warnings, a line each.
        failed: some stage could not do it.
        regions: a row a region of a phase: texts to show.
        volume_ml: of the tumour, the largest of the phases.
        retained: smallest part of a ring that organ and windows left, 0 to 1.
        voxels: of the smallest region.
    """

    case_id: str
    picture: Path | None = None
    problems: list[str] = field(default_factory=list)
    failed: bool = False
    regions: list[Mapping[str, str]] = field(default_factory=list)
    volume_ml: float = math.nan
    retained: float = math.nan
    voxels: float = math.nan

    @property
    def weight(self) -> float:
        """How badly the case wants a look: failures, then lost rings, then warnings."""
        lost = 0.0 if math.isnan(self.retained) else max(0.0, 1.0 - self.retained)
        return 1000.0 * self.failed + 10.0 * lost + len(self.problems)


def cases_of(study: Study) -> list[Case]:
    """Return the cases of all stages that work case by case, those with problems first."""
    found: dict[str, Case] = {}
    for stage in study.stages:
        _add_record(stage, found)
        _add_regions(stage, found)
        for case in found.values():
            case.picture = case.picture or _picture(stage, case.case_id)
    return sorted(found.values(), key=lambda case: (-case.weight, case.case_id))


def _add_record(stage: Stage, found: dict[str, Case]) -> None:
    cases = stage.record.get("cases")
    for case_id, outcome in cases.items() if isinstance(cases, Mapping) else ():
        case = found.setdefault(str(case_id), Case(str(case_id)))
        if not isinstance(outcome, Mapping):
            continue
        if outcome.get("status") == "failed":
            case.failed = True
            case.problems.insert(0, f"{stage.title}: {outcome.get('reason') or 'failed'}")
        warnings = outcome.get("warnings")
        for line in warnings if isinstance(warnings, list) else ():
            if str(line) not in case.problems:
                case.problems.append(str(line))


def _add_regions(stage: Stage, found: dict[str, Case]) -> None:
    for row in rows_of(stage.tables.get("regions")):
        case_id = row.get("case_id", "")
        if not case_id:
            continue
        case = found.setdefault(case_id, Case(case_id))
        names = ("phase", "region", "volume_ml", "voxels", "retained_fraction", "grey_levels", "reason")
        case.regions.append({name: shown(row.get(name, ""), name) for name in names})
        if row.get("kind") == "tumour":
            case.volume_ml = -_smaller(-case.volume_ml, -number_of(row.get("volume_ml")))
        else:
            case.retained = _smaller(case.retained, number_of(row.get("retained_fraction")))
        case.voxels = _smaller(case.voxels, number_of(row.get("voxels")))


def _smaller(one: float, other: float) -> float:
    """The smaller of two numbers; a NaN is no number."""
    return one if math.isnan(other) else other if math.isnan(one) else min(one, other)


def _picture(stage: Stage, case_id: str) -> Path | None:
    try:
        folder = case_folder(stage.folder, case_id)
    except RadiomicsError:
        return None
    pictures = sorted(folder.glob("overlay*.png"))
    return pictures[0] if pictures else None
