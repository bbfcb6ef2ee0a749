"""What is written where events compete: Fine and Gray's model, predicted incidences, and how good they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.jobs.output import JobOutput

from ..models.competing_causes import CompetingCauses
from ..models.cox import CoxModel
from ..validation.competing_calibration import CompetingCalibration, calibrate_incidence
from ..validation.competing_figures import incidence_calibration_figure
from ..validation.competing_scores import competing_table

if TYPE_CHECKING:
    import pandas as pd

CAUSE_SPECIFIC, FINE_GRAY = "cause_specific", "fine_gray"
"""The two ways to a cumulative incidence: cause-specific Cox models combined, and the subdistribution hazard."""
FITTED = "fitted on these patients, not corrected"


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
    """Return ``incidence_365`` (cause-specific models combined) and ``incidence_365_fine_gray``, by patient."""
    import pandas as pd

    predicted = predicted_incidences(model, competing, frame, horizons)
    columns = {}
    for k, horizon in enumerate(horizons):
        columns[f"incidence_{horizon:g}"] = predicted[CAUSE_SPECIFIC][:, k]
        if FINE_GRAY in predicted:
            columns[f"incidence_{horizon:g}_{FINE_GRAY}"] = predicted[FINE_GRAY][:, k]
    return pd.DataFrame(columns, index=frame.index)


@dataclass(frozen=True)
class CompetingValidation:
    """All that is written of one cohort's incidences.

    Attributes:
        output: takes tables and figures.
        label, name: of the cohort, in words and in files' names.
        time, state: (n,) follow-up; 0 censored, 1 event, 2 competing event.
        time_unit: of the follow-up.
        is_new: the model was not fitted on these patients; otherwise nothing gets an interval, and it is labelled.
    """

    output: JobOutput
    label: str
    name: str
    time: np.ndarray
    state: np.ndarray
    time_unit: str
    is_new: bool

    def run(self, predicted: Mapping[str, np.ndarray], horizons: Sequence[float], groups: int) -> None:
        """Write scores, calibration and its figure.

        Args:
            predicted: way -> incidence (n, k).
            horizons: (k,) up to the last event of interest.
            groups: of the calibration.
        """
        import pandas as pd

        if not len(horizons):
            return
        scores = []
        for way, incidence in predicted.items():
            table = competing_table(self.time, self.state, incidence, horizons)
            table.insert(0, "model", way)
            scores.append(table)
        self._table("competing", pd.concat(scores, ignore_index=True))
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
        title = self.label if self.is_new else f"{self.label}, fitted on these patients"
        self.output.figure(
            f"competing_calibration_{self.name}",
            lambda: incidence_calibration_figure(done[CAUSE_SPECIFIC], time_unit=self.time_unit, title=title),
        )

    def _table(self, stem: str, table: pd.DataFrame) -> None:
        if not self.is_new:
            # An interval around an apparent figure would pass for one of a validation.
            ends = ("auc_lower", "auc_upper", "auc_se", "brier_lower", "brier_upper", "brier_se", "slope_se")
            table = table.drop(columns=[name for name in ends if name in table]).assign(patients=FITTED)
        self.output.table(f"{stem}_{self.name}", table)
