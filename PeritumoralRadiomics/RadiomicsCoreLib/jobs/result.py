"""What every job leaves behind, in one shape."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from .batch import CaseOutcome, failures

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(\.\d+)?(?![\w.])")
"""A number by itself: that in ``ring_0_3mm`` belongs to a name."""


class JobStatus(StrEnum):
    """How a job ended."""

    DONE = "done"
    PARTLY = "partly"
    """Some cases or steps failed; the rest is written."""
    NOTHING = "nothing"
    """No case could be done."""


@dataclass(frozen=True)
class JobResult:
    """What a job left behind.

    Attributes:
        folder: the output folder.
        files: what to open, by what it is ("features", "model", "picture").
        tables: CSV tables by name.
        notes: what a reader should know: rows dropped, values filled, choices made.
        warnings: what may make a number wrong, a line each; those of cases begin with the case's id.
        failures: what could not be done while the rest was.
        cases: how each case ended, in the order of the cohort; empty for a job on one table.

    Example:
        >>> result = JobResult(Path("out"), tables={"features": Path("out/features.csv")})
        >>> result.status.value, result.tables["features"].name
        ('done', 'features.csv')
    """

    folder: Path
    files: dict[str, Path] = field(default_factory=dict)
    tables: dict[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    failures: tuple[str, ...] = ()
    cases: tuple[CaseOutcome, ...] = ()

    @property
    def failed_cases(self) -> list[CaseOutcome]:
        """The cases that failed, with their reasons."""
        return failures(self.cases)

    @property
    def status(self) -> JobStatus:
        """How the job ended: the exit code of the command line, the colour of the panel."""
        failed = self.failed_cases
        if self.cases and len(failed) == len(self.cases):
            return JobStatus.NOTHING
        return JobStatus.PARTLY if failed or self.failures else JobStatus.DONE

    def most_frequent_warnings(self, count: int = 3) -> list[tuple[str, int]]:
        """Return the kinds of warnings that came most often, and how often: numbers and case ids aside.

        Args:
            count: kinds to return at most.
        """
        lines = [line for outcome in self.cases for line in outcome.warnings]
        lines += self.warnings[: len(self.warnings) - len(lines)]
        kinds = Counter(_NUMBER.sub("…", line) for line in lines)
        return kinds.most_common(count)


def all_warnings(outcomes: Sequence[CaseOutcome]) -> list[str]:
    """Return the warnings of all cases, each with its case's id before it."""
    return [f"{outcome.case_id}: {line}" for outcome in outcomes for line in outcome.warnings]
