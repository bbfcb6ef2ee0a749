"""The training part of a fusion study and its other parts: who is in which, and who can be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.joined import JoinedCohort, listed
from RadiomicsCoreLib.cohort.missing import MissingPolicies, MissingPolicy
from RadiomicsCoreLib.cohort.splits import TRAINING, part_order
from RadiomicsCoreLib.errors import InputError

from ..tables.endpoints import Endpoint
from ..tables.missing_features import MissingFeatures
from ..tables.samples import Samples, join_endpoint, refuse_shared_patients

if TYPE_CHECKING:
    import pandas as pd


def study_parts(
    joined: JoinedCohort, endpoint: Endpoint, policies: MissingPolicies
) -> tuple[dict[str, Samples], MissingFeatures, list[str]]:
    """Return the training part and the others, no patient in two of them.

    Args:
        joined: the cohort with its features.
        endpoint: its labelled cases.
        policies: what is done with missing features, and with cases that belong to no part.

    Returns:
        The parts, the training first; how gaps were treated; and notes on what was left out.

    Raises:
        InputError: a case without patient, no labelled training case, a patient in two parts, or features that cannot
            be used.
    """
    label, notes = _labels(joined, policies.others is MissingPolicy.ERROR)
    known = [k for k, case in enumerate(endpoint.case_ids) if label[case] is not None]
    names = part_order([label[case] for case in joined.ids])
    patients = dict(zip(joined.ids, joined.patients, strict=True))
    table = joined.frame[list(joined.features)]
    parts: dict[str, Samples] = {}
    missing = MissingFeatures()
    for name in names:
        own = _of_part(endpoint, [k for k in known if label[endpoint.case_ids[k]] == name])
        if name == TRAINING:
            if not own.case_ids:
                raise InputError(
                    f"no case of the split {TRAINING!r} has a label of {endpoint.name!r}; look at both columns"
                )
            missing = MissingFeatures.of(policies, table.loc[list(own.case_ids)])
        source, told = missing.complete(table.loc[list(own.case_ids)])
        notes += [f"{name}: {note}" for note in told]
        if name == TRAINING and not len(source):
            raise InputError(f"no training case is left: each of the {len(own.case_ids)} misses a feature; use median")
        if name != TRAINING and (reason := _unusable(own, source)):
            notes.append(f"{name}: {reason}; the part is left out")
            continue
        left = _of_part(own, [k for k, case in enumerate(own.case_ids) if case in source.index])
        parts[name], found = join_endpoint(source, left, patients=patients)
        notes += [f"{name}: {note}" for note in found]
        if name != TRAINING:
            refuse_shared_patients(parts[TRAINING], parts[name], name)
    if endpoint.unlabelled:
        notes.append(f"{len(endpoint.unlabelled)} cases have no label of {endpoint.name} and take no part")
    notes += [note for name, samples in parts.items() for note in _several_cases(name, samples)]
    return parts, missing, notes


def _labels(joined: JoinedCohort, strict: bool) -> tuple[dict[str, str | None], list[str]]:
    """Case to its part, None where the split says none; all train where there is no split."""
    split = joined.split
    if split is None:
        return dict.fromkeys(joined.ids, TRAINING), []
    label = dict(zip(joined.ids, split.tolist(), strict=True))
    column = joined.columns.split
    if TRAINING not in label.values():
        raise InputError(
            f"no case has the split {TRAINING!r}; column {column!r} holds {', '.join(part_order(split.tolist()))}"
        )
    blank = [case for case, part in label.items() if part is None]
    if blank and strict:
        raise InputError(f"{len(blank)} cases have no {column!r}, the first is {blank[0]!r}; write train, test, …")
    return label, [f"{len(blank)} cases have no {column!r} and take no part: {listed(blank)}"] if blank else []


def _of_part(endpoint: Endpoint, places: list[int]) -> Endpoint:
    return Endpoint(endpoint.name, tuple(endpoint.case_ids[k] for k in places), endpoint.outcome[places], ())


def _unusable(own: Endpoint, source: pd.DataFrame) -> str:
    """Why a part cannot be evaluated; empty if it can."""
    if not own.case_ids:
        return "no case has a label"
    left = np.isin(own.case_ids, source.index)
    if len(set(own.outcome[left].tolist())) < 2:
        return f"its {int(left.sum())} labelled cases with features do not have both outcomes"
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
