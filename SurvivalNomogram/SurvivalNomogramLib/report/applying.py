"""What every verb that applies a finished model does: reads the patients as in training, and says what is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from RadiomicsCoreLib.cohort.joined import JoinedCohort
from RadiomicsCoreLib.errors import InputError

from ..bundles.bundle import ModelBundle
from ..bundles.fitted_patients import outcome_values
from ..models.cox import CoxModel
from ..settings.inputs import Patients
from ..tables.binary_table import BinaryTable, read_binary_table
from ..tables.survival_table import SurvivalTable, read_survival_table


def read_as_trained(patients: Patients, bundle: ModelBundle) -> JoinedCohort:
    """Read the patients; columns that the user does not name are those of the training, where the table has them."""
    stored = bundle.settings.get("columns") or {}
    names = {"id": stored.get("id_column"), "split": stored.get("split"), "patient": stored.get("patient")}
    return patients.joined({role: name for role, name in names.items() if isinstance(name, str)})


def notes_of_training(bundle: ModelBundle) -> list[str]:
    """What the training warned of, which goes with the model wherever it is used."""
    networks = bundle.settings.get("networks") or ()
    return [*bundle.model.warnings, *(str(line) for line in networks)]


def outcome_of(bundle: ModelBundle, joined: JoinedCohort) -> list[list[float]] | None:
    """Return the outcome of patients to predict, where there is one: fitted ones are known by it.

    Returns:
        Follow-up (in the model's unit) and event, column by column; None where the cohort does not hold both for every
        patient.
    """
    stored = bundle.settings.get("columns") or {}
    names = [stored.get(name) for name in ("time", "event") if name in stored]
    if not names or any(name not in joined.frame.columns or joined.frame[name].isna().any() for name in names):
        return None
    alone = replace(joined, columns=replace(joined.columns, split=None, patient=None))
    try:
        table = _read_outcome(alone, stored, bundle)
    except InputError:  # columns of these names that say something else: there is no outcome here
        return None
    return outcome_values(table)


def _read_outcome(joined: JoinedCohort, stored: Mapping[str, Any], bundle: ModelBundle) -> SurvivalTable | BinaryTable:
    if "time" not in stored:
        return read_binary_table(joined, event=stored["event"], covariates=(), event_values=stored.get("event_values"))
    table = read_survival_table(
        joined,
        time=stored["time"],
        event=stored["event"],
        time_unit=stored.get("time_unit", "days"),
        covariates=(),
        event_values=stored.get("event_values"),
        censored_values=stored.get("censored_values"),
    )
    return table.in_unit(bundle.model.time_unit) if isinstance(bundle.model, CoxModel) else table
