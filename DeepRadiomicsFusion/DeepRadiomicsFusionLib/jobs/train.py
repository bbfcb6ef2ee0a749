"""``train``: from a cohort table to a trained network in a bundle, with its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np

from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.cohort.columns import CaseColumns
from RadiomicsCoreLib.cohort.seen_cases import SeenCases, seen_record
from RadiomicsCoreLib.cohort.table import Case, Cohort
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.provenance import MADE_WITH, environment_record, hash_files, hash_settings
from RadiomicsCoreLib.files.tables import read_json, write_json
from RadiomicsCoreLib.jobs.batch import CaseOutcome, CaseStatus, CaseWork, case_folder
from RadiomicsCoreLib.jobs.cases import run_cases
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.records import merged
from RadiomicsCoreLib.statistics.roc import youden_threshold

from ..inputs.deep_cases import open_cohort
from ..inputs.usual_input import DEFAULT_RINGS, usual_input, with_unions
from ..networks.catalogue import layer_of, network_names, network_spec, parameter_count
from ..networks.devices import memory_estimate_mb
from ..networks.network_bundle import NetworkBundle, save_network_bundle
from ..networks.network_source import IMAGENET, weights_hash
from ..networks.prediction import probability
from ..networks.rad_score_network import fit_score_scaling
from ..networks.seen_cases import IMAGES, PREDICTIONS_FILE, SIGNATURES_FILE, image_hash
from ..networks.training_record import TRAINED_NETWORK
from ..networks.transfer import suggest_mode
from ..networks.weights import has_imagenet, hash_note, require_imagenet
from ..settings.input_changes import InputChanges
from ..settings.input_settings import NetworkInput
from ..settings.settings_file import read_settings_file
from ..settings.study_networks import STUDIES, study_names, study_of_phase
from ..settings.training_settings import Mode, Task, TrainingSettings
from ..training.cross_fitting import CrossFit, cross_fit, planned_folds
from ..training.loop import TrainedNetwork, train_network
from ..training.loss_curve import Losses, loss_curve
from ..training.network_outputs import outputs_of
from ..training.train_plan import TrainPlan
from ..training.training_cases import TrainingCases
from ..training.training_outputs import write_outputs
from ..training.training_sides import TRAIN_LABEL, Side, check_outcomes, prepare_case, sides_of
from .cohort_job import WEIGHTS, CohortJob, input_under, named_extent, weights_option, with_extent

if TYPE_CHECKING:
    from torch import nn

BEGUN_FILE = "begun.json"
_WITHOUT_FOLDS = {
    Task.CLASSIFICATION: "predictions of the training cases know their outcome: `fuse` refuses them; with --folds 5 "
    "out-of-fold signatures are written, which it takes",
    Task.SURVIVAL: "risks of the training cases know their outcome: give `cox` the out-of-fold signatures that --folds "
    "5 writes, never these",
    Task.SEGMENTATION: "the Dice of the training cases is too good: that of the other splits, or out-of-fold with "
    "--folds 5, tells what to expect",
}
_NETWORK = "network"


@dataclass(frozen=True, kw_only=True)
class TrainJob(CohortJob):
    """Train a network on a cohort and write it as a bundle; a case that cannot be read is left out with its reason.

    Writes ``model/`` (the bundle), ``predictions.csv`` of every case with its split, ``loss_curve.png`` and ``.json``
    (anew after each epoch), ``checkpoints/`` (the last epoch), ``scores.csv`` (area under the ROC curve of each
    endpoint and split, Harrell's C, or Dice) and ``cases/`` with the inputs. Run again into the same folder, it goes on
    where it stopped.

    With ``folds`` also ``signatures.csv``: for the training cases the outputs of networks that did not see them, for
    all others those of the final network; this is what ``fuse`` takes. ``scores.csv`` then has a row ``out-of-fold``
    (areas of the pooled outputs; Harrell's C of the pairs within a fold, since each network's log hazards have their
    own zero), and the bundle's thresholds are fixed on the out-of-fold outputs.

    Attributes:
        training: task, optimiser and so on; its mode is replaced by ``mode`` below.
        endpoints, time, event, scores, rad_score_head, width, mode, folds: as in
            :class:`~DeepRadiomicsFusionLib.training.train_plan.TrainPlan`.
        network: by name; None: the usual one of the task.
        weights: where the training starts; None: from ImageNet's where they are published, else from random ones.
        phase: of the cohort.
        columns: id, split, patient and centre of the cohort.
        settings: file with training settings, laid over the study's and under the user's; :meth:`from_dict` reads it.
        input: what is said of what the network sees.
        rings: regions to grow; None: a ring of 3 mm.

    Raises:
        InputError: columns that do not go with the task, or values that cannot be used.
    """

    verb = "train"

    training: TrainingSettings
    endpoints: tuple[str, ...] = option("columns of 0 and 1, empty cells allowed", (), group="task")
    time: str | None = option("column with the follow-up time", None, group="task")
    event: str | None = option("column with the event", None, group="task")
    network: str | None = option(
        "network by name (default: the study's, efficientnet_lite0, unet to segment)",
        None,
        choices=network_names,
        group=_NETWORK,
        metavar="NAME",
    )
    weights: WEIGHTS | None = weights_option(
        "where the training starts: published weights, random ones, or a file of plain tensors (safetensors, .pth); "
        "default: imagenet where there are such weights",
        None,
    )
    phase: str = option("phase of the cohort", "ct", group=_NETWORK)
    scores: tuple[str, ...] = option(
        "columns of RadScores that enter before the last layer", (), group=_NETWORK, metavar="A,B"
    )
    rad_score_head: bool = option("two layers with ten deep features between them", False, word="")
    width: int | None = option("channels of a U-Net's first level (default: the paper's 64)", None, group=_NETWORK)
    mode: Literal["suggested", "full", "head"] = option(
        "which weights learn; suggested: by the number of events and weights", "suggested", group=_NETWORK
    )
    folds: int = option("write out-of-fold signatures too, for fuse; 0: none", 0)
    columns: CaseColumns = CaseColumns()
    settings: Path | None = option(
        "YAML or JSON file with training settings by name, such as epochs: 50", None, metavar="FILE"
    )
    input: InputChanges = InputChanges()
    rings: RingSettings | None = None

    def __post_init__(self) -> None:
        if self.settings is not None:
            raise InputError("settings is a file that only from_dict reads; give the training settings themselves")
        self.plan()

    @classmethod
    def studies(cls) -> tuple[str, ...]:
        """Names of the published studies."""
        return study_names()

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, folder: Path | None = None) -> Self:
        """Build the job; what is learned follows from the columns named, and a settings file is read.

        Raises:
            InputError: as :meth:`~RadiomicsCoreLib.jobs.job.Job.from_dict`, or it is not clear what to learn.
        """
        given = with_extent(values, DEFAULT_RINGS.outer_mm)
        path = given.pop("settings", None)
        if path is not None:
            given = _with_file(given, path if folder is None else folder / path)
        if given.get("study") is None:
            given = merged(given, {"training": {"task": _task(given, None)}})
        return super().from_dict(given, folder=folder)

    @classmethod
    def with_study(cls, name: str, given: Mapping[str, Any], folder: Path | None) -> Mapping[str, Any]:
        """Lay a study's settings under the user's; what belongs to another task or kind of network goes."""
        # A window of the user's own goes with a phase of any name.
        window = given.get("input", {}).get("window")
        name = study_of_phase(name, None if window else given.get("phase"))
        published = STUDIES[name].train
        if published is None:
            network = STUDIES[name].deep_features["network"]
            raise InputError(
                f"{name} trains no network: it reads features of {network} with ImageNet weights; use "
                f"'peritumoral deep-features COHORT.csv --study {name}'"
            )
        task = _task(given, (name, published["training"]["task"]))
        study = {**published, "training": {**published["training"], "task": task}}
        if task != published["training"]["task"]:
            study["training"].pop("monitor", None)  # its Dice does not go over to another task
        if named_extent(given.get("rings")):
            study.pop("rings", None)
        shown, own = study.pop("input"), given.get("input", {})
        if _suits(given.get("network") or study["network"], shown["kind"]):
            own = input_under(shown, own)
        return {**merged(study, given), "input": own, "study": name}

    @property
    def task(self) -> Task:
        """What is learned."""
        return self.training.task

    def plan(self) -> TrainPlan:
        """Return the training with everything decided.

        Raises:
            InputError: columns that do not go with the task, an input that the network cannot take.
        """
        usual = "unet" if self.task is Task.SEGMENTATION else "efficientnet_lite0"
        network = self.network or usual
        file = self.weights if isinstance(self.weights, Path) else None
        return TrainPlan(
            training=self.training,
            endpoints=self.endpoints,
            time=self.time,
            event=self.event,
            network=network,
            pretrained=has_imagenet(network) if self.weights is None else self.weights == IMAGENET,
            phase=self.phase,
            input=self._shown(network),
            rings=with_unions(self.rings, [self.input.region or ""]),
            scores=self.scores,
            rad_score_head=self.rad_score_head,
            width=self.width,
            mode=self.mode,
            resample_masks=self.resample_masks,
            pictures=self.pictures,
            folds=self.folds,
            weights=file,
        )

    def _shown(self, network: str) -> NetworkInput:
        usual = usual_input(network)
        if self.task is Task.SEGMENTATION:
            usual = replace(usual, masked=False)
        if self.study and self.input.kind is not None:
            usual = NetworkInput(self.input.kind)
        return self.input.over(usual)

    @property
    def _fetched(self) -> bool:
        """Whether the training starts from published weights."""
        return self.plan().pretrained and self.task is not Task.SEGMENTATION

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Prepare the cases, train, predict, and write it all."""
        plan, out = self.plan(), output.folder
        if self._fetched:
            require_imagenet(plan.network)
        output.notes += self._study_notes(plan.network)
        table = open_cohort(self.cohort, [plan.phase], columns=self.columns)
        plan = replace(plan, patient=table.columns.patient)
        check_outcomes(table, plan)
        begun = _begun(out, plan)
        outcomes = self._prepare(output, table, plan, part_of(progress, 0.0, 0.2))
        sides = sides_of(table, _folders(out, outcomes), plan)
        training = sides[TRAIN_LABEL]
        network = plan.new_network()
        if plan.scores and training.cases.scores is not None:
            fit_score_scaling(network, training.cases.scores)
        settings, notes = _decided(plan, network, training)
        output.notes += [*notes, *_notes_on_cases(plan, outcomes, sides)]
        if plan.folds:
            planned_folds(plan, training, settings)  # too few patients are told before the first training
        end = 0.2 + 0.75 / (1 + plan.folds)
        write_json(out / BEGUN_FILE, begun)
        trained = train_network(
            network,
            training.cases,
            settings,
            heads=plan.heads,
            folder=out / "checkpoints",
            progress=part_of(progress, 0.2, end),
            watch=partial(_draw_losses, out / "loss_curve.png"),
        )
        crossed = None
        if plan.folds:
            crossed = cross_fit(plan, training, settings, out, part_of(progress, end, 0.95), _draw_losses)
        progress(0.95, "predicting")
        outputs = {name: outputs_of(trained, side, settings) for name, side in sides.items()}
        output.files |= {"loss curve": out / "loss_curve.png"} | write_outputs(out, plan, sides, outputs, crossed)
        decided_on = outputs[TRAIN_LABEL] if crossed is None else crossed.outputs
        bundle = _bundle(plan, self.study, trained, training, decided_on, table)
        output.files["model"] = save_network_bundle(bundle, out / "model")
        output.record |= self._record(plan, settings, trained, training)
        output.notes += _notes(plan, trained, crossed)
        progress(1.0, output.notes[-1])

    def _prepare(
        self, output: JobOutput, table: Cohort, plan: TrainPlan, progress: Progress
    ) -> tuple[CaseOutcome, ...]:
        """Write what the network will see of each case into its folder; a case that cannot be read gets a reason."""
        seen = {
            "rings": asdict(plan.grown),
            "input": plan.shown.to_dict(),
            "phase": plan.phase,
            "resample_masks": plan.resample_masks,
            "pictures": plan.pictures,
        }
        return run_cases(
            output,
            table,
            partial(_do_case, plan),
            seen,
            workers=self.workers,
            progress=progress,
            phases=[plan.phase],
        )

    def _study_notes(self, network: str) -> list[str]:
        """What the study leaves open, and how far published weights are checked."""
        left_open = STUDIES[self.study].left_open if self.study else ""
        notes = [f"{self.study} leaves open, and we chose: {left_open}"] if left_open else []
        return notes + ([note] if self._fetched and (note := hash_note(network)) else [])

    def _record(
        self, plan: TrainPlan, settings: TrainingSettings, trained: TrainedNetwork, side: Side
    ) -> dict[str, object]:
        made = _settings(plan) | {
            "training": settings.to_dict(),
            "losses": trained.losses.to_dict(),
            TRAINED_NETWORK: weights_hash(trained.network),
        }
        return {MADE_WITH: made, "seed": settings.seed, **seen_record(_seen(plan, side))}


def _task(given: Mapping[str, Any], study: tuple[str, str] | None) -> str:
    """What is learned, by the columns that are named; a study's segmentation needs none."""
    said = given.get("training", {}).get("task")
    named = {
        Task.CLASSIFICATION.value: bool(given.get("endpoints")),
        Task.SURVIVAL.value: bool(given.get("time") or given.get("event")),
        Task.SEGMENTATION.value: said == Task.SEGMENTATION.value,
    }
    tasks = [task for task, is_named in named.items() if is_named]
    if not tasks and said is None and study is not None and study[1] == Task.SEGMENTATION.value:
        return study[1]
    if len(tasks) != 1 or said not in (None, *tasks):
        asked = f"{study[0]} learns {study[1]}: " if study else ""
        raise InputError(
            f"{asked}say what to learn: --endpoints a,b or --time T --event E or --task segmentation, one of them"
        )
    return tasks[0]


def _suits(network: str, kind: str) -> bool:
    """Whether another network of the user's choice, such as one without squeeze-and-excitation, takes the input."""
    return network_spec(network).spatial_dims == NetworkInput(kind).spatial_dims


def _with_file(given: Mapping[str, Any], path: Path | str) -> dict[str, Any]:
    """Lay the training settings of a file under the user's."""
    values = read_settings_file(path)
    if "task" in values:
        raise InputError(f"settings file {str(path)!r} names a task; say it by --endpoints, --time or --task")
    mode = values.pop("mode", None)
    try:
        if mode not in (None, "suggested"):
            TrainingSettings(Task.CLASSIFICATION).changed({"mode": mode})
        # Whether a value goes with the task is seen later, with the study's.
        TrainingSettings(Task.SEGMENTATION).changed({k: v for k, v in values.items() if k not in ("schedule", "decay")})
    except InputError as error:
        raise InputError(f"settings file {str(path)!r}: {error}") from None
    return merged({"training": values} | ({} if mode is None else {"mode": mode}), given)


def _do_case(plan: TrainPlan, case: Case, phases: Sequence[str], folder: Path) -> CaseWork:
    try:
        return CaseWork((), prepare_case(case, plan, folder))
    except RadiomicsError as error:
        return CaseWork((f"{plan.phase}: {error}",))


def _folders(out: Path, outcomes: Sequence[CaseOutcome]) -> dict[str, Path]:
    usable = {o.case_id: case_folder(out, o.case_id) for o in outcomes if o.status is CaseStatus.DONE}
    if not usable:
        raise InputError(f"no case can be used; the first: {outcomes[0].case_id}: {outcomes[0].reason}")
    return usable


def _settings(plan: TrainPlan) -> dict[str, object]:
    """What is recorded of the plan."""
    return {
        "rings": asdict(plan.grown),
        "input": plan.shown.to_dict(),
        "phase": plan.phase,
        "network": asdict(plan.architecture) | _start(plan),
        "endpoints": list(plan.endpoints),
        "time": plan.time,
        "event": plan.event,
        "scores": list(plan.scores),
        "mode": plan.mode,
        "resample_masks": plan.resample_masks,
        "folds": plan.folds,
        "patient": plan.patient,
    }


def _begun(out: Path, plan: TrainPlan) -> dict[str, str]:
    """Refuse to go on with another training than the one begun here; a checkpoint does not know what its cases showed.

    Returns:
        Hash of each setting, for the next time.

    Raises:
        InputError: the folder's training saw another region, window or phase, or started from other weights.
    """
    own = {name: hash_settings(value) for name, value in _settings(plan).items() if name != "folds"}
    path = out / BEGUN_FILE
    if path.is_file() and (out / "checkpoints").is_dir():
        begun = read_json(path)
        other = next((name for name, value in own.items() if begun.get(name, value) != value), None)
        if other is not None:
            raise InputError(
                f"{out} holds a training with another {other!r}, and it would go on with its weights; choose another "
                f"folder, or delete {out / 'checkpoints'}"
            )
    return own


def _start(plan: TrainPlan) -> dict[str, object]:
    """Where the weights were taken from; a file is known by its contents."""
    if plan.weights is None:
        return {"pretrained": plan.pretrained}
    return {"pretrained": True, "weights": Path(plan.weights).name, "weights_sha256": hash_files([Path(plan.weights)])}


def _decided(plan: TrainPlan, network: nn.Module, side: Side) -> tuple[TrainingSettings, list[str]]:
    """The settings with the mode decided, and why, and what memory it takes."""
    cases, heads = side.cases, plan.heads
    notes = []
    mode = Mode.FULL if plan.mode == "suggested" else Mode(plan.mode)
    if plan.mode == "suggested" and heads:
        head_parameters = sum(parameter_count(layer_of(network, head)) for head in heads)
        events, word = _events(cases)
        suggestion = suggest_mode(
            parameter_count(network),
            head_parameters,
            events,
            pretrained=plan.pretrained or plan.weights is not None,
            word=word,
        )
        mode = suggestion.mode
        notes.append(f"mode {mode.value}: {suggestion.reason}")
    if mode is Mode.HEAD and not plan.pretrained and plan.weights is None:
        notes.append(
            "the backbone is random and stays so, as mode head asks for: start from weights, or take mode full"
        )
    settings = replace(plan.training, mode=mode)
    scores = 0 if cases.scores is None else cases.scores.shape[1]
    megabytes = memory_estimate_mb(network, cases.images[0].shape, settings.batch_size, scores=scores)
    notes.append(f"a batch of {settings.batch_size} needs about {megabytes:.0f} MB")
    return settings, notes


def _events(cases: TrainingCases) -> tuple[int, str]:
    """Events, or patients of the rarer class of the endpoint that has the fewest; slices of a case count once."""
    first = np.unique(cases.case_ids, return_index=True)[1]
    targets = cases.targets[first]
    if cases.task is Task.SURVIVAL:
        return int(targets[:, 1].sum()), "events"
    rarer = [min(int((column == 0).sum()), int((column == 1).sum())) for column in targets.T]
    return min(rarer), "cases of the rarer class"


def _notes_on_cases(plan: TrainPlan, outcomes: Sequence[CaseOutcome], sides: Mapping[str, Side]) -> list[str]:
    """Who takes no part, and what intervals do not know of patients with several cases."""
    notes = []
    used = {case for side in sides.values() for case in side.case_ids}
    idle = [o.case_id for o in outcomes if o.status is CaseStatus.DONE and o.case_id not in used]
    if idle:
        what = ", ".join(plan.endpoints) or f"{plan.time} or {plan.event}"
        notes.append(
            f"{len(idle)} cases have no {what}, the first is {idle[0]!r}: they take no part; `apply` predicts them"
        )
    if any(len(set(side.cases.groups)) < len(side.case_ids) for side in sides.values()):
        notes.append(
            "patients have several cases: the intervals of scores.csv take cases as independent, and are narrow"
        )
    return notes


def _draw_losses(path: Path, losses: Losses) -> None:
    write_json(path.with_suffix(".json"), losses.to_dict())  # for whoever watches
    loss_curve(losses).savefig(path, dpi=110, format="png")


def _notes(plan: TrainPlan, trained: TrainedNetwork, crossed: CrossFit | None) -> list[str]:
    """What a reader should know, the losses last."""
    notes = []
    if crossed is None:
        notes.append(_WITHOUT_FOLDS[plan.training.task])
    if plan.scores:
        notes.append(
            f"the RadScores {', '.join(plan.scores)} were taken from the cohort table as they are; the training is "
            "only honest if they are out-of-fold themselves, as in the predictions.csv of fuse"
        )
    return [*notes, trained.losses.summary + (", stopped early" if trained.stopped_early else "")]


def _seen(plan: TrainPlan, side: Side) -> dict[str, SeenCases]:
    """Whom the networks behind each table have learnt from."""
    own = SeenCases(tuple(side.case_ids), tuple(dict.fromkeys(side.cases.groups)))
    if not plan.folds or plan.training.task is Task.SEGMENTATION:
        return {PREDICTIONS_FILE: own}
    unknown = ""
    if plan.scores:
        unknown = f"its RadScores ({', '.join(plan.scores)}) came from the cohort table and may know the outcome"
    if plan.weights is not None:
        unknown = f"it started from the weights of {Path(plan.weights).name}, which may have seen these patients"
    return {PREDICTIONS_FILE: own, SIGNATURES_FILE: SeenCases(unknown=unknown)}


def _bundle(
    plan: TrainPlan, study: str | None, trained: TrainedNetwork, side: Side, outputs: np.ndarray, table: Cohort
) -> NetworkBundle:
    provenance = environment_record(
        {
            "cohort_sha256": hash_files([table.path]),
            "settings_hash": hash_settings(_settings(plan)),
            "training_cases": list(side.case_ids),
            "training_patients": list(dict.fromkeys(side.cases.groups)),
            IMAGES: {case: image_hash(table.case(case), plan.phase) for case in side.case_ids},
            "validation_cases": list(trained.validation_ids),
        }
    )
    return NetworkBundle(
        plan.architecture,
        trained.network,
        plan.training.task,
        plan.outputs,
        plan.phase,
        plan.shown,
        plan.grown,
        plan.scores,
        _thresholds(side, outputs),
        {
            "settings": trained.settings.to_dict(),
            "losses": trained.losses.to_dict(),
            **_start(plan),
            "study": study,
            "time": plan.time,
            "event": plan.event,
            "thresholds_from": "out-of-fold outputs" if plan.folds else "outputs of the training cases",
        },
        provenance,
    )


def _thresholds(side: Side, outputs: np.ndarray) -> dict[str, float]:
    """Youden's threshold of each endpoint's probability; the median of a risk."""
    patients = side.one_a_case()
    if patients.task is Task.SURVIVAL:
        return {"risk": float(np.median(outputs))}
    if patients.task is Task.SEGMENTATION:
        return {}
    found = {}
    for name, labels, chance in zip(patients.names, patients.targets.T, probability(outputs).T, strict=True):
        known = ~np.isnan(labels)
        found[name] = youden_threshold(labels[known].astype(int), chance[known])
    return found
