"""What an assistant may look at: the list of files, a part of a table, a text, a picture."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_cells
from RadiomicsCoreLib.settings.json_schema import json_schema
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.records import record_from

from .one_folder import OneFolder

MOST_FILES = 500
MOST_CELLS = 4000
MOST_CHARACTERS = 60_000
MOST_PICTURE_BYTES = 5_000_000
_TEXTS = (".txt", ".json", ".yaml", ".yml", ".csv", ".md", ".log")


@dataclass(frozen=True)
class ListFiles:
    """List the files of a folder, with their sizes in bytes."""

    folder: str = option("folder, from the server's folder on", ".")

    def look(self, place: OneFolder) -> Any:
        """Return name -> bytes; a folder ends with / and has none."""
        found = place.inside(self.folder)
        if not found.is_dir():
            raise InputError(f"{self.folder!r} is no folder")
        entries = sorted(found.iterdir())
        names = {
            f"{path.name}/" if path.is_dir() else path.name: None if path.is_dir() else path.stat().st_size
            for path in entries[:MOST_FILES]
        }
        return {"files": names, "left_out": max(0, len(entries) - MOST_FILES)}


@dataclass(frozen=True)
class ReadTable:
    """Read some rows and columns of a CSV table."""

    path: str = option("the table")
    first: int = option("number of the first row, from 0", 0)
    rows: int = option("how many rows", 20)
    columns: tuple[str, ...] = option("which columns; none: all that fit", ())

    def look(self, place: OneFolder) -> Any:
        """Return the columns, the rows as text cells, and how many rows the table has."""
        header, cells = read_cells(_file(place, self.path))
        missing = [name for name in self.columns if name not in header]
        if missing:
            raise InputError(f"{self.path} has no column {missing[0]!r}")
        wanted = [header.index(name) for name in self.columns] or list(range(len(header)))
        rows = cells[max(0, self.first) : max(0, self.first) + max(1, self.rows)]
        wanted = wanted[: max(1, MOST_CELLS // max(1, len(rows)))]
        return {
            "columns": [header[k] for k in wanted],
            "columns_in_table": len(header),
            "rows": [[row[k] for k in wanted] for row in rows[:MOST_CELLS]],
            "rows_in_table": len(cells),
        }


@dataclass(frozen=True)
class ReadText:
    """Read a text file, such as notes.txt, study.json or job.yaml."""

    path: str = option("the file")
    start: int = option("number of the first character, from 0", 0)

    def look(self, place: OneFolder) -> Any:
        """Return the text, at most 60,000 characters of it, and how long it is."""
        file = _file(place, self.path)
        if file.suffix.lower() not in _TEXTS:
            raise InputError(f"{self.path} is no text that is offered; those are {', '.join(_TEXTS)}")
        text = file.read_text(encoding="utf-8", errors="replace")
        start = max(0, self.start)
        return {"text": text[start : start + MOST_CHARACTERS], "characters": len(text)}


@dataclass(frozen=True)
class SeePicture:
    """Look at a picture (PNG) that a job wrote."""

    path: str = option("the picture")

    def look(self, place: OneFolder) -> bytes:
        """Return the picture's bytes."""
        file = _file(place, self.path)
        if file.stat().st_size > MOST_PICTURE_BYTES:
            raise InputError(f"{self.path} has more than {MOST_PICTURE_BYTES // 1_000_000} MB")
        data = file.read_bytes()
        if not data.startswith(b"\x89PNG\r\n\x1a\n"):
            raise InputError(f"{self.path} is no PNG picture")
        return data


LOOKS: dict[str, type[Any]] = {
    "list_files": ListFiles,
    "read_table": ReadTable,
    "read_text": ReadText,
    "see_picture": SeePicture,
}


def look(place: OneFolder, name: str, arguments: dict[str, Any]) -> Any:
    """Do what a tool that looks is asked for. Raises InputError."""
    return record_from(LOOKS[name], arguments, name).look(place)


def look_schema(name: str) -> dict[str, Any]:
    """Return the arguments of a tool that looks."""
    return json_schema(LOOKS[name])


def as_base64(data: bytes) -> str:
    """Return bytes as the text that travels."""
    return base64.b64encode(data).decode("ascii")


def _file(place: OneFolder, name: str) -> Path:
    found = place.inside(name)
    if not found.is_file():
        raise InputError(f"{name!r} is no file in the server's folder")
    return found
