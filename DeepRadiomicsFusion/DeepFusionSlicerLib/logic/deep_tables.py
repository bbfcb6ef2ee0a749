"""Deep features of the patient in the scene: a job, and its table as a node, joined with radiomic features."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from PeritumoralRadiomicsLib.regions.kinds import TUMOUR
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings, ring_spans, union_name
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.number_lists import read_numbers
from RadiomicsSlicerLib.runs.job_run import JobRun, write_run
from RadiomicsSlicerLib.runs.scene_case import SceneCase
from RadiomicsSlicerLib.tables import FEATURES, keep_record, put_table, record_of, table_columns

STEP = "deep"
FEATURE_COLUMN = "feature"
_NO_NUMBER = {"inner_mm": None, "outer_mm": None}


def region_names(rings_mm: str) -> list[str]:
    """Return the regions that ring distances make: the tumour, the rings, and their unions with the tumour.

    Raises:
        InputError: a text that holds no distances.

    Example:
        >>> region_names("3")
        ['intratumour', 'ring_0_3mm', 'intra_ring_0_3mm']
    """
    rings = [span.name for span in ring_spans(_rings(rings_mm), 1.0)]
    return [TUMOUR, *rings, *(union_name(ring) for ring in rings)]


def export_deep_features(
    folder: Path | str, case: SceneCase, network: str, rings_mm: str, regions: Sequence[str] = ()
) -> JobRun:
    """Write a job of deep features to a folder; the scene is not changed.

    Args:
        folder: made if it is not there.
        case: scan and tumour.
        network: by name, with its published weights.
        rings_mm: distances as typed, ``3, 6``.
        regions: to read; none: all.

    Raises:
        InputError, RegionError, GeometryError: nodes, segments or distances cannot be used.
    """
    values: dict[str, Any] = {
        "verb": "deep_features",
        "cohort": str(case.write(Path(folder) / "case")),
        "network": network,
        "rings": {"outer_mm": list(_rings(rings_mm).outer_mm), "union": True},
        "regions": list(regions),
        "phases": [case.phase],
        "pictures": False,
        "workers": 1,
    }
    return write_run(folder, {STEP: values}, case.nodes, {"case": case, "network": network})


def import_deep_features(run: JobRun, tableNode: Any = None, join: Any = None) -> Any:
    """Bring deep features into the scene: one row a feature, one column a region, as those of an extraction.

    Args:
        run: from :func:`export_deep_features`, done.
        tableNode: a table to fill anew; None: a new one.
        join: a table of radiomic features of the same patient, put above; None: none.

    Raises:
        RadiomicsError, InputError: the job failed or was stopped, or the other table is none of features.
    """
    run.check()
    case = run.notes["case"]
    found = by_region(run.rows(STEP, "features")[0])
    notes = {row["region"]: row for row in run.rows(STEP, "regions")}
    record: dict[str, Any] = {"kind": "features", "volume": case.volume.GetName(), "network": run.notes["network"]}
    record["regions"] = {name: _note(notes.get(name, {})) for name in found}
    if join is not None:
        other = record_of(join)
        record = {**other, **record, "regions": {**record["regions"], **other.get("regions", {})}}
    columns = joined(table_columns(join) if join is not None else {}, found)
    node = put_table(columns, f"{case.volume.GetName()} deep features", tableNode)
    keep_record(node, record, {"volume": case.volume, "segmentation": case.segmentation})
    node.SetAttribute(FEATURES, "1")
    return node


def by_region(row: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """Return region to feature to value, from a row of columns ``<phase>.<region>.<feature>``.

    Example:
        >>> by_region({"case_id": "p", "ct.intratumour.net_0": 1.5})
        {'intratumour': {'net_0': 1.5}}
    """
    found: dict[str, dict[str, float]] = {}
    for column, value in row.items():
        parts = column.split(".", 2)
        if len(parts) == 3:
            found.setdefault(parts[1], {})[parts[2]] = math.nan if value is None else float(value)
    return found


def joined(table: Mapping[str, Sequence[Any]], deep: Mapping[str, Mapping[str, float]]) -> dict[str, list[Any]]:
    """Return the columns of a table with deep features below those that it has; what a region lacks is NaN.

    Raises:
        InputError: the table holds no features.

    Example:
        >>> joined({"feature": ["Mean"], "intratumour": [2.0]}, {"ring_0_3mm": {"net_0": 1.0}})
        {'feature': ['Mean', 'net_0'], 'intratumour': [2.0, nan], 'ring_0_3mm': [nan, 1.0]}
    """
    if table and FEATURE_COLUMN not in table:
        raise InputError("the table to join with holds no features; choose one that Extract made")
    names = list(table.get(FEATURE_COLUMN, ()))
    added = [name for name in dict.fromkeys(n for found in deep.values() for n in found) if name not in names]
    columns: dict[str, list[Any]] = {FEATURE_COLUMN: [*names, *added]}
    for region in dict.fromkeys([*(name for name in table if name != FEATURE_COLUMN), *deep]):
        above = list(table.get(region, [math.nan] * len(names)))
        columns[region] = [*above, *(deep.get(region, {}).get(name, math.nan) for name in added)]
    return columns


def _rings(text: str) -> RingSettings:
    return RingSettings(outer_mm=read_numbers(text, "ring distances in mm"))


def _note(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: row.get(name) for name in ("segment", "kind", "inner_mm", "outer_mm", "voxels")}
    return {**_NO_NUMBER, "kind": "other", "warnings": [], **{k: v for k, v in kept.items() if v is not None}}
