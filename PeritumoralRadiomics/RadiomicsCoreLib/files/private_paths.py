"""Texts without the folders of one machine: folders are named after patients, users and hospitals."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

# A path in quotes may hold spaces; one without ends at the first. Both begin where no other path goes on: "a/b" and
# "../x" are none. At least one folder, so that "/min" is a unit and stays.
_DRIVE = r"(?:[A-Za-z]:[\\/]|\\\\|/)"
_QUOTED = re.compile(rf"(?P<quote>['\"])(?P<path>{_DRIVE}[^'\"\n]*)(?P=quote)")
_BARE = re.compile(rf"(?<![\w.~/\\:<-])(?P<path>{_DRIVE}[^\s'\",;()\[\]\\/]+(?:[\\/]+[^\s'\",;()\[\]\\/]+)+[\\/]?)")


def without_folders(text: str, roots: Iterable[Path | str] = ()) -> str:
    """Return a text whose absolute paths are relative to a root, or but a file's name.

    Args:
        text: a message, a command, a traceback.
        roots: folders whose files keep their way from there, the first one that holds them; such as the cohort's.

    Example:
        >>> without_folders("/data/Doe/ct/1.nrrd cannot be read", ["/data/Doe"])
        'ct/1.nrrd cannot be read'
        >>> without_folders("'/data/my scans/1.nrrd' cannot be read; 3 mm/s, a/b and ../c are no paths")
        "'1.nrrd' cannot be read; 3 mm/s, a/b and ../c are no paths"
    """
    for root in _spellings(roots):
        text = re.sub(rf"(?<![\w.~-]){re.escape(root)}[\\/]+", "", text)
        text = re.sub(rf"(?<![\w.~-]){re.escape(root)}(?![\w.-])", Path(root).name, text)
    text = _QUOTED.sub(lambda found: f"{found['quote']}{_name(found['path'])}{found['quote']}", text)
    return _BARE.sub(lambda found: _name(found["path"]), text)


def command_line(words: Sequence[str] | None = None) -> str:
    """Return the words of this program's command with names instead of absolute paths.

    Example:
        >>> command_line(["/usr/bin/peritumoral", "extract", "/data/cohort.csv", "--features", "ct=/data/ct.csv"])
        'peritumoral extract cohort.csv --features ct=ct.csv'
    """
    return " ".join(_without_folder(word) for word in (sys.argv if words is None else words))


def _without_folder(word: str) -> str:
    name, sign, value = word.partition("=")
    shown = _name(value) if _is_absolute(value) else value
    return f"{name}{sign}{shown}" if sign and not _is_absolute(name) else _name(word) if _is_absolute(word) else word


def _is_absolute(word: str) -> bool:
    return bool(re.match(_DRIVE, word)) or word.startswith("~")


def _name(path: str) -> str:
    return re.split(r"[\\/]+", path.rstrip("\\/"))[-1] or path


def _spellings(roots: Iterable[Path | str]) -> list[str]:
    """Each root as it was given, as an absolute path and as the file system spells it; the longest first."""
    found: dict[str, None] = {}
    for root in roots:
        for spelling in (str(root), os.path.abspath(root), os.path.realpath(root)):
            if len(spelling) > 1 and spelling != ".":
                found[spelling.rstrip("\\/")] = None
    return sorted(found, key=len, reverse=True)
