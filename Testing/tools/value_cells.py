"""The numbers in an output folder as a flat list of cells, so that two runs can be compared value by value.

A cell is named by the file it stands in, its row and its column; nothing of it depends on the words of the command
line, on the folder or on the time. Tables and bundles give every value; images, arrays and weights give their size,
range, sum and the SHA-256 of their values. Pictures, logs, notes and the records of how a run was made give none.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

# How and when a run was made: times, paths, versions, hashes of inputs; and what it said in words.
RECORDS = {"study.json", "begun.json", "status.json", "job.yaml", "log.txt", "notes.txt"}
# Parts of a bundle that say how it was made, or how it was asked for, and hold no result.
NO_RESULT = {
    *("provenance", "settings", "trained_on", "versions", "version", "format", "made", "command"),
    *("notes", "warnings", "file", "files"),
}
# What stands in a case's folder stands in the tables too, but for images and arrays.
CASES = "cases"
_WHOLE = re.compile(r"[+-]?\d{1,18}\Z", re.ASCII)


class Cell(NamedTuple):
    """One value: file (relative to the output folder), row, column, and the value as text (see :func:`as_text`)."""

    file: str
    row: str
    column: str
    value: str


def folder_cells(folder: Path) -> Iterator[Cell]:
    """Yield the cells of all files below a folder, in the order of their names.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> _ = (folder / "t.csv").write_text("case_id,age,dose\\np1,61,0.5\\n")
        >>> [cell.value for cell in folder_cells(folder)]
        ['61', '0x1.0000000000000p-1']
    """
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.name in RECORDS:
            continue
        if name.endswith((".nii.gz", ".nrrd")):
            yield from image_cells(name, path)
        elif path.suffix == ".npy":
            yield from array_cells(name, "", np.load(path, allow_pickle=False))
        elif path.suffix == ".safetensors":
            yield from weight_cells(name, path)
        elif CASES in path.relative_to(folder).parts:
            continue
        elif path.suffix == ".csv":
            yield from table_cells(name, path)
        elif path.suffix == ".parquet":
            yield parquet_cell(name, path)
        elif path.suffix == ".json":
            yield from json_cells(name, "", json.loads(path.read_bytes()))
        elif path.suffix == ".txt":  # formulas of signatures
            lines = path.read_text(encoding="utf-8").splitlines()
            yield from (Cell(name, f"line {number}", "", line) for number, line in enumerate(lines, start=1))


def table_cells(name: str, path: Path) -> Iterator[Cell]:
    """Yield the cells of a CSV; a row is named by its leading columns, as many as tell the rows apart."""
    with path.open(newline="", encoding="utf-8") as stream:
        header, *rows = [row for row in csv.reader(stream) if row]
    keys, used = row_keys(rows)
    for key, row in zip(keys, rows, strict=True):
        for column, text in list(zip(header, row, strict=True))[used:]:
            yield Cell(name, key, column, as_text(text))


def row_keys(rows: Sequence[Sequence[str]]) -> tuple[list[str], int]:
    """Return a name for every row, and how many leading columns are used up by it.

    Columns of fractions name no row: one changed digit would make a row that is missing and a new one. Rows that the
    others cannot tell apart are numbered.

    Example:
        >>> row_keys([["p1", "ct", "0.5"], ["p1", "pet", "0.7"]])
        (['p1|ct', 'p1|pet'], 2)
        >>> row_keys([["model", "0.01"], ["model", "0.02"]])
        (['model', 'model#2'], 1)
    """
    width = min((len(row) for row in rows), default=0)
    fractions = [any(_is_fraction(row[index]) for row in rows) for index in range(width)]
    longest = fractions.index(True) if True in fractions else width
    for used in range(1, longest + 1):
        keys = ["|".join(row[:used]) for row in rows]
        if len(set(keys)) == len(rows):
            return keys, used
    # No run of columns is enough: the first one and a number, so that most columns stay cells.
    used = min(1, longest)
    seen: Counter[str] = Counter()
    keys = []
    for row in rows:
        key = "|".join(row[:used])
        seen[key] += 1
        keys.append(key if seen[key] == 1 else f"{key}#{seen[key]}")
    return keys, used


def json_cells(name: str, place: str, value: Any) -> Iterator[Cell]:
    """Yield the numbers, truths and texts of a JSON file, each named by the way to it: ``model.coefficients[3]``."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key not in NO_RESULT and "sha256" not in key and "hash" not in key:
                yield from json_cells(name, f"{place}.{key}" if place else key, item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from json_cells(name, f"{place}[{index}]", item)
    elif value is not None:
        yield Cell(name, place, "", as_text(value if isinstance(value, str) else json.dumps(value)))


def image_cells(name: str, path: Path) -> Iterator[Cell]:
    """Yield what :func:`array_cells` says of an image's voxels, and the hash of its place in the patient."""
    import SimpleITK as sitk

    image = sitk.ReadImage(str(path))
    place = np.array([*image.GetOrigin(), *image.GetSpacing(), *image.GetDirection()])
    yield Cell(name, "", "geometry_sha256", _sha256(place))
    yield from array_cells(name, "", sitk.GetArrayFromImage(image))


def weight_cells(name: str, path: Path) -> Iterator[Cell]:
    """Yield what :func:`array_cells` says of every tensor of a network."""
    from safetensors.numpy import load_file

    for tensor, values in sorted(load_file(path).items()):
        yield from array_cells(name, tensor, values)


def array_cells(name: str, row: str, values: np.ndarray) -> Iterator[Cell]:
    """Yield shape, type, range, sum (how far two arrays differ) and hash (whether they do)."""
    yield Cell(name, row, "shape", f"{values.dtype} {'x'.join(map(str, values.shape))}")
    if values.size:
        as_float = values.astype(np.float64)
        for column, number in {"sum": as_float.sum(), "min": as_float.min(), "max": as_float.max()}.items():
            yield Cell(name, row, column, as_text(repr(float(number))))
    yield Cell(name, row, "sha256", _sha256(values))


def parquet_cell(name: str, path: Path) -> Cell:
    """Return the hash of a Parquet table: its values are those of the CSV beside it."""
    import pandas as pd

    table = pd.read_parquet(path)
    text = table.to_csv(index=False, float_format=lambda number: float(number).hex())
    return Cell(name, "", "sha256", hashlib.sha256(text.encode()).hexdigest())


def as_text(text: str) -> str:
    """Return a value as it is recorded: whole numbers and texts as they are, other numbers exactly, by ``float.hex``.

    Example:
        >>> as_text("12"), as_text("0.1"), as_text("stage=II"), as_text("")
        ('12', '0x1.999999999999ap-4', 'stage=II', '')
    """
    if _WHOLE.match(text):
        return text
    try:
        return float(text).hex()
    except ValueError:
        return text


def as_number(value: str) -> float | None:
    """Return the number that :func:`as_text` recorded, None for a text.

    Example:
        >>> as_number("0x1.999999999999ap-4"), as_number("12"), as_number("stage=II")
        (0.1, 12.0, None)
    """
    try:
        return float.fromhex(value) if "0x" in value else float(value)
    except ValueError:
        return None


def _is_fraction(text: str) -> bool:
    try:
        return not float(text).is_integer()
    except (ValueError, OverflowError):
        return False


def _sha256(values: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
