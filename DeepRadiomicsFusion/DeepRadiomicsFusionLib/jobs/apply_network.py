"""``apply`` with a network bundle: images of new patients in, predictions or masks out."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.cohort.columns import ID_COLUMN
from RadiomicsCoreLib.cohort.seen_cases import notes_on_known, seen_record
from RadiomicsCoreLib.cohort.table import Case, Cohort, load_phase
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.provenance import MADE_WITH, hash_files
from RadiomicsCoreLib.files.safe_names import one_line
from RadiomicsCoreLib.files.tables import read_cells, unguard_text, write_json
from RadiomicsCoreLib.images.reading import read_image
from RadiomicsCoreLib.jobs.batch import CaseOutcome, CaseWork, case_folder
from RadiomicsCoreLib.jobs.cases import case_json, run_cases
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of

from ..inputs.deep_cases import open_cohort, phase_regions, scores_of, scores_record
from ..inputs.patches import network_image, picture_of_input
from ..networks.network_bundle import NetworkBundle, check_fits
from ..networks.network_source import (
    LoadedNetwork,
    NetworkSource,
    network_in_this_process,
    required_bundle,
    weights_hash,
)
from ..networks.prediction import predict, probability
from ..networks.seen_cases import NEW, PREDICTIONS_FILE, SIGNATURES_FILE, TRAINING_PART, namesakes, seen_by_bundle
from ..settings.input_settings import InputKind
from ..settings.training_settings import Task
from ..training.new_masks import dice_with, draw_mask, needs_region
from .cohort_job import workers_for
from .network_evaluation import evaluate_outputs, outcome_columns, outcomes_of

if TYPE_CHECKING:
    from .apply_options import ApplyOptions

PREDICTION_FILE, MASK_FILE, SEEN_FILE = "prediction.json", "mask.nii.gz", "seen.nii.gz"


@dataclass(frozen=True)
class _Scan:
    """The image of a case that needs no mask."""

    path: Path
    series: str | None


def apply_network(job: ApplyOptions, output: JobOutput, progress: Progress) -> None:
    """Predict new patients with a trained network; a failing case never stops the others.

    Images are prepared as in the training: its phase, rings, region and input. Writes ``predictions.csv``:
    ``<output>.probability`` (a network of survival: ``risk``), ``<output>.positive`` at the threshold that the
    bundle stores, and the reason where a case failed; ``signatures.csv``: the same outputs under the names of the
    training's ``signatures.csv``, for a fusion or Cox model that was fitted on those;
    ``cases/<case_id>/seen.nii.gz`` and ``seen.png``: what the network saw. Where the table has the outcome, also
    ``evaluation.csv`` and ``figures/``: cases of the training, if there are any, apart from the new ones. A network
    that segments writes ``cases/<case_id>/mask.nii.gz`` on the grid of the patient's image, and its Dice where the
    table names a mask; a network of whole slices needs none. Run again into the same folder, it reuses the cases
    whose files and weights are the same.

    Args:
        job: with bundle and cohort, which has the columns of the RadScores where the network takes them.
        output: of the job.
        progress: told after each case.

    Raises:
        InputError, ModelError, DependencyError: nothing can be done: no network bundle, or a table without its phase
            or RadScores.
        Cancelled: from ``progress``; finished cases stay.
    """
    source = NetworkSource(weights=str(job.bundle), device=job.device.value)
    loaded = source.load(part_of(progress, 0.0, 0.02))
    bundle = required_bundle(loaded, job.bundle)
    assert job.cohort is not None  # the job has refused a network without images
    table, scans = _open(job.cohort, bundle, job)
    outcomes_known = outcomes_of(table.cases, outcome_columns(bundle))
    made = _settings(bundle, loaded, job)
    free = {case: scan for case, scan in scans.items() if bundle.phase not in table.case(case).images}
    done = run_cases(
        output,
        table,
        partial(_do_case, job, source, weights_hash(loaded.network), scans),
        made,
        workers=workers_for(loaded.network, job.workers),
        progress=part_of(progress, 0.02, 0.95),
        phases=[bundle.phase],
        also=partial(_also, scans=free, names=bundle.score_names),
    )
    ids = [outcome.case_id for outcome in done]
    seen = seen_by_bundle(bundle).without(namesakes(bundle, table.cases, bundle.phase))
    if seen.unknown:
        output.notes.append(seen.unknown)
    output.notes += notes_on_known(seen, ids)
    known = seen.among(_patients(table, ids))
    found = {case_id: case_json(output.folder, case_id, PREDICTION_FILE) or {} for case_id in ids}
    output.table("predictions", [_row(bundle, outcome, found[outcome.case_id]) for outcome in done])
    if bundle.task is Task.SEGMENTATION:
        _evaluate_masks(output, found, known)
    else:
        values = {case: item["outputs"] for case, item in found.items() if item}
        output.table(SIGNATURES_FILE.removesuffix(".csv"), [_signatures(bundle, case, found[case]) for case in found])
        evaluate_outputs(output, bundle, values, outcomes_known, known, job.evaluation)
    output.record |= {MADE_WITH: made, **seen_record(dict.fromkeys((PREDICTIONS_FILE, SIGNATURES_FILE), seen))}
    progress(1.0, f"{sum(bool(item) for item in found.values())} of {len(done)} cases predicted")


# --- the table ---------------------------------------------------------------------------------------------


def _open(path: Path | str, bundle: NetworkBundle, job: ApplyOptions) -> tuple[Cohort, dict[str, _Scan]]:
    """The cohort, and the images of cases that need no mask."""
    cases, names = job.cases, job.columns.id or ID_COLUMN
    header, cells = read_cells(path)
    column = f"{bundle.phase}_image"
    free = bundle.task is Task.SEGMENTATION and not needs_region(bundle.input)
    scans: dict[str, _Scan] = {}
    if free and column in header and names in header:
        for row in (dict(zip(header, map(str.strip, cell), strict=True)) for cell in cells):
            if row[column]:
                path_of_image = Path(path).parent / os.path.expanduser(unguard_text(row[column]))
                series = unguard_text(row.get(f"{bundle.phase}_series", "")) or None
                scans[unguard_text(row[names])] = _Scan(path_of_image, series)
    if scans and f"{bundle.phase}_mask" not in header:
        # The reader of cohorts wants a mask for every image; here none is needed.
        chosen = tuple(Case(case, {}) for case in scans if cases is None or case in cases)
        if not chosen:
            raise InputError(f"{path} has none of the cases {', '.join(cases or ())}")
        return Cohort(Path(path), chosen, (bundle.phase,), ()), scans
    table = open_cohort(path, None, cases, job.columns)
    if bundle.phase not in table.phases:
        check_fits(bundle, phase=", ".join(table.phases))
    lacking = [name for name in bundle.score_names if name not in table.clinical_columns]
    if lacking:
        raise InputError(f"the network takes the RadScore {lacking[0]!r}, which {Path(path).name} has no column of")
    return table, scans


def _patients(table: Cohort, ids: Sequence[str]) -> dict[str, str]:
    """Case to patient, as far as the table says."""
    column = table.columns.patient
    named = {} if column is None else {case.case_id: case.values.get(column) for case in table.cases}
    return {case_id: case_id if named.get(case_id) is None else str(named[case_id]) for case_id in ids}


def _settings(bundle: NetworkBundle, loaded: LoadedNetwork, job: ApplyOptions) -> dict[str, object]:
    return {
        "rings": bundle.to_dict()["rings"],
        "input": bundle.input.to_dict(),
        "network": {"name": loaded.name, "weights_sha256": weights_hash(loaded.network)},
        "task": bundle.task.value,
        "outputs": list(bundle.outputs),
        "thresholds": dict(bundle.thresholds),
        "resample_masks": job.resample_masks,
        "pictures": job.pictures,
    }


def _also(case: Case, scans: Mapping[str, _Scan], names: Sequence[str]) -> dict[str, object]:
    """What decides a case's result beside the files of its phase: RadScores, or an image without a mask."""
    scan = scans.get(case.case_id)
    alone = {} if scan is None else {"image": hash_files([scan.path]), "series": scan.series}
    return scores_record(case, names) | alone


# --- one case ----------------------------------------------------------------------------------------------


def _do_case(
    job: ApplyOptions,
    source: NetworkSource,
    sha256: str,
    scans: Mapping[str, _Scan],
    case: Case,
    phases: Sequence[str],
    folder: Path,
) -> CaseWork:
    bundle = network_in_this_process(source, sha256).bundle
    assert bundle is not None  # apply_network has refused anything else
    work = _draw if bundle.task is Task.SEGMENTATION else _predict
    try:
        return CaseWork((), work(case, scans.get(case.case_id), bundle, job, folder))
    except RadiomicsError as error:
        return CaseWork((f"{bundle.phase}: {error}",))


def _predict(case: Case, scan: _Scan | None, bundle: NetworkBundle, job: ApplyOptions, folder: Path) -> tuple[str, ...]:
    """Write the outputs of one case: probabilities, or the log risk; the mean of the logits over its slices."""
    ready = phase_regions(case, bundle.phase, bundle.rings, resample=job.resample_masks)
    shown = network_image(ready.image, ready.masks, bundle.input)
    images = list(shown.array)
    takes_scores = bundle.architecture.scores is not None
    scores = np.tile(scores_of(case, bundle.score_names), (len(images), 1)) if takes_scores else None
    found = predict(bundle.network, images, scores=scores, device=job.device.value).astype(np.float64).mean(axis=0)
    values = probability(found) if bundle.task is Task.CLASSIFICATION else found
    write_json(folder / PREDICTION_FILE, {"outputs": values.tolist(), "slices": len(images)})
    if job.pictures:
        sitk.WriteImage(shown.image, str(folder / SEEN_FILE), useCompression=True)
        picture_of_input(shown, f"{case.case_id}, {bundle.phase}").savefig(folder / "seen.png", dpi=80, format="png")
    return ready.warnings


def _draw(case: Case, scan: _Scan | None, bundle: NetworkBundle, job: ApplyOptions, folder: Path) -> tuple[str, ...]:
    """Write the mask of one case, and its Dice where there is a mask to compare with."""
    told: list[str] = []
    regions: Mapping[str, sitk.Image] = {}
    truth: sitk.Image | None = None
    if needs_region(bundle.input):
        if bundle.phase not in case.images:
            _refuse_without_region(case, bundle)
        ready = phase_regions(case, bundle.phase, bundle.rings, resample=job.resample_masks)
        image, regions, told = ready.image, ready.masks, list(ready.warnings)
        truth = sitk.Resample(regions[bundle.region], image, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    elif bundle.phase in case.images:
        data = load_phase(case.images[bundle.phase], resample=job.resample_masks, warn=told.append)
        image, truth = data.image, data.mask
    else:
        if scan is None:
            raise InputError(f"no image is named; fill in the column {bundle.phase}_image")
        image = read_image(scan.path, series=scan.series)
    drawn = draw_mask(bundle.network, image, regions, bundle.input, device=job.device.value)
    sitk.WriteImage(drawn.mask, str(folder / MASK_FILE), useCompression=True)
    record: dict[str, object] = {"slices": drawn.slices, "volume_ml": drawn.volume_ml}
    if truth is not None:
        record["dice"] = dice_with(drawn.mask, truth)
    write_json(folder / PREDICTION_FILE, record)
    return tuple(told)


def _refuse_without_region(case: Case, bundle: NetworkBundle) -> None:
    problems = {problem.phase: problem.message for problem in case.problems}
    kind = InputKind(bundle.input.kind).value
    raise InputError(
        f"{problems.get(bundle.phase, 'no mask is named')}: the network's input ({kind}) is cut around the tumour; "
        "name a rough mask, or train a network of whole slices (--input full_slice --whole-box)"
    )


# --- tables ------------------------------------------------------------------------------------------------


def _row(bundle: NetworkBundle, outcome: CaseOutcome, found: Mapping[str, Any]) -> dict[str, object]:
    row: dict[str, object] = {"case_id": outcome.case_id}
    if bundle.task is Task.SEGMENTATION:
        row["mask"] = (case_folder(Path(), outcome.case_id) / MASK_FILE).as_posix() if found else None
        row |= {name: found.get(name) for name in ("slices", "volume_ml", "dice")}
    else:
        column = "{}" if bundle.task is Task.SURVIVAL else "{}.probability"
        for place, name in enumerate(bundle.outputs):
            value = found["outputs"][place] if found else None
            threshold = bundle.thresholds.get(name)
            called = None if value is None or threshold is None else int(value >= threshold)
            row |= {column.format(name): value, f"{name}.positive": called}
    return row | {"reason": one_line(outcome.reason)}


def _signatures(bundle: NetworkBundle, case_id: str, found: Mapping[str, Any]) -> dict[str, object]:
    outputs = found["outputs"] if found else [None] * len(bundle.outputs)
    return {"case_id": case_id} | {f"{name}.signature": outputs[place] for place, name in enumerate(bundle.outputs)}


def _evaluate_masks(output: JobOutput, found: Mapping[str, Mapping[str, float]], seen: Sequence[str]) -> None:
    rows = []
    for part, chosen in ((NEW, [c for c in found if c not in set(seen)]), (TRAINING_PART, list(seen))):
        dice = [found[case]["dice"] for case in chosen if "dice" in found[case]]
        if dice:
            low, high = min(dice), max(dice)
            middle = float(np.median(dice))
            rows.append(
                {
                    "part": part,
                    "cases": len(dice),
                    "mean_dice": float(np.mean(dice)),
                    "median_dice": middle,
                    "lowest_dice": low,
                    "highest_dice": high,
                }
            )
    if rows:
        output.table("evaluation", rows)
