"""``peritumoral train``: from a cohort table to a trained network in a bundle, with its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.jobs.batch import CaseOutcome, CaseStatus
from RadiomicsCoreLib.cohort.table import Cohort
from RadiomicsCoreLib.jobs.case_records import write_study
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress, part_of
from RadiomicsCoreLib.files.provenance import environment_record, hash_files, hash_settings
from RadiomicsCoreLib.statistics.roc import youden_threshold
from RadiomicsCoreLib.files.tables import read_json, write_json

from .cross_fitting import CrossFit, cross_fit, planned_folds
from ..inputs.deep_cases import DEFAULT_RINGS, DeepJobResult, open_cohort
from ..deep_features.computing import image_part
from .deep_features_job import usual_features
from ..networks.devices import memory_estimate_mb
from ..settings.input_settings import NetworkInput
from ..training.loss_curve import Losses, loss_curve
from ..networks.network_bundle import Architecture, NetworkBundle, save_network_bundle
from ..networks.network_source import weights_hash
from ..networks.catalogue import layer_of, network_spec, parameter_count
from ..networks.prediction import probability
from ..networks.rad_score_network import fit_score_scaling, heads_of
from ..networks.seen_cases import IMAGES, PREDICTIONS_FILE, SIGNATURES_FILE, SeenCases, image_hash, seen_record
from ..training.loop import TrainedNetwork, train_network
from ..training.training_cases import TrainingCases
from .training_outputs import outputs_of, write_outputs
from ..networks.training_record import TRAINED_NETWORK
from ..settings.training_settings import Mode, Task, TrainingSettings
from .training_sides import TRAIN_LABEL, Side, check_outcomes, prepare_cases, sides_of
from ..networks.transfer import suggest_mode
from ..networks.weights import load_imagenet

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
MODES = ("suggested", *(mode.value for mode in Mode))


@dataclass(frozen=True)
class TrainJob:
    """What is trained. Cases whose ``split`` is ``train`` train, the others are predicted only; without that column
    all cases train.

    Attributes:
        training: task, optimiser and so on; its ``mode`` is replaced by ``mode`` below.
        endpoints: columns of 0 and 1, one or more, empty cells allowed (classification).
        time, event: columns (survival).
        network: name in the registry.
        pretrained: start from ImageNet weights.
        weights: file of plain tensors to start from instead, for the network's layers but the last.
        phase: of the cohort.
        input: what the network sees, of which region; None: a masked slice or cube of the tumour.
        rings: regions to grow; None: a ring of 3 mm.
        scores: columns of RadScores that enter before the last layer (zhang2024).
        rad_score_head: two layers with ten deep features between them, as in zhang2024, even without scores.
        width: channels of a U-Net's first level; None: the paper's 64.
        mode: full, head, or suggested from the number of events and weights.
        resample_masks: bring a mask from another grid to the image's instead of refusing it.
        pictures: draw what the network sees of every case.
        folds: of out-of-fold signatures, 2 or more; 0: none, and then ``fuse`` refuses what the network says of its
            training cases.
        patient: column of patients, where a patient has several cases; no split cuts a patient.
        study: published study whose settings these are, for the record; None: none.

    Raises:
        InputError: columns that do not go with the task, or an unknown mode.
    """

    training: TrainingSettings
    endpoints: tuple[str, ...] = ()
    time: str | None = None
    event: str | None = None
    network: str = "efficientnet_lite0"
    pretrained: bool = True
    phase: str = "ct"
    input: NetworkInput | None = None
    rings: RingSettings | None = None
    scores: tuple[str, ...] = ()
    rad_score_head: bool = False
    width: int | None = None
    mode: str = "suggested"
    resample_masks: bool = False
    pictures: bool = True
    folds: int = 0
    patient: str | None = None
    weights: Path | str | None = None
    study: str | None = None

    def __post_init__(self) -> None:
        spec = network_spec(self.network)
        task = Task(self.training.task)
        needed = {
            Task.CLASSIFICATION: (bool(self.endpoints), "endpoints: one or more columns of 0 and 1"),
            Task.SURVIVAL: (bool(self.time and self.event), "a time and an event column"),
            Task.SEGMENTATION: (spec.output_layer is None, "a network that segments, such as unet"),
        }
        is_given, what = needed[task]
        if not is_given:
            raise InputError(f"task {task.value!r} needs {what}")
        if (spec.output_layer is None) != (task is Task.SEGMENTATION):
            raise InputError(f"network {self.network!r} segments; choose another for task {task.value!r}")
        if self.shown.spatial_dims != spec.spatial_dims:
            raise InputError(
                f"network {self.network!r} takes {spec.spatial_dims}D input, the settings show "
                f"{self.shown.spatial_dims}D; choose another kind of input"
            )
        if task is Task.SEGMENTATION and self.shown.is_masked:
            raise InputError("the input hides what is outside the mask: a network that learns the mask would see it")
        if self.folds != 0 and self.folds < 2:
            raise InputError(f"folds is {self.folds}; give 2 or more, or 0 for no out-of-fold signatures")
        if self.mode not in MODES:
            raise InputError(f"mode is {self.mode!r}; choose from {', '.join(MODES)}")
        if task is Task.SEGMENTATION and self.mode == Mode.HEAD.value:
            raise InputError("mode 'head' learns the last layer alone; a network that segments learns whole: mode full")

    @property
    def architecture(self) -> Architecture:
        """How the network is built."""
        task = Task(self.training.task)
        outputs = {Task.CLASSIFICATION: len(self.endpoints), Task.SURVIVAL: 1, Task.SEGMENTATION: 2}[task]
        scores = len(self.scores) if self.scores or self.rad_score_head else None
        return Architecture(self.network, 1, outputs, scores, width=self.width)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the network's outputs."""
        named = {Task.SURVIVAL: ("risk",), Task.SEGMENTATION: ("background", "inside")}
        return named.get(Task(self.training.task), self.endpoints)

    @property
    def takes_scores(self) -> bool:
        """Whether RadScores enter beside the image."""
        return self.architecture.scores is not None

    @property
    def heads(self) -> tuple[str, ...]:
        """Layers that learn while the backbone is frozen."""
        output = network_spec(self.network).output_layer
        if output is None:
            return ()
        return heads_of(self.network) if self.takes_scores else (output,)

    def new_network(self) -> nn.Module:
        """Build the network as it is before the training."""
        fetched = self.pretrained and self.weights is None and self.training.task is not Task.SEGMENTATION
        network = self.architecture.build(imagenet=fetched)
        if self.weights is not None:
            load_imagenet(image_part(network), self.network, file=self.weights)
        return network

    @property
    def shown(self) -> NetworkInput:
        """What the network sees."""
        if self.input is not None:
            return self.input
        usual = usual_features(self.network).input
        return replace(usual, masked=False) if self.training.task is Task.SEGMENTATION else usual


def train_job(
    cohort: Path | str,
    out: Path | str,
    job: TrainJob,
    *,
    jobs: int | None = None,
    progress: Progress = no_progress,
) -> DeepJobResult:
    """Train a network on a cohort and write it as a bundle; a case that cannot be read is left out with its reason.

    Writes ``model/`` (the bundle), ``predictions.csv`` of every case with its split, ``loss_curve.png`` (anew after
    each epoch), ``checkpoints/`` (the last epoch), ``scores.csv`` (area under the ROC curve of each endpoint and
    split, Harrell's C, or Dice), ``study.json`` and ``cases/`` with the inputs. Run again into the same folder, it
    goes on where it stopped.

    With ``folds`` also ``signatures.csv``: for the training cases the outputs of networks that did not see them, for
    all others those of the final network; this is what ``fuse`` takes. ``scores.csv`` then has a row ``out-of-fold``
    (areas of the pooled outputs; Harrell's C of the pairs within a fold, since each network's log hazards have their
    own zero), and the bundle's thresholds are fixed on the out-of-fold outputs.

    Args:
        cohort: cohort table with the columns that the job names.
        out: output folder.
        job: what to train.
        jobs: processes at a time for reading the cases; None: as many as cores and memory allow.
        progress: told after each case and each batch.

    Raises:
        InputError, ModelError, DependencyError: nothing can be trained; one line.
        Cancelled: from ``progress``; the last checkpoint stays.
    """
    out = Path(out)
    table = open_cohort(cohort, [job.phase])
    check_outcomes(table, job)
    begun = _begun(out, job)
    outcomes = prepare_cases(table, job, out, jobs, part_of(progress, 0.0, 0.2))
    sides = sides_of(table, outcomes, job, out)
    training = sides[TRAIN_LABEL]
    network = job.new_network()
    if job.scores and training.cases.scores is not None:
        fit_score_scaling(network, training.cases.scores)
    settings, notes = _decided(job, network, training)
    notes += _notes_on_cases(job, outcomes, sides)
    if job.folds:
        planned_folds(job, training, settings)  # too few patients are told before the first training
    end = 0.2 + 0.75 / (1 + job.folds)
    write_json(out / BEGUN_FILE, begun)
    trained = train_network(
        network,
        training.cases,
        settings,
        heads=job.heads,
        folder=out / "checkpoints",
        progress=part_of(progress, 0.2, end),
        watch=partial(_draw_losses, out / "loss_curve.png"),
    )
    crossed = None
    if job.folds:
        crossed = cross_fit(job, training, settings, out, part_of(progress, end, 0.95), _draw_losses)
    progress(0.95, "predicting")
    outputs = {name: outputs_of(trained, side, settings) for name, side in sides.items()}
    files = {"loss curve": out / "loss_curve.png"}
    files |= write_outputs(out, job, sides, outputs, crossed)
    bundle = _bundle(job, trained, training, outputs[TRAIN_LABEL] if crossed is None else crossed.outputs, table)
    files["model"] = save_network_bundle(bundle, out / "model")
    record = _settings(job) | {"training": settings.to_dict(), "losses": trained.losses.to_dict(), "study": job.study}
    record |= {TRAINED_NETWORK: weights_hash(trained.network)}
    notes += _notes(job, trained, crossed)
    files["provenance"] = write_study(
        "train", table, record, out, outcomes, seed=settings.seed, notes=notes, more=seen_record(_seen(job, training))
    )
    progress(1.0, notes[-1])
    return DeepJobResult(tuple(outcomes), files, tuple(notes))


def _settings(job: TrainJob) -> dict[str, Any]:
    """What is recorded of the job."""
    return {
        "rings": asdict(job.rings or DEFAULT_RINGS),
        "input": job.shown.to_dict(),
        "phase": job.phase,
        "network": asdict(job.architecture) | _start(job),
        "endpoints": list(job.endpoints),
        "time": job.time,
        "event": job.event,
        "scores": list(job.scores),
        "mode": job.mode,
        "resample_masks": job.resample_masks,
        "folds": job.folds,
        "patient": job.patient,
    }


def _begun(out: Path, job: TrainJob) -> dict[str, str]:
    """Refuse to go on with another training than the one begun here; a checkpoint does not know what its cases showed.

    Returns:
        Hash of each setting, for the next time.

    Raises:
        InputError: the folder's training saw another region, window or phase, or started from other weights.
    """
    own = {name: hash_settings(value) for name, value in _settings(job).items() if name != "folds"}
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


def _start(job: TrainJob) -> dict[str, Any]:
    """Where the weights were taken from; a file is known by its contents."""
    if job.weights is None:
        return {"pretrained": job.pretrained}
    return {"pretrained": True, "weights": Path(job.weights).name, "weights_sha256": hash_files([Path(job.weights)])}


def _decided(job: TrainJob, network: nn.Module, side: Side) -> tuple[TrainingSettings, list[str]]:
    """The settings with the mode decided, and why, and what memory it takes."""
    cases, heads = side.cases, job.heads
    notes = []
    mode = Mode.FULL if job.mode == "suggested" else Mode(job.mode)
    if job.mode == "suggested" and heads:
        head_parameters = sum(parameter_count(layer_of(network, head)) for head in heads)
        events, word = _events(cases)
        suggestion = suggest_mode(
            parameter_count(network),
            head_parameters,
            events,
            pretrained=job.pretrained or job.weights is not None,
            word=word,
        )
        mode = suggestion.mode
        notes.append(f"mode {mode.value}: {suggestion.reason}")
    if mode is Mode.HEAD and not job.pretrained and job.weights is None:
        notes.append(
            "the backbone is random and stays so, as mode head asks for: start from weights, or take mode full"
        )
    settings = replace(job.training, mode=mode)
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


def _notes_on_cases(job: TrainJob, outcomes: Sequence[CaseOutcome], sides: Mapping[str, Side]) -> list[str]:
    """Who takes no part, and what intervals do not know of patients with several cases."""
    notes = []
    used = {case for side in sides.values() for case in side.case_ids}
    idle = [o.case_id for o in outcomes if o.status is CaseStatus.DONE and o.case_id not in used]
    if idle:
        what = ", ".join(job.endpoints) or f"{job.time} or {job.event}"
        notes.append(
            f"{len(idle)} cases have no {what}, the first is {idle[0]!r}: they take no part; `apply` predicts them"
        )
    if any(len(set(side.cases.groups)) < len(side.case_ids) for side in sides.values()):
        notes.append(
            "patients have several cases: the intervals of scores.csv take cases as independent, and are narrow"
        )
    return notes


def _draw_losses(path: Path, losses: Losses) -> None:
    loss_curve(losses).savefig(path, dpi=110, format="png")


def _notes(job: TrainJob, trained: TrainedNetwork, crossed: CrossFit | None) -> list[str]:
    """What a reader should know, the losses last."""
    notes = []
    if crossed is None:
        notes.append(_WITHOUT_FOLDS[Task(job.training.task)])
    if job.scores:
        notes.append(
            f"the RadScores {', '.join(job.scores)} were taken from the cohort table as they are; the training is only "
            "honest if they are out-of-fold themselves, as in the predictions.csv of fuse"
        )
    return [*notes, trained.losses.summary + (", stopped early" if trained.stopped_early else "")]


def _seen(job: TrainJob, side: Side) -> dict[str, SeenCases]:
    """Whom the networks behind each table have learnt from."""
    own = SeenCases(tuple(side.case_ids), tuple(dict.fromkeys(side.cases.groups)))
    if not job.folds or job.training.task is Task.SEGMENTATION:
        return {PREDICTIONS_FILE: own}
    unknown = ""
    if job.scores:
        unknown = f"its RadScores ({', '.join(job.scores)}) came from the cohort table and may know the outcome"
    if job.weights is not None:
        unknown = f"it started from the weights of {Path(job.weights).name}, which may have seen these patients"
    return {PREDICTIONS_FILE: own, SIGNATURES_FILE: SeenCases(unknown=unknown)}


def _bundle(job: TrainJob, trained: TrainedNetwork, side: Side, outputs: np.ndarray, table: Cohort) -> NetworkBundle:
    provenance = environment_record(
        {
            "cohort_sha256": hash_files([table.path]),
            "settings_hash": hash_settings(_settings(job)),
            "training_cases": list(side.case_ids),
            "training_patients": list(dict.fromkeys(side.cases.groups)),
            IMAGES: {case: image_hash(table.case(case), job.phase) for case in side.case_ids},
            "validation_cases": list(trained.validation_ids),
        }
    )
    return NetworkBundle(
        job.architecture,
        trained.network,
        Task(job.training.task),
        job.outputs,
        job.phase,
        job.shown,
        job.rings or DEFAULT_RINGS,
        job.scores,
        _thresholds(side, outputs),
        {
            "settings": trained.settings.to_dict(),
            "losses": trained.losses.to_dict(),
            **_start(job),
            "study": job.study,
            "time": job.time,
            "event": job.event,
            "thresholds_from": "out-of-fold outputs" if job.folds else "outputs of the training cases",
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
