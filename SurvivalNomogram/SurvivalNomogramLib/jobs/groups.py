"""``groups``: survival of the two groups that a score makes, such as a predicted probability (song2021)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.cohort.joined import JoinedCohort
from RadiomicsCoreLib.cohort.splits import TRAINING, part_order
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known
from RadiomicsCoreLib.statistics.roc import youden_threshold

from ..estimation.kaplan_meier import GroupComparison, compare_groups, curves_table
from ..groups.group_figures import kaplan_meier_figure
from ..groups.risk_groups import HIGH, LOW, CutoffMethod, CutoffRule
from ..settings.inputs import Figures, Patients
from ..tables.survival_table import DAYS_PER_UNIT, SurvivalTable, read_survival_table

if TYPE_CHECKING:
    import pandas as pd

ALL = "all together"


@dataclass(frozen=True, kw_only=True)
class GroupsJob(Figures, Patients, Job):
    """Divide patients by a score at a cut-off that the training patients fix, and compare their survival.

    Writes ``groups.csv`` (for every part and all together: patients, events, mean and median survival with interval,
    hazard ratio, log-rank p), ``kaplan_meier_<part>.csv`` and figures.

    Attributes:
        time, event, time_unit, event_values, censored_values: as in ``cox``.
        score: column of the score; higher means an earlier event.
        cutoff: median or a number on the score; youden: of ``endpoint`` among the training patients.
        endpoint: column of 0 and 1 for Youden's index; None: the event itself.
        until: end of the restricted mean; None: the shortest of the groups' follow-ups.
    """

    verb = "groups"

    time: str = option("column of the follow-up time", group="end point")
    event: str = option("column of the event", group="end point")
    time_unit: str = option("unit of the times", "days", choices=tuple(DAYS_PER_UNIT), group="end point")
    event_values: tuple[str, ...] | None = option(
        "what the event column says where the event happened", None, group="end point"
    )
    censored_values: tuple[str, ...] | None = option(
        "what it says where the patient was censored", None, group="end point"
    )
    score: str = option("column of the score")
    cutoff: CutoffRule = option(
        "median (default), youden, or a number on the score", CutoffRule(), read=str, metavar="RULE"
    )
    endpoint: str | None = option("column of 0 and 1 for youden (default: the event)", None)
    until: float | None = option("end of the restricted mean survival", None, metavar="TIME")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Divide, compare and write."""
        joined = self.joined()
        check_known("column", self.score, list(joined.frame.columns))
        table = read_survival_table(
            joined,
            time=self.time,
            event=self.event,
            time_unit=self.time_unit,
            covariates=(self.score,),
            event_values=self.event_values,
            censored_values=self.censored_values,
        )
        score = table.frame[self.score].to_numpy(float)
        parts = np.full(len(table), TRAINING, object) if table.split is None else np.asarray(table.split, object)
        cutoff = self._cutoff(joined, table, score, parts == TRAINING)
        groups = np.where(score >= cutoff, HIGH, LOW)
        output.notes += [*table.report, f"cut-off {cutoff:.4g} on {self.score}, fixed on the training patients"]
        frames: list[pd.DataFrame] = []
        labels = part_order(parts.tolist())
        for label in [*labels, *([ALL] if len(labels) > 1 else [])]:
            rows = np.ones(len(table), bool) if label == ALL else parts == label
            compare = partial(compare_groups, levels=(LOW, HIGH))
            found = output.attempt(label, compare, table.time[rows], table.event[rows], groups[rows])
            if found is not None:
                frames.append(self._write(output, label, found, table.time_unit))
        if not frames:
            raise InputError("; ".join(output.failures))
        import pandas as pd

        output.files["groups"] = output.table("groups", pd.concat(frames, ignore_index=True))
        output.record["cutoff"] = cutoff
        progress(1.0, f"{len(frames)} comparisons")

    def _write(self, output: JobOutput, label: str, found: GroupComparison, unit: str) -> pd.DataFrame:
        name = f"kaplan_meier_{file_stem(label)}"
        output.table(name, curves_table(found.curves))
        output.figure(name, kaplan_meier_figure(found, time_unit=unit, title=f"{label}: {self.score}"))
        frame = found.table(self.until)
        frame.insert(0, "part", label)
        half = 1.959964 * frame["restricted_mean_se"]
        frame["restricted_mean_lower"] = frame["restricted_mean"] - half
        frame["restricted_mean_upper"] = frame["restricted_mean"] + half
        return frame

    def _cutoff(self, joined: JoinedCohort, table: SurvivalTable, score: np.ndarray, training: np.ndarray) -> float:
        if not training.any():
            raise InputError("no patient is of the training part, which fixes the cut-off")
        if self.cutoff.method is CutoffMethod.GIVEN:
            assert self.cutoff.value is not None
            return self.cutoff.value
        if self.cutoff.method is CutoffMethod.MEDIAN:
            return float(np.median(score[training]))
        outcome: Any = table.event
        if self.endpoint is not None:
            check_known("column", self.endpoint, list(joined.frame.columns))
            outcome = joined.frame.loc[list(table.ids), self.endpoint].to_numpy(float)
        known = training & np.isfinite(outcome)
        return float(youden_threshold(outcome[known].astype(int), score[known]))
