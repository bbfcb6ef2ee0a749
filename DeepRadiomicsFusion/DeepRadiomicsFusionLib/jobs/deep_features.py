"""``deep_features``: deep features of every patient, phase and region of a cohort."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from PeritumoralRadiomicsLib.regions.mask_perturbation import ContourPerturbation
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralRadiomicsLib.regions.tables import FIGURE_COLUMNS
from RadiomicsCoreLib.cohort.second_reader import read_by
from RadiomicsCoreLib.cohort.seen_cases import SeenCases, seen_record
from RadiomicsCoreLib.cohort.table import Case, Cohort
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.provenance import MADE_WITH
from RadiomicsCoreLib.files.safe_names import one_line
from RadiomicsCoreLib.files.tables import write_json, write_parquet
from RadiomicsCoreLib.jobs.batch import CaseOutcome, CaseWork
from RadiomicsCoreLib.jobs.cases import case_json, run_cases
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.records import merged

from ..deep_features.computing import DeepFeatures, check_input, compute_deep_features
from ..deep_features.untrained_features import refuse_untrained
from ..inputs.deep_cases import PhaseRegions, open_cohort, phase_regions
from ..inputs.patches import picture_of_input
from ..inputs.usual_input import DEFAULT_RINGS, usual_input, with_unions
from ..networks.catalogue import network_names
from ..networks.network_bundle import NetworkBundle, bundle_phase, check_fits, is_network_bundle
from ..networks.network_source import (
    IMAGENET,
    RANDOM,
    LoadedNetwork,
    NetworkSource,
    network_in_this_process,
    seen_by,
    weights_hash,
)
from ..networks.seen_cases import namesakes
from ..networks.weights import hash_note
from ..settings.deep_feature_settings import DeepFeatureSettings, ReadSettings
from ..settings.input_changes import InputChanges
from ..settings.input_settings import NetworkInput
from ..settings.study_networks import BY_PHASE, STUDIES, study_names, study_of_phase
from ..settings.training_settings import Device
from .cohort_job import (
    WEIGHTS,
    CohortJob,
    device_option,
    input_under,
    named_extent,
    weights_option,
    with_extent,
    workers_for,
)

FEATURES_FILE, REGIONS_FILE = "features.json", "regions.json"
REGION_COLUMNS = ("case_id", "phase", *FIGURE_COLUMNS)
DEFAULT_NETWORK = "efficientnet_lite0"
_READINGS = "repeated readings"


@dataclass(frozen=True, kw_only=True)
class DeepFeaturesJob(CohortJob):
    """Compute deep features of every case of a cohort; a failing case never stops the others.

    Writes ``features.csv`` (and ``.parquet``) with columns ``<phase>.<region>.<network>_<index>``, ``regions.csv`` and
    ``cases/<case_id>/`` with a picture of what the network saw of each region. Run again into the same folder, it
    reuses the cases whose files, settings and weights are the same.

    Attributes:
        phases: phases to do; None: all, or the one that a trained network was trained on.
        network: by name; None: that of the model, or efficientnet_lite0.
        weights: published or random ones, a weights file, or a model folder that ``train`` wrote.
        other_phase: let a trained network read a phase that it was not trained on, in that phase's window; all else
            must be as in its training (song2021 reads both phases with a network of the arterial one).
        regions: names of the regions to do; empty: all, or that of the trained network.
        read: where features are read.
        device: where the network runs.
        input: what is said of what the network sees; all else as the model or the network has it.
        rings: regions to grow; None: those of the trained network, or a ring of 3 mm.
        reader: 1, or 2 for the masks of the second reader, of the cases that have one.
        perturb: perturbed readings of every mask, into ``perturbed_1``, …; 0: none.
        perturbation: how contours are perturbed.

    Raises:
        InputError: a value out of bounds.
    """

    verb = "deep_features"

    phases: tuple[str, ...] | None = option("phases to do (default: all)", None)
    network: str | None = option(
        f"network by name (default: the study's or model's, or {DEFAULT_NETWORK})",
        None,
        choices=network_names,
        metavar="NAME",
    )
    weights: WEIGHTS = weights_option(
        "published weights, random ones, a weights file, or a model folder that train wrote", IMAGENET
    )
    other_phase: bool = option("let a model read a phase that it was not trained on (song2021)", False)
    regions: tuple[str, ...] = option("regions to do (default: all, or the study's)", ())
    read: ReadSettings = ReadSettings()
    device: Device = device_option()
    input: InputChanges = InputChanges()
    rings: RingSettings | None = None
    reader: int = option("2: the masks of <phase>_second_mask", 1, choices=(1, 2), group=_READINGS)
    perturb: int = option("also N perturbed contours of every mask: perturbed_1, …", 0, metavar="N", group=_READINGS)
    perturbation: ContourPerturbation = ContourPerturbation()

    def __post_init__(self) -> None:
        if self.perturb < 0:
            raise InputError(f"perturb is {self.perturb}; give the number of perturbed readings, 0 for none")
        # The seed is that of random weights and K-means too.
        if not self.perturb and replace(self.perturbation, seed=0) != ContourPerturbation():
            raise InputError(
                "perturbation says how to perturb; add perturb: 3 (--perturb 3) for three perturbed readings"
            )

    @classmethod
    def studies(cls) -> tuple[str, ...]:
        """Names of the published studies."""
        return study_names()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, folder: Path | None = None) -> Self:
        """Build the job; raises InputError as :meth:`~RadiomicsCoreLib.jobs.job.Job.from_dict`."""
        return super().from_dict(with_extent(values, DEFAULT_RINGS.outer_mm), folder=folder)

    @classmethod
    def with_study(cls, name: str, given: Mapping[str, Any], folder: Path | None) -> Mapping[str, Any]:
        """Lay a study's settings under the user's; what a trained model sees is the model's own."""
        weights = given.get("weights", IMAGENET)
        path = weights if folder is None or weights in (IMAGENET, RANDOM) else folder / weights
        trained = weights not in (IMAGENET, RANDOM) and is_network_bundle(path)
        own = dict(given.get("input", {}))
        name = _study_of(name, given, path if trained else None)
        study = {**STUDIES[name].deep_features}
        shown = study.pop("input")
        if trained:
            study = {"read": study["read"]}
            if given.get("other_phase") and "window" in shown:
                own = input_under({"kind": None, "window": shown["window"]}, own)
        else:
            own = input_under(shown, own)
            if named_extent(given.get("rings")):
                study = {key: value for key, value in study.items() if key not in ("rings", "regions")}
        return {**merged(study, given), "input": own, "study": name}

    @property
    def source(self) -> NetworkSource:
        """The network and where its weights come from."""
        return NetworkSource(self.network or DEFAULT_NETWORK, str(self.weights), self.read.seed, self.device.value)

    def check(self) -> None:
        """Refuse features that mean nothing without a training, before a network is loaded."""
        self.features(self.source.bundle())

    def features(self, bundle: NetworkBundle | None) -> DeepFeatureSettings:
        """Return where features are read and what the network sees.

        Args:
            bundle: the trained network; None: the weights are no model.

        Raises:
            InputError: features that only a trained network has, or an input that cannot be used.
        """
        found = DeepFeatureSettings.of(self.read, self.shown(bundle))
        refuse_untrained(self.source, bundle, found, self.study)
        return found

    def shown(self, bundle: NetworkBundle | None) -> NetworkInput:
        """Return what the network sees: what is named, over the model's input, the study's, or the network's usual one.

        Raises:
            InputError: a value that cannot be used.
        """
        kind = self.input.kind
        if bundle is not None:
            return self.input.over(bundle.input)
        return self.input.over(
            NetworkInput(kind) if self.study and kind is not None else usual_input(self.source.network)
        )

    def plan(self, loaded: LoadedNetwork, perturbation: ContourPerturbation | None = None) -> ReadPlan:
        """Return the job with everything decided.

        Args:
            loaded: the network.
            perturbation: how the tumour's contour is perturbed; None takes it as it is.

        Raises:
            InputError, ModelError: an input that the network cannot take, or other than it was trained on.
        """
        bundle, regions = loaded.bundle, self.regions
        features, rings = self.features(bundle), with_unions(self.rings, regions)
        if bundle is not None:
            check_fits(bundle, rings=rings if self.rings else None)
            rings, regions = bundle.rings, regions or (bundle.region,)
            for region in regions:
                check_fits(bundle, region=region)
            own = features.input.to_dict() | {"region": bundle.region}
            if self.other_phase:
                own |= {name: getattr(bundle.input, name) for name in ("window_level", "window_width")}
            check_fits(bundle, settings=NetworkInput.from_dict(own))
        check_input(loaded.name, features)
        sha256 = weights_hash(loaded.network)
        return ReadPlan(
            self.source,
            sha256,
            features,
            rings,
            regions,
            self.resample_masks,
            self.pictures,
            self.reader,
            perturbation,
        )

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Read every case; then every perturbed reading."""
        loaded = self.source.load(part_of(progress, 0.0, 0.02))
        self.plan(loaded)  # what cannot be read is told before the table is looked at
        if self.weights == IMAGENET and (note := hash_note(loaded.name)):
            output.notes.append(note)
        phases = self.phases
        if phases is None and loaded.bundle is not None:
            phases = (loaded.bundle.phase,)
        reading = read_by(open_cohort(self.cohort, phases), self.reader)
        if loaded.bundle is not None and not self.other_phase:
            for phase in reading.cohort.phases:
                check_fits(loaded.bundle, phase=phase)
        output.notes += reading.notes
        readings = {"": None} | {f"perturbed_{k}": self.perturbation.reading(k) for k in range(1, self.perturb + 1)}
        for k, (name, perturbation) in enumerate(readings.items()):
            here = JobOutput(output.folder / name) if name else output
            step = part_of(progress, max(0.02, k / len(readings)), (k + 1) / len(readings))
            outcomes = self._read(here, reading.cohort, loaded, perturbation, step)
            if name:
                here.finish(replace(self, perturb=0, perturbation=ContourPerturbation()))
                output.files[name] = here.folder
                output.cases = (*output.cases, *(replace(o, case_id=f"{name}: {o.case_id}") for o in outcomes))

    def _read(
        self,
        output: JobOutput,
        cohort: Cohort,
        loaded: LoadedNetwork,
        perturbation: ContourPerturbation | None,
        progress: Progress,
    ) -> tuple[CaseOutcome, ...]:
        plan = self.plan(loaded, perturbation)
        made = plan.settings(loaded.name)
        outcomes = run_cases(
            output,
            cohort,
            partial(_do_case, plan),
            made | {"pictures": plan.pictures},
            workers=workers_for(loaded.network, self.workers),
            progress=progress,
        )
        _write_tables(output, outcomes)
        others = namesakes(loaded.bundle, cohort.cases, loaded.bundle.phase) if loaded.bundle else []
        seen = seen_by(self.source, loaded.bundle).without(others)
        output.record |= {MADE_WITH: made, "seed": self.read.seed, **seen_record({"features.csv": seen})}
        output.notes += _notes(seen, outcomes, others)
        return outcomes


def _study_of(name: str, given: Mapping[str, Any], model: Path | str | None) -> str:
    """The study's settings for the phase that is done."""
    window = given.get("input", {}).get("window")
    phases = given.get("phases") or ([bundle_phase(model)] if model is not None and name in BY_PHASE else [])
    if name in BY_PHASE and len(phases) > 1 and not window:
        raise InputError(f"{name} has another window for each phase; do one phase at a time: --phases {phases[0]}")
    return study_of_phase(name, phases[0] if len(phases) == 1 and not window else None)


@dataclass(frozen=True)
class ReadPlan:
    """A job with everything decided; plain enough for another process.

    Attributes:
        source, sha256: the network, and the hash of its weights.
        features: where features are read, and what is shown.
        rings, regions: regions to grow, and those of them to do; empty: all.
        resample_masks, pictures, reader: as in :class:`DeepFeaturesJob`.
        perturbation: how the tumour's contour is perturbed; None takes it as it is.
    """

    source: NetworkSource
    sha256: str
    features: DeepFeatureSettings
    rings: RingSettings
    regions: tuple[str, ...]
    resample_masks: bool
    pictures: bool
    reader: int
    perturbation: ContourPerturbation | None

    def settings(self, name: str) -> dict[str, object]:
        """What changes a value, for provenance and for finding finished cases."""
        features = self.features.to_dict()
        del features["batch_size"]
        unusual: dict[str, object] = {} if self.reader == 1 else {"reader": self.reader}
        if self.perturbation is not None:
            unusual["perturbation"] = self.perturbation.to_dict()
        return unusual | {
            "rings": asdict(self.rings),
            "features": features,
            "regions": list(self.regions),
            "network": {"name": name, "weights_sha256": self.sha256},
            "resample_masks": self.resample_masks,
        }


def _notes(seen: SeenCases, outcomes: Sequence[CaseOutcome], others: Sequence[str]) -> tuple[str, ...]:
    known = seen.among({outcome.case_id: outcome.case_id for outcome in outcomes})
    told = [seen.unknown] if others else []
    if known:
        told.append(
            f"the network was trained on {len(known)} of these {len(outcomes)} cases: its features know their outcome, "
            "and fuse refuses them"
        )
    return tuple(told)


def _do_case(plan: ReadPlan, case: Case, phases: Sequence[str], folder: Path) -> CaseWork:
    loaded = network_in_this_process(plan.source, plan.sha256)
    features: dict[str, float] = {}
    rows: list[dict[str, object]] = []
    failed: list[str] = []
    warnings: list[str] = []
    for phase in phases:
        try:
            ready = phase_regions(case, phase, plan.rings, resample=plan.resample_masks, perturbation=plan.perturbation)
            found = compute_deep_features(
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


def _rows(ready: PhaseRegions, found: DeepFeatures) -> Iterator[dict[str, object]]:
    for row in ready.rows:
        reason = found.reasons.get(str(row["region"])) or row["reason"]
        yield {**row, "reason": reason}


def _draw(found: DeepFeatures, case_id: str, phase: str, folder: Path) -> None:
    for region, shown in found.shown.items():
        figure = picture_of_input(shown, f"{case_id}, {phase}")
        figure.savefig(folder / f"seen_{phase}_{region}.png", dpi=80, format="png")


def _write_tables(output: JobOutput, outcomes: Sequence[CaseOutcome]) -> None:
    out, ids = output.folder, [outcome.case_id for outcome in outcomes]
    columns = ["case_id", *dict.fromkeys(name for row in _feature_rows(out, ids) for name in row if name != "case_id")]
    if len(columns) == 1:
        first = next((f"; the first: {one.case_id}: {one_line(one.reason)}" for one in outcomes if one.reason), "")
        raise InputError(f"no case has deep features{first}; all reasons stand in {out / 'log.txt'}")
    output.files["features"] = output.table("features", _feature_rows(out, ids), columns)
    output.files["regions"] = output.table("regions", _region_rows(out, ids), REGION_COLUMNS)
    parquet = out / "features.parquet"
    if write_parquet(parquet, _feature_rows(out, ids), columns):
        output.files["features (parquet)"] = parquet


def _feature_rows(out: Path, ids: Iterable[str]) -> Iterator[Mapping[str, object]]:
    for case_id in ids:
        yield {"case_id": case_id, **(case_json(out, case_id, FEATURES_FILE) or {})}


def _region_rows(out: Path, ids: Iterable[str]) -> Iterator[Mapping[str, object]]:
    for case_id in ids:
        for row in case_json(out, case_id, REGIONS_FILE) or ():
            yield {"case_id": case_id, **row}
