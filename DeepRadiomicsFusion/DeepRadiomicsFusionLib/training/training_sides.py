"""The cases of a training: read and prepared one by one, then put together by split."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.cohort.table import Case, Cohort
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.jobs.batch import CaseOutcome, CaseStatus, CaseTask, CaseWork, case_folder, run_batch
from RadiomicsCoreLib.jobs.case_records import case_fingerprint
from RadiomicsCoreLib.progress import Progress

from ..inputs.deep_cases import DEFAULT_RINGS, phase_regions
from ..inputs.patches import network_image, picture_of_input
from ..jobs.explain_job import scores_of
from ..settings.input_settings import NetworkInput
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
    from .train_plan import TrainJob

INPUT_FILE, MASK_FILE = "input.npy", "mask.npy"
TRAIN_LABEL = "train"


def check_outcomes(table: Cohort, job: TrainJob) -> None:
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


def prepare_cases(table: Cohort, job: TrainJob, out: Path, jobs: int | None, progress: Progress) -> list[CaseOutcome]:
    """Write what the network will see of each case into its folder; a case that cannot be read gets a reason."""
    rings = job.rings or DEFAULT_RINGS
    seen = {
        "rings": asdict(rings),
        "input": job.shown.to_dict(),
        "phase": job.phase,
        "resample_masks": job.resample_masks,
        "pictures": job.pictures,
    }
    tasks = [
        CaseTask(
            case.case_id,
            partial(case_fingerprint, case, [job.phase], seen),
            partial(_prepare_case, case, job.phase, rings, job.shown, job.resample_masks, job.pictures),
        )
        for case in table.cases
    ]
    return run_batch(tasks, out, jobs=jobs, progress=progress)


def _prepare_case(
    case: Case, phase: str, rings: RingSettings, shown: NetworkInput, resample: bool, pictures: bool, folder: Path
) -> CaseWork:
    try:
        ready = phase_regions(case, phase, rings, resample=resample)
        seen = network_image(ready.image, ready.masks, shown)
    except RadiomicsError as error:
        return CaseWork((f"{phase}: {error}",))
    np.save(folder / INPUT_FILE, seen.array, allow_pickle=False)
    np.save(folder / MASK_FILE, sitk.GetArrayFromImage(seen.mask), allow_pickle=False)
    if pictures:
        picture_of_input(seen, f"{case.case_id}, {phase}").savefig(folder / "seen.png", dpi=80, format="png")
    return CaseWork((), ready.warnings)


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


def sides_of(table: Cohort, outcomes: Sequence[CaseOutcome], job: TrainJob, out: Path) -> dict[str, Side]:
    """Put the prepared cases together, by split.

    Raises:
        InputError: no case to train on, text among the labels, one class only, a patient in two parts.
    """
    usable = {outcome.case_id for outcome in outcomes if outcome.status is CaseStatus.DONE}
    if not usable:
        raise InputError(f"no case can be used; the first: {outcomes[0].case_id}: {outcomes[0].reason}")
    has_split = any(case.split is not None for case in table.cases)
    groups: dict[str, list[Case]] = {TRAIN_LABEL: []}
    for case in table.cases:
        if case.case_id in usable and _has_target(case, job):
            part = (case.split or "no split").strip().lower() if has_split else TRAIN_LABEL
            groups.setdefault(part, []).append(case)
    if not groups[TRAIN_LABEL]:
        raise InputError(f"no case of split {TRAIN_LABEL!r} can be used; write it into the column 'split'")
    sides = {
        name: _with_patients(_side(cases, job, out, is_training=name == TRAIN_LABEL), cases, job.patient)
        for name, cases in groups.items()
    }
    for name, side in sides.items():
        if name != TRAIN_LABEL:
            refuse_shared_cases(sides[TRAIN_LABEL].cases, side.cases, name)
    return sides


def _has_target(case: Case, job: TrainJob) -> bool:
    if job.training.task is Task.SEGMENTATION:
        return True
    columns = _columns(job)
    missing = [column for column in columns if column not in case.values]
    if missing:
        raise InputError(f"the table has no column {missing[0]!r}; check the endpoint's name")
    known = [case.values[column] is not None for column in columns]
    return any(known) if job.training.task is Task.CLASSIFICATION else all(known)


def _columns(job: TrainJob) -> tuple[str, ...]:
    """The columns of the outcome."""
    return job.endpoints if job.training.task is Task.CLASSIFICATION else (str(job.time), str(job.event))


def _side(cases: Sequence[Case], job: TrainJob, out: Path, *, is_training: bool) -> Side:
    arrays = [np.load(case_folder(out, case.case_id) / INPUT_FILE, allow_pickle=False) for case in cases]
    counts = [len(array) for array in arrays]
    images = [image for array in arrays for image in array]
    ids = [case.case_id for case, count in zip(cases, counts, strict=True) for _ in range(count)]
    scores = np.repeat([scores_of(case, job.scores) for case in cases], counts, axis=0) if job.takes_scores else None
    case_ids = tuple(case.case_id for case in cases)
    if job.training.task is Task.SEGMENTATION:
        masks = [np.load(case_folder(out, case_id) / MASK_FILE, allow_pickle=False) for case_id in case_ids]
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
