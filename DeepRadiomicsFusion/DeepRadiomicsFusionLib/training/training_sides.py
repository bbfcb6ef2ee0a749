"""The cases of a training: read and prepared one by one, then put together by split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.cohort.table import Case, Cohort
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.cores import machine_memory_gb

from ..inputs.deep_cases import phase_regions, scores_of
from ..inputs.patches import network_image, picture_of_input
from ..settings.training_settings import Task
from ..tables.endpoints import refuse_text
from .training_cases import (
    TrainingCases,
    check_labels,
    check_survival,
    drawn_cases,
    labelled_cases,
    refuse_shared_cases,
    survival_cases,
)

if TYPE_CHECKING:
    from .train_plan import TrainPlan

INPUT_FILE, MASK_FILE = "input.npy", "mask.npy"
TRAIN_LABEL = "train"


def check_outcomes(table: Cohort, job: TrainPlan) -> None:
    """Refuse a table whose columns cannot be learned from or compared with, before any image is read.

    Raises:
        InputError: a column that is not there, text, labels other than 0 and 1, times that are not above 0, a patient
            without RadScores.
    """
    if job.training.task is Task.SEGMENTATION:
        return
    known = [case for case in table.cases if _has_target(case, job)]
    for name in _columns(job):
        refuse_text(name, ((case.case_id, case.values[name]) for case in known))
    values = {name: np.array([_number(case, name) for case in known]) for name in _columns(job)}
    for case in known:
        scores_of(case, job.scores)
    if job.training.task is Task.SURVIVAL:
        check_survival(*values.values())
    for name in job.endpoints if job.training.task is Task.CLASSIFICATION else ():
        check_labels(name, values[name])


def prepare_case(case: Case, plan: TrainPlan, folder: Path) -> tuple[str, ...]:
    """Write what the network will see of a case, and its mask, into a folder; return warnings.

    Raises:
        RadiomicsError: the case cannot be read.
    """
    ready = phase_regions(case, plan.phase, plan.grown, resample=plan.resample_masks)
    seen = network_image(ready.image, ready.masks, plan.shown)
    np.save(folder / INPUT_FILE, seen.array, allow_pickle=False)
    np.save(folder / MASK_FILE, sitk.GetArrayFromImage(seen.mask), allow_pickle=False)
    if plan.pictures:
        picture = picture_of_input(seen, f"{case.case_id}, {plan.phase}")
        picture.savefig(folder / "seen.png", dpi=80, format="png")
    return ready.warnings


@dataclass(frozen=True)
class Side:
    """The cases of one split, one sample a slice."""

    cases: TrainingCases
    case_ids: tuple[str, ...] = field(default=())

    def one_a_case(self) -> TrainingCases:
        """One sample a case, for scores."""
        first = [self.cases.case_ids.index(case_id) for case_id in self.case_ids]
        return self.cases.rows(np.array(first))

    def rows(self, rows: np.ndarray) -> Side:
        """The samples at these places, with their cases in order."""
        cases = self.cases.rows(rows)
        return Side(cases, tuple(dict.fromkeys(cases.case_ids)))


def sides_of(table: Cohort, folders: Mapping[str, Path], job: TrainPlan) -> dict[str, Side]:
    """Put the prepared cases together, by split.

    Args:
        table: the cohort.
        folders: case to the folder that :func:`prepare_case` wrote, of those that could be read.
        job: what is trained.

    Raises:
        InputError: no case to train on, text among the labels, one class only, a patient in two parts.
    """
    has_split = any(case.split is not None for case in table.cases)
    groups: dict[str, list[Case]] = {TRAIN_LABEL: []}
    for case in table.cases:
        if case.case_id in folders and _has_target(case, job):
            part = (case.split or "no split").strip().lower() if has_split else TRAIN_LABEL
            groups.setdefault(part, []).append(case)
    _check_memory([folders[case.case_id] for cases in groups.values() for case in cases], job)
    if not groups[TRAIN_LABEL]:
        raise InputError(f"no case of split {TRAIN_LABEL!r} can be used; write it into the column 'split'")
    sides = {
        name: _with_patients(_side(cases, job, folders, is_training=name == TRAIN_LABEL), cases, job.patient)
        for name, cases in groups.items()
    }
    for name, side in sides.items():
        if name != TRAIN_LABEL:
            refuse_shared_cases(sides[TRAIN_LABEL].cases, side.cases, name)
    return sides


def _check_memory(folders: Sequence[Path], job: TrainPlan) -> None:
    """Refuse inputs that do not fit into the machine's memory together, before any is loaded."""
    taken = sum((folder / INPUT_FILE).stat().st_size for folder in folders)
    if job.training.task is Task.SEGMENTATION:
        taken += 8 * sum((folder / MASK_FILE).stat().st_size for folder in folders)  # bytes that become whole numbers
    memory = machine_memory_gb()
    if taken / 1e9 > memory:
        raise InputError(
            f"the inputs of {len(folders)} cases take {taken / 1e9:.3g} GB together, and this machine has {memory:.3g} "
            "GB of memory; choose a smaller --size, fewer slices or fewer cases"
        )


def _has_target(case: Case, job: TrainPlan) -> bool:
    if job.training.task is Task.SEGMENTATION:
        return True
    columns = _columns(job)
    missing = [column for column in columns if column not in case.values]
    if missing:
        raise InputError(f"the table has no column {missing[0]!r}; check the endpoint's name")
    known = [case.values[column] is not None for column in columns]
    return any(known) if job.training.task is Task.CLASSIFICATION else all(known)


def _columns(job: TrainPlan) -> tuple[str, ...]:
    """The columns of the outcome."""
    return job.endpoints if job.training.task is Task.CLASSIFICATION else (str(job.time), str(job.event))


def _side(cases: Sequence[Case], job: TrainPlan, folders: Mapping[str, Path], *, is_training: bool) -> Side:
    arrays = [np.load(folders[case.case_id] / INPUT_FILE, allow_pickle=False) for case in cases]
    counts = [len(array) for array in arrays]
    images = [image for array in arrays for image in array]
    ids = [case.case_id for case, count in zip(cases, counts, strict=True) for _ in range(count)]
    scores = np.repeat([scores_of(case, job.scores) for case in cases], counts, axis=0) if job.takes_scores else None
    case_ids = tuple(case.case_id for case in cases)
    if job.training.task is Task.SEGMENTATION:
        masks = [np.load(folders[case_id] / MASK_FILE, allow_pickle=False) for case_id in case_ids]
        return Side(drawn_cases(ids, images, np.concatenate(masks).astype(np.int64)), case_ids)
    if job.training.task is Task.SURVIVAL:
        time, event = (np.repeat([_number(case, name) for case in cases], counts) for name in (job.time, job.event))
        if is_training:
            return Side(survival_cases(ids, images, time, event, scores=scores), case_ids)
        targets = np.stack([time, event], axis=1).astype(np.float32)
        return Side(TrainingCases(Task.SURVIVAL, tuple(ids), images, targets, ("risk",), scores), case_ids)
    labels = np.repeat([[_number(case, name) for name in job.endpoints] for case in cases], counts, axis=0)
    if is_training:
        return Side(labelled_cases(ids, images, labels, names=job.endpoints, scores=scores), case_ids)
    # A test part may well hold one class only: it is predicted, not learned from.
    targets = labels.astype(np.float32)
    return Side(TrainingCases(Task.CLASSIFICATION, tuple(ids), images, targets, job.endpoints, scores), case_ids)


def _with_patients(side: Side, cases: Sequence[Case], column: str | None) -> Side:
    """The same with the patient of each sample, where a column names them."""
    if column is None:
        return side
    for case in cases:
        if case.values.get(column) is None:
            raise InputError(f"case {case.case_id!r} has no patient: its cell of column {column!r} is empty or missing")
    patient_of = {case.case_id: str(case.values[column]) for case in cases}
    return replace(side, cases=replace(side.cases, patients=tuple(patient_of[c] for c in side.cases.case_ids)))


def _number(case: Case, column: str | None) -> float:
    value = case.values[str(column)]
    if value is None:
        return float("nan")
    if isinstance(value, str):
        raise InputError(f"column {column!r} holds text ({value!r}) for {case.case_id}; code it as numbers")
    return float(value)
