"""Validates a finished Cox model on cohorts, one after the other; nothing is fitted on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.joined import JoinedCohort
from RadiomicsCoreLib.cohort.splits import TRAINING, part_order
from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.figures.calibration_figure import calibration_figure
from RadiomicsCoreLib.figures.roc_figure import roc_figure
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem
from RadiomicsCoreLib.progress import Progress, part_of

from ..bundles.bundle import ModelBundle
from ..bundles.fitted_patients import Recognised, outcome_values, recognise
from ..bundles.new_patients import read_new_patients
from ..groups.group_figures import forest_figure
from ..groups.out_of_fold import OutOfFold, out_of_fold
from ..groups.risk_groups import HIGH, LOW, RiskCutoff
from ..groups.subgroups import SubgroupRow, subgroup_analysis, subgroup_table
from ..models.competing_causes import CompetingCauses
from ..models.cox import CoxModel
from ..tables.cohort_table import said_of, said_of_others
from ..tables.survival_table import SurvivalTable, read_survival_table
from ..tables.table_columns import SurvivalColumns
from ..validation.bootstrap import BootstrapSettings, optimism_corrected_c, too_few_for_interval
from ..validation.brier import brier_table
from ..validation.calibration import Calibration, calibrate, calibrate_with_optimism
from ..validation.corrected_scores import (
    corrected_auc,
    corrected_brier,
    corrected_text,
    with_correction,
    without_interval,
)
from ..validation.cox_modelling import CoxModelling, FittedResamples
from ..validation.decision_curve import corrected_decision_curve, decision_curve_survival
from ..validation.time_dependent_roc import auc_table, time_dependent_roc
from ..validation.validation_figures import brier_figure, decision_curve_figure, survival_calibration_panel
from .competing_report import CompetingValidation, predicted_incidences
from .cox_report import (
    FITTED_HERE,
    HELD_OUT,
    HELD_OUT_LABEL,
    NOT_FITTED_HERE,
    concordances,
    corrected_values,
    is_fitted_label,
    optimism_notes,
)

if TYPE_CHECKING:
    import pandas as pd

ALL, NEW, NO_LABEL, NOT_FITTED = "all", "new patients", "none", "train (not fitted)"
"""Cohorts of a table without a split, beside fitted patients, without a label, and labelled train but not fitted."""
FITTED_NOT_CORRECTED = "fitted patients, not corrected"
BRIER_POINTS = 20
FEW_CASES = 10
"""With fewer cases or controls the normal interval of an AUC is not to be trusted."""


@dataclass(frozen=True)
class CohortPart:
    """One cohort: outcome, covariates, and the whole table's rows for subgroups."""

    time: np.ndarray
    event: np.ndarray
    frame: pd.DataFrame
    source: pd.DataFrame
    time_unit: str
    competing: np.ndarray | None = None

    @property
    def state(self) -> np.ndarray:
        """(n,) 0 censored, 1 event, 2 any competing event."""
        return self.event if self.competing is None else np.where(self.competing, 2, self.event)

    def rows(self, kept: np.ndarray) -> CohortPart:
        """Return some of the patients; ``kept`` (n,) bool."""
        competing = None if self.competing is None else self.competing[kept]
        return CohortPart(
            self.time[kept], self.event[kept], self.frame[kept], self.source[kept], self.time_unit, competing
        )

    def size(self) -> dict[str, int]:
        """Return the number of patients and of events."""
        return {"n": len(self.time), "events": int(self.event.sum())}


@dataclass(frozen=True)
class Cohorts:
    """The cohorts of a table.

    Attributes:
        parts: label to cohort, the fitted patients first under ``train``.
        notes: who was left out and why, what was filled.
        warnings: who is known to the model already.
        left_out: why -> how many.
    """

    parts: dict[str, CohortPart]
    notes: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)

    def who(self) -> dict[str, object]:
        """Return n and events of every cohort, and who is left out, as plain values."""
        return {"parts": {name: part.size() for name, part in self.parts.items()}, "left_out": dict(self.left_out)}

    def who_is_there(self) -> str:
        """Say in one line who is validated, and who is left out and why."""
        said = [f"{name}: {said_of(**part.size())}" for name, part in self.parts.items()]
        return "; ".join([*said, said_of_others(self.left_out)])


def columns_of(bundle: ModelBundle) -> SurvivalColumns:
    """The columns of the training table, as the bundle remembers them."""
    stored = dict(bundle.settings.get("columns") or {})
    if not stored:
        raise InputError("the bundle does not say which columns are time and event; name them")
    for name in ("covariates", "categorical", "event_values", "censored_values"):
        if isinstance(stored.get(name), list):
            stored[name] = tuple(stored[name])
    try:
        return SurvivalColumns(**stored)
    except TypeError as error:
        raise InputError(f"the columns in the bundle cannot be read: {error}") from None


def modelling_of(bundle: ModelBundle) -> CoxModelling:
    """The modelling step that made the bundle."""
    return CoxModelling.from_dict(bundle.settings.get("modelling") or {})


def read_cohort(bundle: ModelBundle, joined: JoinedCohort, request: SurvivalColumns) -> Cohorts:
    """Outcome and covariates of the patients who can be predicted, by split label.

    Patients that the model was fitted on are known by their values, whatever the file, the order or the ids: they are
    the part ``train``; a part that holds both kinds is cut into two.
    """
    patients = read_new_patients(joined, bundle)
    alone = replace(joined.rows(patients.usable), columns=replace(joined.columns, split=None, patient=None))
    outcome = read_survival_table(
        replace(alone, notes=()),
        time=request.time,
        event=request.event,
        time_unit=request.time_unit,
        covariates=(),
        event_values=request.event_values,
        censored_values=request.censored_values,
    )
    if isinstance(bundle.model, CoxModel) and outcome.time_unit != bundle.model.time_unit:
        outcome = outcome.in_unit(bundle.model.time_unit)
    kept = np.isin(np.array(joined.ids, dtype=object), outcome.ids)
    frame, whole = patients.frame[kept], joined.frame[kept]
    ids = [str(name) for name in whole.index]
    found = recognise(
        bundle.fitted, ids, frame, bundle.model.terms, outcome_values(outcome), has_ids=joined.columns.id is not None
    )
    labels = _labels(joined.rows(kept).split, found)
    notes = [*patients.report, *outcome.report]
    for name, problem in zip(patients.ids[~patients.usable], patients.problems[~patients.usable], strict=True):
        notes.append(f"patient {name} left out: {problem}")
    unusable = int((~patients.usable).sum())
    parts = {
        label: CohortPart(
            outcome.time[labels == label],
            outcome.event[labels == label],
            frame[labels == label],
            whole[labels == label],
            outcome.time_unit,
            None if outcome.state is None else outcome.state[labels == label] > 1,
        )
        for label in part_order(labels.tolist())
    }
    left_out = dict(outcome.left_out) | ({"who cannot be predicted": unusable} if unusable else {})
    return Cohorts(parts, tuple(notes), tuple(_warnings(found, parts)), left_out)


def _labels(split: np.ndarray | None, found: Recognised) -> np.ndarray:
    """(n,) names of the cohorts: fitted patients and others never share one."""
    fitted = found.fitted
    if split is None:
        return np.where(fitted, TRAINING, NEW if fitted.any() else ALL).astype(object)
    labels = np.array([NO_LABEL if label is None else label for label in split], dtype=object)
    if not found.is_known:
        return labels
    named = labels == TRAINING
    labels[named & ~fitted] = NOT_FITTED
    for label in set(labels[~named & fitted]):
        labels[(labels == label) & fitted] = f"{label} (fitted)"
    return labels


def _warnings(found: Recognised, parts: Mapping[str, CohortPart]) -> list[str]:
    told = found.warnings()
    mixed = [label for label in parts if label.endswith(" (fitted)") or label in (NOT_FITTED, NEW)]
    if found.fitted.any() and mixed:
        told.append(f"the table mixes fitted and new patients; they are reported apart: {', '.join(parts)}")
    return told


def internal_table(
    bundle: ModelBundle, joined: JoinedCohort, request: SurvivalColumns, cohort: Cohorts
) -> SurvivalTable | None:
    """The training table, if all fitted patients are here with all columns that the modelling step chose from.

    Resampling needs all of it; nothing is resampled of a part of the training patients.
    """
    everyone = bundle.fitted.patients
    if TRAINING not in cohort.parts or not everyone:
        return None
    ids = set(cohort.parts[TRAINING].frame.index)
    if len(ids) != everyone or not set(request.covariates or ()) <= set(joined.frame.columns):
        return None
    alone = replace(joined, columns=replace(joined.columns, split=None), notes=())
    table = request.read(alone.rows(np.array([name in ids for name in joined.ids])))
    return table if len(table) == everyone else None


@dataclass(frozen=True)
class _RiskRefit:
    """1 - predicted survival, for decision curves."""

    survival: FittedResamples

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        return 1 - self.survival(rows)


@dataclass
class CohortValidation:
    """All that is written for one cohort."""

    output: JobOutput
    label: str
    part: CohortPart
    model: CoxModel
    horizons: tuple[float, ...]
    groups: int
    bootstrap: BootstrapSettings
    refits: FittedResamples | None
    knows_fitted: bool = True
    competing: CompetingCauses | None = None

    def run(self, progress: Progress) -> dict[str, object]:
        """Write the cohort's tables and figures; return its line of the concordance table."""
        part, name = self.part, file_stem(self.label)
        row: dict[str, object] = {"cohort": self.label, "n": len(part.time), "events": int(part.event.sum())}
        if not part.event.any():
            self.output.failures.append(
                f"{self.label}: none of its {len(part.time)} patients had an event, so nothing can be validated on it"
            )
            return row
        last = part.time[part.event == 1].max()
        inside = tuple(h for h in self.horizons if h <= last)
        for horizon in (h for h in self.horizons if h > last):
            self.output.failures.append(
                f"{self.label} at {horizon:g}: the cohort's last event is at {last:g}; choose an earlier horizon"
            )
        if self.competing is None:
            self._survival(name, inside, progress)
        else:
            self._incidence(name, inside, progress)
        row["validation"] = self._kind()
        step = part_of(progress, 0.9, 1.0)
        return row | (self.output.attempt(f"{self.label}: concordance", self._concordance_values, step) or {})

    def _incidence(self, name: str, horizons: Sequence[float], progress: Progress) -> None:
        """With competing events nothing is judged against Kaplan-Meier, which would take them for censoring."""
        assert self.competing is not None
        part = self.part
        predicted = predicted_incidences(self.model, self.competing, part.frame, horizons)
        is_new = self._kind() == "as is"
        validation = CompetingValidation(
            self.output,
            self.label,
            name,
            part.time,
            part.state,
            part.time_unit,
            is_new,
            self.bootstrap,
            self.refits,
        )
        arrays = (predicted, horizons, self.groups, part_of(progress, 0.1, 0.9))
        self.output.attempt(f"{self.label}: competing events", validation.run, *arrays)

    def _survival(self, name: str, inside: Sequence[float], progress: Progress) -> None:
        progress(0.05, f"{self.label}: ROC and Brier score")
        self.output.attempt(f"{self.label}: ROC", self._roc, name, inside, part_of(progress, 0.05, 0.08))
        self.output.attempt(f"{self.label}: Brier score", self._brier, name, part_of(progress, 0.08, 0.1))
        for k, horizon in enumerate(inside):
            self.output.attempt(
                f"{self.label}: decision curve at {horizon:g}",
                self._decision,
                name,
                horizon,
                part_of(progress, 0.1 + 0.4 * k / len(inside), 0.1 + 0.4 * (k + 1) / len(inside)),
            )
        self.output.attempt(f"{self.label}: calibration", self._calibration, name, inside, part_of(progress, 0.5, 0.9))

    def _kind(self) -> str:
        """How the cohort's figures are to be taken."""
        if self.refits is not None:
            return "internal, corrected"
        return FITTED_NOT_CORRECTED if self.is_fitted else "as is"

    @property
    def is_fitted(self) -> bool:
        """Whether the model was fitted on these patients, so that their plain figures are no validation."""
        return self.knows_fitted and is_fitted_label(self.label)

    @property
    def title(self) -> str:
        """Above the figures: the cohort, and what it cannot say."""
        return f"{self.label}, {FITTED_HERE}" if self.is_fitted else self.label

    def _table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table, with a word in every row where the model was fitted on these patients."""
        self.output.table(name, table.assign(patients=FITTED_HERE) if self.is_fitted else table)

    @property
    def risk(self) -> np.ndarray:
        return self.model.linear_predictor(self.part.frame)

    def _roc(self, name: str, horizons: Sequence[float], progress: Progress) -> None:
        curves = {}
        for horizon in horizons:
            arrays = (self.part.time, self.part.event, self.risk, horizon)
            curve = self.output.attempt(f"{self.label}: ROC at {horizon:g}", time_dependent_roc, *arrays)
            if curve is not None:
                curves[horizon] = curve
        if not curves:
            return
        table = auc_table(self.part.time, self.part.event, self.risk, list(curves))
        self._note_few(table)
        if self.refits is not None:
            table = with_correction(table, "auc", corrected_auc(self.refits, list(curves), self.bootstrap, progress))
        elif self.is_fitted:
            table = without_interval(table)
        self._table(f"auc_{name}", table)
        named = {
            f"{horizon:g} {self.part.time_unit}": replace(curve, lower=np.nan, upper=np.nan)
            if self.is_fitted
            else curve
            for horizon, curve in curves.items()
        }
        said = [corrected_text(row, "auc") for row in table.to_dict("records")] if self.refits is not None else []
        self.output.figure(f"roc_{name}", lambda: roc_figure(named, title=self.title, corrected=said))

    def _note_few(self, table: pd.DataFrame) -> None:
        """Say which AUCs stand on few patients, and that those of training patients are not corrected."""
        for row in table.to_dict("records"):
            if min(row["cases"], row["controls"]) < FEW_CASES:
                self.output.notes.append(
                    f"{self.label}: the AUC at {row['horizon']:g} {self.part.time_unit} rests on {row['cases']:g} "
                    f"cases and {row['controls']:g} controls; with fewer than {FEW_CASES} its interval is not reliable"
                )
        if self.is_fitted:
            corrected = "the corrected figures are those to report" if self.refits else "nothing is corrected here"
            self.output.notes.append(
                f"{self.label}: apparent figures are those of the patients that the model was fitted on, too good "
                f"by nature, and have no interval; {corrected}"
            )

    def _brier(self, name: str, progress: Progress) -> None:
        events = self.part.time[self.part.event == 1]
        end = min(max(self.horizons), float(events.max()), float(self.model.baseline.times[-1]))
        times = np.linspace(0, end, BRIER_POINTS + 1)[1:]
        risks = 1 - self.model.survival_at(self.part.frame, times)
        table = brier_table(self.part.time, self.part.event, risks, times.tolist())
        if self.refits is not None:
            table = with_correction(
                table, "brier", corrected_brier(self.refits, times.tolist(), self.bootstrap, progress)
            )
        elif self.is_fitted:
            table = without_interval(table)
        self._table(f"brier_{name}", table)
        unit = self.part.time_unit
        self.output.figure(f"brier_{name}", lambda: brier_figure({"model": table}, time_unit=unit, title=self.title))

    def _calibration(self, name: str, horizons: Sequence[float], progress: Progress) -> None:
        import pandas as pd

        done = []
        for k, horizon in enumerate(horizons):
            step = part_of(progress, k / len(horizons), (k + 1) / len(horizons))
            found = self.output.attempt(f"{self.label}: calibration at {horizon:g}", self._calibrated, horizon, step)
            if found is not None:
                done.append(found)
        if not done:
            return
        self._table(f"calibration_{name}", pd.concat([c.table() for c in done], ignore_index=True))
        self._table(f"calibration_curve_{name}", pd.concat([c.curve_table() for c in done], ignore_index=True))
        self._table(f"calibration_summary_{name}", pd.DataFrame([c.summary() for c in done]))
        unit = self.part.time_unit
        panels = [survival_calibration_panel(found, time_unit=unit, first=k == 0) for k, found in enumerate(done)]
        self.output.figure(f"calibration_{name}", lambda: calibration_figure(panels, title=self.title))

    def _calibrated(self, horizon: float, progress: Progress) -> Calibration:
        groups = max(1, min(self.groups, len(self.part.time) // 2))
        if self.refits is not None:
            table = self.refits.table
            return calibrate_with_optimism(
                table.time,
                table.event,
                self.refits.at(horizon),
                horizon,
                groups=groups,
                settings=self.bootstrap,
                partitions=self.refits.partitions,
                progress=progress,
            )
        survival = self.model.survival_at(self.part.frame, horizon)[:, 0]
        settings = None if self.is_fitted else self.bootstrap
        found = calibrate(self.part.time, self.part.event, survival, horizon, groups=groups, settings=settings)
        return replace(found, intervals={}) if self.is_fitted else found

    def _decision(self, name: str, horizon: float, progress: Progress) -> None:
        stem = f"decision_curve_{name}_{horizon:g}"
        title = f"{self.title}, {horizon:g} {self.part.time_unit}"
        if self.refits is not None:
            table = self.refits.table
            corrected = corrected_decision_curve(
                table.time,
                table.event,
                _RiskRefit(self.refits.at(horizon)),
                horizon,
                settings=self.bootstrap,
                progress=progress,
                partitions=self.refits.partitions,
            )
            self._table(stem, corrected.table())
            self.output.figure(stem, lambda: decision_curve_figure(corrected.curve, corrected=corrected, title=title))
            return
        risk = 1 - self.model.survival_at(self.part.frame, horizon)[:, 0]
        settings = None if self.is_fitted else self.bootstrap
        arrays = (self.part.time, self.part.event, {"model": risk}, horizon)
        curve = decision_curve_survival(*arrays, settings=settings)
        self._table(stem, curve.table())
        self.output.figure(stem, lambda: decision_curve_figure(curve, title=title))

    def _concordance_values(self, progress: Progress) -> dict[str, object]:
        values: dict[str, object] = dict(concordances(self.part, self.risk, self.is_fitted))
        if self.refits is not None:
            table, partitions = self.refits.table, self.refits.partitions
            result = optimism_corrected_c(
                table.time, table.event, self.refits, self.bootstrap, progress, partitions=partitions
            )
            values |= corrected_values("harrell", result)
            self.output.notes += optimism_notes(result, len(partitions))
        elif not self.is_fitted and (short := too_few_for_interval(self.bootstrap.repeats)):
            self.output.notes.append(f"{self.label}, ICI, E50, E90 and net benefit: {short}")
        return values


def check_subgroups(cutoff: RiskCutoff | None, subgroups: Sequence[str], cuts: Mapping[str, float] | None) -> None:
    """Raise InputError if there are no risk groups to compare, or a cut is of no subgroup."""
    if subgroups and cutoff is None:
        raise InputError("subgroups compare risk groups, but the bundle holds no cut-off")
    for name in cuts or {}:
        if name not in subgroups:
            named = ", ".join(subgroups) or "(none)"
            raise InputError(f"a cut is given for {name!r}, which is not among the subgroups {named}")


def write_subgroups(
    output: JobOutput,
    cohort: Cohorts,
    model: CoxModel,
    cutoff: RiskCutoff | None,
    subgroups: Sequence[str],
    cuts: Mapping[str, float] | None,
    held_out: OutOfFold | None = None,
    *,
    knows_fitted: bool = True,
) -> None:
    """Write the subgroup table and forest plot of every cohort, high against low risk; of training also out of fold."""
    assert cutoff is not None  # check_subgroups has seen to it
    for label, part in cohort.parts.items():
        exposure = cutoff.is_high(model.linear_predictor(part.frame)).astype(float)
        who = FITTED_HERE if knows_fitted and is_fitted_label(label) else NOT_FITTED_HERE
        shown = [(label, part, exposure, who)]
        if label == TRAINING and held_out is not None:
            known = held_out.known
            shown.append((HELD_OUT_LABEL, part.rows(known), held_out.is_high[known].astype(float), HELD_OUT))
        for name, patients, high, told in shown:
            arrays = (patients, high, list(subgroups), dict(cuts or {}))
            rows = output.attempt(f"subgroups of {name}", _subgroup_rows, *arrays)
            if rows is None:
                continue
            output.table(f"subgroups_{file_stem(name)}", subgroup_table(rows).assign(patients=told))
            title = f"{name}, {told}" if told == FITTED_HERE else name
            figure = forest_figure(rows, effect=f"Hazard ratio, {HIGH} against {LOW}", title=title)
            output.figure(f"forest_{file_stem(name)}", figure)


def held_out_groups(
    internal: SurvivalTable, part: CohortPart, modelling: CoxModelling, cutoff: RiskCutoff, seed: int
) -> OutOfFold:
    """The training part's groups by out-of-fold models, row by row of that part.

    Raises:
        ModelError: no fold has a model, or the table and the part do not hold the same patients.
    """
    if internal.ids.tolist() != [str(name) for name in part.frame.index]:
        raise ModelError("the training table and the cohort hold their patients in another order")
    return out_of_fold(internal, modelling, cutoff, seed=seed)


def _subgroup_rows(
    part: CohortPart, exposure: np.ndarray, variables: Sequence[str], cuts: Mapping[str, float]
) -> list[SubgroupRow]:
    return subgroup_analysis(part.time, part.event, exposure, part.source, variables, cuts=cuts)
