"""The training part of a fusion study and its other parts: who is in which, and who can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..tables.endpoints import Endpoint
from ..tables.samples import MissingFeatures, Samples, join_endpoint, numbers_of, refuse_shared_patients

if TYPE_CHECKING:
    import pandas as pd

TRAINING = "train"


def study_parts(
    table: pd.DataFrame,
    cohort: pd.DataFrame,
    endpoint: Endpoint,
    split: str | None,
    patient: str | None,
    kept: MissingFeatures,
) -> tuple[dict[str, Samples], list[str]]:
    """Return the training part and the others, no patient in two of them, and notes on what was left out.

    Args:
        table: features, case ids as index.
        cohort: with ``case_id``, perhaps the split and the patients.
        endpoint: labelled cases of the cohort.
        split: column that tells training from other parts; None, or a column that is not there: all cases train.
        patient: column of patients; None: every case is a patient of its own.
        kept: what to do with NaN features.

    Raises:
        InputError: a case without split or patient, no labelled training case, a patient in two parts, or features
            that cannot be used.
    """
    ids = [str(case) for case in cohort["case_id"]]
    patients = patients_of(cohort, patient)
    label = dict.fromkeys(ids, TRAINING)
    if split and split in cohort.columns:
        blank = [case for case, empty in zip(ids, cohort[split].isna(), strict=True) if empty]
        if blank:
            raise InputError(f"{len(blank)} cases have no {split!r}, the first is {blank[0]!r}; write train, test, …")
        label = dict(zip(ids, (str(value).strip().lower() for value in cohort[split]), strict=True))
    if TRAINING not in label.values():
        raise InputError(
            f"no case has the split {TRAINING!r}; column {split!r} holds {', '.join(sorted(set(label.values())))}"
        )
    parts: dict[str, Samples] = {}
    notes: list[str] = []
    for name in sorted(set(label.values()), key=lambda value: (value != TRAINING, value)):
        places = [k for k, case in enumerate(endpoint.case_ids) if label[case] == name]
        own = Endpoint(endpoint.name, tuple(endpoint.case_ids[k] for k in places), endpoint.outcome[places], ())
        if name == TRAINING and not places:
            raise InputError(
                f"no case of the split {TRAINING!r} has a label of {endpoint.name!r}; look at both columns"
            )
        source = table if name == TRAINING else table[list(parts[TRAINING].table.columns)]
        # Which features are left is decided by the training cases alone.
        missing = MissingFeatures.DROP_CASES if name != TRAINING and kept is MissingFeatures.DROP_FEATURES else kept
        if name != TRAINING and (reason := _unusable(own, source, missing)):
            notes.append(f"{name}: {reason}; the part is left out")
            continue
        parts[name], found = join_endpoint(source, own, patients=patients, missing=missing)
        notes += [f"{name}: {note}" for note in found]
        if name != TRAINING:
            refuse_shared_patients(parts[TRAINING], parts[name], name)
    if endpoint.unlabelled:
        notes.append(f"{len(endpoint.unlabelled)} cases have no label of {endpoint.name} and take no part")
    notes += [note for name, samples in parts.items() for note in _several_cases(name, samples)]
    return parts, notes


def _unusable(own: Endpoint, source: pd.DataFrame, missing: MissingFeatures) -> str:
    """Why a part cannot be evaluated; empty if it can."""
    if not own.case_ids:
        return "no case has a label"
    label = {
        case: value for case, value in zip(own.case_ids, own.outcome.tolist(), strict=True) if case in source.index
    }
    if not label:
        return f"none of its {len(own.case_ids)} labelled cases has features"
    table = source.loc[list(label)]
    if missing is MissingFeatures.DROP_CASES:
        table = table[np.isfinite(numbers_of(table).to_numpy()).all(axis=1)]
    if len({label[case] for case in table.index}) < 2:
        return f"its {len(table)} labelled cases with features do not have both outcomes"
    return ""


def _several_cases(name: str, samples: Samples) -> list[str]:
    """Say what intervals and tests do not know where patients have several cases."""
    patients = len(set(samples.patients))
    if patients == len(samples):
        return []
    return [
        f"{name}: {len(samples)} cases of {patients} patients; folds keep a patient's cases together, but intervals "
        "and DeLong's tests take cases as independent and are too narrow"
    ]


def patients_of(cohort: pd.DataFrame, patient: str | None) -> dict[str, str]:
    """Return case to patient; empty without such a column.

    Raises:
        InputError: no such column, or an empty cell in it.
    """
    if patient is None:
        return {}
    if patient not in cohort.columns:
        raise InputError(f"the cohort table has no column {patient!r} of patients")
    blank = cohort.loc[cohort[patient].isna(), "case_id"].tolist()
    if blank:
        raise InputError(f"case {blank[0]!r} has no patient: its cell of column {patient!r} is empty")
    return {str(case): str(name) for case, name in zip(cohort["case_id"], cohort[patient], strict=True)}
