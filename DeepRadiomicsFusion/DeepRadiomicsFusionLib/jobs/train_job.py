"""``peritumoral train``: from a cohort table to a trained network in a bundle, with its predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.cohort.seen_cases import SeenCases, seen_record
from RadiomicsCoreLib.cohort.table import Cohort
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.provenance import environment_record, hash_files, hash_settings
from RadiomicsCoreLib.files.tables import read_json, write_json
from RadiomicsCoreLib.jobs.batch import CaseOutcome, CaseStatus
from RadiomicsCoreLib.jobs.case_records import write_study
from RadiomicsCoreLib.progress import Progress, no_progress, part_of
from RadiomicsCoreLib.statistics.roc import youden_threshold

from ..inputs.deep_cases import DEFAULT_RINGS, DeepJobResult, open_cohort
from ..networks.catalogue import layer_of, parameter_count
from ..networks.devices import memory_estimate_mb
from ..networks.network_bundle import NetworkBundle, save_network_bundle
from ..networks.network_source import weights_hash
from ..networks.prediction import probability
from ..networks.rad_score_network import fit_score_scaling
from ..networks.seen_cases import IMAGES, PREDICTIONS_FILE, SIGNATURES_FILE, image_hash
from ..networks.training_record import TRAINED_NETWORK
from ..networks.transfer import suggest_mode
from ..settings.training_settings import Mode, Task, TrainingSettings
from ..training.cross_fitting import CrossFit, cross_fit, planned_folds
from ..training.loop import TrainedNetwork, train_network
from ..training.loss_curve import Losses, loss_curve
from ..training.network_outputs import outputs_of
from ..training.train_plan import TrainJob
from ..training.training_cases import TrainingCases
from ..training.training_outputs import write_outputs
from ..training.training_sides import TRAIN_LABEL, Side, check_outcomes, prepare_cases, sides_of

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
