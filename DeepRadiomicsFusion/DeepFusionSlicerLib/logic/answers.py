"""A bundle's answer for one patient: jobs to rows, to a table node, a waterfall chart, a mask, and what was seen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import SimpleITK as sitk
import slicer
import slicer.util

from DeepRadiomicsFusionLib.models.bundle_card import BundleCard, read_card
from DeepRadiomicsFusionLib.models.bundle_steps import ANSWER, CONTRIBUTIONS, MAPS, map_step, steps_of
from DeepRadiomicsFusionLib.networks.weights_here import weights_state
from DeepRadiomicsFusionLib.settings.training_settings import Task
from PeritumoralRadiomicsLib.engines.choice import DEFAULT_ENGINE, get_engine
from PeritumoralRadiomicsLib.settings.intensity_unit import IntensityUnit, unit_of_values
from RadiomicsCoreLib.errors import InputError, ModelError, RadiomicsError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox
from RadiomicsCoreLib.jobs.batch import case_folder
from RadiomicsSlicerLib.nodes import volume_grid
from RadiomicsSlicerLib.results.series_chart import Axes, Series, put_chart
from RadiomicsSlicerLib.runs.job_run import JobRun, write_run
from RadiomicsSlicerLib.runs.scene_case import CASE_ID, SceneCase
from RadiomicsSlicerLib.segments import add_segment, make_editable
from RadiomicsSlicerLib.tables import keep_record, put_table, record_of, table_columns
from RadiomicsSlicerLib.volumes.images import add_image, read_made
from RadiomicsSlicerLib.volumes.overlays import put_map

ANSWERS = "PeritumoralRadiomics.Answers"
"""Marks tables of answers."""
COLUMNS = ("output", "value", "lowest", "highest", "threshold", "says", "reason")
_MOST_BARS = 10
_SHOWN_SHARE = 0.05
"""Of a map's highest value: what is below is transparent."""
_UP, _DOWN, _TOTAL = (0.84, 0.27, 0.25), (0.20, 0.45, 0.75), (0.35, 0.35, 0.35)
_MASK_COLOUR = (0.95, 0.75, 0.20)


def mismatches(card: BundleCard, case: SceneCase) -> list[str]:
    """Return in words what of a scan differs from what a bundle was trained on; empty if nothing is seen to.

    The jobs refuse what would be wrong; this is said before.
    """
    found = []
    if card.phases and case.phase not in card.phases:
        found.append(
            f"The model was trained on the phase {card.phase!r}, this scan is called {case.phase!r}: "
            "choose that scan, or call this one so if it is of that phase."
        )
    if len(card.phases) > 1:
        found.append(f"It reads {len(card.phases)} phases ({', '.join(card.phases)}); one scan is chosen here.")
    if card.scores:
        found.append(f"It takes {', '.join(card.scores)} beside the image, which a scan alone does not give.")
    return [*found, *_not_here(card), *([] if case.volume is None else _of_the_scan(card, case.volume))]


def _not_here(card: BundleCard) -> list[str]:
    """What a bundle needs and this computer lacks: another engine, the weights of a network behind its features."""
    found = []
    if card.engine not in ("", DEFAULT_ENGINE):
        try:
            get_engine(card.engine)
        except RadiomicsError as error:
            found.append(f"Its features are {card.engine}'s: {error}.")
    for name in {str(made["network"].get("name")) for made in card.sources.values() if "network" in made}:
        state = weights_state(name)
        found += [] if state.is_here else [f"It reads features of {name}. {state.words}"]
    return found


def _of_the_scan(card: BundleCard, volumeNode: Any) -> list[str]:
    """What is different in the scan: the unit of its intensities, its voxels."""
    found = []
    values = slicer.util.arrayFromVolume(volumeNode)
    if card.shown.get("window_level") is not None and unit_of_values(values, "") is not IntensityUnit.HU:
        low, high = (card.shown["window_level"] + sign * card.shown["window_width"] / 2 for sign in (-1, 1))
        found.append(f"It shows intensities from {low:g} to {high:g}; this scan does not look like a CT in HU.")
    if card.shown.get("spacing_mm"):
        spacing = " x ".join(f"{mm:.2g}" for mm in volume_grid(volumeNode).spacing)
        found.append(f"Voxels of {spacing} mm are resampled to cubes of {card.shown['spacing_mm']:g} mm.")
    return found


def export_answer(folder: Path | str, bundle: Path | str, case: SceneCase) -> JobRun:
    """Write the jobs that a bundle's answer takes to a folder; the scene is not changed.

    Raises:
        ModelError: no bundle, or one whose answer needs what is not here.
        InputError, RegionError, GeometryError: nodes or segments cannot be used.
    """
    card = read_card(bundle)
    _refuse_phases(card, case)
    cohort = case.write(Path(folder) / "case")
    return write_run(folder, steps_of(card, cohort, folder), case.nodes, {"card": card, "case": case})


def export_map(folder: Path | str, bundle: Path | str, case: SceneCase, kind: str, endpoint: str = "") -> JobRun:
    """Write the job that maps what decided a network's answer; arguments and errors as :func:`export_answer`."""
    card = read_card(bundle)
    _refuse_phases(card, case)
    if not card.is_network:
        raise ModelError("a classifier reads tables and has no map; its contributions say what decided")
    cohort = case.write(Path(folder) / "case")
    notes = {"card": card, "case": case, "kind": kind, "endpoint": endpoint or card.outputs[0]}
    return write_run(folder, map_step(card, cohort, kind, endpoint or None), case.nodes, notes)


def import_answer(run: JobRun, tableNode: Any = None) -> Any:
    """Bring an answer into the scene.

    Args:
        run: from :func:`export_answer`, done.
        tableNode: a table to fill anew; None: a new one.

    Returns:
        The vtkMRMLTableNode: a row an output, with :data:`COLUMNS`. Contributions, where there are any, are kept with
        it for :func:`contribution_chart`.

    Raises:
        RadiomicsError, InputError: the jobs failed or were stopped.
    """
    run.check()
    card, case = run.notes["card"], run.notes["case"]
    rows = answer_rows(card, run.rows(ANSWER, "predictions")[0])
    table = put_table(
        {name: [row[name] for row in rows] for name in COLUMNS}, f"{case.volume.GetName()} answer", tableNode
    )
    contributions = run.rows(CONTRIBUTIONS, "contributions") if CONTRIBUTIONS in run.steps else []
    record = {"kind": "answer", "bundle": str(card.path), "words": card.words, "contributions": contributions[:1]}
    segmentation = {"segmentation": case.segmentation} if case.tumour else {}
    keep_record(table, record, {"volume": case.volume, **segmentation})
    table.SetAttribute(ANSWERS, "1")
    return table


def answer_rows(card: BundleCard, found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row an output, from the patient's row of ``predictions.csv``."""
    rows = []
    for output in card.outputs if card.task is not Task.SEGMENTATION else ():
        column = f"{output}.probability" if card.task is Task.CLASSIFICATION else output
        value = found.get(column if card.is_network else "probability")
        called = found.get(f"{output}.positive" if card.is_network else "positive")
        threshold = card.thresholds.get(output)
        notes = [found.get("reason"), found.get("unusual")]
        if value is not None and threshold is None:
            notes.append("the bundle holds no threshold for it")
        says = "" if called is None else _says(card, bool(called))
        numbers = {
            "value": value,
            "lowest": found.get("lowest"),
            "highest": found.get("highest"),
            "threshold": threshold,
        }
        rows.append(
            {"output": output, "says": says, "reason": "; ".join(str(note) for note in notes if note)}
            | {name: math.nan if number is None else float(number) for name, number in numbers.items()}
        )
    if card.task is Task.SEGMENTATION:
        volume = found.get("volume_ml")
        numbers = {"value": volume, "lowest": None, "highest": None, "threshold": None}
        nothing = "nothing is drawn on this scan; there is no segment" if volume == 0 else ""
        rows.append(
            {"output": "mask (ml)", "says": "", "reason": str(found.get("reason") or nothing)}
            | {name: math.nan if number is None else float(number) for name, number in numbers.items()}
        )
    return rows


def put_mask(run: JobRun, segmentationNode: Any, name: str) -> str:
    """Add the mask that a network has drawn as a segment, to confirm or edit; return its id, "" of an empty mask.

    Raises:
        InputError: there is no mask.
    """
    case = run.notes["case"]
    mask = sitk.GetArrayFromImage(read_made(case_folder(run.out(ANSWER), CASE_ID) / "mask.nii.gz")) != 0
    if not mask.any():
        return ""
    make_editable(segmentationNode, case.volume)
    grid = volume_grid(case.volume)
    box = IndexBox((0, 0, 0), grid.size)
    return add_segment(segmentationNode, mask, box, case.volume, name=name, colour=_MASK_COLOUR)


def put_seen(run: JobRun, node: Any = None) -> Any:
    """Put what the network saw into the scene, as a volume in its place in the patient; None if nothing was kept."""
    path = case_folder(run.out(ANSWER), CASE_ID) / "seen.nii.gz"
    if not path.is_file():
        return None
    volume = run.notes["case"].volume
    made = add_image(read_made(path), f"{volume.GetName()} as the network sees it", node)
    keep_record(made, {"kind": "network input"}, {"volume": volume})
    return made


def import_map(run: JobRun, mapNode: Any = None) -> Any:
    """Bring a map into the scene as a coloured overlay on the scan, transparent where it is low.

    Raises:
        RadiomicsError, InputError: the job failed or was stopped.
        RegionError: the map is zero everywhere.
    """
    run.check()
    case, kind, endpoint = run.notes["case"], run.notes["kind"], run.notes["endpoint"]
    values = sitk.GetArrayFromImage(read_made(case_folder(run.out(MAPS), CASE_ID) / f"{kind}.nii.gz")).astype(float)
    if not values.max() > 0:
        raise RegionError(
            f"the map is zero everywhere: nothing that it shows speaks for {endpoint}; choose the other kind of map"
        )
    values[values <= _SHOWN_SHARE * values.max()] = math.nan
    words = f"{kind.replace('_', ' ')} of {endpoint}"
    rows = run.rows(MAPS, "explanations")
    record = {"kind": "decision map", "feature": words, "map": kind, "endpoint": endpoint, "explanation": rows[:1]}
    box = IndexBox((0, 0, 0), volume_grid(case.volume).size)
    sources = {"segmentation": case.segmentation} if case.tumour else {}
    return put_map(values, box, case.volume, name=words, record=record, sources=sources, mapNode=mapNode)


def contribution_chart(tableNode: Any) -> Any:
    """Draw what each input added to an answer as a waterfall: from the mean patient, below, to this one, above.

    Args:
        tableNode: from :func:`import_answer`.

    Raises:
        InputError: the answer has no contributions: a network's has none.
    """
    record = record_of(tableNode)
    if not record.get("contributions"):
        raise InputError("this answer has no contributions: a network has none; show on the scan what decided it")
    row = dict(record["contributions"][0])
    base, prediction = float(row["base"]), float(row["prediction"])
    parts = {key: float(value) for key, value in row.items() if isinstance(value, float | int)}
    steps = waterfall(base, {key: value for key, value in parts.items() if key not in ("base", "prediction")})
    series = [
        Series(f"{label}: {end - start:+.3f}", (start, end), (place, place), _UP if end >= start else _DOWN, width=9)
        for place, (label, start, end) in enumerate(steps, start=1)
    ]
    top = len(steps) + 1
    ends = [
        Series(f"mean patient {base:.3f}", (base, base), (0, top), _TOTAL, width=1, dashed=True),
        Series(f"this patient {prediction:.3f}", (prediction, prediction), (0, top), _TOTAL, width=2),
    ]
    axes = Axes("What each input added", "probability", "input, the strongest at the top", y_range=(0, top))
    return put_chart("Contributions", [*reversed(series), *ends], axes)


def waterfall(base: float, parts: Mapping[str, float], most: int = _MOST_BARS) -> list[tuple[str, float, float]]:
    """Return name, start and end of each bar, from the weakest to the strongest; many weak ones are one bar.

    Example:
        >>> waterfall(0.5, {"a": 0.1, "b": -0.3})
        [('a', 0.5, 0.6), ('b', 0.6, 0.3)]
    """
    ordered = sorted(parts.items(), key=lambda item: abs(item[1]))
    rest, shown = ordered[: max(0, len(ordered) - most)], ordered[max(0, len(ordered) - most) :]
    if rest:
        shown = [(f"{len(rest)} others", sum(value for _, value in rest)), *shown]
    bars, at = [], base
    for name, value in shown:
        bars.append((name, at, round(at + value, 12)))
        at = bars[-1][2]
    return bars


def shown_rows(tableNode: Any) -> list[dict[str, Any]]:
    """Return the rows of an answer's table; empty without one."""
    columns = table_columns(tableNode) if tableNode is not None else {}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _says(card: BundleCard, positive: bool) -> str:
    words: Sequence[str] = ("low risk", "high risk") if card.task is Task.SURVIVAL else ("no", "yes")
    return words[positive]


def _refuse_phases(card: BundleCard, case: SceneCase) -> None:
    if len(card.phases) > 1:
        raise InputError(
            f"the model reads the phases {', '.join(card.phases)}, and one scan is chosen; apply it to a cohort table"
        )
    if card.phases and case.phase not in card.phases:
        raise ModelError(
            f"the model was trained on phase {card.phase!r}, and this scan is called {case.phase!r}; choose that scan, "
            "or change the name of the phase if it is one"
        )
