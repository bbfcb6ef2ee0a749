"""One folder of the disk, and nothing outside it: what an assistant may read and write."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.cohort.table import file_columns
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_cells

MOST_ENTRIES = 200_000
"""Files of a folder that are looked at for links that lead out of it."""


class OneFolder:
    """The only folder whose files are touched; links that lead out of it are refused.

    Args:
        root: the folder; it must be there.

    Raises:
        InputError: it is no folder.

    Example:
        >>> import tempfile
        >>> folder = OneFolder(Path(tempfile.mkdtemp()))
        >>> folder.inside("../elsewhere")
        Traceback (most recent call last):
        RadiomicsCoreLib.errors.InputError: '../elsewhere' lies outside the folder that this server may use
    """

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise InputError(f"{root} is no folder; name the one that the assistant may use")
        self.root = root.resolve()

    def inside(self, path: Path | str) -> Path:
        """Return the path with all links followed. Raises InputError if it leads outside."""
        text = str(path)
        try:
            found = (self.root / text).resolve()
        except (OSError, RuntimeError, ValueError):
            raise InputError(f"{text!r} is no path") from None
        if not found.is_relative_to(self.root):
            raise InputError(f"{text!r} lies outside the folder that this server may use")
        return found

    def shown(self, path: Path) -> str:
        """Return a path as the assistant names it: from the folder on."""
        return path.resolve().relative_to(self.root).as_posix()

    def check(self, record: Any) -> None:
        """Refuse a job that names anything outside: its own paths, and those in its cohort tables.

        Args:
            record: a job; relative paths in it begin in the folder.

        Raises:
            InputError: a path leads outside; the message names it.
        """
        for path in _paths(record):
            self._check_tree(self.inside(path))

    def _check_tree(self, path: Path) -> None:
        if path.is_dir():
            self._check_links(path)
        elif path.suffix.lower() in (".csv", ".tsv") and path.is_file():
            self._check_cohort(path)

    def _check_links(self, folder: Path) -> None:
        seen = 0
        for place, folders, files in os.walk(folder):
            for name in (*folders, *files):
                seen += 1
                if seen > MOST_ENTRIES:
                    raise InputError(
                        f"{self.shown(folder)} holds more than {MOST_ENTRIES} files; name a smaller folder"
                    )
                entry = Path(place, name)
                if entry.is_symlink():
                    self.inside(entry)

    def _check_cohort(self, table: Path) -> None:
        """Every file that a cohort names is inside too, and no link in its folders leads out."""
        for cell in sorted(_file_cells(table)):
            found = self.inside(table.parent / cell)
            if found.is_dir():
                self._check_links(found)


def _paths(value: Any) -> Iterator[Path]:
    """Yield all that names a file: paths, and texts that could be read as one."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, str):
        if any(sign in value for sign in ("/", "\\", "..", "~")):
            yield Path(value)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for one in dataclasses.fields(value):
            yield from _paths(getattr(value, one.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _paths(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _paths(item)


def _file_cells(table: Path) -> set[str]:
    header, rows = read_cells(table)
    columns = [header.index(name) for name in file_columns(header)]
    return {cell for row in rows for cell in (row[k] for k in columns) if cell}
