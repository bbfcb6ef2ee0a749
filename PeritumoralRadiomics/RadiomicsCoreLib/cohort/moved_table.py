"""A cohort table with more columns, written into another folder: its files are named as seen from there."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files.tables import read_cells, unguard_text, write_csv
from .columns import ID_COLUMN
from .table import MISSING_CELLS, file_columns

_NAMES_A_FILE = ("_image", "_mask")


def write_moved_table(cohort: Path, path: Path, added: Mapping[str, Sequence[Any]]) -> None:
    """Write a cohort table with added columns.

    Args:
        cohort: the table.
        path: of the new one, in any folder.
        added: column to its cells, in the order of the table's rows; a column that is there already is replaced.

    Raises:
        InputError: a table cannot be read or written.
    """
    header, cells = read_cells(cohort)
    names_files = {name for name in file_columns(header) if name.endswith(_NAMES_A_FILE)}
    rows = []
    for number, row in enumerate(cells):
        values: dict[str, Any] = {name: _plain(cell) for name, cell in zip(header, row, strict=True)}
        for name in names_files:
            values[name] = moved_path(str(values[name]), cohort.parent, path.parent)
        rows.append(values | {name: column[number] for name, column in added.items()})
    write_csv(path, rows, [*header, *(name for name in added if name not in header)])


def _plain(cell: str) -> str | int | float:
    """A cell as it was; a number with a sign as a number, for as a text it would be guarded like a formula."""
    text = unguard_text(cell)
    if not text.startswith(("-", "+")):
        return text
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def moved_path(cell: str, old: Path, new: Path) -> str:
    """Return a path as seen from another folder; empty cells and absolute paths stay.

    Example:
        >>> moved_path("images/ct.nii.gz", Path("data"), Path("out/split"))
        '../../data/images/ct.nii.gz'
    """
    text = cell.strip()
    if text in MISSING_CELLS or Path(text).expanduser().is_absolute():
        return cell
    try:
        return Path(os.path.relpath(old.absolute() / text, new.absolute())).as_posix()
    except ValueError:  # another drive of Windows
        return (old.absolute() / text).as_posix()


def cells_of(cohort: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """Return columns of a table as texts, the ids among them.

    Raises:
        InputError: a column is not there.
    """
    header, rows = read_cells(cohort)
    for name in names:
        if name not in header:
            raise InputError(f"the cohort has no column {name!r}; it has {', '.join(header[:12])}")
    found = {name: [unguard_text(row[header.index(name)].strip()) for row in rows] for name in (ID_COLUMN, *names)}
    return {
        name: ["" if name != ID_COLUMN and c in MISSING_CELLS else c for c in cells] for name, cells in found.items()
    }
