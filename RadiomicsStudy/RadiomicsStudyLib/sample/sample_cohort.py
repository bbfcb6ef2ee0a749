"""A synthetic cohort made in seconds: to try everything on, and to test with a truth that is known.

Every patient has one hidden variable, the *invasion* of the surroundings by the tumour. It shows in the texture
of the rim outside the tumour, weakly in the texture inside, and it drives the outcomes. It is written to
``truth.csv`` and to no table that a study reads.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

from .sample_anatomy import PHASES, Grid, Patient, Scan, Traits

PIXELS_MM = (0.72, 0.8, 0.86, 0.94)
SLICES_MM = (2.5, 3.0, 5.0)
STAGES = ("I", "II", "III")
WEIBULL_SHAPE = 1.3
WEIBULL_SCALE_DAYS = 1400.0
# Streams of random numbers of one patient: a change in one part leaves the others as they are.
CLINIC, ANATOMY, ACQUISITION = 0, 1, 2


@dataclass(frozen=True)
class SamplePerson:
    """What a patient is, before any image is made.

    Attributes:
        traits: what the images depend on, the hidden invasion among them.
        age: years.
        sex: ``female`` or ``male``.
        stage: 0, 1 or 2, for I, II and III.
        recurrence: 1 if the tumour came back.
        death: 1 if the patient died within the follow-up.
        follow_up_days: days to death or to the end of the follow-up.
    """

    traits: Traits
    age: int
    sex: str
    stage: int
    recurrence: int
    death: int
    follow_up_days: int

    @property
    def recurrence_logit(self) -> float:
        """Log odds of a recurrence."""
        return recurrence_logit(self.traits.invasion, self.age, self.stage)

    @property
    def log_hazard(self) -> float:
        """Logarithm of the hazard of death relative to a patient of 62 years, stage II, invasion 0."""
        return log_hazard(self.traits.invasion, self.age, self.stage)


def recurrence_logit(invasion: float, age: float, stage: int) -> float:
    """Log odds of a recurrence: -0.2 + 2.5 invasion + 0.3 (age - 62)/10 + 0.4 (stage - II)."""
    return -0.2 + 2.5 * invasion + 0.3 * (age - 62) / 10 + 0.4 * (stage - 1)


def log_hazard(invasion: float, age: float, stage: int) -> float:
    """Log relative hazard of death: 1.2 invasion + 0.25 (age - 62)/10 + 0.35 (stage - II)."""
    return 1.2 * invasion + 0.25 * (age - 62) / 10 + 0.35 * (stage - 1)


def draw_person(seed: int, index: int) -> SamplePerson:
    """Draw patient number ``index`` (from 0): the same one whatever the size of the cohort.

    Invasion is standard normal, the radius uniform from 8 to 22 mm and independent of it. Larger tumours tend
    to a higher stage. A recurrence is drawn from :func:`recurrence_logit`; the time of death is Weibull with
    shape 1.3, scale 1400 days and :func:`log_hazard`; the follow-up ends uniformly between 500 and 2500 days.

    Example:
        >>> draw_person(seed=1, index=3) == draw_person(seed=1, index=3)
        True
    """
    rng = np.random.default_rng([seed, index, CLINIC])
    traits = Traits(
        invasion=float(rng.standard_normal()),
        radius_mm=float(rng.uniform(8.0, 22.0)),
        noise_hu=float(rng.uniform(10.0, 15.0)),
    )
    age = int(np.clip(round(rng.normal(62, 10)), 30, 89))
    sex = ("female", "male")[rng.integers(2)]
    stage = int(np.clip(round((traits.radius_mm - 8) / 7 + rng.normal(0, 0.6)), 0, 2))
    chance = 1 / (1 + math.exp(-recurrence_logit(traits.invasion, age, stage)))
    relative = rng.exponential() / math.exp(log_hazard(traits.invasion, age, stage))
    dies_after = WEIBULL_SCALE_DAYS * relative ** (1 / WEIBULL_SHAPE)
    ends_after = rng.uniform(500, 2500)
    return SamplePerson(
        traits=traits,
        age=age,
        sex=sex,
        stage=stage,
        recurrence=int(rng.random() < chance),
        death=int(dies_after <= ends_after),
        follow_up_days=max(1, round(min(dies_after, ends_after))),
    )


def make_sample_cohort(
    folder: str | Path,
    *,
    patients: int = 24,
    seed: int = 1,
    phases: Sequence[str] = ("ct",),
    progress: Progress = no_progress,
) -> Path:
    """Write a synthetic cohort: images, masks, ``cohort.csv`` and ``truth.csv``.

    The images are CT-like scans of the right upper abdomen with a tumour in the liver, 16-bit HU, each phase on
    its own grid (pixels 0.72 to 0.94 mm, slices 2.5 to 5 mm). Every phase has the tumour, the organ (the liver,
    tumour included) and a second reader's tumour. Every third patient is in the test split. What the outcomes
    depend on is said at :func:`draw_person`.

    Args:
        folder: output folder; files of an earlier sample cohort in it are replaced.
        patients: number of patients, at least 1.
        seed: 0 or more; patient n of a seed is the same whatever the number of patients.
        phases: one or more of ``ct``, ``arterial``, ``venous``.
        progress: told after each patient.

    Returns:
        Path of ``cohort.csv``.

    Raises:
        InputError: an argument is out of range, or the folder is a file.

    Example:
        >>> path = make_sample_cohort("sample", patients=1, seed=5)
        >>> path.read_text().splitlines()[0].split(",")[:3]
        ['case_id', 'ct_image', 'ct_mask']
    """
    folder = Path(folder)
    _check(folder, patients, seed, phases)
    rows, truths = [], []
    for index in range(patients):
        progress(index / patients, f"patient {index + 1} of {patients}")
        case_id, person = f"sample_{index + 1:03d}", draw_person(seed, index)
        scans = scan_phases(person.traits, seed, index, phases)
        files = _write_scans(folder, case_id, scans)
        rows.append({"case_id": case_id, **files, **_clinical_columns(person, index)})
        truths.append({"case_id": case_id, **_truth_columns(person)})
    _write_table(folder / "truth.csv", truths)
    _write_table(folder / "cohort.csv", rows)
    progress(1.0, f"{patients} patients in {folder}")
    return folder / "cohort.csv"


def scan_phases(traits: Traits, seed: int, index: int, phases: Sequence[str]) -> dict[str, Scan]:
    """Make the scans of one patient, each phase on its own grid."""
    patient = Patient(traits, np.random.default_rng([seed, index, ANATOMY]))
    scans = {}
    for phase in phases:
        # Seeded by the phase's place in the table: a phase is the same whichever others are made.
        rng = np.random.default_rng([seed, index, ACQUISITION + list(PHASES).index(phase)])
        grid = Grid.over_field_of_view(
            pixel_mm=float(rng.choice(PIXELS_MM)),
            slice_mm=float(rng.choice(SLICES_MM)),
            shift_mm=round(float(rng.uniform(-1, 1)), 2),
        )
        scans[phase] = patient.scan(grid, PHASES[phase], rng)
    return scans


def _check(folder: Path, patients: int, seed: int, phases: Sequence[str]) -> None:
    if patients < 1:
        raise InputError(f"a cohort needs at least 1 patient, got patients={patients}")
    if seed < 0:
        raise InputError(f"a seed is 0 or more, got seed={seed}")
    unknown = [phase for phase in phases if phase not in PHASES]
    if unknown or not phases or len(set(phases)) < len(phases):
        raise InputError(f"phases must be different ones of {', '.join(PHASES)}, got {', '.join(phases) or 'none'}")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the sample cohort")


def _clinical_columns(person: SamplePerson, index: int) -> dict[str, object]:
    return {
        "age": person.age,
        "sex": person.sex,
        "stage": STAGES[person.stage],
        "recurrence": person.recurrence,
        "death": person.death,
        "follow_up_days": person.follow_up_days,
        "split": "test" if index % 3 == 2 else "train",
    }


def _truth_columns(person: SamplePerson) -> dict[str, object]:
    values = {
        "invasion": person.traits.invasion,
        "radius_mm": person.traits.radius_mm,
        "rim_texture_hu": person.traits.rim_texture_hu,
        "recurrence_logit": person.recurrence_logit,
        "log_hazard": person.log_hazard,
    }
    return {name: f"{value:.6f}" for name, value in values.items()}


def _write_scans(folder: Path, case_id: str, scans: Mapping[str, Scan]) -> dict[str, str]:
    """Write one patient's images; return the columns of the cohort table that name them."""
    (folder / case_id).mkdir(parents=True, exist_ok=True)
    columns = {}
    for phase, scan in scans.items():
        named = (
            ("image", phase, scan.image),
            ("mask", f"{phase}_tumour", scan.tumour),
            ("organ_mask", f"{phase}_organ", scan.organ),
            ("second_mask", f"{phase}_tumour_second_reader", scan.second_reader),
        )
        for column, stem, image in named:
            sitk.WriteImage(image, str(folder / case_id / f"{stem}.nii.gz"), useCompression=True)
            columns[f"{phase}_{column}"] = f"{case_id}/{stem}.nii.gz"
    return columns


def _write_table(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
