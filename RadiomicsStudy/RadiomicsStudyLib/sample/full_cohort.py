"""The full sample cohort: two phases, two centres, readings again, ten end points, and a signal planted where asked.

What :func:`.sample_cohort.make_sample_cohort` is for a first look, this is for whole studies: every recipe runs on it,
and since the truth is known, it can be asked whether a study found the region that carries the signal.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

from .sample_anatomy import PHASES, SIGNALS, Grid, Patient
from .study_person import NORTH, SOUTH, TRAIN_SHARE, TUMOUR, StudyPerson, draw_study_person

ANATOMY, ACQUISITION, READING = 11, 12, 20
PATIENTS, SEED = 48, 8
"""By default: a seed whose invasion goes with neither centre, noise nor size, so that "nowhere" is nowhere."""
READ_AGAIN = 30
"""Training patients who are read twice more: again by the same reader, and by another one."""


@dataclass(frozen=True)
class Scanner:
    """A centre's scanner: grids that it makes, and how its CT numbers differ.

    Attributes:
        pixels_mm, slices_mm: spacings, of which each scan has one.
        gain, offset_hu: of CT numbers above air; what is 100 HU elsewhere is ``100 gain + offset_hu`` here.
    """

    pixels_mm: tuple[float, ...]
    slices_mm: tuple[float, ...]
    gain: float = 1.0
    offset_hu: float = 0.0


SCANNERS = {
    NORTH: Scanner((0.72, 0.8, 0.86), (2.0, 2.5)),
    SOUTH: Scanner((0.86, 0.94), (2.5, 3.0), gain=1.05, offset_hu=9.0),
}
COARSE = {
    NORTH: Scanner((1.3, 1.4), (2.5,)),
    SOUTH: Scanner((1.4, 1.5), (3.0,), gain=1.05, offset_hu=9.0),
}
"""The same scanners on coarse grids: four times faster, for tests."""


def make_full_cohort(
    folder: str | Path,
    *,
    patients: int = PATIENTS,
    seed: int = SEED,
    signal: str = "0-3",
    phases: Sequence[str] = ("arterial", "venous"),
    coarse: bool = False,
    progress: Progress = no_progress,
) -> Path:
    """Write the full cohort: images, masks, ``cohort.csv``, two tables of readings, and ``truth.csv``.

    ``cohort.csv`` has for each phase image, tumour, organ and another reader's tumour; ``centre``, ``date`` and
    ``split`` (north: the first 70 % by date train, the rest test; south: external); ``age``, ``sex``, ``stage``,
    ``ki67``, ``m_stage``, ``diameter_mm``, ``symptom``, ``recurrence``; ``follow_up_days`` with ``death`` (of any
    cause) and ``state`` (alive, tumour, other: competing events); and ten binary end points, some without a label.
    ``readings_same.csv`` and ``readings_other.csv`` name, for up to 30 training patients, the tumours as the same
    reader drew them again and as another did: give them to ``extract`` like a cohort, and the features to
    ``--readings``. Whom the images concern is said at :func:`.study_person.draw_study_person`.

    Args:
        folder: output folder; files of an earlier sample cohort in it are replaced.
        patients: at least 3.
        seed: 0 or more; patient n of a seed is the same whatever the number of patients.
        signal: where the invasion, on which the outcomes depend, shows: ``core``, ``0-3`` or ``3-6`` (mm around the
            tumour), ``nowhere``: then no image tells anything, and what a study finds is chance.
        phases: one or more of ``ct``, ``arterial``, ``venous``.
        coarse: larger voxels, in a quarter of the time.
        progress: told after each patient.

    Returns:
        Path of ``cohort.csv``.

    Raises:
        InputError: an argument is out of range, or the folder is a file.

    Example:
        >>> path = make_full_cohort("full", patients=3, phases=["venous"], coarse=True)
        >>> sorted(file.name for file in path.parent.glob("*.csv"))
        ['cohort.csv', 'readings_other.csv', 'readings_same.csv', 'truth.csv']
    """
    folder = Path(folder)
    _check(folder, patients, seed, signal, phases)
    people = [draw_study_person(seed, index, signal) for index in range(patients)]
    parts = _parts(people)
    again = [index for index, part in enumerate(parts) if part == "train"][:READ_AGAIN]
    rows = []
    for index, person in enumerate(people):
        progress(index / patients, f"patient {index + 1} of {patients}")
        scanner = (COARSE if coarse else SCANNERS)[person.centre]
        files = _write_images(folder, _case_id(index), person, scanner, (seed, index), phases, index in again)
        rows.append(files)
    _write_tables(folder, people, parts, rows, phases)
    progress(1.0, f"{patients} patients in {folder}")
    return folder / "cohort.csv"


def _case_id(index: int) -> str:
    return f"full_{index + 1:03d}"


def _check(folder: Path, patients: int, seed: int, signal: str, phases: Sequence[str]) -> None:
    if patients < 3:
        raise InputError(f"a cohort of two centres needs at least 3 patients, got patients={patients}")
    if seed < 0:
        raise InputError(f"a seed is 0 or more, got seed={seed}")
    if signal not in SIGNALS:
        raise InputError(f"signal {signal!r} is unknown; choose {', '.join(SIGNALS)}")
    if not phases or len(set(phases)) < len(phases) or not set(phases) <= set(PHASES):
        raise InputError(f"phases must be different ones of {', '.join(PHASES)}, got {', '.join(phases) or 'none'}")
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file: name a folder for the sample cohort")


def _parts(people: Sequence[StudyPerson]) -> list[str]:
    """Part of each patient: the first centre by date, the second is external."""
    north = sorted((person.diagnosed, k) for k, person in enumerate(people) if person.centre == NORTH)
    train = {k for _, k in north[: max(1, round(TRAIN_SHARE * len(north)))]}
    return [
        "external" if person.centre != NORTH else "train" if k in train else "test" for k, person in enumerate(people)
    ]


def _write_images(
    folder: Path,
    case_id: str,
    person: StudyPerson,
    scanner: Scanner,
    source: tuple[int, int],
    phases: Sequence[str],
    read_again: bool,
) -> dict[str, str]:
    """Write one patient's images; return column to file, the readings again as ``<phase>_again``."""
    (folder / case_id).mkdir(parents=True, exist_ok=True)
    patient = Patient(person.traits, np.random.default_rng([*source, ANATOMY]))
    files: dict[str, str] = {}
    for phase in phases:
        place = list(PHASES).index(phase)
        rng = np.random.default_rng([*source, ACQUISITION + place])
        grid = Grid.over_field_of_view(
            pixel_mm=float(rng.choice(scanner.pixels_mm)),
            slice_mm=float(rng.choice(scanner.slices_mm)),
            shift_mm=round(float(rng.uniform(-1, 1)), 2),
        )
        scan = patient.scan(grid, PHASES[phase], rng)
        named = {
            "image": (phase, _as_scanned(scan.image, scanner)),
            "mask": (f"{phase}_tumour", scan.tumour),
            "organ_mask": (f"{phase}_organ", scan.organ),
            "second_mask": (f"{phase}_tumour_second_reader", scan.second_reader),
        }
        if read_again:
            drawn = patient.reading(grid, np.random.default_rng([*source, READING + place]))
            named["again"] = (f"{phase}_tumour_again", drawn)
        for column, (stem, image) in named.items():
            sitk.WriteImage(image, str(folder / case_id / f"{stem}.nii.gz"), useCompression=True)
            files[f"{phase}_{column}"] = f"{case_id}/{stem}.nii.gz"
    return files


def _as_scanned(image: sitk.Image, scanner: Scanner) -> sitk.Image:
    """The image with the scanner's own CT numbers; air stays air."""
    if scanner.gain == 1 and scanner.offset_hu == 0:
        return image
    hu = sitk.GetArrayFromImage(image).astype(np.float32)
    changed = np.where(hu > -900, hu * scanner.gain + scanner.offset_hu, hu)
    result = sitk.GetImageFromArray(np.clip(np.rint(changed), -1024, 3071).astype(np.int16))
    result.CopyInformation(image)
    return result


def _write_tables(
    folder: Path,
    people: Sequence[StudyPerson],
    parts: Sequence[str],
    files: Sequence[Mapping[str, str]],
    phases: Sequence[str],
) -> None:
    cohort, truth, same, other = [], [], [], []
    for k, (person, part, named) in enumerate(zip(people, parts, files, strict=True)):
        own = {name: path for name, path in named.items() if not name.endswith("_again")}
        case = {"case_id": _case_id(k)}
        cohort.append({**case, **own, **_columns(person), "split": part})
        truth.append({**case, **_truth(person)})
        if any(name.endswith("_again") for name in named):
            organs = {name: path for name, path in own.items() if name.endswith(("_image", "_organ_mask"))}
            same.append({**case, **organs, **{f"{phase}_mask": named[f"{phase}_again"] for phase in phases}})
            other.append({**case, **organs, **{f"{phase}_mask": named[f"{phase}_second_mask"] for phase in phases}})
    for name, rows in (("truth", truth), ("readings_same", same), ("readings_other", other), ("cohort", cohort)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def _columns(person: StudyPerson) -> dict[str, object]:
    return {
        "centre": person.centre,
        "date": person.diagnosed.isoformat(),
        **person.clinic,
        "follow_up_days": person.follow_up_days,
        "death": int(person.state != "alive"),
        "tumour_death": int(person.state == TUMOUR),
        "state": person.state,
        **{name: "" if label is None else label for name, label in person.end_points.items()},
    }


def _truth(person: StudyPerson) -> dict[str, object]:
    traits = person.traits
    return {
        "signal": traits.signal,
        "invasion": f"{traits.invasion:.6f}",
        "radius_mm": f"{traits.radius_mm:.6f}",
        "planted_hu": f"{traits.planted_hu:.6f}",
        "log_hazard": f"{person.log_hazard:.6f}",
    }
