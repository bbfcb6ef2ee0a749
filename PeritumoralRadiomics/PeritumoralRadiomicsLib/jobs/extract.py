"""``extract``: for every patient of a cohort, grow rings in every phase and measure all regions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from RadiomicsCoreLib.cohort.second_reader import read_by
from RadiomicsCoreLib.cohort.table import Case, Cohort, PhaseFiles, read_cohort
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.provenance import MADE_WITH
from RadiomicsCoreLib.files.tables import write_json, write_parquet
from RadiomicsCoreLib.images.reading import read_image
from RadiomicsCoreLib.jobs.batch import CaseOutcome, CaseWork, threads_per_case
from RadiomicsCoreLib.jobs.cases import case_json, run_cases
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known

from ..engines.choice import DEFAULT_ENGINE, engine_names, get_engine
from ..engines.extraction import ExtractionResult, extract_features
from ..regions.growing import RegionSet, grow_regions
from ..regions.kinds import TUMOUR
from ..regions.mask_perturbation import ContourPerturbation, load_perturbed
from ..regions.overlay import OverlayPanel, save_overlay
from ..regions.ring_settings import RingSettings
from ..regions.tables import FIGURE_COLUMNS, region_rows, save_masks
from ..settings.extraction_settings import ExtractionSettings
from ..settings.intensity_unit import IntensityUnit, common_unit, unit_of
from ..settings.measure_settings import MeasureSettings
from .phase_settings import PhaseSettings, phase_settings

FEATURES_FILE, REGIONS_FILE, OVERLAY_FILE = "features.json", "regions.json", "overlay.png"
REGION_COLUMNS = ("case_id", "phase", *FIGURE_COLUMNS)
_LOOKED_AT = 3
_LARGEST_SLICE = {"plane": "largest_slice"}


@dataclass(frozen=True, kw_only=True)
class ExtractJob(Job):
    """Rings and features of every patient; tumour alone where no ring is asked for.

    Attributes:
        cohort: the cohort table.
        measure: features and preprocessing of every phase.
        rings: regions to grow in every phase.
        per_phase: phase -> settings of its own, laid over those above: ``{"pet": {"measure": {"bin_width": 0.25}}}``.
        phases: phases to do; None: all.
        engine: program that computes the features.
        resample_masks: bring a mask from another grid to the image's (nearest neighbour) instead of refusing it.
        save_masks: write every region as a NIfTI mask into the case's folder.
        overlays: draw one picture for each case.
        reader: 1, or 2 for the masks of the second reader, of the cases that have one.
        perturb: perturbed readings of every mask, into ``perturbed_1``, …; 0: none.
        perturbed: only this perturbed reading, and not the masks as they are; what the folders of ``perturb`` hold.
        perturbation: how contours are perturbed.
        workers: cases at a time; None: all cores as far as memory allows.

    Raises:
        InputError: a value out of bounds; one line.

    Example:
        >>> job = ExtractJob.from_dict({"cohort": "cohort.csv", "study": "zhang2024"})
        >>> job.measure.preset, job.rings.outer_mm
        ('zhang2024', (3.0,))
    """

    verb = "extract"
    published: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "wu2021": {"measure": {"preset": "wu2021"}, "rings": {"outer_mm": [1.5, 3, 4.5, 6, 7.5, 9]} | _LARGEST_SLICE},
        "song2021": {"measure": {"preset": "song2021"}},
        "zhang2024": {"measure": {"preset": "zhang2024"}, "rings": {"outer_mm": [3]}},
        "liu2025": {"measure": {"preset": "liu2025"}, "rings": {"outer_mm": [3, 6, 9]}},
    }
    result_free = Job.result_free | {"overlays", "save_masks"}

    cohort: Path = option("cohort table (CSV): case_id, <phase>_image, <phase>_mask, …", positional=True)
    measure: MeasureSettings = MeasureSettings()
    phases: tuple[str, ...] | None = option("phases to do, for example ct,pet (default: all)", None)
    per_phase: Mapping[str, PhaseSettings] = option(
        "settings of one phase, over those for all: pet:bin-width=0.25,preset=wu2021,ring-window=0,20",
        factory=dict,
        word="--for",
        read=phase_settings,
        metavar="PHASE:NAME=VALUE,…",
        repeated=True,
    )
    engine: str = option("program that computes the features", DEFAULT_ENGINE, choices=engine_names)
    workers: int | None = option("cases at a time (default: all cores, as memory allows)", None)
    resample_masks: bool = option("accept masks on another grid", False)
    save_masks: bool = option("write every region as a NIfTI mask", False)
    overlays: bool = option("draw no pictures", True, off="--no-overlays")
    rings: RingSettings = RingSettings()
    reader: int = option("2: the masks of <phase>_second_mask", 1, choices=(1, 2), group="repeated readings")
    perturb: int = option(
        "also N perturbed contours of every mask: perturbed_1, …", 0, metavar="N", group="repeated readings"
    )
    perturbed: int | None = option(
        "only the K-th perturbed contour of every mask", None, metavar="K", group="repeated readings"
    )
    perturbation: ContourPerturbation = ContourPerturbation()

    def __post_init__(self) -> None:
        if self.perturb < 0:
            raise InputError(f"perturb is {self.perturb}; give the number of perturbed readings, 0 for none")
        if self.perturbed is not None and (self.perturbed < 1 or self.perturb):
            raise InputError(
                f"perturbed is {self.perturbed}; give the number of the one perturbed reading to do, 1 or more, and no "
                "perturb beside it"
            )
        if not self.perturb and self.perturbed is None and self.perturbation != ContourPerturbation():
            raise InputError(
                "perturbation says how to perturb; add perturb: 3 (--perturb 3) for three perturbed readings"
            )
        for phase in self.per_phase:
            self.settings_of(phase)
        if self.workers is not None and self.workers < 1:
            raise InputError(f"workers is {self.workers}; give a whole number of 1 or more")

    def settings_of(self, phase: str) -> tuple[MeasureSettings, RingSettings]:
        """Return what is measured in a phase, and its regions. Raises InputError for a wrong ``per_phase``."""
        try:
            return self.per_phase.get(phase, PhaseSettings()).over(self.measure, self.rings)
        except InputError as error:
            raise InputError(f"per_phase: {phase}: {error}") from None

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Extract every case; then every perturbed reading."""
        cohort = read_cohort(self.cohort, phases=self.phases)
        unknown = set(self.per_phase) - set(cohort.phases)
        if unknown:
            check_known("phase", sorted(unknown)[0], cohort.phases)
        reading = read_by(cohort, self.reader)
        output.notes += reading.notes
        units = self._units(reading.cohort, output, progress)
        readings = self._readings()
        for k, (name, perturbation) in enumerate(readings.items()):
            step = part_of(progress, k / len(readings), (k + 1) / len(readings))
            self._extract(output, reading.cohort, units, name, perturbation, step)

    def _units(self, cohort: Cohort, output: JobOutput, progress: Progress) -> dict[str, IntensityUnit]:
        """Look at a few images of each phase: in which unit they are, and what that changes; say so before the work."""
        units = {phase: phase_unit(cohort, phase) for phase in cohort.phases}
        for phase, unit in units.items():
            changed = self.settings_of(phase)[0].for_unit(unit)[1]
            if changed:
                output.notes.append(f"{phase}: {changed}")
                progress(0.0, f"{phase}: {changed}")
        output.record["units"] = {phase: unit.value for phase, unit in units.items()}
        return units

    def _readings(self) -> dict[str, ContourPerturbation | None]:
        """Name of the folder ("" is the output folder itself) to how the contours are perturbed."""
        if self.perturbed is not None:
            return {"": self.perturbation.reading(self.perturbed)}
        perturbed = {f"perturbed_{k}": self.perturbation.reading(k) for k in range(1, self.perturb + 1)}
        return {"": None, **perturbed}

    def _extract(
        self,
        output: JobOutput,
        cohort: Cohort,
        units: Mapping[str, IntensityUnit],
        name: str,
        perturbation: ContourPerturbation | None,
        progress: Progress,
    ) -> None:
        here = JobOutput(output.folder / name) if name else output
        plan = CasePlan.of(self, units, perturbation)
        threads = threads_per_case(self.workers, len(cohort.cases))
        do_case = partial(_do_case, plan, threads)
        outcomes = run_cases(here, cohort, do_case, plan.to_dict(), workers=self.workers, progress=progress)
        here.record[MADE_WITH] = plan.to_dict()
        _write_tables(here, outcomes)
        if name:
            here.finish(replace(self, perturb=0, perturbed=perturbation.index if perturbation else None))
            output.files[name] = here.folder
            output.cases = (*output.cases, *(replace(o, case_id=f"{name}: {o.case_id}") for o in outcomes))


@dataclass(frozen=True)
class CasePlan:
    """What is done to every patient, phase by phase.

    Attributes:
        rings, extraction: phase to its regions, and to features and preprocessing.
        engine: name of the program that computes the features.
        resample_masks, overlays, save_masks: as in :class:`ExtractJob`.
        reader: whose masks.
        perturbation: how the tumour's contour is perturbed; None takes it as it is.
    """

    rings: Mapping[str, RingSettings]
    extraction: Mapping[str, ExtractionSettings]
    engine: str = DEFAULT_ENGINE
    resample_masks: bool = False
    overlays: bool = True
    save_masks: bool = False
    reader: int = 1
    perturbation: ContourPerturbation | None = None

    @classmethod
    def of(
        cls, job: ExtractJob, units: Mapping[str, IntensityUnit], perturbation: ContourPerturbation | None
    ) -> CasePlan:
        """Return the plan of a job for phases in these units. Raises InputError where settings cannot be used."""
        settings = {phase: job.settings_of(phase) for phase in units}
        return cls(
            {phase: rings for phase, (_, rings) in settings.items()},
            {phase: measure.for_unit(units[phase])[0].extraction() for phase, (measure, _) in settings.items()},
            job.engine,
            job.resample_masks,
            job.overlays,
            job.save_masks,
            job.reader,
            perturbation,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for fingerprints, with the engine's version."""
        engine = get_engine(self.engine)
        return {
            "rings": {phase: asdict(rings) for phase, rings in self.rings.items()},
            "extraction": {phase: settings.to_dict() for phase, settings in self.extraction.items()},
            "engine": {"name": engine.name, "version": engine.version},
            "resample_masks": self.resample_masks,
            "overlays": self.overlays,
            "save_masks": self.save_masks,
            "reader": self.reader,
            "perturbation": self.perturbation.to_dict() if self.perturbation else None,
        }


def phase_unit(cohort: Cohort, phase: str) -> IntensityUnit:
    """Return the unit of a phase's images, by the first three that can be read; unknown where they differ.

    Three are looked at: a cohort whose phases mix units has other troubles, and reading all would take as long as the
    work itself.
    """
    units: list[IntensityUnit] = []
    for case in cohort.cases:
        if phase not in case.images or len(units) == _LOOKED_AT:
            continue
        try:
            files = case.images[phase]
            units.append(unit_of(read_image(files.image, series=files.series), phase))
        except RadiomicsError:
            continue  # the case itself will say why
    return common_unit(units)


def _do_case(plan: CasePlan, threads: int, case: Case, phases: Sequence[str], folder: Path) -> CaseWork:
    return extract_case(case, phases, plan, folder, threads=threads)


def extract_case(case: Case, phases: Sequence[str], plan: CasePlan, folder: Path, *, threads: int = 1) -> CaseWork:
    """Do all phases of one case and write its files into ``folder``; a failing phase leaves the others whole.

    A phase fails if it cannot be read or its tumour has no features (those of its rings are kept); an empty ring
    is a warning.

    Args:
        case: the patient's row.
        phases: phases of the cohort.
        plan: what to do.
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
            results[phase] = _extract_phase(case.case_id, case.images[phase], phase, plan, threads)
        except RadiomicsError as error:
            failed.append(f"{phase}: {error}")
            continue
        if results[phase].tumour_failure:
            failed.append(f"{phase}: the tumour has no features, {results[phase].tumour_failure}")
    _write_case(case, results, plan, folder)
    return CaseWork(tuple(failed), tuple(line for result in results.values() for line in result.warnings))


def _write_case(case: Case, results: Mapping[str, _PhaseResult], plan: CasePlan, folder: Path) -> None:
    write_json(folder / FEATURES_FILE, {name: v for result in results.values() for name, v in result.features.items()})
    write_json(folder / REGIONS_FILE, [row for result in results.values() for row in result.rows])
    if plan.overlays and results:
        save_overlay(folder / OVERLAY_FILE, [result.panel for result in results.values()], case.case_id)
    if plan.save_masks:
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


def _extract_phase(case_id: str, files: PhaseFiles, phase: str, plan: CasePlan, threads: int) -> _PhaseResult:
    told: list[str] = []
    data = load_perturbed(files, plan.perturbation, (case_id, phase), resample=plan.resample_masks, warn=told.append)
    exclusions = [] if data.exclude is None else [data.exclude]
    regions = grow_regions(
        data.mask, plan.rings[phase], image=data.image, organ=data.organ, exclusions=exclusions, phase=phase
    )
    settings = plan.extraction[phase].for_phase(phase)
    masks = {name: region.mask for name, region in regions.regions.items()}
    result = extract_features(data.image, masks, settings, engine=plan.engine, threads=threads)
    return _PhaseResult(
        features=_columns(phase, result),
        rows=[{"phase": phase, **row} for row in region_rows(regions, result)],
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


def _warnings(regions: RegionSet, result: ExtractionResult) -> list[str]:
    # Why a ring is empty stands in its own warnings; why the tumour has no features fails the phase.
    told = {TUMOUR, *(name for name, region in regions.regions.items() if region.reason)}
    empty = [f"{name} has no features: {reason}" for name, reason in result.reasons.items() if name not in told]
    return [*regions.warnings, *empty, *result.warnings]


def _write_tables(output: JobOutput, outcomes: Sequence[CaseOutcome]) -> None:
    out, ids = output.folder, [outcome.case_id for outcome in outcomes]
    columns = ["case_id", *_feature_columns(out, ids)]
    output.files["features"] = output.table("features", _feature_rows(out, ids), columns)
    output.files["regions"] = output.table("regions", _region_rows(out, ids), REGION_COLUMNS)
    parquet = out / "features.parquet"
    if write_parquet(parquet, _feature_rows(out, ids), columns):
        output.files["features (parquet)"] = parquet


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
