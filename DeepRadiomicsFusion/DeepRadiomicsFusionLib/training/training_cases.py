"""Cases to train a network on: images, what is to be learned, and the splits that keep patients apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..settings.training_settings import Task

_TRIES = 200


@dataclass(frozen=True)
class TrainingCases:
    """Images with their targets. Made by :func:`labelled_cases`, :func:`survival_cases`, :func:`drawn_cases`.

    Attributes:
        task: what is learned.
        case_ids: (n,) one a sample; several slices of a case share its id.
        images: n arrays (C, H, W) or (C, D, H, W), float32; any sequence, so that one may load on demand.
        targets: classification (n, E) with 0, 1, NaN where missing; survival (n, 2) time and event;
            segmentation (n, H, W) or (n, D, H, W) whole numbers.
        names: of the E endpoints.
        scores: (n, R) numbers that enter the network beside the image; None: none do.
        patients: (n,) where a patient has several cases; empty: every case is a patient of its own.
    """

    task: Task
    case_ids: tuple[str, ...]
    images: Sequence[np.ndarray]
    targets: np.ndarray
    names: tuple[str, ...] = ()
    scores: np.ndarray | None = None
    patients: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.case_ids)

    @property
    def groups(self) -> tuple[str, ...]:
        """(n,) patient of each sample: what no split may cut."""
        return self.patients or self.case_ids

    @property
    def strata(self) -> np.ndarray:
        """(n,) what a split keeps in proportion: the label of a single endpoint, or the event."""
        if self.task is Task.SURVIVAL:
            return self.targets[:, 1]
        if self.task is Task.CLASSIFICATION and self.targets.shape[1] == 1:
            return np.nan_to_num(self.targets[:, 0], nan=-1.0)
        return np.zeros(len(self))

    def rows(self, rows: np.ndarray) -> TrainingCases:
        """The cases at these places."""
        return TrainingCases(
            self.task,
            tuple(self.case_ids[row] for row in rows),
            [self.images[row] for row in rows],
            self.targets[rows],
            self.names,
            None if self.scores is None else self.scores[rows],
            tuple(self.patients[row] for row in rows) if self.patients else (),
        )


def labelled_cases(
    case_ids: Sequence[str],
    images: Sequence[np.ndarray],
    labels: np.ndarray,
    *,
    names: Sequence[str] = ("label",),
    scores: np.ndarray | None = None,
) -> TrainingCases:
    """Cases with binary labels.

    Args:
        case_ids: (n,).
        images: n arrays of one shape.
        labels: (n,) or (n, E) of 0 and 1; NaN (or None) where missing.
        names: of the E endpoints.
        scores: (n, R), finite.

    Raises:
        InputError: text or other values, an endpoint with one class only, lengths that differ.

    Example:
        >>> cases = labelled_cases(["a", "b"], [np.zeros((1, 8, 8), np.float32)] * 2, [0, 1])
        >>> cases.targets.shape
        (2, 1)
    """
    targets = _numbers(labels, "the labels")
    targets = targets[:, None] if targets.ndim == 1 else targets
    if targets.ndim != 2 or targets.shape[1] != len(names):
        raise InputError(f"labels of shape {targets.shape} do not belong to {len(names)} endpoints: {', '.join(names)}")
    for name, column in zip(names, targets.T, strict=True):
        _check_classes(name, column)
    return _checked(TrainingCases(Task.CLASSIFICATION, _ids(case_ids), images, targets, tuple(names), _scores(scores)))


def survival_cases(
    case_ids: Sequence[str],
    images: Sequence[np.ndarray],
    time: np.ndarray,
    event: np.ndarray,
    *,
    scores: np.ndarray | None = None,
) -> TrainingCases:
    """Cases with a follow-up time (above 0, any unit) and an event (0, 1), none missing.

    Raises:
        InputError: text, missing or other values, no event at all, lengths that differ.
    """
    times, events = _numbers(time, "time"), _numbers(event, "event")
    if times.shape != events.shape or times.ndim != 1:
        raise InputError(f"there are {times.size} times and {events.size} events; give one of each a case")
    check_survival(times, events)
    if not events.any():
        raise InputError(f"none of the {len(events)} cases has an event; survival needs at least one")
    targets = np.stack([times, events], axis=1)
    return _checked(TrainingCases(Task.SURVIVAL, _ids(case_ids), images, targets, ("risk",), _scores(scores)))


def drawn_cases(case_ids: Sequence[str], images: Sequence[np.ndarray], masks: np.ndarray) -> TrainingCases:
    """Slices or volumes with drawn masks (n, H, W) or (n, D, H, W), whole numbers from 0.

    Raises:
        InputError: no voxel is inside any mask, shapes that differ.
    """
    targets = np.asarray(masks)
    if not np.issubdtype(targets.dtype, np.integer):
        raise InputError(f"masks hold {targets.dtype} values; give whole numbers, 0 outside")
    if not targets.any():
        raise InputError("every mask is empty; segmentation needs some voxels inside")
    cases = _checked(TrainingCases(Task.SEGMENTATION, _ids(case_ids), images, targets))
    if images[0].shape[1:] != targets.shape[1:]:
        raise InputError(f"images of {images[0].shape[1:]} pixels do not fit masks of {targets.shape[1:]}")
    return cases


def refuse_shared_cases(training: TrainingCases, other: TrainingCases, name: str = "test") -> None:
    """Refuse a patient that is in the training part and in another.

    Raises:
        InputError: with the first such patient.
    """
    shared = sorted(set(training.groups) & set(other.groups))
    if shared:
        raise InputError(
            f"{len(shared)} patients are in the training and in the {name} part, the first is {shared[0]!r}; "
            "put all cases of a patient into one part"
        )


def split_cases(cases: TrainingCases, fraction: float, seed: int) -> tuple[TrainingCases, TrainingCases]:
    """Set a part aside, whole patients at a time, with the classes or events in proportion.

    Args:
        cases: to split.
        fraction: part that is set aside, above 0 and below 1.
        seed: of the split.

    Returns:
        What is left to train on, and the part set aside; each has both classes of every endpoint, or an event.

    Raises:
        InputError: too few cases for that.
    """
    rng = np.random.default_rng([seed, 0x5EED])
    for _ in range(_TRIES):
        aside = _drawn_patients(cases, fraction, rng)
        chosen = np.array([patient in aside for patient in cases.groups])
        if all(is_usable(cases, rows) for rows in (chosen, ~chosen)):
            return cases.rows(np.flatnonzero(~chosen)), cases.rows(np.flatnonzero(chosen))
    raise InputError(
        f"{len(set(cases.groups))} cases are too few to set {fraction:.0%} aside with both classes (or an event) in "
        "both parts; give validation cases, or set validation_fraction to 0"
    )


def _drawn_patients(cases: TrainingCases, fraction: float, rng: np.random.Generator) -> set[str]:
    """Draw patients, stratum by stratum; a patient belongs to the highest stratum of its cases."""
    stratum: dict[str, float] = {}
    for patient, value in zip(cases.groups, cases.strata, strict=True):
        stratum[patient] = max(stratum.get(patient, -np.inf), float(value))
    drawn: set[str] = set()
    for value in sorted(set(stratum.values())):
        members = [patient for patient, own in stratum.items() if own == value]
        # Rounded at random, so that small strata are not always left out.
        count = int(fraction * len(members) + rng.random())
        drawn.update(members[place] for place in rng.permutation(len(members))[:count])
    return drawn


def is_usable(cases: TrainingCases, rows: np.ndarray) -> bool:
    """Whether a network can learn from these rows: both classes of every endpoint, an event, a voxel inside."""
    if not rows.any():
        return False
    targets = cases.targets[rows]
    if cases.task is Task.SURVIVAL:
        return bool(targets[:, 1].any())
    if cases.task is Task.SEGMENTATION:
        return bool(targets.any())
    return bool(((targets == 1).any(axis=0) & (targets == 0).any(axis=0)).all())


def _ids(case_ids: Sequence[str]) -> tuple[str, ...]:
    return tuple(str(case) for case in case_ids)


def _numbers(values: object, what: str) -> np.ndarray:
    array = np.asarray(values, dtype=object)
    text = next((value for value in array.ravel() if isinstance(value, str)), None)
    if text is not None:
        raise InputError(f"{what} hold text ({text!r}); code them as numbers")
    return np.where(array == None, np.nan, array).astype(np.float32)  # noqa: E711  # element by element


def _scores(scores: np.ndarray | None) -> np.ndarray | None:
    if scores is None:
        return None
    array = np.asarray(scores, np.float32)
    array = array[:, None] if array.ndim == 1 else array
    if not np.isfinite(array).all():
        raise InputError("a score beside the image is NaN or infinite; every case needs all its scores")
    return array


def check_labels(name: str, labels: np.ndarray) -> np.ndarray:
    """Return the labels (n,) of an endpoint that are known.

    Raises:
        InputError: a value that is not 0, 1 or NaN.
    """
    known = labels[~np.isnan(labels)]
    wrong = known[~np.isin(known, (0, 1))]
    if len(wrong):
        raise InputError(f"endpoint {name!r} holds {wrong[0]:g}; code it as 0 and 1")
    return known


def check_survival(times: np.ndarray, events: np.ndarray) -> None:
    """Refuse times that are not above 0, and events that are not 0 or 1.

    Raises:
        InputError: with the first such value.
    """
    if not (np.isfinite(times) & (times > 0)).all():
        raise InputError(f"time is {times[~(np.isfinite(times) & (times > 0))][0]:g} for a case; it must be above 0")
    if not np.isin(events, (0, 1)).all():
        raise InputError(f"event is {events[~np.isin(events, (0, 1))][0]:g} for a case; code it 1 for an event, else 0")


def _check_classes(name: str, labels: np.ndarray) -> None:
    known = check_labels(name, labels)
    if len(set(known.tolist())) < 2:
        only = f"is {known[0]:g} for all {len(known)} labelled cases" if len(known) else "has no label at all"
        raise InputError(f"endpoint {name!r} {only}; both classes, 0 and 1, are needed")


def _checked(cases: TrainingCases) -> TrainingCases:
    lengths = {"images": len(cases.images), "targets": len(cases.targets)}
    if cases.scores is not None:
        lengths["scores"] = len(cases.scores)
    for what, length in lengths.items():
        if length != len(cases):
            raise InputError(f"there are {len(cases)} cases and {length} {what}; give one a case")
    first = cases.images[0].shape
    for case, image in zip(cases.case_ids, cases.images, strict=True):
        if image.shape != first:
            raise InputError(f"the image of {case!r} has shape {image.shape}, the first one {first}; make them alike")
    return cases
