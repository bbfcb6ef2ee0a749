"""What ``peritumoral cox``, ``nomogram``, ``validate`` and ``predict`` do: inputs to an output folder.

Every job writes tables (CSV), figures and, for ``cox``, the bundle ``model/model.json``; and ``notes.txt`` with
all that a reader should know. The panel in Slicer and the command line call the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import FORMATS
from RadiomicsCoreLib.files.provenance import environment_record
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..bundles.bundle import ModelBundle, load_bundle, save_bundle
from ..bundles.new_patients import read_new_patients, without_unknown_levels
from ..models.cox import CoxModel
from ..models.univariable import univariable_cox, univariable_frame
from ..nomogram.nomogram_figure import nomogram_figure
from ..nomogram.points import check_horizons, make_nomogram
from ..tables.cohort_table import TRAINING, load_table
from ..validation.bootstrap import BootstrapSettings
from ..validation.cox_modelling import CoxModelling, ModellingRefit, fit_resamples
from .cohort_comparison import write_comparison
from .cohort_validation import (
    CohortValidation,
    check_subgroups,
    columns_of,
    internal_table,
    modelling_of,
    read_cohort,
    write_subgroups,
)
from .cox_report import (
    coefficients_table,
    default_horizons,
    make_cutoff,
    selection_notes,
    write_concordance,
    write_curves,
    write_groups,
    write_schoenfeld,
    write_selection,
)
from .job_output import JobOutput, JobResult, SurvivalColumns, data_hash
from .reading_filter import ReadingFilter

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_MODELLING = CoxModelling()
DEFAULT_RESAMPLES = BootstrapSettings(200)


# --- cox -------------------------------------------------------------------------------------------------


def cox_job(
    source: pd.DataFrame | Path | str,
    out: Path | str,
    columns: SurvivalColumns,
    modelling: CoxModelling = DEFAULT_MODELLING,
    *,
    readings: ReadingFilter | None = None,
    horizons: Sequence[float] = (),
    cutoff: str | float = "median",
    bootstrap: BootstrapSettings = DEFAULT_RESAMPLES,
    formats: Sequence[str] = FORMATS,
    progress: Progress = no_progress,
) -> JobResult:
    """Fit a Cox model and write all about it, with the bundle that the other jobs read.

    Writes ``univariable.csv``, ``selection.csv``, ``coefficients.csv``, ``proportional_hazards.csv``,
    ``concordance.csv``, ``groups.csv``, ``baseline_by_risk.csv``, ``baseline_by_cohort.csv``,
    ``cumulative_incidence.csv`` (with competing events), ``signature.csv`` and ``signature_formula.txt`` (of the
    lasso), figures of residuals, nomogram, groups and risk,
    ``model/model.json`` and ``notes.txt``.

    Args:
        source: CSV file or data frame.
        out: output folder.
        columns: which columns are what.
        modelling: screening and selection.
        readings: keeps the features that repeated readings of the training patients agree on, before any other
            step; writes ``icc.csv``. It looks at no outcome and is done once, not in every resample.
        horizons: times for the nomogram; quartiles of the event times when empty.
        cutoff: "median", "youden" (at the last horizon) or a number on the linear predictor.
        bootstrap: for the optimism of C, with the whole modelling step in every resample.
        formats: of the figures.
        progress: told on the way.

    Raises:
        InputError: the table or a setting cannot be used.
        ModelError: no model can be fitted.
    """
    reliable = readings.apply(source, columns, modelling.keep) if readings else None
    if reliable:
        columns, modelling = reliable.columns, reliable.offered_to(modelling)
    table = columns.read(source)
    output = JobOutput(out, formats)
    if reliable:
        reliable.write(output)
    output.notes += [*table.report, *table.warnings]
    training = table.training
    progress(0.02, "univariable Cox")
    output.table("univariable", univariable_frame(univariable_cox(table, modelling.covariates)))
    result = modelling.fit(table, part_of(progress, 0.05, 0.3))
    model = result.model
    output.notes += [*model.warnings, *selection_notes(result)]
    table, left_out = without_unknown_levels(table, model.terms)
    output.notes += left_out
    chosen = tuple(horizons) or default_horizons(training)
    check_horizons(model, chosen)
    nomogram = make_nomogram(model, training.frame, chosen)
    locked = make_cutoff(model, training, cutoff, chosen[-1])
    bundle = ModelBundle(
        model,
        nomogram,
        locked,
        table.missing,
        {"columns": asdict(columns), "modelling": modelling.to_dict()}
        | ({"readings": readings.to_dict()} if readings else {}),
        environment_record({"training_data_sha256": data_hash(source), "patients": model.n, "events": model.events}),
    )
    output.files.append(save_bundle(bundle, output.folder / "model"))
    output.table("coefficients", coefficients_table(model))
    write_selection(output, result, table, modelling.lambda_choice)
    progress(0.35, "proportional hazards")
    output.attempt("test of proportional hazards", write_schoenfeld, output, model, training)
    output.table("nomogram_points", nomogram.points_table())
    output.figure("nomogram", nomogram_figure(nomogram))
    write_groups(output, table, model, locked)
    refit = ModellingRefit(training, modelling)
    corrected = part_of(progress, 0.45, 0.95)
    output.attempt("concordance", write_concordance, output, table, model, refit, bootstrap, corrected)
    progress(1.0, "Cox model done")
    return output.finish()


# --- nomogram --------------------------------------------------------------------------------------------


def nomogram_job(
    bundle: ModelBundle | Path | str,
    out: Path | str,
    *,
    horizons: Sequence[float] = (),
    labels: Mapping[str, str] | None = None,
    patient: Mapping[str, object] | None = None,
    formats: Sequence[str] = FORMATS,
    progress: Progress = no_progress,
) -> JobResult:
    """Draw a bundle's nomogram and write its points.

    Writes ``nomogram_points.csv``, ``figures/nomogram.*`` and, for a patient, ``patient.csv``.

    Args:
        bundle: the bundle, or its folder, ``model.json`` or zip.
        out: output folder.
        horizons: times of the survival axes; those of the bundle when empty.
        labels: column, or ``column=level``, -> text to print instead.
        patient: covariate -> value; marked in the figure.
        formats: of the figures.
        progress: told on the way.

    Raises:
        InputError: the bundle cannot be read or has no nomogram, or a horizon lies beyond the last event.
    """
    loaded = _loaded(bundle)
    if loaded.nomogram is None:
        raise InputError("the bundle holds no nomogram; write it again with `peritumoral cox`")
    nomogram = loaded.nomogram
    if horizons:
        nomogram = replace(nomogram, horizons=tuple(float(h) for h in horizons))
    output = JobOutput(out, formats)
    output.notes += list(loaded.model.warnings)
    progress(0.3, "drawing the nomogram")
    output.table("nomogram_points", nomogram.points_table())
    output.figure("nomogram", nomogram_figure(nomogram, labels=labels, patient=patient))
    if patient is not None:
        import pandas as pd

        prediction = nomogram.predict(patient)
        rows = [{"what": f"points of {name}", "value": points} for name, points in prediction.points.items()]
        outcome = nomogram.predict_table(pd.DataFrame([dict(patient)]))
        rows += [{"what": name, "value": float(outcome[name].iloc[0])} for name in outcome.columns]
        output.table("patient", pd.DataFrame(rows))
        output.notes += [f"{name} lies outside the axis: the model is extrapolated" for name in prediction.outside]
    progress(1.0, "nomogram done")
    return output.finish()


def _loaded(bundle: ModelBundle | Path | str) -> ModelBundle:
    return bundle if isinstance(bundle, ModelBundle) else load_bundle(bundle)


# --- validate --------------------------------------------------------------------------------------------


def validate_job(
    bundle: ModelBundle | Path | str,
    source: pd.DataFrame | Path | str,
    out: Path | str,
    *,
    columns: SurvivalColumns | None = None,
    horizons: Sequence[float] = (),
    groups: int = 5,
    subgroups: Sequence[str] = (),
    cuts: Mapping[str, float] | None = None,
    against: ModelBundle | Path | str | None = None,
    bootstrap: BootstrapSettings = DEFAULT_RESAMPLES,
    formats: Sequence[str] = FORMATS,
    progress: Progress = no_progress,
) -> JobResult:
    """Validate a bundle's model on a table, cohort by cohort; nothing is fitted on the cohorts.

    The part "train" (or the whole table, if it is the file that the bundle was trained on) is validated
    internally: its calibration, decision curves and C are corrected for optimism by repeating the modelling
    step of the bundle in every resample. Other parts are validated as they are.

    Writes for every cohort ``auc``, ``brier``, ``calibration``, ``decision_curve`` tables and figures, one
    ``concordance.csv``, ``groups.csv`` with the locked cut-off, and ``subgroups.csv`` with a forest plot.

    Args:
        bundle: the bundle, or its folder, ``model.json`` or zip; a Cox model.
        source: CSV file or data frame with time, event and the model's covariates.
        out: output folder.
        columns: which columns are what; those of the training table when None.
        horizons: times; those of the bundle's nomogram when empty.
        groups: of the calibration.
        subgroups: columns of the forest plot.
        cuts: where numeric subgroup columns are cut; their medians when not given.
        against: bundle of another Cox model; the two are compared in ``comparison.csv``.
        bootstrap: for optimism and intervals.
        formats: of the figures.
        progress: told on the way.

    Raises:
        InputError: the bundle or table cannot be used, or a horizon lies beyond the model's last event.
    """
    loaded = _loaded(bundle)
    model = loaded.model
    if not isinstance(model, CoxModel):
        raise InputError("the bundle holds a logistic model; validation over time needs a Cox model")
    request = columns or columns_of(loaded)
    cohort = read_cohort(loaded, source, request)
    chosen = tuple(horizons) or (loaded.nomogram.horizons if loaded.nomogram else ())
    if not chosen:
        raise InputError("no horizon is given and the bundle names none; give the times to look at")
    check_horizons(model, chosen)
    check_subgroups(loaded.cutoff, subgroups, cuts)
    output = JobOutput(out, formats)
    output.notes += [*model.warnings, *cohort.notes]
    internal = internal_table(loaded, source, request, cohort)
    concordance = []
    for k, (label, part) in enumerate(cohort.parts.items()):
        share = 0.9 / len(cohort.parts)
        step = part_of(progress, k * share, (k + 1) * share)
        refits = None
        if internal is not None and label == TRAINING:
            refits = fit_resamples(internal, modelling_of(loaded), bootstrap, part_of(step, 0.0, 0.7))
        validation = CohortValidation(output, label, part, model, chosen, groups, bootstrap, refits)
        concordance.append(validation.run(part_of(step, 0.7, 1.0)))
    if against is not None:
        write_comparison(output, cohort, model, _loaded(against), chosen, bootstrap, part_of(progress, 0.9, 1.0))
    import pandas as pd

    output.table("concordance", pd.DataFrame(concordance))
    if loaded.cutoff is not None:
        write_curves(output, cohort.parts, model, loaded.cutoff)
    if subgroups:
        write_subgroups(output, cohort, model, loaded.cutoff, subgroups, cuts)
    progress(1.0, "validation done")
    return output.finish()


# --- predict ---------------------------------------------------------------------------------------------


def predict_job(
    bundle: ModelBundle | Path | str,
    source: pd.DataFrame | Path | str,
    out: Path | str,
    *,
    id_column: str | None = None,
    horizons: Sequence[float] = (),
    progress: Progress = no_progress,
) -> JobResult:
    """Predict patients with a bundle's model.

    Writes ``predictions.csv``: a row a patient with total points, linear predictor, survival at the horizons
    and median survival (or the probability), risk group and, where there is none, the reason.

    Args:
        bundle: the bundle, or its folder, ``model.json`` or zip.
        source: CSV file or data frame with the model's covariates; no outcome is needed.
        out: output folder.
        id_column: column of the patients' names; that of the training table when None.
        horizons: times; those of the bundle when empty.
        progress: told on the way.

    Raises:
        InputError: the bundle or table cannot be used, no patient can be predicted, or a horizon lies beyond
            the last event.
    """
    loaded = _loaded(bundle)
    table = load_table(source)
    stored = (loaded.settings.get("columns") or {}).get("id_column")
    if id_column is None and stored in table.columns:
        id_column = stored
    patients = read_new_patients(table, loaded, id_column=id_column)
    output = JobOutput(out, ())
    output.notes += [*loaded.model.warnings, *patients.report]
    predictions = _predictions(loaded, patients.frame[patients.usable], tuple(float(h) for h in horizons))
    if loaded.cutoff is not None:
        predictions["risk_group"] = loaded.cutoff.groups(predictions["linear_predictor"].to_numpy())
    frame = predictions.reindex(patients.frame.index)
    frame.insert(0, id_column or "patient", patients.ids)
    frame["reason"] = patients.problems
    output.table("predictions", frame)
    for name, problem in zip(patients.ids[~patients.usable], patients.problems[~patients.usable], strict=True):
        output.failures.append(f"patient {name}: {problem}")
    progress(1.0, f"{int(patients.usable.sum())} of {len(frame)} patients predicted")
    return output.finish()


def _predictions(bundle: ModelBundle, frame: pd.DataFrame, horizons: tuple[float, ...]) -> pd.DataFrame:
    if bundle.nomogram is not None:
        nomogram = replace(bundle.nomogram, horizons=horizons) if horizons else bundle.nomogram
        return nomogram.predict_table(frame)
    import pandas as pd

    model = bundle.model
    predictions = pd.DataFrame({"linear_predictor": model.linear_predictor(frame)}, index=frame.index)
    if isinstance(model, CoxModel):
        check_horizons(model, horizons)
        for horizon in horizons:
            predictions[f"survival_{horizon:g}"] = model.survival_at(frame, horizon)[:, 0]
        predictions["median_survival"] = model.median_survival(frame)
    else:
        predictions["probability"] = model.predict_probability(frame)
    return predictions
