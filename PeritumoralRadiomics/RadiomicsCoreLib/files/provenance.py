"""What made a result: versions, settings and inputs, with hashes that tell whether two runs are the same."""

from __future__ import annotations

import hashlib
import json
import math
import platform
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from .. import __version__
from .private_paths import command_line
from .tables import read_json

PACKAGES_THAT_MAKE_NUMBERS = (
    "numpy",
    "scipy",
    "SimpleITK",
    "PyWavelets",
    "pyradiomics-bhklab",
    "pyradiomics",
    "pandas",
    "scikit-learn",
    "scikit-image",
    "lifelines",
    "pydicom",
    "highdicom",
    "torch",
    "monai",
)
STUDY_FILE = "study.json"
"""What made the tables of a folder, in that folder."""
_BLOCK_BYTES = 1 << 20


def versions() -> dict[str, str]:
    """Return the versions of Python, this project and every installed package that makes numbers.

    Example:
        >>> "numpy" in versions()
        True
    """
    found = {
        "peritumoral-radiomics": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
    }
    for package in PACKAGES_THAT_MAKE_NUMBERS:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


MADE_WITH = "made_with"
"""Key of ``study.json``: what decides the numbers of a job's tables, for the models that are made of them."""


def environment_record(settings: Mapping[str, object]) -> dict[str, object]:
    """Return what ``study.json`` says of a run: time, command, versions and the settings given."""
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": command_line(),
        "versions": versions(),
        **settings,
    }


def study_beside(table: Path | str) -> dict[str, Any] | None:
    """The ``study.json`` in the folder of a feature table; None if there is none.

    Raises:
        InputError: it is not JSON.
    """
    path = Path(table).parent / STUDY_FILE
    content = read_json(path) if path.is_file() else None
    return content if isinstance(content, dict) else None


def hash_settings(settings: object) -> str:
    """SHA-256 of plain settings (dicts, lists, numbers, texts), independent of the order of keys.

    Example:
        >>> hash_settings({"a": 1, "b": (2,)}) == hash_settings({"b": [2], "a": 1})
        True
    """
    text = json.dumps(_plain(settings), sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def hash_files(paths: Iterable[Path]) -> str:
    """SHA-256 of the contents of files; a folder stands for all files in it, in the order of their names.

    A path that does not exist counts as missing, so that a file that appears later changes the hash.
    """
    digest = hashlib.sha256()
    for path in paths:
        for file in _files_below(Path(path)):
            digest.update(file.name.encode("utf-8", "surrogateescape"))
            _update_with_content(digest, file)
    return digest.hexdigest()


def _files_below(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            return sorted(file for file in path.rglob("*") if file.is_file())
    except (OSError, ValueError):  # a locked folder, a path that is too long, a NUL: reading it will say so
        return [path]
    return [path]


def _update_with_content(digest: Any, file: Path) -> None:
    try:
        if not file.is_file():  # a pipe or a device would be read for ever
            raise OSError
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
    except (OSError, ValueError):  # ValueError: a NUL in the path
        digest.update(b"missing or unreadable")


def _plain(value: object) -> Any:
    """Reduce settings to what JSON can say, the same for a tuple and a list, an enum and its value."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted(_plain(item) for item in value)
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "value") and not isinstance(value, (int, float, str)):
        return _plain(value.value)
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if hasattr(value, "item"):
        return value.item()
    return value
