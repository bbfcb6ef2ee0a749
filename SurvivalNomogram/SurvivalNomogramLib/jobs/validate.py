"""``validate``: discrimination, calibration and benefit of a model on a cohort, part by part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.cohort.splits import TRAINING
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option

from ..bundles.bundle import ModelBundle, load_bundle
from ..models.cox import CoxModel
from ..nomogram.points import check_horizons
from ..report.applying import notes_of_training, read_as_trained
from ..report.cohort_comparison import write_comparison
from ..report.cohort_validation import (
    CohortValidation,
    check_subgroups,
    columns_of,
    held_out_groups,
    internal_table,
    modelling_of,
    read_cohort,
    write_subgroups,
)
from ..report.cox_report import write_curves
from ..settings.inputs import Figures, FittedModel, Patients, Resampling
from ..tables.survival_table import DAYS_PER_UNIT
from ..tables.table_columns import SurvivalColumns
from ..validation.cox_modelling import fit_resamples


def _cut(text: str) -> tuple[str, float]:
    """Read ``age=65``."""
    name, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not name:
        raise InputError(f"{text!r} is not of the form COLUMN=NUMBER")
    try:
        return name, float(value)
    except ValueError:
        raise InputError(f"--cut {text}: {value!r} is not a number") from None


@dataclass(frozen=True, kw_only=True)
class ValidateJob(Figures, Resampling, Patients, FittedModel, Job):
    """Validate a bundle's Cox model on a cohort, part by part; nothing is fitted on it.

    The patients that the model was fitted on are known by their values: they are the part "train". Where all of them
    are there, their calibration, decision curves and C are corrected for optimism by repeating the bundle's modelling
    step in every resample. All others are validated as they are.

    A bundle with competing events is judged by its cumulative incidence, with Fine and Gray's beside it:
    ``competing``, ``competing_calibration``, ``competing_curve`` and ``competing_summary`` tables take the place of
    ``auc``, ``brier``, ``calibration`` and ``decision_curve``.

    Writes for every part ``auc``, ``brier``, ``calibration``, ``decision_curve`` tables and figures, one
    ``concordance.csv``, ``groups.csv`` with the locked cut-off, and ``subgroups.csv`` with a forest plot.

    Attributes:
        time, event, time_unit, event_values, censored_values: as in ``cox``; None: those of the training.
        horizons: times; those of the bundle's nomogram when empty.
        groups: of the calibration.
        subgroups: columns of the forest plot.
        cuts: where numeric subgroup columns are cut; their medians when not given.
        against: bundle of another Cox model; the two are compared in ``comparison.csv``.
    """

    verb = "validate"

    time: str | None = option("column of the follow-up time (default: that of the training)", None, group="end point")
    event: str | None = option("column of the event (default: that of the training)", None, group="end point")
    time_unit: str | None = option(
        "unit of the times (default: that of the training)", None, choices=tuple(DAYS_PER_UNIT), group="end point"
    )
    event_values: tuple[str, ...] | None = option(
        "what the event column says where the event happened", None, group="end point"
    )
    censored_values: tuple[str, ...] | None = option(
        "what it says where the patient was censored", None, group="end point"
    )
    horizons: tuple[float, ...] = option("times to look at: 365,1095 (default: those of the model)", ())
    groups: int = option("groups of the calibration", 5, metavar="N")
    subgroups: tuple[str, ...] = option("columns of the forest plot", ())
    cuts: Mapping[str, float] = option(
        "where a numeric subgroup is cut (default: its median)",
        factory=dict,
        word="--cut",
        read=_cut,
        metavar="COLUMN=NUMBER",
        repeated=True,
    )
    against: Path | None = option("bundle of another model to compare with, on the same patients", None)

    def __post_init__(self) -> None:
        if self.groups < 1:
            raise InputError(f"groups is {self.groups}; give a whole number of 1 or more")

    def check(self) -> None:
        """Refuse settings out of bounds before anything is read. Raises InputError."""
        _ = self.resamples

    def table_columns(self, bundle: ModelBundle) -> SurvivalColumns:
        """Which columns are what: those of the training, with what is named here over them."""
        named: dict[str, Any] = {
            "time": self.time,
            "event": self.event,
            "time_unit": self.time_unit,
            "event_values": self.event_values,
            "censored_values": self.censored_values,
        }
        given = {name: value for name, value in named.items() if value is not None}
        if "event" in given or "event_values" in given or "censored_values" in given:
            # What the training's event column said need not be what this one says.
            given = {"event_values": None, "censored_values": None} | given
        return replace(columns_of(bundle), **given)

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Validate and write."""
        bundle = load_bundle(self.bundle)
        model = bundle.model
        if not isinstance(model, CoxModel):
            raise InputError("the bundle holds no Cox model; validation over time needs a Cox model")
        chosen = tuple(self.horizons) or (bundle.nomogram.horizons if bundle.nomogram else ())
        if not chosen:
            raise InputError("no horizon is given and the bundle names none; give the times to look at")
        check_horizons(model, chosen)
        check_subgroups(bundle.cutoff, self.subgroups, self.cuts)
        request = self.table_columns(bundle)
        joined = read_as_trained(self, bundle)
        cohort = read_cohort(bundle, joined, request)
        output.notes.append(cohort.who_is_there())
        output.warnings += [*notes_of_training(bundle), *cohort.warnings]
        output.notes += cohort.notes
        output.record["patients"] = cohort.who()
        concordance = []
        internal = internal_table(bundle, joined, request, cohort)
        knows = bundle.fitted.patients > 0
        for k, (label, part) in enumerate(cohort.parts.items()):
            share = 0.9 / len(cohort.parts)
            step = part_of(progress, k * share, (k + 1) * share)
            refits = None
            if internal is not None and label == TRAINING:
                refits = fit_resamples(internal, modelling_of(bundle), self.resamples, part_of(step, 0.0, 0.7))
            validation = CohortValidation(
                output, label, part, model, chosen, self.groups, self.resamples, refits, knows, bundle.competing
            )
            concordance.append(validation.run(part_of(step, 0.7, 1.0)))
        if self.against is not None:
            other = load_bundle(self.against)
            write_comparison(output, cohort, bundle, other, chosen, self.resamples, part_of(progress, 0.9, 1.0))
        output.table("concordance", concordance)
        held_out = None
        if internal is not None and bundle.cutoff is not None:
            arrays = (internal, cohort.parts[TRAINING], modelling_of(bundle), bundle.cutoff, self.resamples.seed)
            held_out = output.attempt("out-of-fold groups", held_out_groups, *arrays)
            if held_out is not None:
                output.notes.append(held_out.note())
        if bundle.cutoff is not None:
            write_curves(output, cohort.parts, model, bundle.cutoff, held_out, knows_fitted=knows)
        if self.subgroups:
            write_subgroups(
                output, cohort, model, bundle.cutoff, self.subgroups, self.cuts, held_out, knows_fitted=knows
            )
        progress(1.0, "validation done")
