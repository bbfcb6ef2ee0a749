"""What is written about a fitted Cox model: coefficients, selection, residuals, risk groups, concordance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from RadiomicsCoreLib.cohort.splits import TRAINING, part_order
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem
from RadiomicsCoreLib.progress import Progress

from ..estimation.competing_risks import cumulative_incidence
from ..estimation.kaplan_meier import compare_groups, curves_table, median_follow_up
from ..groups.group_figures import cumulative_incidence_figure, kaplan_meier_figure, risk_box_figure
from ..groups.risk_groups import (
    HIGH,
    LOW,
    CutoffMethod,
    CutoffRule,
    RiskCutoff,
    given_cutoff,
    median_cutoff,
    youden_cutoff,
)
from ..models.cox import CoxModel
from ..models.schoenfeld import GLOBAL, plot_schoenfeld, schoenfeld_test
from ..models.signature import signature_of_lasso
from ..tables.baseline_table import baseline_table
from ..tables.survival_table import SurvivalTable
from ..validation.bootstrap import BootstrapSettings, bootstrap_interval, optimism_corrected_c
from ..validation.concordance import harrell_c, uno_c
from ..validation.cox_modelling import ModellingRefit, ModellingResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..models.lasso_cox import LassoCoxFit

HORIZON_QUANTILES = (0.25, 0.5, 0.75)


class Outcome(Protocol):
    """Anything with follow-up, events and covariates: a table, or a cohort that is validated."""

    @property
    def time(self) -> np.ndarray: ...
    @property
    def event(self) -> np.ndarray: ...
    @property
    def time_unit(self) -> str: ...
    @property
    def frame(self) -> pd.DataFrame: ...


def default_horizons(table: SurvivalTable) -> tuple[float, ...]:
    """Quartiles of the event times, rounded to two digits and below the last event."""
    events = table.time[table.event == 1]
    if not len(events):
        raise InputError("no patient has the event, so there are no horizons to look at")
    rounded = {float(f"{value:.2g}") for value in np.quantile(events, HORIZON_QUANTILES)}
    inside = sorted(value for value in rounded if events.min() <= value <= events.max())
    return tuple(inside) or (float(events.max()),)


def make_cutoff(model: CoxModel, training: SurvivalTable, rule: CutoffRule, horizon: float) -> RiskCutoff:
    """Cut-off of the linear predictor on training patients; Youden's index is taken at the horizon."""
    risk = model.linear_predictor(training.frame)
    if rule.method is CutoffMethod.MEDIAN:
        return median_cutoff(risk)
    if rule.method is CutoffMethod.YOUDEN:
        return youden_cutoff(training.time, training.event, risk, horizon)
    assert rule.value is not None
    return given_cutoff(rule.value)


def coefficients_table(model: CoxModel) -> pd.DataFrame:
    """The coefficients with their hazard ratios, one row a column of the model."""
    import pandas as pd

    return pd.DataFrame([asdict(line) for line in model.summary()])


def selection_notes(result: ModellingResult) -> list[str]:
    """What a reader should know of the selection: the model it led to, and what intervals ignore."""
    notes = [f"model: {', '.join(term.name for term in result.model.terms)}"]
    if result.stepwise is not None:
        notes += list(result.stepwise.warnings)
    if result.stepwise is not None or result.lasso is not None or result.univariable:
        notes.append(
            "intervals and p values of the coefficients do not know of the selection; the optimism-corrected values do"
        )
    return notes


def write_selection(
    output: JobOutput, result: ModellingResult, table: SurvivalTable, lambda_choice: str = "min"
) -> None:
    """Write the steps of a stepwise selection, or the path of the lasso with its figures and its signature."""
    import pandas as pd

    if result.stepwise is not None:
        steps = [
            {"step": k, "change": step.change, "criterion": step.criterion, "covariates": " + ".join(step.terms)}
            for k, step in enumerate(result.stepwise.steps)
        ]
        output.table("selection", pd.DataFrame(steps))
    if result.lasso is not None:
        from ..models.lasso_cox import plot_path, plot_validation

        path, columns = result.lasso.path, list(result.lasso.columns)
        frame = pd.DataFrame(path.coefficients, columns=columns)
        frame.insert(0, "lambda", path.lambdas)
        output.table("selection", frame)
        output.figure("lasso_path", plot_path, result.lasso)
        output.figure("lasso_validation", plot_validation, result.lasso)
        output.attempt("signature", _write_signature, output, result.lasso, table, lambda_choice)


def _write_signature(output: JobOutput, lasso: LassoCoxFit, table: SurvivalTable, choice: str) -> None:
    """Write the penalised model as a signature: its formula, and its value for every patient."""
    import pandas as pd

    signature = signature_of_lasso("lasso", lasso, table, choice)
    output.text("signature_formula", signature.formula())
    values = pd.DataFrame({"patient": table.ids, signature.column: signature.values(table.frame)})
    if table.split is not None:
        values.insert(1, "split", table.split)
    output.table("signature", values)


def write_schoenfeld(output: JobOutput, model: CoxModel, training: SurvivalTable) -> None:
    """Write the test of proportional hazards and its figure; note the covariates that fail it."""
    import pandas as pd

    test = schoenfeld_test(model, training)
    output.table("proportional_hazards", pd.DataFrame([asdict(line) for line in test.lines]))
    output.figure("schoenfeld", plot_schoenfeld(test))
    for line in test.lines:
        if line.p < 0.05:
            what = "the model as a whole" if line.term == GLOBAL else line.term
            output.notes.append(f"proportional hazards are doubtful for {what} (p = {line.p:.3g})")


def write_groups(output: JobOutput, table: SurvivalTable, model: CoxModel, cutoff: RiskCutoff) -> None:
    """Write Kaplan-Meier curves, baseline tables and box plots of the locked risk groups."""
    parts = table.parts
    write_curves(output, parts, model, cutoff)
    training = parts[TRAINING]
    risk_groups = cutoff.groups(model.linear_predictor(training.frame))
    levels = [level for level in (LOW, HIGH) if (risk_groups == level).any()]
    codes = [term.name for term in training.terms if term.is_categorical]
    output.table("baseline_by_risk", baseline_table(training.frame, risk_groups, categorical=codes, levels=levels))
    if table.split is not None:
        by_cohort = baseline_table(table.frame, table.split, categorical=codes, levels=list(parts))
        output.table("baseline_by_cohort", by_cohort)
    output.figure("risk_by_outcome", _risk_figure(table, model, cutoff))
    if table.state is not None:
        output.attempt("cumulative incidence", _write_incidence, output, training)


def write_curves(output: JobOutput, parts: Mapping[str, Outcome], model: CoxModel, cutoff: RiskCutoff) -> None:
    """Kaplan-Meier curves of the locked risk groups in every cohort, and one table of them."""
    import pandas as pd

    tables = []
    for label, part in parts.items():
        groups = cutoff.groups(model.linear_predictor(part.frame))
        table = output.attempt(f"Kaplan-Meier of {label}", write_kaplan_meier, output, label, part, groups)
        if table is not None:
            tables.append(table)
    if tables:
        output.table("groups", pd.concat(tables, ignore_index=True))


def write_kaplan_meier(output: JobOutput, label: str, part: Outcome, groups: np.ndarray) -> pd.DataFrame:
    """Write the curves of one cohort and return its rows of the table of groups."""
    comparison = compare_groups(part.time, part.event, groups, levels=(LOW, HIGH))
    name = f"kaplan_meier_{file_stem(label)}"
    output.figure(name, kaplan_meier_figure(comparison, time_unit=part.time_unit, title=label))
    output.table(name, curves_table(comparison.curves))
    frame = comparison.table()
    frame.insert(0, "cohort", label)
    frame["median_follow_up"] = median_follow_up(part.time, part.event)
    return frame


def _risk_figure(table: SurvivalTable, model: CoxModel, cutoff: RiskCutoff) -> Figure:
    risk = model.linear_predictor(table.frame)
    labels = np.full(len(table), "") if table.split is None else np.asarray(table.split, dtype=str)
    boxes = {
        f"{label} {what}".strip(): (labels == label) & (table.event == value)
        for label in part_order(labels.tolist())
        for value, what in ((0, "no event"), (1, "event"))
    }
    return risk_box_figure(risk, boxes, cutoff=cutoff.value)


def _write_incidence(output: JobOutput, table: SurvivalTable) -> None:
    import pandas as pd

    assert table.state is not None
    names = dict(enumerate(table.state_names))
    risks = cumulative_incidence(table.time, table.state, names=names)
    times = default_horizons(table)
    frames = [curve.table_at(times) for curve in risks.incidence.values()]
    output.table("cumulative_incidence", pd.concat(frames, ignore_index=True))
    output.figure("cumulative_incidence", cumulative_incidence_figure(risks, time_unit=table.time_unit))
    output.notes.append(
        "competing events are censored in the Cox model (cause-specific hazards); its survival, on the nomogram too, "
        "is not the probability of being free of the event; `predict` and `validate` give the cumulative incidence"
    )


def write_concordance(
    output: JobOutput,
    table: SurvivalTable,
    model: CoxModel,
    refit: ModellingRefit,
    bootstrap: BootstrapSettings,
    progress: Progress,
) -> None:
    """Write Harrell's and Uno's C of every cohort; that of training also corrected for optimism."""
    import pandas as pd

    rows = []
    for label, part in table.parts.items():
        row: dict[str, Any] = {"cohort": label, "n": len(part), "events": part.events, "resamples_used": 0}
        risk = model.linear_predictor(part.frame)
        row |= output.attempt(f"concordance of {label}", concordances, part, risk, bootstrap) or {}
        if label == TRAINING:
            result = optimism_corrected_c(part.time, part.event, refit, bootstrap, progress)
            row |= {"optimism": float(result.optimism), "harrell_corrected": float(result.corrected)}
            row["resamples_used"] = int(result.used)
            output.notes += resample_notes(result.failures, result.repeats)
        rows.append(row)
    output.table("concordance", pd.DataFrame(rows))


def resample_notes(failures: Mapping[str, int], repeats: int) -> list[str]:
    """Say how many resamples gave no model, and why; empty if all did."""
    lost = sum(failures.values())
    if not lost:
        return []
    reason = max(failures, key=failures.__getitem__)
    return [f"{lost} of {repeats} resamples gave no model; most often: {reason}"]


def concordances(part: Outcome, risk: np.ndarray, bootstrap: BootstrapSettings) -> dict[str, float]:
    """Harrell's and Uno's C of a cohort with percentile intervals."""

    def both(rows: np.ndarray) -> np.ndarray:
        time, event, score = part.time[rows], part.event[rows], risk[rows]
        last = float(time[event == 1].max()) if event.any() else 0.0
        return np.array([harrell_c(time, event, score).index, uno_c(time, event, score, tau=last).index])

    interval = bootstrap_interval(both, len(part.time), replace(bootstrap, workers=1))
    names = ("harrell", "uno")
    values: dict[str, float] = {}
    for k, name in enumerate(names):
        values |= {
            name: float(interval.estimate[k]),
            f"{name}_lower": float(interval.lower[k]),
            f"{name}_upper": float(interval.upper[k]),
        }
    return values
