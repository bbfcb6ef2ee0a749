"""Deals patients to training and test part: by date, at random within strata, or by hospital."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from ..errors import InputError
from ..settings.checks import choose
from ..settings.options import option
from .splits import TRAINING

TEST, EXTERNAL = "test", "external"
_MOST_LEVELS = 6
_GROUP = "split"


class SplitBy(StrEnum):
    """How patients are dealt."""

    DATE = "date"
    """The earliest are the training part (wu2021: 80 %)."""
    RATIO = "ratio"
    """At random, the same share of every stratum (yang2023: 7:3)."""
    CENTRE = "centre"
    """Some hospitals are external, all others the training part."""


@dataclass(frozen=True)
class SplitSettings:
    """How a cohort is split.

    Attributes:
        by: see :class:`SplitBy`.
        ratio: share of the training part of what is not external, between 0 and 1.
        date: column of dates (2024-01-31) or of numbers that grow with time.
        stratify: columns whose groups are dealt alike; a column of many numbers is cut at its median.
        external: hospitals whose patients are the part ``external``.
        seed: of the random order.

    Raises:
        InputError: settings that do not go together.

    Example:
        >>> SplitSettings(SplitBy.RATIO, ratio=0.7).by.value
        'ratio'
    """

    by: SplitBy = option("how patients are dealt", SplitBy.RATIO, group=_GROUP)
    ratio: float = option("share of the training part", 0.7, group=_GROUP)
    date: str | None = option("column of dates, for --by date", None, metavar="COLUMN", group=_GROUP)
    stratify: tuple[str, ...] = option("columns whose groups are dealt alike", (), group=_GROUP)
    external: tuple[str, ...] = option("hospitals whose patients are external", (), metavar="CENTRE,…", group=_GROUP)
    seed: int = option("of the random order", 0, group=_GROUP)

    def __post_init__(self) -> None:
        choose(self, by=SplitBy)
        if not 0 < self.ratio < 1:
            raise InputError(f"ratio is {self.ratio:g}; give a share between 0 and 1, such as 0.7")
        if self.by is SplitBy.DATE and self.date is None:
            raise InputError("a split by date needs the column of dates: date (--date COLUMN)")
        if self.by is SplitBy.DATE and self.stratify:
            raise InputError("a split by date cannot be stratified: who comes first is decided by the date alone")
        if self.by is SplitBy.CENTRE and not self.external:
            raise InputError("a split by centre needs the external hospitals: external (--external CENTRE)")
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}; give 0 or more")


def split_patients(
    settings: SplitSettings,
    patients: Sequence[str],
    columns: Mapping[str, Sequence[str]],
    centres: Sequence[str] | None = None,
) -> list[str]:
    """Return the part of every case: ``train``, ``test`` or ``external``; cases of a patient stay together.

    Args:
        settings: how.
        patients: patient of each case.
        columns: cells of the columns that the settings name, as texts.
        centres: hospital of each case; needed for external ones.

    Raises:
        InputError: a date that cannot be read, a hospital that is not there, a part without a patient.

    Example:
        >>> when = {"day": ["2020-05-01", "2018-01-31", "2019-07-07", "2021-01-01"]}
        >>> split_patients(SplitSettings(SplitBy.DATE, 0.75, "day"), list("abcd"), when)
        ['train', 'train', 'train', 'test']
    """
    first = {patient: k for k, patient in reversed(list(enumerate(patients)))}
    outside = _outside(settings, patients, centres)
    inside = [patient for patient in first if patient not in outside]
    if not inside:
        raise InputError("every patient is of an external hospital; nobody is left to train on")
    if settings.by is SplitBy.CENTRE:
        training = set(inside)
    elif settings.by is SplitBy.DATE:
        assert settings.date is not None  # the settings have refused that
        training = _earliest(settings, inside, _days(patients, columns[settings.date], settings.date))
    else:
        training = _dealt(settings, inside, _strata(inside, first, settings.stratify, columns))
    if settings.by is not SplitBy.CENTRE and not 0 < len(training) < len(inside):
        raise InputError(f"ratio {settings.ratio:g} of {len(inside)} patients leaves a part without any; change it")
    part = {patient: TRAINING if patient in training else TEST for patient in inside}
    return [part.get(patient, EXTERNAL) for patient in patients]


def _outside(settings: SplitSettings, patients: Sequence[str], centres: Sequence[str] | None) -> set[str]:
    if not settings.external:
        return set()
    if centres is None:
        raise InputError("the cohort has no column of hospitals; name it: --centre COLUMN")
    known = sorted(set(centres))
    for name in settings.external:
        if name not in known:
            raise InputError(f"no case is of the hospital {name!r}; there are {', '.join(known)}")
    return {patient for patient, centre in zip(patients, centres, strict=True) if centre in settings.external}


def _days(patients: Sequence[str], cells: Sequence[str], column: str) -> dict[str, float]:
    """The first day of every patient."""
    days: dict[str, float] = {}
    for patient, cell in zip(patients, cells, strict=True):
        days[patient] = min(_day(cell, patient, column), days.get(patient, np.inf))
    return days


def _day(cell: str, patient: str, column: str) -> float:
    try:
        return float(date.fromisoformat(cell.strip()[:10]).toordinal())
    except ValueError:
        pass
    try:
        value = float(cell)
    except ValueError:
        value = np.nan
    if not np.isfinite(value):
        raise InputError(f"{patient}: {column} is {cell!r}; give a date such as 2024-01-31, or a number")
    return value


def _earliest(settings: SplitSettings, inside: Sequence[str], days: Mapping[str, float]) -> set[str]:
    ordered = sorted(inside, key=lambda patient: days[patient])
    count = round(settings.ratio * len(ordered))
    border = days[ordered[count - 1]] if count else -np.inf
    # Patients of one day are not torn apart by the order of the rows: all of them come before.
    return {patient for patient in ordered if days[patient] <= border}


def _strata(
    inside: Sequence[str], first: Mapping[str, int], names: Sequence[str], columns: Mapping[str, Sequence[str]]
) -> dict[str, tuple[str, ...]]:
    keys = {name: _levels([columns[name][first[patient]] for patient in inside]) for name in names}
    return {patient: tuple(keys[name][k] for name in names) for k, patient in enumerate(inside)}


def _levels(cells: Sequence[str]) -> list[str]:
    """The cells as groups: numbers of many values are cut at their median."""
    try:
        numbers = np.array([float(cell) if cell else np.nan for cell in cells])
    except ValueError:
        return list(cells)
    if len(set(cells)) <= _MOST_LEVELS:
        return list(cells)
    middle = np.nanmedian(numbers)
    return ["missing" if np.isnan(value) else "high" if value > middle else "low" for value in numbers]


def _dealt(settings: SplitSettings, inside: Sequence[str], strata: Mapping[str, tuple[str, ...]]) -> set[str]:
    """The training part: its share of every stratum; what rounding leaves goes where most is missing."""
    rng = np.random.default_rng(settings.seed)
    groups: dict[tuple[str, ...], list[str]] = {}
    for patient in inside:
        groups.setdefault(strata[patient], []).append(patient)
    ordered = {key: [members[k] for k in rng.permutation(len(members))] for key, members in sorted(groups.items())}
    counts = {key: int(settings.ratio * len(members)) for key, members in ordered.items()}
    left = round(settings.ratio * len(inside)) - sum(counts.values())
    for key in sorted(ordered, key=lambda key: counts[key] - settings.ratio * len(ordered[key]))[: max(0, left)]:
        counts[key] += 1
    return {patient for key, members in ordered.items() for patient in members[: counts[key]]}
