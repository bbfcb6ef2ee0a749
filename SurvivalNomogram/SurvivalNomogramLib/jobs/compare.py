"""``compare``: several Cox models on the same patients, side by side in every table and figure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from RadiomicsCoreLib.cohort.columns import named_table
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known

from ..bundles.bundle import ModelBundle, load_bundle
from ..models.cox import CoxModel
from ..nomogram.points import check_horizons
from ..report.applying import notes_of_training
from ..settings.inputs import Figures, Patients
from ..side_by_side.compared_models import (
    ComparedModels,
    auc_rows,
    coefficient_rows,
    concordance_rows,
    hazard_rows,
    pair_rows,
    read_models,
    risk_groups,
    roc_curves,
)
from ..side_by_side.side_by_side_figures import (
    benefit_panels,
    benefits_at,
    calibration_panels,
    calibrations_at,
    coefficient_bars,
    concordance_figure,
    roc_panels,
    survival_panels,
)


@dataclass(frozen=True, kw_only=True)
class CompareJob(Figures, Patients, Job):
    """Compare finished Cox models on the patients that all of them can predict, cohort by cohort; nothing is fitted.

    Writes ``concordance.csv`` (Harrell's C and its test against one of the models), ``pairs.csv`` (every pair),
    ``auc.csv`` (areas at the horizons, with their tests), ``hazard_ratios.csv`` (high against low risk by the locked
    cut-offs), ``coefficients.csv``, and figures with a panel a cohort: C, ROC, Kaplan-Meier (models by cohorts),
    calibration, decision curves, and a model's coefficients as bars. Rows of fitted patients say so.

    Attributes:
        models: name to bundle.
        against: name of the model that the others are tested against; None: the first.
        horizons: times; those of the first model's nomogram when empty.
        groups: of the calibration.
    """

    verb = "compare"

    models: Mapping[str, Path] = option(
        "model to compare, as written by cox (repeatable): combined=out/model",
        factory=dict,
        word="--model",
        read=named_table,
        metavar="NAME=BUNDLE",
        repeated=True,
    )
    against: str | None = option("model that the others are tested against (default: the first)", None, metavar="NAME")
    horizons: tuple[float, ...] = option("times to look at: 365,1095 (default: those of the first model)", ())
    groups: int = option("groups of the calibration", 5, metavar="N")

    def __post_init__(self) -> None:
        if len(self.models) < 2:
            raise InputError("a comparison needs two models: --model a=one/model --model b=other/model")
        if self.against is not None:
            check_known("model", self.against, self.models)
        if self.groups < 1:
            raise InputError(f"groups is {self.groups}; give a whole number of 1 or more")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Compare and write."""
        bundles = {name: load_bundle(path) for name, path in self.models.items()}
        compared = read_models(bundles, self)
        against = self.against or next(iter(self.models))
        output.notes += [*compared.notes, f"p values are of the difference from {against}; none is corrected for many"]
        output.warnings += list(dict.fromkeys(line for one in bundles.values() for line in notes_of_training(one)))
        progress(0.2, "concordance")
        rows = concordance_rows(compared, against)
        output.files["concordance"] = output.table("concordance", rows)
        output.table("pairs", pair_rows(compared))
        output.figure("concordance", concordance_figure, rows)
        groups = risk_groups(compared, output)
        output.table("hazard_ratios", hazard_rows(compared, groups))
        if groups:
            output.figure("kaplan_meier", survival_panels, groups, compared.time_unit)
        coefficients = coefficient_rows(compared)
        output.table("coefficients", coefficients)
        for name in compared.models:
            own = [row for row in coefficients if row["model"] == name]
            if own:
                output.figure(f"coefficients_{file_stem(name)}", coefficient_bars, own, name)
        progress(0.4, "time-dependent ROC")
        self._at_horizons(output, compared, against, self._horizons(bundles), progress)
        progress(1.0, f"{len(compared.models)} models in {len(compared.parts)} cohorts")

    def _horizons(self, bundles: Mapping[str, ModelBundle]) -> tuple[float, ...]:
        first = next(iter(bundles.values()))
        chosen = self.horizons or (first.nomogram.horizons if first.nomogram else ())
        for bundle in bundles.values():
            if isinstance(bundle.model, CoxModel):
                check_horizons(bundle.model, chosen)
        return tuple(float(horizon) for horizon in chosen)

    def _at_horizons(
        self,
        output: JobOutput,
        compared: ComparedModels,
        against: str,
        horizons: tuple[float, ...],
        progress: Progress,
    ) -> None:
        curves = roc_curves(compared, horizons, output)
        output.table("auc", auc_rows(compared, curves, against))
        for k, horizon in enumerate(horizons):
            progress(0.5 + 0.5 * k / len(horizons), f"at {horizon:g} {compared.time_unit}")
            name = f"{horizon:g}"
            own = {label: found for (label, when), found in curves.items() if when == horizon}
            if own:
                output.figure(f"roc_{name}", roc_panels, own, f"ROC at {name} {compared.time_unit}")
            calibrations = calibrations_at(compared, horizon, self.groups, output)
            if calibrations:
                output.figure(f"calibration_{name}", calibration_panels, calibrations, horizon, compared.time_unit)
            benefits = benefits_at(compared, horizon, output)
            if benefits:
                output.figure(f"decision_curve_{name}", benefit_panels, benefits, horizon, compared.time_unit)
