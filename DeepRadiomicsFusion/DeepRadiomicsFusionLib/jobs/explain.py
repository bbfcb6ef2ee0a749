"""``explain``: what decided a trained network's output, as volumes and pictures of every patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.cohort.table import Case
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.tables import write_json
from RadiomicsCoreLib.jobs.batch import CaseWork
from RadiomicsCoreLib.jobs.cases import case_json, run_cases
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.checks import choice
from RadiomicsCoreLib.settings.options import option

from ..explanation.grad_cam import Explanation, MapKind, explain_case
from ..explanation.map_figure import save_map_figure
from ..inputs.deep_cases import PhaseRegions, open_cohort, phase_regions, scores_of, scores_record
from ..networks.network_bundle import NetworkBundle, check_fits
from ..networks.network_source import NetworkSource, network_in_this_process, required_bundle, weights_hash
from ..networks.prediction import probability
from ..settings.training_settings import Device, Task
from .cohort_job import CohortJob, device_option, workers_for

MAPS_FILE = "maps.json"
_TITLES = {MapKind.GRAD_CAM: "Grad-CAM", MapKind.INPUT_GRADIENT: "input gradient"}


@dataclass(frozen=True, kw_only=True)
class ExplainJob(CohortJob):
    """Map what decided a network's output for every case; a failing case never stops the others.

    Writes ``cases/<case_id>/<map>.nii.gz`` on the grid of the patient's image, a picture of each map, and
    ``explanations.csv`` (output, place of the peak, share of the map in each region).

    Attributes:
        bundle: the trained network, a folder or a zip.
        maps: which maps.
        endpoint: name of the output, such as an endpoint; None: the first.
        layer: of Grad-CAM; None: the network's feature layer.
        cases: ids of the cases to do; None: all.
        device: where the network runs.

    Raises:
        InputError: no map is named.
    """

    verb = "explain"

    bundle: Path = option("model folder or zip that train wrote", positional=True)
    maps: tuple[MapKind, ...] = option(
        "grad_cam,input_gradient (the default)",
        (MapKind.GRAD_CAM, MapKind.INPUT_GRADIENT),
        choices=tuple(kind.value for kind in MapKind),
    )
    endpoint: str | None = option("output to explain (default: the first)", None)
    layer: str | None = option("layer of Grad-CAM (default: the network's feature layer)", None)
    cases: tuple[str, ...] | None = option("cases to do (default: all)", None)
    device: Device = device_option()

    def __post_init__(self) -> None:
        object.__setattr__(self, "maps", tuple(choice("maps", MapKind, kind) for kind in self.maps))
        if not self.maps:
            raise InputError("no map is named; choose grad_cam, input_gradient or both")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Explain every case."""
        source = NetworkSource(weights=str(self.bundle), device=self.device.value)
        loaded = source.load(part_of(progress, 0.0, 0.02))
        bundle = required_bundle(loaded, self.bundle)
        table = open_cohort(self.cohort, None, self.cases)
        if bundle.phase not in table.phases:
            check_fits(bundle, phase=", ".join(table.phases))
        sha256 = weights_hash(loaded.network)
        made = {
            "rings": bundle.to_dict()["rings"],
            "input": bundle.input.to_dict(),
            "network": {"name": loaded.name, "weights_sha256": sha256},
            "maps": [kind.value for kind in self.maps],
            "output": bundle.outputs[bundle.output_index(self.endpoint)],
            "layer": self.layer,
            "pictures": self.pictures,
            "resample_masks": self.resample_masks,
        }
        outcomes = run_cases(
            output,
            table,
            partial(_do_case, self, source, sha256),
            made,
            workers=workers_for(loaded.network, self.workers),
            progress=part_of(progress, 0.02, 1.0),
            phases=[bundle.phase],
            also=partial(scores_record, names=bundle.score_names),
        )
        rows = [row for outcome in outcomes for row in case_json(output.folder, outcome.case_id, MAPS_FILE) or ()]
        columns = list(dict.fromkeys(["case_id", *(name for row in rows for name in row)]))
        output.files["explanations"] = output.table("explanations", rows, columns)


def _do_case(
    job: ExplainJob, source: NetworkSource, sha256: str, case: Case, phases: Sequence[str], folder: Path
) -> CaseWork:
    loaded = network_in_this_process(source, sha256)
    bundle = loaded.bundle
    assert bundle is not None  # the job has refused anything else
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
                output=bundle.output_index(job.endpoint),
                layer=job.layer,
                scores=scores,
            )
            for kind in job.maps
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
) -> dict[str, object]:
    value = float(explained.outputs.mean())
    row: dict[str, object] = {
        "case_id": case_id,
        "map": explained.kind.value,
        "output": bundle.outputs[bundle.output_index(job.endpoint)],
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
