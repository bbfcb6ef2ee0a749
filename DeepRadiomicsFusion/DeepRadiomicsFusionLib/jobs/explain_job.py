"""``peritumoral explain``: what decided a trained network's output, as volumes and pictures of every patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.cohort.table import Case
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.tables import write_csv, write_json
from RadiomicsCoreLib.jobs.batch import CaseTask, CaseWork, run_batch
from RadiomicsCoreLib.jobs.case_records import case_fingerprint, case_json, write_study
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..explanation.grad_cam import Explanation, MapKind, explain_case
from ..explanation.map_figure import save_map_figure
from ..inputs.deep_cases import (
    DeepJobResult,
    PhaseRegions,
    open_cohort,
    phase_regions,
)
from ..networks.network_bundle import NetworkBundle, check_fits
from ..networks.network_source import NetworkSource, network_in_this_process, weights_hash
from ..networks.prediction import probability
from ..settings.training_settings import Task

MAPS_FILE = "maps.json"
_TITLES = {MapKind.GRAD_CAM: "Grad-CAM", MapKind.INPUT_GRADIENT: "input gradient"}


@dataclass(frozen=True)
class ExplainJob:
    """What is explained of every patient.

    Attributes:
        bundle: path of the trained network.
        kinds: which maps; names are understood.
        output: name of the output, such as an endpoint; None: the first.
        layer: of Grad-CAM; None: the network's feature layer.
        resample_masks: bring a mask from another grid to the image's instead of refusing it.
        pictures: draw each map over the largest tumour slice.
        device: auto, cpu, cuda or mps.
    """

    bundle: str
    kinds: tuple[MapKind | str, ...] = (MapKind.GRAD_CAM, MapKind.INPUT_GRADIENT)
    output: str | None = None
    layer: str | None = None
    resample_masks: bool = False
    pictures: bool = True
    device: str = "auto"

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kinds", tuple(MapKind(kind) for kind in self.kinds))
        except ValueError as error:
            known = ", ".join(kind.value for kind in MapKind)
            raise InputError(f"{error}; choose maps from {known}") from None
        if not self.kinds:
            raise InputError("no map is named; choose grad_cam, input_gradient or both")


def explain_job(
    cohort: Path | str,
    out: Path | str,
    job: ExplainJob,
    *,
    cases: Sequence[str] | None = None,
    jobs: int | None = None,
    progress: Progress = no_progress,
) -> DeepJobResult:
    """Map what decided a network's output for every case; a failing case never stops the others.

    Writes ``cases/<case_id>/<map>.nii.gz`` on the grid of the patient's image, a picture of each map,
    ``explanations.csv`` (output, place of the peak, share of the map in each region) and ``study.json``.

    Args:
        cohort: cohort table.
        out: output folder.
        job: what to do.
        cases: ids of the cases to do; None: all.
        jobs: processes at a time; None: all cores as far as memory allows, one on a GPU.
        progress: told after each case.

    Raises:
        InputError, ModelError, DependencyError: nothing can be done.
        Cancelled: from ``progress``; finished cases stay.
    """
    out = Path(out)
    source = NetworkSource(weights=job.bundle, device=job.device)
    loaded = source.load(part_of(progress, 0.0, 0.02))
    if loaded.bundle is None:
        raise InputError(f"{job.bundle!r} is no network bundle; give the model folder that `peritumoral train` wrote")
    bundle = loaded.bundle
    place = bundle.output_index(job.output)
    table = open_cohort(cohort, None, cases)
    if bundle.phase not in table.phases:
        check_fits(bundle, phase=", ".join(table.phases))
    sha256 = weights_hash(loaded.network)
    settings = {
        "rings": bundle.to_dict()["rings"],
        "input": bundle.input.to_dict(),
        "network": {"name": loaded.name, "weights_sha256": sha256},
        "maps": [MapKind(kind).value for kind in job.kinds],
        "output": bundle.outputs[place],
        "layer": job.layer,
    }
    recorded = settings | {"pictures": job.pictures, "resample_masks": job.resample_masks}
    on_gpu = next(loaded.network.parameters()).device.type != "cpu"
    tasks = [
        CaseTask(
            case.case_id,
            partial(case_fingerprint, case, [bundle.phase], recorded | _scores_record(case, bundle)),
            partial(_do_case, case, source, sha256, job),
        )
        for case in table.cases
    ]
    outcomes = run_batch(tasks, out, jobs=1 if on_gpu and jobs is None else jobs, progress=part_of(progress, 0.02, 1.0))
    rows = [row for outcome in outcomes for row in case_json(out, outcome.case_id, MAPS_FILE) or ()]
    files = {"explanations": out / "explanations.csv"}
    write_csv(files["explanations"], rows, list(dict.fromkeys(["case_id", *(name for row in rows for name in row)])))
    files["provenance"] = write_study("explain", table, recorded, out, outcomes)
    return DeepJobResult(tuple(outcomes), files)


def scores_of(case: Case, names: Sequence[str]) -> list[float]:
    """Return a patient's RadScores from the columns of the cohort table.

    Raises:
        InputError: a column is not there, empty, or text.
    """
    found = []
    for name in names:
        value = case.values.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
            raise InputError(f"column {name!r} holds {value!r} for {case.case_id}; the network needs this RadScore")
        found.append(float(value))
    return found


def _scores_record(case: Case, bundle: NetworkBundle) -> dict[str, Any]:
    return {"scores": {name: case.values.get(name) for name in bundle.score_names}}


def _do_case(case: Case, source: NetworkSource, sha256: str, job: ExplainJob, folder: Path) -> CaseWork:
    loaded = network_in_this_process(source, sha256)
    bundle = loaded.bundle
    assert bundle is not None  # explain_job has refused anything else
    try:
        ready = phase_regions(case, bundle.phase, bundle.rings, resample=job.resample_masks)
        takes_scores = bundle.architecture.scores is not None
        scores = scores_of(case, bundle.score_names) if takes_scores else None
        found = [
            explain_case(
                loaded.network,
                loaded.name,
                ready.image,
                ready.masks,
                bundle.input,
                kind=kind,
                output=bundle.output_index(job.output),
                layer=job.layer,
                scores=scores,
            )
            for kind in job.kinds
        ]
    except RadiomicsError as error:
        return CaseWork((f"{bundle.phase}: {error}",))
    for explained in found:
        _write(explained, ready, case.case_id, job, folder)
    write_json(folder / MAPS_FILE, [_row(explained, ready, case.case_id, bundle, job) for explained in found])
    return CaseWork((), ready.warnings)


def _write(explained: Explanation, ready: PhaseRegions, case_id: str, job: ExplainJob, folder: Path) -> None:
    name = explained.kind.value
    sitk.WriteImage(explained.on_patient, str(folder / f"{name}.nii.gz"), useCompression=True)
    if job.pictures:
        what = f"{_TITLES[explained.kind]}, {explained.shown.settings.region}"
        window = explained.shown.settings.window
        save_map_figure(
            folder / f"{name}.png",
            ready.image,
            explained.on_patient,
            ready.drawn,
            title=case_id,
            what=what,
            window=window,
            seen=explained.shown.settings.region,
        )


def _row(
    explained: Explanation, ready: PhaseRegions, case_id: str, bundle: NetworkBundle, job: ExplainJob
) -> dict[str, Any]:
    value = float(explained.outputs.mean())
    row: dict[str, Any] = {
        "case_id": case_id,
        "map": explained.kind.value,
        "output": bundle.outputs[bundle.output_index(job.output)],
        "value": float(probability(np.array(value))) if bundle.task is Task.CLASSIFICATION else value,
    }
    return row | _peak(explained.on_patient) | _shares(explained.on_patient, ready.masks)


def _peak(volume: sitk.Image) -> dict[str, float | None]:
    """Where the map is highest, LPS in mm; empty for a map of zeros."""
    values = sitk.GetArrayViewFromImage(volume)
    if not values.any():
        return dict.fromkeys(("peak_x_mm", "peak_y_mm", "peak_z_mm"))
    k, j, i = (int(n) for n in np.unravel_index(int(np.argmax(values)), values.shape))
    point = volume.TransformIndexToPhysicalPoint((i, j, k))
    return dict(zip(("peak_x_mm", "peak_y_mm", "peak_z_mm"), point, strict=True))


def _shares(volume: sitk.Image, masks: Mapping[str, sitk.Image]) -> dict[str, float | None]:
    """Share of the map's sum that lies in each region; empty for a map of zeros."""
    values = sitk.GetArrayViewFromImage(volume)
    total = float(values.sum(dtype=np.float64))
    shares: dict[str, float | None] = {}
    for name, mask in masks.items():
        whole = sitk.Resample(mask, volume, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
        inside = sitk.GetArrayViewFromImage(whole) != 0
        shares[f"share_{name}"] = float(values[inside].sum(dtype=np.float64)) / total if total > 0 else None
    return shares
