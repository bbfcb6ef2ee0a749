"""The main job: for every patient of a cohort, grow rings in every phase and extract the features of all regions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from RadiomicsCoreLib.cohort.second_reader import read_by
from RadiomicsCoreLib.cohort.table import Case, Cohort, PhaseFiles
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.tables import write_csv, write_json, write_parquet
from RadiomicsCoreLib.jobs.batch import (
    CaseOutcome,
    CaseTask,
    CaseWork,
    failures,
    run_batch,
    threads_per_case,
)
from RadiomicsCoreLib.jobs.case_records import case_fingerprint, case_json, write_study
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..engines.choice import DEFAULT_ENGINE, get_engine
from ..engines.extraction import ExtractionResult, extract_features
from ..regions.growing import RegionSet, grow_regions
from ..regions.mask_perturbation import ContourPerturbation, load_perturbed, perturbed_readings
from ..regions.overlay import OverlayPanel, save_overlay
from ..regions.ring_settings import RingSettings
from ..settings.extraction_settings import ExtractionSettings

FEATURES_FILE = "features.json"
REGIONS_FILE = "regions.json"
OVERLAY_FILE = "overlay.png"
TUMOUR = "intratumour"
FIGURE_COLUMNS = (
    "region",
    "kind",
    "inner_mm",
    "outer_mm",
    "thickness_mm",
    "voxels",
    "volume_ml",
    "retained_fraction",
    "mean_radius_mm",
    "reason",
    "warnings",
)
REGION_COLUMNS = ("case_id", "phase", *FIGURE_COLUMNS)


@dataclass(frozen=True)
class ExtractionJob:
    """What is done to every patient.

    Attributes:
        rings: which regions to grow.
        extraction: preprocessing and features.
        engine: name of the program that computes the features.
        resample_masks: bring a mask from another grid to the image's (nearest neighbour) instead of refusing it.
        overlays: draw one picture for each case.
        save_masks: write every region as a NIfTI mask into the case's folder.
        reader: 1, or 2 for the masks of the second reader, of the cases that have one.
        perturbation: how the tumour's contour is perturbed; None takes it as it is.
    """

    rings: RingSettings
    extraction: ExtractionSettings
    engine: str = DEFAULT_ENGINE
    resample_masks: bool = False
    overlays: bool = True
    save_masks: bool = False
    reader: int = 1
    perturbation: ContourPerturbation | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for provenance and hashing, with the engine's version.

        Reader and perturbation stand in it where they are not the usual ones: earlier runs are then reused.
        """
        engine = get_engine(self.engine)
        unusual: dict[str, Any] = {} if self.reader == 1 else {"reader": self.reader}
        if self.perturbation is not None:
            unusual["perturbation"] = self.perturbation.to_dict()
        return unusual | {
            "rings": asdict(self.rings),
            "extraction": self.extraction.to_dict(),
            "engine": {"name": engine.name, "version": engine.version},
            "resample_masks": self.resample_masks,
            "overlays": self.overlays,
            "save_masks": self.save_masks,
        }


@dataclass(frozen=True)
class CohortExtraction:
    """What a cohort run wrote.

    Attributes:
        outcomes: how each case ended, in the order of the cohort table.
        files: the files to open, by what they are.
        notes: what the reader should know, such as cases without a second mask.
    """

    outcomes: tuple[CaseOutcome, ...]
    files: dict[str, Path] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> list[CaseOutcome]:
        """The cases that failed, with their reasons."""
        return failures(self.outcomes)


def extract_cohort(
    cohort: Cohort,
    job: ExtractionJob,
    out: Path,
    *,
    jobs: int | None = None,
    progress: Progress = no_progress,
) -> CohortExtraction:
    """Extract the features of every case of a cohort; a failing case never stops the others.

    Run again into the same folder, it reuses the cases whose files and settings are the same.

    Args:
        cohort: the table, as read by :func:`RadiomicsCoreLib.cohort.table.read_cohort`.
        job: rings, preprocessing, features, engine.
        out: output folder: ``features.csv``, ``regions.csv``, ``study.json``, ``cases/<case_id>/…``.
        jobs: cases at a time; None: all cores as far as memory allows.
        progress: told after each case.

    Raises:
        InputError: the output folder cannot be written, or no case has a mask of the second reader asked for.
        Cancelled: from ``progress`` or Ctrl-C; what is finished stays and is reused.
    """
    reading = read_by(cohort, job.reader)
    cohort, notes = reading.cohort, reading.notes
    settings = job.to_dict()
    threads = threads_per_case(jobs, len(cohort.cases))
    tasks = [
        CaseTask(
            case.case_id,
            partial(case_fingerprint, case, case.phases(cohort.phases), settings),
            partial(extract_case, case, case.phases(cohort.phases), job, threads=threads),
        )
        for case in cohort.cases
    ]
    outcomes = run_batch(tasks, out, jobs=jobs, progress=progress)
    files = _write_tables(cohort, out, outcomes)
    seed = job.perturbation.seed if job.perturbation else None
    files["provenance"] = write_study("extract", cohort, settings, out, outcomes, seed=seed, notes=notes)
    return CohortExtraction(tuple(outcomes), files, notes)


def extract_perturbed(
    cohort: Cohort,
    job: ExtractionJob,
    out: Path,
    count: int,
    *,
    jobs: int | None = None,
    progress: Progress = no_progress,
) -> dict[str, CohortExtraction]:
    """Extract every case as drawn, and with its contours perturbed several times; no value depends on ``jobs``.

    The features as drawn go to ``out/features.csv``, those of the perturbed masks to
    ``out/perturbed_1/features.csv``, … : repeated readings for the ICC filter.

    Args:
        cohort: as in :func:`extract_cohort`.
        job: what to do; its perturbation is done with the indices 1 to ``count``.
        out: output folder.
        count: perturbations of every mask, 1 or more.
        jobs: as in :func:`extract_cohort`.
        progress: told after each case.

    Returns:
        ``as drawn``, ``perturbed_1``, … to what was written.

    Raises:
        InputError: no perturbation in the job, a count below 1, or as :func:`extract_cohort`.
    """
    readings = perturbed_readings(job, out, count)
    done = {}
    for k, (name, (reading, folder)) in enumerate(readings.items()):
        step = part_of(progress, k / len(readings), (k + 1) / len(readings))
        done[name] = extract_cohort(cohort, reading, folder, jobs=jobs, progress=step)
    return done


def extract_case(case: Case, phases: Sequence[str], job: ExtractionJob, folder: Path, *, threads: int = 1) -> CaseWork:
    """Do all phases of one case and write its files into ``folder``; a failing phase leaves the others whole.

    A phase fails if it cannot be read or its tumour has no features (those of its rings are kept); an empty ring
    is a warning.

    Args:
        case: the patient's row.
        phases: phases of the cohort.
        job: what to do.
        folder: where the case's files go; it exists.
        threads: regions computed at a time; no value depends on it, and it is not part of the fingerprint.

    Returns:
        One line for each phase that failed, and the warnings of the others.
    """
    problems = {problem.phase: problem.message for problem in case.problems}
    results: dict[str, _PhaseResult] = {}
    failed: list[str] = []
    for phase in phases:
        try:
            if phase not in case.images:
                raise InputError(problems.get(phase, f"no image is named; fill in the column {phase}_image"))
            results[phase] = _extract_phase(case.case_id, case.images[phase], phase, job, threads)
        except RadiomicsError as error:
            failed.append(f"{phase}: {error}")
            continue
        if results[phase].tumour_failure:
            failed.append(f"{phase}: the tumour has no features, {results[phase].tumour_failure}")
    _write_case(case, results, job, folder)
    return CaseWork(tuple(failed), tuple(line for result in results.values() for line in result.warnings))


def _write_case(case: Case, results: Mapping[str, _PhaseResult], job: ExtractionJob, folder: Path) -> None:
    write_json(folder / FEATURES_FILE, {name: v for result in results.values() for name, v in result.features.items()})
    write_json(folder / REGIONS_FILE, [row for result in results.values() for row in result.rows])
    if job.overlays and results:
        save_overlay(folder / OVERLAY_FILE, [result.panel for result in results.values()], case.case_id)
    if job.save_masks:
        for phase, result in results.items():
            save_masks(result.regions, folder, prefix=f"{phase}_")


@dataclass(frozen=True)
class _PhaseResult:
    features: dict[str, float]
    rows: list[dict[str, Any]]
    warnings: list[str]
    panel: OverlayPanel
    regions: RegionSet
    tumour_failure: str


def _extract_phase(case_id: str, files: PhaseFiles, phase: str, job: ExtractionJob, threads: int) -> _PhaseResult:
    told: list[str] = []
    data = load_perturbed(files, job.perturbation, (case_id, phase), resample=job.resample_masks, warn=told.append)
    exclusions = [] if data.exclude is None else [data.exclude]
    regions = grow_regions(data.mask, job.rings, image=data.image, organ=data.organ, exclusions=exclusions)
    settings = job.extraction.for_phase(phase)
    masks = {name: region.mask for name, region in regions.regions.items()}
    result = extract_features(data.image, masks, settings, engine=job.engine, threads=threads)
    return _PhaseResult(
        features=_columns(phase, result),
        rows=[{"phase": phase, **row} for row in region_rows(regions, result.reasons)],
        warnings=[f"{phase}: {line}" for line in (*told, *_warnings(regions, result))],
        panel=OverlayPanel(phase, data.image, masks, settings.display_window()),
        regions=regions,
        tumour_failure=result.reasons.get(TUMOUR, ""),
    )


def _columns(phase: str, result: ExtractionResult) -> dict[str, float]:
    return {
        f"{phase}.{region}.{feature}": value
        for region, features in result.features.items()
        for feature, value in features.items()
    }


def region_rows(regions: RegionSet, reasons: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """Return the quality figures of regions, one plain row each (columns: see ``FIGURE_COLUMNS``).

    Args:
        regions: the regions of one phase.
        reasons: region to why it has no features.
    """
    reasons = reasons or {}
    return [
        {**region.figures(), "mean_radius_mm": regions.mean_radius_mm, "reason": region.reason or reasons.get(name)}
        for name, region in regions.regions.items()
    ]


def save_masks(regions: RegionSet, folder: Path, *, prefix: str = "") -> None:
    """Write every region as a compressed NIfTI mask on the full grid, ``<prefix><region>.nii.gz``."""
    for name in regions.regions:
        sitk.WriteImage(regions.full_mask(name), str(folder / f"{prefix}{name}.nii.gz"), useCompression=True)


def _warnings(regions: RegionSet, result: ExtractionResult) -> list[str]:
    # Why a ring is empty stands in its own warnings; why the tumour has no features fails the phase.
    told = {TUMOUR, *(name for name, region in regions.regions.items() if region.reason)}
    empty = [f"{name} has no features: {reason}" for name, reason in result.reasons.items() if name not in told]
    return [*regions.warnings, *empty, *result.warnings]


def _write_tables(cohort: Cohort, out: Path, outcomes: Sequence[CaseOutcome]) -> dict[str, Path]:
    ids = [outcome.case_id for outcome in outcomes]
    files = {"features": out / "features.csv", "regions": out / "regions.csv"}
    columns = ["case_id", *_feature_columns(out, ids)]
    write_csv(files["features"], _feature_rows(out, ids), columns)
    write_csv(files["regions"], _region_rows(out, ids), REGION_COLUMNS)
    parquet = out / "features.parquet"
    if write_parquet(parquet, _feature_rows(out, ids), columns):
        files["features (parquet)"] = parquet
    return files


def _feature_columns(out: Path, ids: Iterable[str]) -> list[str]:
    columns: dict[str, None] = {}
    for case_id in ids:
        columns |= dict.fromkeys(case_json(out, case_id, FEATURES_FILE) or ())
    return list(columns)


def _feature_rows(out: Path, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    for case_id in ids:
        yield {"case_id": case_id, **(case_json(out, case_id, FEATURES_FILE) or {})}


def _region_rows(out: Path, ids: Iterable[str]) -> Iterator[dict[str, Any]]:
    for case_id in ids:
        for row in case_json(out, case_id, REGIONS_FILE) or ():
            yield {"case_id": case_id, **row}
