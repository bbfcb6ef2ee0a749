"""A fit in a process of its own: what the user chose becomes jobs, and what they wrote becomes a model of the scene."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.jobs.record import JOB_FILE
from RadiomicsCoreLib.jobs.registry import load_job
from RadiomicsCoreLib.progress import Progress, no_progress, part_of
from RadiomicsCoreLib.settings.number_lists import read_numbers
from RadiomicsSlicerLib.nodes import required
from RadiomicsSlicerLib.runs.job_run import JobRun, read_rows, write_run
from RadiomicsSlicerLib.tables import put_table

from .cohort import CATEGORY, Cohort
from .models import put_model, save_model

PACKAGES = ("pandas", "matplotlib", "lifelines", "scikit-learn", "PyYAML")
"""What the jobs need beside what Slicer brings."""
FIT, VALIDATION, COMPONENTS, PREDICTION = "cox", "validation", "components", "prediction"
COMPONENTS_FIRST = "components"
"""A choice of the selection that the job has not: principal components of the features take their place."""
_FEW_RESAMPLES = 10


@dataclass(frozen=True)
class FitRequest:
    """What the user chose for a fit; names of settings as in the job ``cox``, which checks them.

    Attributes:
        time, event: columns of follow-up and event.
        covariates: columns to choose from.
        time_unit: of the times.
        event_value, censored_value: what the event column says; "": it speaks for itself.
        split: column of the parts; "": the column ``split``, where there is one.
        categorical: covariates that are codes, though they are numbers.
        references: covariate to its reference level.
        missing: what is done with missing values.
        selection: how covariates are chosen; :data:`COMPONENTS_FIRST` fits on components of the numeric features.
        univariable_p: only covariates with a p below it go on; None: all.
        horizons: times as typed, ``365, 1095``; "": those of the job.
        bootstrap: resamples.
        stand_in_for: covariates for which a model without them is fitted, too.
        name: of the model.
    """

    time: str
    event: str
    covariates: tuple[str, ...]
    time_unit: str = ""
    event_value: str = ""
    censored_value: str = ""
    split: str = ""
    categorical: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    missing: str = ""
    selection: str = ""
    univariable_p: float | None = None
    horizons: str = ""
    bootstrap: int | None = None
    stand_in_for: tuple[str, ...] = ()
    name: str = "Model"

    def check(self) -> None:
        """Raise InputError with one line if something is missing."""
        if not self.time or not self.event:
            raise InputError("the columns of follow-up time and event are not chosen; choose both")
        if not self.covariates:
            raise InputError("no covariate is checked; check at least one")
        if set(self.stand_in_for) >= set(self.covariates):
            raise InputError("a model without these covariates would have none; leave one unchecked")

    def job(self, cohort: Path) -> dict[str, Any]:
        """Return the values of the job ``cox``; what the user left open is left to the job."""
        columns: dict[str, Any] = _chosen(split=self.split, missing=self.missing)
        modelling = _chosen(selection=self.selection, univariable_p=self.univariable_p)
        return {
            "verb": "cox",
            "cohort": str(cohort),
            "time": self.time,
            "event": self.event,
            "covariates": list(self.covariates),
            "categorical": [name for name in self.categorical if name in self.covariates],
            "references": {name: level for name, level in self.references.items() if name in self.covariates},
            "formats": ["png"],
            **_chosen(
                time_unit=self.time_unit,
                event_values=[self.event_value] if self.event_value else None,
                censored_values=[self.censored_value] if self.censored_value else None,
                horizons=list(read_numbers(self.horizons, "horizons")) if self.horizons.strip() else None,
                bootstrap=self.bootstrap,
                columns=columns,
                modelling=modelling,
            ),
        }

    def without(self, name: str) -> FitRequest:
        """Return the same request without a covariate."""
        return replace(self, covariates=tuple(each for each in self.covariates if each != name))


def export_fit(folder: Path | str, cohort: Cohort, request: FitRequest) -> JobRun:
    """Write the jobs of a fit to a folder: the model, its validation, and models with fewer covariates.

    Args:
        folder: made if it is not there.
        cohort: the patients.
        request: what the user chose.

    Raises:
        InputError: what is missing, or what a job refuses.
    """
    request.check()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = cohort.write(folder / "cohort.csv")
    steps: dict[str, Mapping[str, Any]] = {}
    if request.selection == COMPONENTS_FIRST:
        steps[COMPONENTS] = _components_job(path, cohort, request)
        request = replace(request, selection="", covariates=())
    job = request.job(path)
    if COMPONENTS in steps:
        job |= {"covariates": None, "features": {"pca": str(folder / COMPONENTS / "components.csv")}}
    steps[FIT] = job
    steps[VALIDATION] = _validation_job(job, folder / FIT / "model", cohort)
    for number, name in enumerate(request.stand_in_for if COMPONENTS not in steps else (), start=1):
        steps[f"stand_in_{number}"] = request.without(name).job(path) | {"formats": [], "bootstrap": _FEW_RESAMPLES}
    return write_run(folder, steps, notes={"name": request.name, "cohort": cohort.name})


def run_here(run: JobRun, progress: Progress = no_progress) -> None:
    """Run the jobs of a run in this process, one after the other.

    Raises:
        RadiomicsError: of the first job of which nothing could be done.
    """
    for number, step in enumerate(run.steps):
        part = part_of(progress, number / len(run.steps), (number + 1) / len(run.steps))
        load_job(run.job_file(step)).run(run.out(step), part)


def import_fit(run: JobRun, modelNode: Any = None) -> Any:
    """Bring a fit that is done into the scene, and return its model's node.

    A model whose validation failed is a model all the same: the failure becomes its first note.

    Raises:
        RadiomicsError: the fit itself failed; with its message.
        InputError: it was ended by force.
    """
    if modelNode is not None:
        required(modelNode, "the model")
    if not (run.out(FIT) / JOB_FILE).is_file():
        run.check()
    notes = [run.failure] if run.failure else []
    folders = [run.out(FIT), *(run.out(step) for step in (COMPONENTS, VALIDATION) if run.out(step).is_dir())]
    return put_model(str(run.notes["name"]), folders, notes, modelNode)


def export_application(folder: Path | str, modelNode: Any, cohort: Cohort, verb: str) -> JobRun:
    """Write the job that applies a model to a table: ``predict``, or ``validate``.

    Raises:
        InputError: no model, or what the job refuses.
    """
    folder = Path(folder)
    bundle = save_model(modelNode, folder / "bundle")
    path = cohort.write(folder / "cohort.csv")
    values: dict[str, Any] = {"verb": verb, "bundle": str(bundle), "cohort": str(path)}
    if verb == "validate":
        values["formats"] = ["png"]
    return write_run(
        folder, {PREDICTION: values}, nodes={"the model": modelNode}, notes={"verb": verb, "cohort": cohort.name}
    )


def import_application(run: JobRun, tableNode: Any = None) -> Any:
    """Bring predictions into the scene as a table, or a validation as a model with its own figures.

    Raises:
        RadiomicsError: the job failed; with its message.
        InputError: it was ended by force, or the model is gone.
    """
    model = run.nodes["the model"]
    rows = read_rows(run.out(PREDICTION) / "predictions.csv")
    if run.notes["verb"] == "predict" and rows:
        required(model, "the model")
        columns = {name: _whole([row[name] for row in rows]) for name in rows[0]}
        return put_table(columns, f"{model.GetName()}: predictions of {run.notes['cohort']}", tableNode)
    run.check()
    if run.notes["verb"] == "predict":
        raise RadiomicsError("nobody could be predicted")
    name = f"{model.GetName()} on {run.notes['cohort']}"
    place = run.folder / "validated"
    place.mkdir(exist_ok=True)
    save_model(model, place / "model")
    return put_model(name, [place, run.out(PREDICTION)])


def _components_job(path: Path, cohort: Cohort, request: FitRequest) -> dict[str, Any]:
    numeric = [name for name in request.covariates if name not in request.categorical and cohort.kind(name) != CATEGORY]
    if len(numeric) < 2:
        raise InputError("principal components need two or more numeric covariates; check more")
    columns = _chosen(split=request.split, missing=request.missing)
    return {"verb": "pca", "cohort": str(path), "covariates": numeric, "formats": ["png"], **_chosen(columns=columns)}


def _validation_job(job: Mapping[str, Any], bundle: Path, cohort: Cohort) -> dict[str, Any]:
    """Return the validation on the same table, with the categories as subgroups."""
    names = job["covariates"] or []
    categories = [name for name in names if name in job["categorical"] or cohort.kind(name) == CATEGORY]
    shared = {name: job[name] for name in ("cohort", "formats", "bootstrap", "features", "columns") if name in job}
    return {"verb": "validate", "bundle": str(bundle), "subgroups": categories, **shared}


def _chosen(**values: Any) -> dict[str, Any]:
    """Return the values that say something."""
    return {name: value for name, value in values.items() if value not in (None, "", {}, [])}


def _whole(values: list[Any]) -> list[Any]:
    """Return a column of numbers, or of texts."""
    if all(value is None or isinstance(value, int | float) for value in values):
        return [float("nan") if value is None else float(value) for value in values]
    return ["" if value is None else str(value) for value in values]
