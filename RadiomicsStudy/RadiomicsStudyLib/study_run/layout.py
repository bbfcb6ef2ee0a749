"""What the folder of a study holds; whoever reads a study's results, such as the report, begins here.

========================  ==========================================================================================
``study.json``            record of the study's job: versions, settings, seed; ``recipe`` holds name, title, source,
                          what the paper leaves open, and the values; ``cohort`` the table's path from here
``job.yaml``              the study's job; ``peritumoral run`` repeats it
``recipe.yaml``           the recipe with its lists expanded and the user's values in it; it is a recipe itself
``stages.json``           a list with an entry a stage, in the order of the work: see :class:`StageRow`
``<stage>/``              the folder of the stage's own job: job.yaml, study.json, notes.txt, tables, figures, model
``report.html``           the report
========================  ==========================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_json, write_json

STAGES_FILE, RECIPE_FILE = "stages.json", "recipe.yaml"
TRACEBACK_FILE = "traceback.txt"


class StageState(StrEnum):
    """How a stage stands."""

    WAITING = "waiting"
    """Not begun: in a plan, or when the study was stopped before it."""
    RUNNING = "running"
    DONE = "done"
    REUSED = "reused"
    """Its settings and inputs are those of an earlier run, whose files are still here."""
    FAILED = "failed"
    SKIPPED = "skipped"
    """A stage that it needs has failed, or it was not asked for."""


@dataclass(frozen=True)
class StageRow:
    """One stage, as ``stages.json`` tells it.

    Attributes:
        name: unique in the study.
        verb: of its job.
        title: for people.
        folder: of its job, seen from the study's folder.
        state: value of :class:`StageState`.
        why: of a failed or skipped stage the reason; of one that is partly done what failed; else "".
        seconds: that the job took when it was computed; 0 where it never was.
        needs: names of the stages whose files it reads.
        paper: figures and tables of the paper that it answers, such as "Table 3".
        fingerprint: hash of settings and inputs; "" where it was not computed.

    Example:
        >>> StageRow("radiomics", "extract", "Radiomics", "radiomics").state
        'waiting'
    """

    name: str
    verb: str
    title: str
    folder: str
    state: str = StageState.WAITING.value
    why: str = ""
    seconds: float = 0.0
    needs: tuple[str, ...] = ()
    paper: tuple[str, ...] = ()
    fingerprint: str = ""

    @property
    def has_results(self) -> bool:
        """Whether the folder holds what the stage was to make."""
        return self.state in (StageState.DONE, StageState.REUSED)


def write_stages(out: Path, rows: Sequence[StageRow]) -> Path:
    """Write ``stages.json`` in one step, so that a reader never sees half of it."""
    path = Path(out) / STAGES_FILE
    write_json(path, [asdict(row) for row in rows])
    return path


def read_stages(out: Path) -> list[StageRow]:
    """Return the stages of a study's folder; none where no study ran.

    Raises:
        InputError: the file is there and is no list of stages.
    """
    path = Path(out) / STAGES_FILE
    if not path.is_file():
        return []
    found: Any = read_json(path)
    known = {field.name for field in fields(StageRow)}
    try:
        rows = [{name: value for name, value in row.items() if name in known} for row in found]
        return [
            StageRow(**{**row, "needs": tuple(row.get("needs", ())), "paper": tuple(row.get("paper", ()))})
            for row in rows
        ]
    except (AttributeError, TypeError):
        raise InputError(f"{path} does not list the stages of a study; delete it, or choose another folder") from None
