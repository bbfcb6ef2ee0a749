"""Table nodes: columns by name, and the settings and nodes that a table was made from, kept in the scene.

Slicer saves the numbers of a table with six digits. Ours are kept in full beside the table, as an attribute of its
node, and come back with the scene.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import slicer
import vtk

from RadiomicsCoreLib.errors import InputError

RECORD = "PeritumoralRadiomics.Record"
FEATURES = "PeritumoralRadiomics.Features"
"""Marks tables of features, so that no panel offers the ring quality table in their place."""
VALUES = "PeritumoralRadiomics.Values"
_SAVED_PRECISION = 1e-5


def put_table(
    columns: Mapping[str, Sequence[Any]],
    name: str,
    node: Any = None,
    descriptions: Mapping[str, str] | None = None,
    titles: Mapping[str, str] | None = None,
) -> Any:
    """Fill a table node: texts become text columns, whole numbers and floats numeric ones.

    Args:
        columns: name to values, all of one length.
        name: of a new node; "_1" and so on is appended if it is taken.
        node: a table node to fill anew; None: a new one.
        descriptions: of columns, shown as tooltips of their heads.
        titles: of columns, shown as their heads in place of the names.

    Returns:
        The vtkMRMLTableNode.
    """
    if node is None:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLTableNode", slicer.mrmlScene.GenerateUniqueName(name))
    modified = node.StartModify()
    try:
        node.RemoveAllColumns()
        node.SetUseColumnTitleAsColumnHeader(True)
        for title, values in columns.items():
            array = _array(values)
            array.SetName(title)
            node.AddColumn(array)
        for title, text in (descriptions or {}).items():
            node.SetColumnDescription(title, text)
        for title, text in (titles or {}).items():
            node.SetColumnTitle(title, text)
        node.SetLocked(True)
        node.SetAttribute(VALUES, json.dumps(_numbers(node)))
    finally:
        node.EndModify(modified)
    return node


def table_columns(node: Any) -> dict[str, list[Any]]:
    """Return the columns of a table node, texts and numbers; ours in full, even after saving and loading.

    A number that somebody changed in the table is returned as it stands there.
    """
    table = node.GetTable()
    arrays = [table.GetColumn(n) for n in range(table.GetNumberOfColumns())]
    exact = json.loads(node.GetAttribute(VALUES) or "{}")
    return {array.GetName(): _in_full(_values(array), exact.get(array.GetName(), [])) for array in arrays}


def restore_tables() -> None:
    """Put the numbers of all our tables back in full; of use after a scene was loaded."""
    for node in slicer.util.getNodesByClass("vtkMRMLTableNode"):
        if not node.GetAttribute(VALUES):
            continue
        for name, values in table_columns(node).items():
            array = node.GetTable().GetColumnByName(name)
            if isinstance(array, vtk.vtkDoubleArray):
                for row, value in enumerate(values):
                    array.SetValue(row, value)
        node.GetTable().Modified()


def keep_record(node: Any, record: Mapping[str, Any], nodes: Mapping[str, Any]) -> None:
    """Keep with a node how it was made; both survive saving and loading the scene.

    Args:
        node: any node.
        record: plain values.
        nodes: role to the node that it was made from.
    """
    node.SetAttribute(RECORD, json.dumps(record))
    for role, other in nodes.items():
        node.SetNodeReferenceID(reference_role(role), other.GetID())


def record_of(node: Any) -> dict[str, Any]:
    """Return what :func:`keep_record` kept.

    Raises:
        InputError: nothing was kept: another program made this node.
    """
    text = node.GetAttribute(RECORD) if node is not None else None
    if not text:
        name = f"table {node.GetName()!r}" if node is not None else "the table"
        raise InputError(f"{name} was not made by Peritumoral Radiomics; choose a table of features")
    return json.loads(text)


def source_of(node: Any, role: str) -> Any:
    """Return the node that a node was made from, or belongs to, in a role; None if it is gone."""
    return node.GetNodeReference(reference_role(role))


def reference_role(role: str) -> str:
    """Return the name of a node reference of ours."""
    return f"PeritumoralRadiomics.{role}"


def _values(array: Any) -> list[Any]:
    return [array.GetValue(row) for row in range(array.GetNumberOfValues())]


def _numbers(node: Any) -> dict[str, list[float]]:
    table = node.GetTable()
    arrays = [table.GetColumn(n) for n in range(table.GetNumberOfColumns())]
    return {array.GetName(): _values(array) for array in arrays if isinstance(array, vtk.vtkDoubleArray)}


def _in_full(values: list[Any], exact: list[float]) -> list[Any]:
    if len(values) != len(exact):
        return values
    return [
        kept if value == kept or math.isclose(value, kept, rel_tol=_SAVED_PRECISION) else value
        for value, kept in zip(values, exact, strict=True)
    ]


def _array(values: Sequence[Any]) -> Any:
    if all(isinstance(value, str) for value in values):
        array = vtk.vtkStringArray()
        plain = list(values)
    elif all(isinstance(value, int) for value in values):
        array = vtk.vtkIntArray()
        plain = list(values)
    else:
        array = vtk.vtkDoubleArray()
        plain = [math.nan if value is None else float(value) for value in values]
    array.SetNumberOfValues(len(plain))
    for row, value in enumerate(plain):
        array.SetValue(row, value)
    return array
