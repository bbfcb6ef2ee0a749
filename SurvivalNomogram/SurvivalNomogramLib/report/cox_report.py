"""What is written about a fitted Cox model: coefficients, selection, residuals, risk groups, concordance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Protocol

import numpy as np

from RadiomicsCoreLib.cohort.splits import TRAINING, part_order
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem
from RadiomicsCoreLib.progress import Progress

from ..estimation.competing_risks import cumulative_incidence
from ..estimation.kaplan_meier import compare_groups, curves_table, median_follow_up
from ..groups.group_figures import cumulative_incidence_figure, kaplan_meier_figure, risk_box_figure
from ..groups.out_of_fold import OutOfFold
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
from ..models.cox import Coefficient, CoxModel
from ..models.schoenfeld import GLOBAL, plot_schoenfeld, schoenfeld_test
from ..models.signature import signature_of_lasso
from ..models.univariable import UnivariableLine, univariable_frame
from ..tables.baseline_table import baseline_table
from ..tables.covariates import DesignMatrix, Term
from ..tables.survival_table import SurvivalTable
from ..validation.bootstrap import FOLDS, BootstrapSettings, OptimismResult, optimism_corrected_c, too_few_for_interval
from ..validation.concordance import harrell_c, uno_c
from ..validation.cox_modelling import ModellingRefit, ModellingResult

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..models.lasso_cox import LassoCoxFit

FITTED_HERE = "fitted on these patients"
"""Stands in every table and figure of training patients."""
NOT_FITTED_HERE, HELD_OUT, HELD_OUT_LABEL = "not fitted", "out of fold", "train out of fold"
COEFFICIENT_COLUMNS = [part.name for part in fields(Coefficient)]
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


def coefficients_table(model: CoxModel, training: SurvivalTable) -> pd.DataFrame:
    """The coefficients with their hazard ratios, one row a column of the model.

    A feature's unit is arbitrary, and its hazard ratio of one unit is 1.0000 or 1e9; beside it stands that of one
    standard deviation of the training patients. Levels of a category have no such scale.
    """
    import pandas as pd

    table = pd.DataFrame([asdict(line) for line in model.summary()], columns=COEFFICIENT_COLUMNS)
    return per_deviation(table, dict(zip(model.columns, _spreads(model.terms, training), strict=True)))


def univariable_table(lines: Sequence[UnivariableLine], training: SurvivalTable) -> pd.DataFrame:
    """The univariable models, one row a column, with hazard ratios of one unit and of one standard deviation."""
    terms = tuple(line.term for line in lines)
    spreads = dict(zip(DesignMatrix(terms).columns, _spreads(terms, training), strict=True))
    return per_deviation(univariable_frame(lines), spreads)


def _spreads(terms: Sequence[Term], training: SurvivalTable) -> np.ndarray:
    """Standard deviation of every column among the training patients; NaN of the levels of a category."""
    numeric = np.array([not term.is_categorical for term in terms for _ in term.columns], bool)
    return np.where(numeric, DesignMatrix(tuple(terms)).transform(training.frame).std(axis=0, ddof=1), np.nan)


def per_deviation(table: pd.DataFrame, spreads: Mapping[str, float]) -> pd.DataFrame:
    """A table of hazard ratios with those of one standard deviation beside them.

    Args:
        table: with ``column``, ``hazard_ratio``, ``lower`` and ``upper``.
        spreads: column to its standard deviation; a column that is not there has none.
    """
    table["sd"] = [spreads.get(str(column), np.nan) for column in table["column"]]
    for name in ("hazard_ratio", "lower", "upper"):
        with np.errstate(over="ignore", divide="ignore"):
            table[f"{name}_per_sd"] = np.exp(np.log(table[name].to_numpy(float)) * table["sd"].to_numpy(float))
    return table


def selection_notes(result: ModellingResult) -> list[str]:
    """What a reader should know of the selection: the model it led to, and what intervals ignore."""
    notes = [f"model: {', '.join(term.name for term in result.model.terms)}"]
    notes += result.notes
    if result.stepwise is not None:
        notes += list(result.stepwise.warnings)
    if result.model.penalty is not None:
        notes.append(
            f"the model is the penalised one (lambda {result.model.penalty:.3g}): its coefficients are shrunk and have "
            "no standard errors; --refit fits what was chosen again without a penalty"
        )
    elif result.stepwise is not None or result.lasso is not None or result.univariable:
        notes.append(
            "intervals and p values of the coefficients do not know of the selection; the optimism-corrected values do"
        )
    return notes


def write_selection(
    output: JobOutput, result: ModellingResult, table: SurvivalTable, lambda_choice: str, id_column: str
) -> None:
    """Write the steps of a stepwise selection, or the path of the lasso with its figures and its signature.

    Args:
        output: takes the files.
        result: of the modelling step.
        table: all cohorts.
        lambda_choice: "min" or "1se".
        id_column: of the signature's table, by which it is joined to the cohort again.
    """
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
        output.attempt("signature", _write_signature, output, result.lasso, table, lambda_choice, id_column)


def _write_signature(output: JobOutput, lasso: LassoCoxFit, table: SurvivalTable, choice: str, id_column: str) -> None:
    """Write the penalised model as a signature: its formula, and its value for every patient."""
    import pandas as pd

    signature = signature_of_lasso("lasso", lasso, table, choice)
    output.text("signature_formula", signature.formula())
    values = pd.DataFrame({id_column: table.ids, signature.column: signature.values(table.frame)})
    if table.split is not None:
        values.insert(1, "split", table.split)
    output.table("signature", values)


def write_schoenfeld(output: JobOutput, model: CoxModel, training: SurvivalTable) -> None:
    """Write the test of proportional hazards and its figure; note the covariates that fail it."""
    import pandas as pd

    if model.penalty is not None:
        output.notes.append(
            "proportional hazards are not tested: the test is made for coefficients at the maximum of the likelihood, "
            "not for shrunk ones (--refit)"
        )
        return
    test = schoenfeld_test(model, training)
    output.table("proportional_hazards", pd.DataFrame([asdict(line) for line in test.lines]))
    output.figure("schoenfeld", plot_schoenfeld(test))
    for line in test.lines:
        if line.p < 0.05:
            what = "the model as a whole" if line.term == GLOBAL else line.term
            output.notes.append(f"proportional hazards are doubtful for {what} (p = {line.p:.3g})")


def write_groups(
    output: JobOutput, table: SurvivalTable, model: CoxModel, cutoff: RiskCutoff, held_out: OutOfFold | None
) -> None:
    """Write Kaplan-Meier curves, baseline tables and box plots of the locked risk groups.

    Args:
        output: takes the files.
        table: all cohorts.
        model, cutoff: of the training patients.
        held_out: the training patients by models of the other folds, shown beside; None: they could not be made.
    """
    parts = table.parts
    write_curves(output, parts, model, cutoff, held_out)
    training = parts[TRAINING]
    risk_groups = cutoff.groups(model.linear_predictor(training.frame))
    levels = [level for level in (LOW, HIGH) if (risk_groups == level).any()]
    codes = [term.name for term in training.terms if term.is_categorical]
    output.table("baseline_by_risk", baseline_table(training.frame, risk_groups, categorical=codes, levels=levels))
    if table.split is not None:
        by_cohort = baseline_table(table.frame, table.split, categorical=codes, levels=list(parts))
        output.table("baseline_by_cohort", by_cohort)
    output.figure("risk_by_outcome", _risk_figure(table, model, cutoff, held_out))
    if table.state is not None:
        output.attempt("cumulative incidence", _write_incidence, output, training)


def is_fitted_label(label: str) -> bool:
    """Whether a cohort of this name holds patients that the model was fitted on.

    Example:
        >>> [is_fitted_label(label) for label in ("train", "test", "test (fitted)", "train (not fitted)")]
        [True, False, True, False]
    """
    return label == TRAINING or label.endswith(" (fitted)")


def write_curves(
    output: JobOutput,
    parts: Mapping[str, Outcome],
    model: CoxModel,
    cutoff: RiskCutoff,
    held_out: OutOfFold | None = None,
    *,
    knows_fitted: bool = True,
) -> None:
    """Kaplan-Meier curves of the locked risk groups in every cohort, and one table of them.

    Those of fitted patients say so, and stand beside the same patients' groups by out-of-fold models.
    """
    import pandas as pd

    tables = []
    for label, part in parts.items():
        groups = cutoff.groups(model.linear_predictor(part.frame))
        who = FITTED_HERE if knows_fitted and is_fitted_label(label) else NOT_FITTED_HERE
        shown = [(label, part, groups, who)]
        if label == TRAINING and held_out is not None:
            known = held_out.known
            left = _Patients(part.time[known], part.event[known], part.time_unit, part.frame[known])
            shown.append((HELD_OUT_LABEL, left, np.where(held_out.is_high[known], HIGH, LOW), HELD_OUT))
        for each in shown:
            table = output.attempt(f"Kaplan-Meier of {each[0]}", write_kaplan_meier, output, *each)
            if table is not None:
                tables.append(table)
    if tables:
        output.table("groups", pd.concat(tables, ignore_index=True))


@dataclass(frozen=True)
class _Patients:
    """Some patients of a cohort."""

    time: np.ndarray
    event: np.ndarray
    time_unit: str
    frame: pd.DataFrame


def write_kaplan_meier(output: JobOutput, label: str, part: Outcome, groups: np.ndarray, who: str) -> pd.DataFrame:
    """Write the curves of one cohort and return its rows of the table of groups; ``who`` stands in both."""
    comparison = compare_groups(part.time, part.event, groups, levels=(LOW, HIGH))
    name = f"kaplan_meier_{file_stem(label)}"
    title = f"{label}, {who}" if who == FITTED_HERE else label
    output.figure(name, kaplan_meier_figure(comparison, time_unit=part.time_unit, title=title))
    output.table(name, curves_table(comparison.curves).assign(patients=who))
    frame = comparison.table()
    frame.insert(0, "cohort", label)
    frame.insert(1, "patients", who)
    frame["median_follow_up"] = median_follow_up(part.time, part.event)
    return frame


def _risk_figure(table: SurvivalTable, model: CoxModel, cutoff: RiskCutoff, held_out: OutOfFold | None) -> Figure:
    risk, event = model.linear_predictor(table.frame), table.event
    labels = np.full(len(table), TRAINING) if table.split is None else np.asarray(table.split, dtype=str)
    order = part_order(labels.tolist())
    if held_out is not None:
        known = held_out.known
        risk = np.concatenate((risk, held_out.risk[known]))
        event = np.concatenate((event, table.training.event[known]))
        labels = np.concatenate((labels, np.full(int(known.sum()), HELD_OUT_LABEL)))
        order = [TRAINING, HELD_OUT_LABEL, *(label for label in order if label != TRAINING)]
    named = {label: f"{label}, {FITTED_HERE}" if label == TRAINING else label for label in order}
    boxes = {
        f"{named[label]}: {what}": (labels == label) & (event == value)
        for label in order
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
    """Write Harrell's and Uno's C of every cohort; that of training without an interval, and corrected with one."""
    import pandas as pd

    rows = []
    for label, part in table.parts.items():
        row: dict[str, object] = {"cohort": label, "n": len(part), "events": part.events, "resamples_used": 0}
        risk, is_fitted = model.linear_predictor(part.frame), label == TRAINING
        row |= output.attempt(f"concordance of {label}", concordances, part, risk, is_fitted) or {}
        if is_fitted:
            partitions = refit.modelling.partitions(part.event, bootstrap)
            result = optimism_corrected_c(part.time, part.event, refit, bootstrap, progress, partitions=partitions)
            row |= corrected_values("harrell", result)
            row["resamples_used"] = int(result.used)
            output.notes += optimism_notes(result, len(partitions))
        rows.append(row)
    output.table("concordance", pd.DataFrame(rows))


def corrected_values(name: str, result: OptimismResult) -> dict[str, float]:
    """Optimism, corrected figure and its interval, as they stand in a row of a table."""
    return {
        "optimism": float(result.optimism),
        f"{name}_corrected": float(result.corrected),
        f"{name}_corrected_lower": float(result.lower),
        f"{name}_corrected_upper": float(result.upper),
    }


def optimism_notes(result: OptimismResult, partitions: int = 0) -> list[str]:
    """Say how a figure was corrected, which resamples gave no model, and why an interval is missing."""
    notes = []
    if partitions:
        notes.append(
            f"covariates are chosen by the outcome: the corrected figures are those of a {FOLDS}-fold cross-validation "
            f"of the whole modelling step, repeated {partitions} times; the resamples give their spread"
        )
    if result.nulls:
        notes.append(
            f"in {result.nulls} of {result.repeats} resamples the modelling step chose nothing; they count as models "
            "without covariates"
        )
    notes += resample_notes(result.failures, result.repeats)
    short = too_few_for_interval(result.repeats)
    return [*notes, *([short] if short else [])]


def resample_notes(failures: Mapping[str, int], repeats: int) -> list[str]:
    """Say how many resamples gave no model, and why; empty if all did."""
    lost = sum(failures.values())
    if not lost:
        return []
    reason = max(failures, key=failures.__getitem__)
    share = f"{lost} of {repeats} resamples ({lost / repeats:.0%})"
    return [f"{share} gave no model and are missing from the corrected figures; most often: {reason}"]


def concordances(part: Outcome, risk: np.ndarray, is_fitted: bool) -> dict[str, float]:
    """Harrell's and Uno's C of a cohort, with the jackknife's interval unless it was fitted on."""
    last = float(part.time[part.event == 1].max()) if part.event.any() else None
    found = {
        "harrell": harrell_c(part.time, part.event, risk),
        "uno": uno_c(part.time, part.event, risk, tau=last),
    }
    values: dict[str, float] = {}
    for name, each in found.items():
        low, high = (float("nan"),) * 2 if is_fitted else each.interval()
        values |= {name: each.index, f"{name}_lower": low, f"{name}_upper": high}
    return values
