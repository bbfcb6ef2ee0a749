"""What is written where events compete: Fine and Gray's model, predicted incidences, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress

from ..competing.competing_calibration import CompetingCalibration, calibrate_incidence
from ..competing.competing_figures import incidence_calibration_figure
from ..competing.competing_resamples import (
    CAUSE_SPECIFIC,
    FINE_GRAY,
    FittedIncidences,
    corrected_incidence,
    fit_incidences,
)
from ..competing.competing_scores import competing_table
from ..models.competing_causes import CompetingCauses
from ..models.cox import CoxModel
from ..validation.bootstrap import BootstrapSettings
from ..validation.cox_modelling import FittedResamples
from ..validation.decision_curve import corrected_decision_curve_competing, decision_curve_competing
from ..validation.validation_figures import decision_curve_figure

if TYPE_CHECKING:
    import pandas as pd

FITTED = "fitted on these patients"
NOT_CORRECTED = f"{FITTED}, not corrected"


def write_fine_gray(output: JobOutput, competing: CompetingCauses) -> None:
    """Write ``fine_gray.csv`` (subdistribution hazard ratios), and tell what the competing models lack."""
    output.warnings += competing.warnings
    if competing.fine_gray is None:
        return
    rows = [asdict(line) for line in competing.fine_gray.summary()]
    for row in rows:
        row["subdistribution_hazard_ratio"] = row.pop("hazard_ratio")
    output.table("fine_gray", rows)


def predicted_incidences(
    model: CoxModel, competing: CompetingCauses, frame: pd.DataFrame, horizons: Sequence[float]
) -> dict[str, np.ndarray]:
    """Return the incidence (n, k) at the horizons by each way that the bundle knows."""
    predicted = {CAUSE_SPECIFIC: np.empty((len(frame), 0)), FINE_GRAY: np.empty((len(frame), 0))}
    if len(horizons):
        predicted[CAUSE_SPECIFIC] = competing.incidence_at(model, frame, np.asarray(horizons, float))
    if competing.fine_gray is None:
        del predicted[FINE_GRAY]
    elif len(horizons):
        predicted[FINE_GRAY] = competing.fine_gray.incidence_at(frame, np.asarray(horizons, float))
    return predicted


def incidence_table(
    model: CoxModel, competing: CompetingCauses, frame: pd.DataFrame, horizons: Sequence[float]
) -> pd.DataFrame:
    """Return ``incidence_365`` (cause-specific models combined) and ``incidence_365_fine_gray``, by patient.

    The first has its log-log interval, ``incidence_365_lower`` and ``_upper``, where the models hold what it needs.
    """
    import pandas as pd

    predicted = predicted_incidences(model, competing, frame, horizons)
    interval = None
    if len(horizons) and competing.has_intervals(model):
        interval = competing.incidence_interval(model, frame, np.asarray(horizons, float))
    columns = {}
    for k, horizon in enumerate(horizons):
        columns[f"incidence_{horizon:g}"] = predicted[CAUSE_SPECIFIC][:, k]
        if interval is not None:
            columns[f"incidence_{horizon:g}_lower"] = interval.lower[:, k]
            columns[f"incidence_{horizon:g}_upper"] = interval.upper[:, k]
        if FINE_GRAY in predicted:
            columns[f"incidence_{horizon:g}_{FINE_GRAY}"] = predicted[FINE_GRAY][:, k]
    return pd.DataFrame(columns, index=frame.index)


@dataclass(frozen=True)
class _Column:
    """The incidence by the combined models at one of the horizons, (n,): a refit for decision curves."""

    fitted: FittedIncidences
    k: int

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        return self.fitted(rows)[:, self.k]


@dataclass(frozen=True)
class CompetingValidation:
    """All that is written of one cohort's incidences.

    Attributes:
        output: takes tables and figures.
        label, name: of the cohort, in words and in files' names.
        time, state: (n,) follow-up; 0 censored, 1 event, 2 competing event.
        time_unit: of the follow-up.
        is_new: the model was not fitted on these patients; otherwise nothing apparent gets an interval, and it is
            labelled.
        bootstrap: resamples.
        refits: the modelling step on every resample of these patients, to correct their figures; None: not corrected.
    """

    output: JobOutput
    label: str
    name: str
    time: np.ndarray
    state: np.ndarray
    time_unit: str
    is_new: bool
    bootstrap: BootstrapSettings
    refits: FittedResamples | None = None

    def run(
        self, predicted: Mapping[str, np.ndarray], horizons: Sequence[float], groups: int, progress: Progress
    ) -> None:
        """Write scores, calibration, decision curves and their figures.

        Args:
            predicted: way -> incidence (n, k).
            horizons: (k,) up to the last event of interest.
            groups: of the calibration.
            progress: told while the models of the resamples are fitted.
        """
        if not len(horizons):
            return
        self._scores(predicted, horizons)
        self._calibration(predicted, horizons, groups)
        fitted = None
        if self.refits is not None:
            fitted = fit_incidences(self.refits, horizons, self.bootstrap.workers, progress)
            arrays = (self.refits.table, fitted, horizons, self.bootstrap)
            found = self.output.attempt(f"{self.label}: correction of the incidence", corrected_incidence, *arrays)
            if found is not None:
                self.output.table(f"competing_corrected_{self.name}", found.table().assign(patients=FITTED))
        for k, horizon in enumerate(horizons):
            what = f"{self.label}: decision curve at {horizon:g}"
            self.output.attempt(what, self._decision, predicted, k, horizon, fitted)

    def _scores(self, predicted: Mapping[str, np.ndarray], horizons: Sequence[float]) -> None:
        import pandas as pd

        scores = []
        for way, incidence in predicted.items():
            table = competing_table(self.time, self.state, incidence, horizons)
            table.insert(0, "model", way)
            scores.append(table)
        self._table("competing", pd.concat(scores, ignore_index=True))

    def _calibration(self, predicted: Mapping[str, np.ndarray], horizons: Sequence[float], groups: int) -> None:
        import pandas as pd

        groups = max(1, min(groups, len(self.time) // 2))
        done: dict[str, list[CompetingCalibration]] = {}
        for way, incidence in predicted.items():
            done[way] = [
                calibrate_incidence(self.time, self.state, incidence[:, k], horizon, groups=groups)
                for k, horizon in enumerate(horizons)
            ]
        for stem, rows in (("calibration", "table"), ("curve", "curve_table")):
            frames = [getattr(c, rows)().assign(model=way) for way, found in done.items() for c in found]
            self._table(f"competing_{stem}", pd.concat(frames, ignore_index=True))
        summary = [{"model": way, **c.summary()} for way, found in done.items() for c in found]
        self._table("competing_summary", pd.DataFrame(summary))
        title = self._title
        self.output.figure(
            f"competing_calibration_{self.name}",
            lambda: incidence_calibration_figure(done[CAUSE_SPECIFIC], time_unit=self.time_unit, title=title),
        )

    @property
    def _title(self) -> str:
        return self.label if self.is_new else f"{self.label}, {FITTED}"

    def _decision(
        self, predicted: Mapping[str, np.ndarray], k: int, horizon: float, fitted: FittedIncidences | None
    ) -> None:
        """Write the decision curve of the combined models; that of fitted patients corrected, where it can be."""
        stem, title = f"decision_curve_{self.name}_{horizon:g}", f"{self._title}, {horizon:g} {self.time_unit}"
        if fitted is not None and self.refits is not None:
            corrected = corrected_decision_curve_competing(
                self.time,
                self.state,
                _Column(fitted, k),
                horizon,
                settings=self.bootstrap,
                partitions=fitted.partitions,
            )
            self.output.table(stem, corrected.table().assign(patients=FITTED))
            self.output.figure(stem, lambda: decision_curve_figure(corrected.curve, corrected=corrected, title=title))
            return
        risks = {"model": predicted[CAUSE_SPECIFIC][:, k]}
        settings = self.bootstrap if self.is_new else None
        curve = decision_curve_competing(self.time, self.state, risks, horizon, settings=settings)
        self._table(f"decision_curve_{self.name}_{horizon:g}", curve.table(), named=True)
        self.output.figure(stem, lambda: decision_curve_figure(curve, title=title))

    def _table(self, stem: str, table: pd.DataFrame, *, named: bool = False) -> None:
        if not self.is_new:
            # An interval around an apparent figure would pass for one of a validation.
            ends = ("auc_lower", "auc_upper", "auc_se", "brier_lower", "brier_upper", "brier_se", "slope_se")
            table = table.drop(columns=[name for name in ends if name in table]).assign(patients=NOT_CORRECTED)
        self.output.table(stem if named else f"{stem}_{self.name}", table)
