"""The values of one patient: from the tables of features in the scene, and the reading as a table node."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import slicer.util

from RadiomicsSlicerLib.tables import FEATURES, put_table, record_of, table_columns
from SurvivalNomogramLib.bundles.bundle import ModelBundle
from SurvivalNomogramLib.bundles.patient_reading import PatientReading, covariates_of

_NAME, _VALUE = "feature", "value"


def values_in_scene(bundle: ModelBundle) -> dict[str, tuple[float | str, str]]:
    """Return the covariates whose values stand in tables of the scene, with the name of the table.

    Looked for are ``<phase>.<region>.<feature>`` in tables of features of a region a column (any table serves a
    covariate without a phase, and where it has one, tables of another phase are passed over), and any covariate in
    tables of two columns ``feature`` and ``value``, or of a single row. A later table goes before an earlier one.

    Args:
        bundle: whose covariates are looked for.
    """
    found: dict[str, tuple[float | str, str]] = {}
    names = [term.name for term in covariates_of(bundle)]
    for node in slicer.util.getNodesByClass("vtkMRMLTableNode"):
        columns = table_columns(node)
        for name in names:
            value = _value(node, columns, name)
            if value is not None:
                found[name] = (value, node.GetName())
    return found


def reading_table(reading: PatientReading, tableNode: Any = None) -> Any:
    """Put a reading into a table node: what, value, lower and upper end of its interval, as texts."""
    what = "incidence" if reading.is_incidence else "survival"
    unit = getattr(reading.bundle.model, "time_unit", "")
    rows = [
        (f"{name} (points)", f"{points:.1f}", str(reading.values[name]), "") for name, points in reading.points.items()
    ]
    rows.append(("total points", f"{reading.total_points:.1f}", "", ""))
    rows.append(("linear predictor", f"{reading.linear_predictor:.4f}", "", ""))
    for one in reading.horizons:
        rows.append(
            (f"{what} at {one.time:g} {unit}", *(f"{number:.4f}" for number in (one.probability, one.lower, one.upper)))
        )
    rows += [(f"median survival ({unit})", f"{reading.median:g}", "", "")] if reading.median == reading.median else []
    rows += [("risk group", reading.group, "", "")] if reading.group else []
    rows += [("note", note, "", "") for note in notes_of(reading)]
    columns = dict(zip(("what", "value", "lower", "upper"), map(list, zip(*rows, strict=True)), strict=True))
    return put_table(columns, "This patient", tableNode)


def notes_of(reading: PatientReading) -> list[str]:
    """Return what a reader must know of a reading, one line each."""
    outside = [
        f"{name} lies outside the range of the training patients: the model is extrapolated" for name in reading.outside
    ]
    return [*reading.notes, *outside]


def _value(node: Any, columns: Mapping[str, Sequence[Any]], name: str) -> float | str | None:
    if node.GetAttribute(FEATURES):
        return _feature(node, columns, name)
    if list(columns) == [_NAME, _VALUE]:
        return _cell(dict(zip(columns[_NAME], columns[_VALUE], strict=True)).get(name))
    if node.GetNumberOfRows() == 1 and name in columns:
        return _cell(columns[name][0])
    return None


def _feature(node: Any, columns: Mapping[str, Sequence[Any]], name: str) -> float | str | None:
    """Return a feature of a region from a table with a column a region."""
    features = columns.get(_NAME, ())
    for region in columns:
        phase, dot, feature = name.rpartition(f"{region}.") if f"{region}." in name else ("", "", "")
        if dot and feature in features and _is_phase(node, phase.rstrip(".")):
            return _cell(columns[region][list(features).index(feature)])
    return None


def _is_phase(node: Any, phase: str) -> bool:
    """Whether a table may be of a phase: it says so, or it says nothing."""
    stated = str(record_of(node).get("phase", ""))
    return not phase or not stated or stated == phase


def _cell(value: Any) -> float | str | None:
    return None if value is None or value == "" or value != value else value
