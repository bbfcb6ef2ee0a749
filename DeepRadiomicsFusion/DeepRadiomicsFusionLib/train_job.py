"""``peritumoral train``: from a cohort table to a trained network in a bundle, with its predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from PeritumoralRadiomicsLib.ring_settings import RingSettings
from RadiomicsCoreLib.batch import CaseOutcome, CaseStatus, CaseTask, CaseWork, case_folder, run_batch
from RadiomicsCoreLib.cohort import Case, Cohort
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.progress import Progress, no_progress, part_of
from RadiomicsCoreLib.provenance import environment_record, hash_files, hash_settings
from RadiomicsCoreLib.roc import youden_threshold
from RadiomicsCoreLib.tables import write_csv

from .deep_cases import DEFAULT_RINGS, DeepJobResult, case_fingerprint, open_cohort, phase_regions, write_study
from .deep_features_job import usual_features
from .devices import memory_estimate_mb
from .explain_job import scores_of
from .input_settings import NetworkInput
from .inputs import network_image, picture_of_input
from .loss_curve import Losses, loss_curve
from .multi_endpoint import score_endpoints
from .network_bundle import Architecture, NetworkBundle, save_network_bundle
from .networks import layer_of, network_spec, parameter_count
from .prediction import predict, probability
from .rad_score_network import fit_score_scaling, heads_of
from .segmentation import dice_of
from .training import TrainedNetwork, train_network
from .training_cases import TrainingCases, drawn_cases, labelled_cases, refuse_shared_cases, survival_cases
from .training_settings import Mode, Task, TrainingSettings
from .transfer import suggest_mode

if TYPE_CHECKING:
    from torch import nn

INPUT_FILE, MASK_FILE = "input.npy", "mask.npy"
TRAIN_LABEL = "train"
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
        phase: of the cohort.
        input: what the network sees, of which region; None: a masked slice or cube of the tumour.
        rings: regions to grow; None: a ring of 3 mm.
        scores: columns of RadScores that enter before the last layer (zhang2024).
        rad_score_head: two layers with ten deep features between them, as in zhang2024, even without scores.
        width: channels of a U-Net's first level; None: the paper's 64.
        mode: full, head, or suggested from the number of events and weights.
        resample_masks: bring a mask from another grid to the image's instead of refusing it.
        pictures: draw what the network sees of every case.

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
        if self.mode not in MODES:
            raise InputError(f"mode is {self.mode!r}; choose from {', '.join(MODES)}")

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
    split, or Dice), ``study.json`` and ``cases/`` with the inputs. Run again into the same folder, it goes on where
    it stopped.

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
    outcomes = _prepare(table, job, out, jobs, part_of(progress, 0.0, 0.2))
    sides = _sides(table, outcomes, job, out)
    network = job.architecture.build(imagenet=job.pretrained and job.training.task is not Task.SEGMENTATION)
    scores = sides[TRAIN_LABEL].cases.scores
    if job.scores and scores is not None:
        fit_score_scaling(network, scores)
    settings, notes = _decided(job, network, sides[TRAIN_LABEL])
    trained = train_network(
        network,
        sides[TRAIN_LABEL].cases,
        settings,
        heads=_heads(job),
        folder=out / "checkpoints",
        progress=part_of(progress, 0.2, 0.95),
        watch=partial(_draw_losses, out / "loss_curve.png"),
    )
    progress(0.95, "predicting")
    outputs = {name: _outputs(trained, side, settings) for name, side in sides.items()}
    files = {"loss curve": out / "loss_curve.png"}
    files |= _write_predictions(out, job, sides, outputs)
    bundle = _bundle(job, trained, sides[TRAIN_LABEL], outputs[TRAIN_LABEL], table)
    files["model"] = save_network_bundle(bundle, out / "model")
    record = _settings(job) | {"training": settings.to_dict(), "losses": trained.losses.to_dict()}
    notes.append(trained.losses.summary + (", stopped early" if trained.stopped_early else ""))
    files["provenance"] = write_study("train", table, record, out, outcomes, seed=settings.seed, notes=notes)
    progress(1.0, notes[-1])
    return DeepJobResult(tuple(outcomes), files, tuple(notes))


# --- cases ---


def _settings(job: TrainJob) -> dict[str, Any]:
    """What changes a case's input, and what is recorded of the job."""
    return {
        "rings": asdict(job.rings or DEFAULT_RINGS),
        "input": job.shown.to_dict(),
        "phase": job.phase,
        "network": asdict(job.architecture) | {"pretrained": job.pretrained},
        "endpoints": list(job.endpoints),
        "time": job.time,
        "event": job.event,
        "scores": list(job.scores),
        "mode": job.mode,
        "resample_masks": job.resample_masks,
    }


def _prepare(table: Cohort, job: TrainJob, out: Path, jobs: int | None, progress: Progress) -> list[CaseOutcome]:
    seen = {name: _settings(job)[name] for name in ("rings", "input", "phase", "resample_masks")}
    seen["pictures"] = job.pictures
    rings = job.rings or DEFAULT_RINGS
    tasks = [
        CaseTask(
            case.case_id,
            partial(case_fingerprint, case, [job.phase], seen),
            partial(_prepare_case, case, job.phase, rings, job.shown, job.resample_masks, job.pictures),
        )
        for case in table.cases
    ]
    return run_batch(tasks, out, jobs=jobs, progress=progress)


def _prepare_case(
    case: Case, phase: str, rings: RingSettings, shown: NetworkInput, resample: bool, pictures: bool, folder: Path
) -> CaseWork:
    try:
        ready = phase_regions(case, phase, rings, resample=resample)
        seen = network_image(ready.image, ready.masks, shown)
    except RadiomicsError as error:
        return CaseWork((f"{phase}: {error}",))
    np.save(folder / INPUT_FILE, seen.array, allow_pickle=False)
    np.save(folder / MASK_FILE, sitk.GetArrayFromImage(seen.mask), allow_pickle=False)
    if pictures:
        picture_of_input(seen, f"{case.case_id}, {phase}").savefig(folder / "seen.png", dpi=80, format="png")
    return CaseWork((), ready.warnings)


@dataclass(frozen=True)
class _Side:
    """The cases of one split, one sample a slice."""

    cases: TrainingCases
    case_ids: tuple[str, ...] = field(default=())


def _sides(table: Cohort, outcomes: Sequence[CaseOutcome], job: TrainJob, out: Path) -> dict[str, _Side]:
    usable = {outcome.case_id for outcome in outcomes if outcome.status is CaseStatus.DONE}
    if not usable:
        raise InputError(f"no case can be used; the first: {outcomes[0].case_id}: {outcomes[0].reason}")
    has_split = any(case.split is not None for case in table.cases)
    groups: dict[str, list[Case]] = {TRAIN_LABEL: []}
    for case in table.cases:
        if case.case_id in usable and _has_target(case, job):
            groups.setdefault((case.split or "no split") if has_split else TRAIN_LABEL, []).append(case)
    if not groups[TRAIN_LABEL]:
        raise InputError(f"no case of split {TRAIN_LABEL!r} can be used; write it into the column 'split'")
    sides = {name: _side(cases, job, out, is_training=name == TRAIN_LABEL) for name, cases in groups.items()}
    for name, side in sides.items():
        if name != TRAIN_LABEL:
            refuse_shared_cases(sides[TRAIN_LABEL].cases, side.cases, name)
    return sides


def _has_target(case: Case, job: TrainJob) -> bool:
    if job.training.task is Task.SEGMENTATION:
        return True
    columns = job.endpoints or (job.time, job.event)
    missing = [column for column in columns if column not in case.values]
    if missing:
        raise InputError(f"the table has no column {missing[0]!r}; check the endpoint's name")
    known = [case.values[str(column)] is not None for column in columns]
    return any(known) if job.endpoints else all(known)


def _side(cases: Sequence[Case], job: TrainJob, out: Path, *, is_training: bool) -> _Side:
    arrays = [np.load(case_folder(out, case.case_id) / INPUT_FILE, allow_pickle=False) for case in cases]
    counts = [len(array) for array in arrays]
    images = [image for array in arrays for image in array]
    ids = [case.case_id for case, count in zip(cases, counts, strict=True) for _ in range(count)]
    scores = np.repeat([scores_of(case, job.scores) for case in cases], counts, axis=0) if _takes_scores(job) else None
    case_ids = tuple(case.case_id for case in cases)
    if job.training.task is Task.SEGMENTATION:
        masks = [np.load(case_folder(out, case_id) / MASK_FILE, allow_pickle=False) for case_id in case_ids]
        return _Side(drawn_cases(ids, images, np.concatenate(masks).astype(np.int64)), case_ids)
    if job.training.task is Task.SURVIVAL:
        time, event = (np.repeat([_number(case, name) for case in cases], counts) for name in (job.time, job.event))
        if is_training:
            return _Side(survival_cases(ids, images, time, event, scores=scores), case_ids)
        targets = np.stack([time, event], axis=1).astype(np.float32)
        return _Side(TrainingCases(Task.SURVIVAL, tuple(ids), images, targets, ("risk",), scores), case_ids)
    labels = np.repeat([[_number(case, name) for name in job.endpoints] for case in cases], counts, axis=0)
    if is_training:
        return _Side(labelled_cases(ids, images, labels, names=job.endpoints, scores=scores), case_ids)
    # A test part may well hold one class only: it is predicted, not learned from.
    targets = labels.astype(np.float32)
    return _Side(TrainingCases(Task.CLASSIFICATION, tuple(ids), images, targets, job.endpoints, scores), case_ids)


def _takes_scores(job: TrainJob) -> bool:
    return job.architecture.scores is not None


def _number(case: Case, column: str | None) -> float:
    value = case.values[str(column)]
    if value is None:
        return float("nan")
    if isinstance(value, str):
        raise InputError(f"column {column!r} holds text ({value!r}) for {case.case_id}; code it as numbers")
    return float(value)


# --- training ---


def _heads(job: TrainJob) -> tuple[str, ...]:
    output = network_spec(job.network).output_layer
    if output is None:
        return ()
    return heads_of(job.network) if _takes_scores(job) else (output,)


def _decided(job: TrainJob, network: nn.Module, side: _Side) -> tuple[TrainingSettings, list[str]]:
    """The settings with the mode decided, and why, and what memory it takes."""
    cases, heads = side.cases, _heads(job)
    notes = []
    mode = Mode.FULL if job.mode == "suggested" else Mode(job.mode)
    if job.mode == "suggested" and heads:
        head_parameters = sum(parameter_count(layer_of(network, head)) for head in heads)
        events, word = _events(cases)
        suggestion = suggest_mode(
            parameter_count(network), head_parameters, events, pretrained=job.pretrained, word=word
        )
        mode = suggestion.mode
        notes.append(f"mode {mode.value}: {suggestion.reason}")
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


def _draw_losses(path: Path, losses: Losses) -> None:
    loss_curve(losses).savefig(path, dpi=110, format="png")


# --- predictions ---


def _outputs(trained: TrainedNetwork, side: _Side, settings: TrainingSettings) -> np.ndarray:
    """Outputs of every patient (n, outputs), the mean over the slices; for masks the Dice overlap (n, 1)."""
    cases = side.cases
    found = predict(
        trained.network,
        cases.images,
        scores=cases.scores,
        batch_size=settings.batch_size,
        device=settings.device,
    )
    if cases.task is Task.SEGMENTATION:
        found = dice_of(found.argmax(axis=1), cases.targets)[:, None]
    trained.network.cpu()
    places = np.array(cases.case_ids)
    return np.stack([found[places == case_id].mean(axis=0) for case_id in side.case_ids])


def _patients(side: _Side) -> TrainingCases:
    """One sample a patient, for scores."""
    first = [side.cases.case_ids.index(case_id) for case_id in side.case_ids]
    return side.cases.rows(np.array(first))


def _write_predictions(
    out: Path, job: TrainJob, sides: dict[str, _Side], outputs: dict[str, np.ndarray]
) -> dict[str, Path]:
    task = Task(job.training.task)
    rows, scored = [], []
    for name, side in sides.items():
        values = probability(outputs[name]) if task is Task.CLASSIFICATION else outputs[name]
        columns = ("dice",) if task is Task.SEGMENTATION else tuple(f"{output}.signature" for output in job.outputs)
        for case_id, row in zip(side.case_ids, values, strict=True):
            rows.append({"case_id": case_id, "split": name, **dict(zip(columns, row.tolist(), strict=True))})
        scored += _scores(name, task, outputs[name], side)
    files = {"predictions": out / "predictions.csv"}
    write_csv(files["predictions"], rows)
    if scored:
        files["scores"] = out / "scores.csv"
        write_csv(files["scores"], scored)
    return files


def _scores(split: str, task: Task, outputs: np.ndarray, side: _Side) -> list[dict[str, Any]]:
    if task is Task.SEGMENTATION:
        return [{"split": split, "mean_dice": float(outputs.mean()), "cases": len(outputs)}]
    if task is Task.SURVIVAL:
        return []
    return [
        {
            "split": split,
            "endpoint": score.name,
            "cases": score.cases,
            "positives": score.positives,
            "missing": score.missing,
            "auc": None if score.auc is None else score.auc.value,
            "auc_lower": None if score.auc is None else score.auc.lower,
            "auc_upper": None if score.auc is None else score.auc.upper,
            "reason": score.reason,
        }
        for score in score_endpoints(outputs.astype(np.float64), _patients(side))
    ]


def _bundle(job: TrainJob, trained: TrainedNetwork, side: _Side, outputs: np.ndarray, table: Cohort) -> NetworkBundle:
    provenance = environment_record(
        {
            "cohort_sha256": hash_files([table.path]),
            "settings_hash": hash_settings(_settings(job)),
            "training_cases": list(side.case_ids),
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
            "pretrained": job.pretrained,
        },
        provenance,
    )


def _thresholds(side: _Side, outputs: np.ndarray) -> dict[str, float]:
    """Youden's threshold of each endpoint's probability, on the training patients; the median of a risk."""
    patients = _patients(side)
    if patients.task is Task.SURVIVAL:
        return {"risk": float(np.median(outputs))}
    if patients.task is Task.SEGMENTATION:
        return {}
    found = {}
    for name, labels, chance in zip(patients.names, patients.targets.T, probability(outputs).T, strict=True):
        known = ~np.isnan(labels)
        found[name] = youden_threshold(labels[known].astype(int), chance[known])
    return found
