"""The job for binary end points: a logistic model with its nomogram, AUC and decision curves.

Its bundle is read by ``nomogram_job`` and ``predict_job`` like that of a Cox model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import FORMATS
from RadiomicsCoreLib.files.provenance import environment_record
from RadiomicsCoreLib.progress import Progress, no_progress, part_of
from RadiomicsCoreLib.statistics.roc import auc, roc_curve, youden_threshold

from ..bundles.bundle import ModelBundle, save_bundle
from ..bundles.new_patients import without_unknown_levels
from ..groups.risk_groups import CutoffMethod, RiskCutoff
from ..models.logistic import LogisticModel, fit_logistic
from ..nomogram.nomogram_figure import nomogram_figure
from ..nomogram.points import make_nomogram
from ..tables.binary_table import BinaryTable
from ..tables.cohort_table import TRAINING
from ..validation.bootstrap import BootstrapSettings, optimism
from ..validation.decision_curve import decision_curve_binary
from ..validation.validation_figures import decision_curve_figure, roc_figure
from .cox_report import parts_of, resample_notes
from .job_output import BinaryColumns, JobOutput, JobResult, data_hash, file_name
from .reading_filter import ReadingFilter

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_RESAMPLES = BootstrapSettings(200)


@dataclass(frozen=True)
class LogisticRefit:
    """Fits the logistic model on resampled patients; returns the log odds (n,) of all patients."""

    table: BinaryTable

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        return fit_logistic(self.table.rows(rows)).linear_predictor(self.table.frame)


@dataclass(frozen=True)
class _Roc:
    """A binary ROC curve with the names that the figure asks for."""

    false_positive_rate: np.ndarray
    true_positive_rate: np.ndarray
    auc: float
    lower: float
    upper: float


def logistic_job(
    source: pd.DataFrame | Path | str,
    out: Path | str,
    columns: BinaryColumns,
    *,
    readings: ReadingFilter | None = None,
    bootstrap: BootstrapSettings = DEFAULT_RESAMPLES,
    formats: Sequence[str] = FORMATS,
    progress: Progress = no_progress,
) -> JobResult:
    """Fit a logistic model and write coefficients, nomogram, AUC, decision curves and the bundle.

    Writes ``coefficients.csv`` (odds ratios), ``nomogram_points.csv``, ``auc.csv`` (DeLong's interval; for
    training also corrected for optimism), ``decision_curve_<cohort>.csv``, figures, ``model/model.json`` (with
    Youden's cut-off of the training patients, locked) and ``notes.txt``.

    Args:
        source: CSV file or data frame.
        out: output folder.
        columns: which columns are what.
        readings: keeps the features that repeated readings agree on, as in ``cox_job``; writes ``icc.csv``.
        bootstrap: for the optimism of the AUC; the model is fitted again in every resample.
        formats: of the figures.
        progress: told on the way.

    Raises:
        InputError: the table cannot be used.
        ModelError: no model can be fitted.
    """
    reliable = readings.apply(source, columns) if readings else None
    columns = reliable.columns if reliable else columns
    table = columns.read(source)
    training = table.training
    model = fit_logistic(table)
    nomogram = make_nomogram(model, training.frame)
    risk = model.linear_predictor(training.frame)
    cutoff = RiskCutoff(float(youden_threshold(training.event, risk)), CutoffMethod.YOUDEN, None, len(training))
    output = JobOutput(out, formats)
    if reliable:
        reliable.write(output)
    output.notes += [*table.report, *table.warnings, *model.warnings]
    table, left_out = without_unknown_levels(table, model.terms)
    output.notes += left_out
    record = {"training_data_sha256": data_hash(source), "patients": model.n, "events": model.events}
    settings = {"columns": asdict(columns)} | ({"readings": readings.to_dict()} if readings else {})
    bundle = ModelBundle(model, nomogram, cutoff, table.missing, settings, environment_record(record))
    output.files.append(save_bundle(bundle, output.folder / "model"))
    output.table("coefficients", _odds_ratios(model))
    output.table("nomogram_points", nomogram.points_table())
    output.figure("nomogram", nomogram_figure(nomogram))
    _write_validation(output, table, model, bootstrap, part_of(progress, 0.2, 1.0))
    progress(1.0, "logistic model done")
    return output.finish()


def _odds_ratios(model: LogisticModel) -> pd.DataFrame:
    import pandas as pd

    lines = pd.DataFrame([asdict(line) for line in model.summary()])
    return lines.rename(columns={"hazard_ratio": "odds_ratio"})


def _write_validation(
    output: JobOutput,
    table: BinaryTable,
    model: LogisticModel,
    bootstrap: BootstrapSettings,
    progress: Progress,
) -> None:
    import pandas as pd

    rows, curves = [], {}
    for label, part in parts_of(table).items():
        values = output.attempt(f"{label}: AUC", _auc_row, label, part, model)
        if values is None:
            continue
        if label == TRAINING:
            values |= _corrected(output, part, bootstrap, progress)
        rows.append(values)
        curves[label] = _roc(part, model)
        output.attempt(f"{label}: decision curve", _write_decision, output, label, part, model)
    if not rows:
        raise InputError("no cohort has patients with and without the event; nothing can be validated")
    output.table("auc", pd.DataFrame(rows))
    output.figure("roc", roc_figure(curves))


def _auc_row(label: str, part: BinaryTable, model: LogisticModel) -> dict[str, Any]:
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
) -> dict[str, Any]:
    def area(rows: np.ndarray, risk: np.ndarray) -> float:
        return auc(part.event[rows], risk).value

    result = optimism(LogisticRefit(part), area, len(part), bootstrap, progress)
    output.notes += resample_notes(result.failures, result.repeats)
    return {"optimism": float(result.optimism), "auc_corrected": float(result.corrected)}


def _roc(part: BinaryTable, model: LogisticModel) -> _Roc:
    risk = model.linear_predictor(part.frame)
    curve, own = roc_curve(part.event, risk), auc(part.event, risk)
    return _Roc(curve.false_positive_rate, curve.sensitivity, own.value, own.lower, own.upper)


def _write_decision(output: JobOutput, label: str, part: BinaryTable, model: LogisticModel) -> None:
    curve = decision_curve_binary(part.event, {"model": model.predict_probability(part.frame)})
    output.table(f"decision_curve_{file_name(label)}", curve.table())
    output.figure(f"decision_curve_{file_name(label)}", decision_curve_figure(curve, title=label))
