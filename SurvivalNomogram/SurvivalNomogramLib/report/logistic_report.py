"""What is written of a logistic model: odds ratios, AUC and decision curves of every cohort."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.splits import TRAINING
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.roc_figure import DrawnRoc, roc_figure
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.statistics.roc import auc, roc_curve

from ..models.logistic import LogisticModel, fit_logistic
from ..tables.binary_table import BinaryTable
from ..validation.bootstrap import BootstrapSettings, optimism
from ..validation.decision_curve import decision_curve_binary
from ..validation.validation_figures import decision_curve_figure
from .cox_report import FITTED_HERE, corrected_values, optimism_notes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class LogisticRefit:
    """Fits the logistic model on resampled patients; returns the log odds (n,) of all patients."""

    table: BinaryTable

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        return fit_logistic(self.table.rows(rows)).linear_predictor(self.table.frame)


def odds_ratios(model: LogisticModel) -> pd.DataFrame:
    """The coefficients with their odds ratios, one row a column of the model."""
    import pandas as pd

    lines = pd.DataFrame([asdict(line) for line in model.summary()])
    return lines.rename(columns={"hazard_ratio": "odds_ratio"})


def write_validation(
    output: JobOutput,
    table: BinaryTable,
    model: LogisticModel,
    bootstrap: BootstrapSettings,
    progress: Progress,
) -> None:
    """Write ``auc.csv``, decision curves and the ROC figure of every cohort; the AUC of training is corrected too."""
    import pandas as pd

    rows, curves = [], {}
    for label, part in table.parts.items():
        values = output.attempt(f"{label}: AUC", _auc_row, label, part, model)
        if values is None:
            continue
        if label == TRAINING:
            values |= _corrected(output, part, bootstrap, progress)
            values |= {"lower": np.nan, "upper": np.nan}
        rows.append(values)
        curves[f"{label}, {FITTED_HERE}" if label == TRAINING else label] = _roc(part, model, label == TRAINING)
        output.attempt(f"{label}: decision curve", _write_decision, output, label, part, model, bootstrap)
    if not rows:
        raise InputError("no cohort has patients with and without the event; nothing can be validated")
    output.table("auc", pd.DataFrame(rows))
    output.figure("roc", roc_figure, curves)


def _auc_row(label: str, part: BinaryTable, model: LogisticModel) -> dict[str, object]:
    own = auc(part.event, model.linear_predictor(part.frame))
    return {
        "cohort": label,
        "n": len(part),
        "events": part.events,
        "auc": own.value,
        "lower": own.lower,
        "upper": own.upper,
    }


def _corrected(
    output: JobOutput, part: BinaryTable, bootstrap: BootstrapSettings, progress: Progress
) -> dict[str, float]:
    def area(rows: np.ndarray, risk: np.ndarray) -> float:
        return auc(part.event[rows], risk).value

    result = optimism(LogisticRefit(part), area, len(part), bootstrap, progress)
    output.notes += optimism_notes(result)
    return corrected_values("auc", result)


def _roc(part: BinaryTable, model: LogisticModel, is_fitted: bool) -> DrawnRoc:
    risk = model.linear_predictor(part.frame)
    curve, own = roc_curve(part.event, risk), auc(part.event, risk)
    if is_fitted:
        return DrawnRoc(curve.false_positive_rate, curve.sensitivity, own.value, np.nan, np.nan)
    return DrawnRoc(curve.false_positive_rate, curve.sensitivity, own.value, own.lower, own.upper)


def _write_decision(
    output: JobOutput, label: str, part: BinaryTable, model: LogisticModel, bootstrap: BootstrapSettings
) -> None:
    is_fitted = label == TRAINING
    risks = {"model": model.predict_probability(part.frame)}
    curve = decision_curve_binary(part.event, risks, settings=None if is_fitted else bootstrap)
    table = curve.table()
    table.insert(0, "patients", FITTED_HERE if is_fitted else "not fitted")
    title = f"{label}, {FITTED_HERE}" if is_fitted else label
    output.table(f"decision_curve_{file_stem(label)}", table)
    output.figure(f"decision_curve_{file_stem(label)}", lambda: decision_curve_figure(curve, title=title))
