"""A cohort table: what it offers, the jobs that are asked of it, and one of its cases brought into the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import slicer

from RadiomicsCoreLib.cohort.table import Cohort, load_phase, read_cohort
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.images.geometry import mask_box
from RadiomicsCoreLib.jobs.registry import job_class
from RadiomicsCoreLib.settings.number_lists import read_numbers
from RadiomicsSlicerLib.runs.job_boxes import default_of
from RadiomicsSlicerLib.runs.job_run import JobRun, write_run
from RadiomicsSlicerLib.segments import add_segment
from RadiomicsSlicerLib.volumes.images import add_image

RADIOMICS, DEEP, NETWORK, FUSION, SWEEP = "radiomics", "deep", "network", "fusion", "sweep"
STEPS = (RADIOMICS, DEEP, NETWORK, FUSION, SWEEP)
"""What can be done, in order; the first four are folders of the results."""
TABLES = {RADIOMICS: "features.csv", DEEP: "features.csv", NETWORK: "signatures.csv"}
_TUMOUR_COLOUR = (0.85, 0.30, 0.25)


@dataclass(frozen=True)
class CohortColumns:
    """What a cohort table offers to choose from.

    Attributes:
        phases: of its images.
        endpoints: columns of 0 and 1, with cases of both.
        times: columns of numbers above 0.
    """

    phases: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    times: tuple[str, ...] = ()


@dataclass(frozen=True)
class CohortChoices:
    """What is asked of a cohort; empty texts and zeros leave a choice to the study or the job.

    Attributes:
        cohort, out: table and folder of the results.
        steps: of :data:`STEPS`.
        study: a published study; "": own settings.
        phases: none: all.
        endpoints: columns; the first is the one that is fused.
        time, event: columns, instead of end points.
        network, rings_mm, region: own settings of what is seen.
        preset: own radiomic features.
        folds, repeats, epochs: 0: as usual.
        classifiers: none: all.
        missing: what to do with missing features.
    """

    cohort: str
    out: str
    steps: Sequence[str]
    study: str = ""
    phases: Sequence[str] = ()
    endpoints: Sequence[str] = ()
    time: str = ""
    event: str = ""
    network: str = ""
    preset: str = "wu2021"
    rings_mm: str = "3"
    region: str = ""
    folds: int = 0
    repeats: int = 0
    epochs: int = 0
    classifiers: Sequence[str] = ()
    missing: str = ""


def columns_of(cohort: Cohort) -> CohortColumns:
    """Return what a table offers, by the values in its columns."""
    values = {name: [case.values[name] for case in cohort.cases] for name in cohort.clinical_columns}
    known = {name: [value for value in found if value is not None] for name, found in values.items()}
    return CohortColumns(
        cohort.phases,
        tuple(name for name, found in known.items() if set(found) == {0, 1}),
        tuple(name for name, found in known.items() if found and all(_is_time(value) for value in found)),
    )


def why_not(choices: CohortChoices) -> str:
    """Return in words what is missing before anything can be done; empty if nothing is."""
    if not choices.cohort:
        return "Choose a cohort table first."
    if not choices.steps:
        return "Check what is to be done first."
    if not choices.out:
        return "Choose a folder for the results first."
    survival = bool(choices.time and choices.event)
    if NETWORK in choices.steps and not (choices.endpoints or survival):
        return "Check an end point, or choose time and event, for the network to learn."
    if FUSION in choices.steps and survival and not choices.endpoints:
        return "Fusion needs an end point of 0 and 1; survival models are fitted in Survival Nomogram."
    if FUSION in choices.steps and not choices.endpoints:
        return "Check an end point for the fusion."
    if FUSION in choices.steps and not set(choices.steps) & set(TABLES):
        return "Check features or a network for the fusion to read."
    return ""


def steps_for(choices: CohortChoices) -> dict[str, dict[str, Any]]:
    """Return the jobs that are asked for, folder to plain values, in order.

    Raises:
        InputError: something is missing, or distances that are none.
    """
    missing = why_not(choices)
    if missing:
        raise InputError(missing)
    makers = {RADIOMICS: _radiomics, DEEP: _deep, NETWORK: _network, FUSION: _fusion}
    return {step: make(choices) for step, make in makers.items() if step in choices.steps}


def export_cohort(choices: CohortChoices) -> JobRun:
    """Write the jobs that are asked of a cohort into the folder of the results.

    Raises:
        InputError: something is missing, a value that a job refuses, or a folder that cannot be written.
    """
    return write_run(choices.out, steps_for(choices), notes={"choices": choices})


def load_case(cohort_file: str, case_id: str, phase: str = "") -> tuple[Any, Any]:
    """Bring a case of a cohort into the scene: its scan, and its masks as segments.

    Args:
        cohort_file: the table.
        case_id: of the case.
        phase: "": the first that the case has.

    Returns:
        The volume and the segmentation.

    Raises:
        InputError, GeometryError, RegionError: the case cannot be read.
    """
    case = read_cohort(cohort_file).case(case_id)
    names = [phase] if phase in case.images else list(case.images)
    if not names:
        raise InputError("; ".join(problem.message for problem in case.problems) or f"{case_id} has no image")
    data = load_phase(case.images[names[0]], resample=True)
    volume = add_image(data.image, f"{case_id} {names[0]}")
    scene = slicer.mrmlScene
    segmentation = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", f"{volume.GetName()} segmentation")
    segmentation.CreateDefaultDisplayNodes()
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    for name, mask, colour in (("Tumour", data.mask, _TUMOUR_COLOUR), ("Organ", data.organ, (0.65, 0.50, 0.40))):
        if mask is not None:
            box = mask_box(mask)
            inside = sitk.GetArrayViewFromImage(mask)[box.slices] != 0
            add_segment(segmentation, inside, box, volume, name=name, colour=colour, segment_id=name)
    segmentation.GetDisplayNode().SetOpacity2DFill(0.25)
    return volume, segmentation


def _base(verb: str, choices: CohortChoices) -> dict[str, Any]:
    """What every job over images is told: the table, the study that it knows, or the rings."""
    values: dict[str, Any] = {"verb": verb, "cohort": choices.cohort}
    if choices.study and choices.study in job_class(verb).studies():
        return {**values, "study": choices.study}
    distances = list(read_numbers(choices.rings_mm, "ring distances in mm"))
    return {**values, "rings": {"outer_mm": distances, "union": True}}


def _radiomics(choices: CohortChoices) -> dict[str, Any]:
    values = _base("extract", choices)
    own = {} if "study" in values else {"measure": {"preset": choices.preset}}
    return {**values, **own, **_named(phases=list(choices.phases))}


def _deep(choices: CohortChoices) -> dict[str, Any]:
    values = _base("deep_features", choices)
    network = "" if "study" in values else choices.network
    return values | _named(phases=list(choices.phases), network=network)


def _network(choices: CohortChoices) -> dict[str, Any]:
    values = _base("train", choices)
    own = {} if "study" in values else _named(network=choices.network, input=_named(region=choices.region))
    if choices.endpoints:
        learns: dict[str, Any] = {"endpoints": list(choices.endpoints)}
    else:
        learns = {"time": choices.time, "event": choices.event}
    # What fuse reads of a network must be out-of-fold.
    usual = int(default_of("fuse", "cross_validation.folds")) if FUSION in choices.steps else 0
    more = _named(
        phase=choices.phases[0] if choices.phases else _first_phase(choices.cohort),
        folds=choices.folds or usual,
        training=_named(epochs=choices.epochs),
    )
    return {**values, **own, **learns, **more}


def _fusion(choices: CohortChoices) -> dict[str, Any]:
    tables = {step: str(Path(choices.out) / step / file) for step, file in TABLES.items() if step in choices.steps}
    return {
        "verb": "fuse",
        "cohort": choices.cohort,
        "endpoint": choices.endpoints[0],
        "features": tables,
        "sweep": SWEEP in choices.steps,
        **_named(
            cross_validation=_named(folds=choices.folds, repeats=choices.repeats),
            classifiers=list(choices.classifiers),
            columns=_named(missing=choices.missing.strip()),
        ),
    }


def _first_phase(cohort: str) -> str:
    return read_cohort(cohort).phases[0]


def _named(**values: Any) -> dict[str, Any]:
    """Leave out what is not said: empty texts, lists and groups, and zeros."""
    return {name: value for name, value in values.items() if value}


def _is_time(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0 and value != 1
