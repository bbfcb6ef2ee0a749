"""``peritumoral deep-features``: deep features of every patient, phase and region of a cohort."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from PeritumoralRadiomicsLib.jobs.extract import FEATURES_FILE, REGION_COLUMNS, REGIONS_FILE
from PeritumoralRadiomicsLib.regions.mask_perturbation import ContourPerturbation
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.cohort.second_reader import read_by
from RadiomicsCoreLib.cohort.seen_cases import SeenCases, seen_record
from RadiomicsCoreLib.cohort.table import Case
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.safe_names import one_line
from RadiomicsCoreLib.files.tables import write_csv, write_json, write_parquet
from RadiomicsCoreLib.jobs.batch import CaseOutcome, CaseTask, CaseWork, run_batch
from RadiomicsCoreLib.jobs.case_records import case_fingerprint, case_json, write_study
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..deep_features.computing import DeepFeatures, check_input, deep_features
from ..inputs.deep_cases import (
    DEFAULT_RINGS,
    DeepJobResult,
    PhaseRegions,
    open_cohort,
    phase_regions,
)
from ..inputs.patches import picture_of_input
from ..networks.catalogue import network_spec
from ..networks.network_bundle import check_fits
from ..networks.network_source import LoadedNetwork, NetworkSource, network_in_this_process, seen_by, weights_hash
from ..networks.seen_cases import namesakes
from ..settings.deep_feature_settings import DeepFeatureSettings
from ..settings.input_settings import InputKind, NetworkInput


@dataclass(frozen=True)
class DeepFeaturesJob:
    """What is done to every patient.

    Attributes:
        source: network and weights.
        features: where features are read, what is shown; None: the bundle's input, or the network's usual one.
        rings: regions to grow; None: the bundle's, or a ring of 3 mm.
        regions: names of the regions to do; empty: all.
        resample_masks: bring a mask from another grid to the image's (nearest neighbour) instead of refusing it.
        pictures: draw what the network saw of every region.
        other_phase: let a bundle read a phase that it was not trained on, in that phase's window; all else must be as
            in its training (song2021 reads both phases with a network of the arterial one).
        reader: 1, or 2 for the masks of the second reader, of the cases that have one.
        perturbation: how the tumour's contour is perturbed; None takes it as it is.
        study: published study whose settings these are, for the record; None: none.
    """

    source: NetworkSource = field(default_factory=NetworkSource)
    features: DeepFeatureSettings | None = None
    rings: RingSettings | None = None
    regions: tuple[str, ...] = ()
    resample_masks: bool = False
    pictures: bool = True
    other_phase: bool = False
    reader: int = 1
    perturbation: ContourPerturbation | None = None
    study: str | None = None


@dataclass(frozen=True)
class _Plan:
    """A job with everything decided; plain enough for another process."""

    source: NetworkSource
    sha256: str
    features: DeepFeatureSettings
    rings: RingSettings
    regions: tuple[str, ...]
    resample_masks: bool
    pictures: bool
    reader: int
    perturbation: ContourPerturbation | None

    def settings(self, name: str) -> dict[str, Any]:
        """What changes a value, for provenance and for finding finished cases."""
        features = self.features.to_dict()
        del features["batch_size"]
        unusual: dict[str, Any] = {} if self.reader == 1 else {"reader": self.reader}
        if self.perturbation is not None:
            unusual["perturbation"] = self.perturbation.to_dict()
        return unusual | {
            "rings": asdict(self.rings),
            "features": features,
            "regions": list(self.regions),
            "network": {"name": name, "weights_sha256": self.sha256},
            "resample_masks": self.resample_masks,
        }


def deep_features_job(
    cohort: Path | str,
    out: Path | str,
    job: DeepFeaturesJob = DeepFeaturesJob(),  # frozen
    *,
    phases: Sequence[str] | None = None,
    jobs: int | None = None,
    progress: Progress = no_progress,
) -> DeepJobResult:
    """Compute deep features of every case of a cohort; a failing case never stops the others.

    Writes ``features.csv`` (and ``.parquet``) with columns ``<phase>.<region>.<network>_<index>``, ``regions.csv``,
    ``study.json`` and ``cases/<case_id>/`` with a picture of what the network saw of each region. Run again into the
    same folder, it reuses the cases whose files, settings and weights are the same.

    Args:
        cohort: cohort table.
        out: output folder.
        job: what to do.
        phases: phases to do; None: all (or the one that a bundle was trained on).
        jobs: processes at a time; None: all cores as far as memory allows, one on a GPU.
        progress: told after each case.

    Raises:
        InputError, ModelError, DependencyError: nothing can be done: the table, the network or its weights cannot be
            used, or a bundle was trained on other data.
        Cancelled: from ``progress``; finished cases stay.
    """
    out = Path(out)
    loaded = job.source.load(part_of(progress, 0.0, 0.02))
    plan = _plan(job, loaded)
    if loaded.bundle is not None and phases is None:
        phases = [loaded.bundle.phase]
    reading = read_by(open_cohort(cohort, phases), job.reader)
    table = reading.cohort
    if loaded.bundle is not None and not job.other_phase:
        for phase in table.phases:
            check_fits(loaded.bundle, phase=phase)
    settings = plan.settings(loaded.name)
    recorded = settings | {"pictures": plan.pictures}
    on_gpu = next(loaded.network.parameters()).device.type != "cpu"
    tasks = [
        CaseTask(
            case.case_id,
            partial(case_fingerprint, case, case.phases(table.phases), recorded),
            partial(_do_case, case, case.phases(table.phases), plan),
        )
        for case in table.cases
    ]
    outcomes = run_batch(tasks, out, jobs=1 if on_gpu and jobs is None else jobs, progress=part_of(progress, 0.02, 1.0))
    files = _write_tables(out, outcomes)
    seen = seen_by(job.source, loaded.bundle)
    others = namesakes(loaded.bundle, table.cases, loaded.bundle.phase) if loaded.bundle else []
    seen = seen.without(others)
    files["provenance"] = write_study(
        "deep-features",
        table,
        settings | {"study": job.study},
        out,
        outcomes,
        seed=plan.features.seed,
        more=seen_record({"features.csv": seen}),
    )
    return DeepJobResult(tuple(outcomes), files, (*reading.notes, *_notes(seen, outcomes, others)))


def usual_features(network: str) -> DeepFeatureSettings:
    """Return the settings of a first try: a masked slice in the network's size, or a masked cube for a 3D network."""
    spec = network_spec(network)
    kind = InputKind.BOX_3D if spec.spatial_dims == 3 else InputKind.RESIZED_SLICE
    return DeepFeatureSettings(input=NetworkInput(kind, size=spec.input_size, masked=True))


def _notes(seen: SeenCases, outcomes: Sequence[CaseOutcome], others: Sequence[str]) -> tuple[str, ...]:
    known = seen.among({outcome.case_id: outcome.case_id for outcome in outcomes})
    told = [seen.unknown] if others else []
    if known:
        told.append(
            f"the network was trained on {len(known)} of these {len(outcomes)} cases: its features know their outcome, "
            "and fuse refuses them"
        )
    return tuple(told)


def _plan(job: DeepFeaturesJob, loaded: LoadedNetwork) -> _Plan:
    features, rings, regions, bundle = job.features, job.rings, job.regions, loaded.bundle
    if bundle is not None:
        check_fits(bundle, rings=rings)
        rings = bundle.rings
        regions = regions or (bundle.region,)
        for region in regions:
            check_fits(bundle, region=region)
        if features is None:
            features = DeepFeatureSettings(input=bundle.input)
        else:
            own = features.input.to_dict() | {"region": bundle.region}
            if job.other_phase:
                own |= {name: getattr(bundle.input, name) for name in ("window_level", "window_width")}
            check_fits(bundle, settings=NetworkInput.from_dict(own))
    features = features or usual_features(loaded.name)
    check_input(loaded.name, features)
    return _Plan(
        job.source,
        weights_hash(loaded.network),
        features,
        rings or DEFAULT_RINGS,
        tuple(regions),
        job.resample_masks,
        job.pictures,
        job.reader,
        job.perturbation,
    )


def _do_case(case: Case, phases: Sequence[str], plan: _Plan, folder: Path) -> CaseWork:
    loaded = network_in_this_process(plan.source, plan.sha256)
    features: dict[str, float] = {}
    rows: list[dict[str, Any]] = []
    failed: list[str] = []
    warnings: list[str] = []
    for phase in phases:
        try:
            ready = phase_regions(case, phase, plan.rings, resample=plan.resample_masks, perturbation=plan.perturbation)
            found = deep_features(
                loaded.network, loaded.name, ready.image, ready.masks, plan.features, wanted=plan.regions or None
            )
        except RadiomicsError as error:
            failed.append(f"{phase}: {error}")
            continue
        features |= found.named(phase, loaded.name)
        rows += _rows(ready, found)
        warnings += [f"{phase}: {line}" for line in ready.warnings]
        lost = [f"{phase}: {region} has no deep features, {reason}" for region, reason in found.reasons.items()]
        # Without any region the phase failed; without a ring it is a warning.
        (warnings if found.features else failed).extend(lost)
        if plan.pictures:
            _draw(found, case.case_id, phase, folder)
    write_json(folder / FEATURES_FILE, features)
    write_json(folder / REGIONS_FILE, rows)
    return CaseWork(tuple(failed), tuple(warnings))


def _rows(ready: PhaseRegions, found: DeepFeatures) -> Iterator[dict[str, Any]]:
    for row in ready.rows:
        reason = found.reasons.get(row["region"]) or row["reason"]
        yield {**row, "reason": reason}


def _draw(found: DeepFeatures, case_id: str, phase: str, folder: Path) -> None:
    for region, shown in found.shown.items():
        figure = picture_of_input(shown, f"{case_id}, {phase}")
        figure.savefig(folder / f"seen_{phase}_{region}.png", dpi=80, format="png")


def _write_tables(out: Path, outcomes: Sequence[CaseOutcome]) -> dict[str, Path]:
    ids = [outcome.case_id for outcome in outcomes]
    files = {"features": out / "features.csv", "regions": out / "regions.csv"}
    columns = ["case_id", *dict.fromkeys(name for row in _feature_rows(out, ids) for name in row if name != "case_id")]
    if len(columns) == 1:
        first = next((f"; the first: {one.case_id}: {one_line(one.reason)}" for one in outcomes if one.reason), "")
        raise InputError(f"no case has deep features{first}; all reasons stand in {out / 'log.txt'}")
    write_csv(files["features"], _feature_rows(out, ids), columns)
    write_csv(files["regions"], _region_rows(out, ids), REGION_COLUMNS)
    if write_parquet(out / "features.parquet", _feature_rows(out, ids), columns):
        files["features (parquet)"] = out / "features.parquet"
    return files


def _feature_rows(out: Path, ids: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    for case_id in ids:
        yield {"case_id": case_id, **(case_json(out, case_id, FEATURES_FILE) or {})}


def _region_rows(out: Path, ids: Iterable[str]) -> Iterator[Mapping[str, Any]]:
    for case_id in ids:
        for row in case_json(out, case_id, REGIONS_FILE) or ():
            yield {"case_id": case_id, **row}
