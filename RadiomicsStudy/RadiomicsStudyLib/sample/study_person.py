"""A patient of the full sample cohort before any image is made: clinic, end points and what they depend on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from .sample_anatomy import PlantedTraits

FIRST_DAY = date(2012, 1, 2)
NORTH, SOUTH = "north", "south"
TRAIN_SHARE = 0.7
"""Of the patients of the first centre, by date; the rest is the test part. The second centre is external."""
CLINIC = 10  # stream of random numbers; those of the plain sample are 0 to 4
ALIVE, TUMOUR, OTHER = "alive", "tumour", "other"


@dataclass(frozen=True)
class EndPoint:
    """A binary end point of zhang2024's kind.

    Attributes:
        name: column.
        intercept: log odds of a patient with invasion 0.
        invasion: log odds for one unit of it.
        missing: share of patients without a label.
    """

    name: str
    intercept: float
    invasion: float
    missing: float = 0.0


# Shares of missing labels as in the paper; ALK and ROS1 are rare, KRAS and PIK3CA have nothing to be found.
END_POINTS = (
    EndPoint("lvi", -0.2, 2.5),
    EndPoint("pleural_invasion", -0.4, 2.0),
    EndPoint("t4", -1.0, 1.5),
    EndPoint("egfr", 0.0, 1.5, 0.05),
    EndPoint("kras", -0.8, 0.0, 0.07),
    EndPoint("alk", -1.9, 1.2, 0.07),
    EndPoint("tp53", 0.2, 1.2, 0.27),
    EndPoint("pik3ca", -1.2, 0.0, 0.27),
    EndPoint("ros1", -2.0, 0.8, 0.27),
    EndPoint("pd_l1", -0.3, 1.5, 0.65),
)


@dataclass(frozen=True)
class StudyPerson:
    """A patient of the full cohort.

    Attributes:
        traits: what the images depend on.
        centre: ``north`` or ``south``.
        diagnosed: date.
        clinic: clinical columns of the cohort's table.
        log_hazard: of death by the tumour, relative to an average patient.
        state: alive, tumour or other: how the follow-up ended.
        follow_up_days: to death or to the end of the follow-up.
        end_points: column to 0, 1 or None (no label).
    """

    traits: PlantedTraits
    centre: str
    diagnosed: date
    clinic: Mapping[str, object]
    log_hazard: float
    state: str
    follow_up_days: int
    end_points: Mapping[str, int | None]


def draw_study_person(seed: int, index: int, signal: str) -> StudyPerson:
    """Draw patient ``index`` (from 0): the same whatever the cohort's size, and whatever the signal but for the images.

    Death by the tumour is Weibull (shape 1.3, scale 1300 days) with a log hazard of 1.2 invasion + 0.25 (age - 62)/10
    + 0.02 (Ki-67 - 20) + 0.8 (M1); death of another cause exponential (mean 6000 days) with 0.6 (age - 62)/10. Every
    third patient is the second centre's. Diagnoses come one after the other, about 20 days apart.

    Example:
        >>> draw_study_person(1, 3, "0-3").state == draw_study_person(1, 3, "nowhere").state
        True
    """
    rng = np.random.default_rng([seed, index, CLINIC])
    invasion, radius = float(rng.standard_normal()), float(rng.uniform(9.0, 20.0))
    is_south = index % 3 == 2
    noise = float(rng.uniform(13.0, 17.0) if is_south else rng.uniform(9.0, 12.0))
    age = int(np.clip(round(rng.normal(62, 10)), 30, 89))
    ki67 = int(np.clip(round(20 * math.exp(0.35 * rng.standard_normal() + 0.15 * invasion)), 2, 95))
    m1 = bool(rng.random() < 0.18)
    stage = int(np.clip(round((radius - 8) / 7 + rng.normal(0, 0.6)), 0, 2))
    log_hazard = 1.2 * invasion + 0.25 * (age - 62) / 10 + 0.02 * (ki67 - 20) + 0.8 * m1
    state, days = _follow_up(rng, log_hazard, age)
    clinic = {
        "age": age,
        "sex": ("female", "male")[rng.integers(2)],
        "stage": ("I", "II", "III")[stage],
        "ki67": ki67,
        "m_stage": "M1" if m1 else "M0",
        "diameter_mm": round(2.1 * radius + float(rng.normal(0, 1.5)), 1),
        "symptom": "yes" if rng.random() < 1 / (1 + math.exp(-0.15 * (radius - 14))) else "no",
        "recurrence": int(rng.random() < 1 / (1 + math.exp(0.2 - 2.5 * invasion))),
    }
    return StudyPerson(
        traits=PlantedTraits(invasion, radius, noise, signal=signal),
        centre=SOUTH if is_south else NORTH,
        diagnosed=FIRST_DAY + timedelta(days=20 * index + int(rng.integers(0, 20))),
        clinic=clinic,
        log_hazard=log_hazard,
        state=state,
        follow_up_days=days,
        end_points={point.name: _label(rng, point, invasion) for point in END_POINTS},
    )


def _follow_up(rng: np.random.Generator, log_hazard: float, age: int) -> tuple[str, int]:
    """How the follow-up ends, and after how many days."""
    by_tumour = 1300.0 * (rng.exponential() / math.exp(log_hazard)) ** (1 / 1.3)
    by_other = 6000.0 * rng.exponential() / math.exp(0.6 * (age - 62) / 10)
    ends = rng.uniform(500, 2500)
    days = min(by_tumour, by_other, ends)
    state = ALIVE if days == ends else TUMOUR if days == by_tumour else OTHER
    return state, max(1, round(days))


def _label(rng: np.random.Generator, point: EndPoint, invasion: float) -> int | None:
    has, known = rng.random(2)
    if known < point.missing:
        return None
    return int(has < 1 / (1 + math.exp(-(point.intercept + point.invasion * invasion))))
