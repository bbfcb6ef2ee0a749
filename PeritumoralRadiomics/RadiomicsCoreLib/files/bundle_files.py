"""The files of a model bundle, of any kind: a folder, or a zip of it, with ``model.json``. Nothing in it is ever run.

A bundle may come from a stranger: sizes are limited by what is read, never by what a zip says of itself, no name leads
out of the bundle, and whatever is torn ends in one clear line.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import ModelError
from .broken_zip import BROKEN_ZIP

MODEL_FILE = "model.json"
LARGEST_MB = 200
_MB = 1_000_000


class BundleFiles:
    """A bundle's files by name.

    Args:
        path: the folder, a zip of it, its ``model.json``, or a file of it that stands beside ``model.json``.
        others: names of the files that may be given instead of the folder.

    Raises:
        ModelError: there is no such file or folder, or it is neither a folder nor a sound zip with one ``model.json``.
    """

    def __init__(self, path: Path | str, others: Collection[str] = ()) -> None:
        self.path = _folder_of(Path(path), others)
        self._root, self._members = PurePosixPath(), frozenset[str]()
        self._alone = self.path.suffix == ".json" and self.path.is_file()
        if self.path.is_dir() or self._alone:
            return
        if not self.path.exists():
            raise ModelError("there is no such file or folder; check the path")
        try:
            with zipfile.ZipFile(self.path) as archive:
                names = archive.namelist()
        except BROKEN_ZIP as error:
            raise ModelError(f"it is neither a folder nor a sound zip ({error})") from None
        found = [name for name in names if PurePosixPath(name).name == MODEL_FILE]
        if len(found) != 1:
            raise ModelError(f"the zip holds {len(found)} files called {MODEL_FILE}; one is needed")
        self._root, self._members = PurePosixPath(found[0]).parent, frozenset(names)

    def holds(self, *names: str) -> bool:
        """Whether files of these names are in the bundle."""
        if self._alone:
            return set(names) <= {MODEL_FILE}
        if self.path.is_dir():
            return all((self.path / name).is_file() for name in names)
        return all(str(self._root / name) in self._members for name in names)

    def read(self, name: str, limit_mb: int = LARGEST_MB) -> bytes:
        """Return the content of a file.

        Args:
            name: within the bundle, ``model.json`` or ``classifiers/000_lr.skops``.
            limit_mb: what is larger is refused, in millions of bytes.

        Raises:
            ModelError: it is not there, too large, torn, or outside of the bundle.
        """
        _refuse_outside(name)
        try:
            content = self._content(name, limit_mb * _MB + 1)
        except BROKEN_ZIP as error:
            reason = getattr(error, "strerror", None) or error
            if self._members:
                raise ModelError(f"it is neither a folder nor a sound zip ({reason})") from None
            raise ModelError(f"{name} cannot be read: {reason}") from None
        if len(content) > limit_mb * _MB:
            raise ModelError(f"{name} is larger than {limit_mb} MB; that is no model bundle")
        return content

    def _content(self, name: str, most: int) -> bytes:
        if self._alone and name != MODEL_FILE:
            raise ModelError(f"{self.path.name} stands alone, {name} cannot be read: give the bundle's folder")
        if not self._members:
            with (self.path if self._alone else self.path / name).open("rb") as stream:
                return stream.read(most)
        member = str(self._root / name)
        if member not in self._members:
            raise ModelError(f"the zip holds no file {name!r}; one is needed")
        # What the zip says of the size is not to be trusted.
        with zipfile.ZipFile(self.path) as archive, archive.open(member) as stream:
            return stream.read(most)

    def record(self, kind: str, version: int, verb: str, limit_mb: int = LARGEST_MB) -> Mapping[str, Any]:
        """Return the values of ``model.json``.

        Args:
            kind: what its ``format`` must say.
            version: of that format.
            verb: that writes such bundles, for messages.
            limit_mb: as in :meth:`read`.

        Raises:
            ModelError: it cannot be read, is no sound JSON, or is of another kind or version.
        """
        return check_format(self._values(limit_mb), kind, version, verb)

    def format(self) -> str:
        """Return what ``model.json`` says it is, such as ``peritumoral classifier``; "" if it says nothing sound."""
        try:
            values = self._values(LARGEST_MB)
        except ModelError:
            return ""
        return str(values.get("format", "")) if isinstance(values, Mapping) else ""

    def _values(self, limit_mb: int) -> Any:
        try:
            return json.loads(self.read(MODEL_FILE, limit_mb))
        except (ValueError, RecursionError) as error:
            why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise ModelError(f"{MODEL_FILE} is not sound JSON ({why}); write the bundle again") from None


def check_format(values: object, kind: str, version: int, verb: str) -> Mapping[str, Any]:
    """Return the values of a ``model.json`` if they are of this kind and version.

    Args:
        values: as they were read.
        kind, version, verb: as in :meth:`BundleFiles.record`.

    Raises:
        ModelError: they are of another kind or version.

    Example:
        >>> check_format({"format": "thing", "version": 1}, "thing", 1, "make")["version"]
        1
    """
    if not isinstance(values, Mapping) or values.get("format") != kind:
        raise ModelError(f"{MODEL_FILE} is not of a {kind}; write one with `peritumoral {verb}`")
    if values.get("version") != version:
        raise ModelError(
            f"format version {values.get('version')!r} cannot be read, only {version}; write the bundle again with "
            "this program, or update the program"
        )
    return values


def check_hash(name: str, content: bytes, sha256: object) -> None:
    """Refuse a file that is not the one that ``model.json`` was written with.

    Raises:
        ModelError: the hashes differ.

    Example:
        >>> check_hash("weights", b"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    """
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelError(
            f"{name} does not match its SHA-256 in {MODEL_FILE}: it is damaged or was changed; copy the bundle again"
        )


def _folder_of(path: Path, others: Collection[str]) -> Path:
    """The folder of a bundle of which one file is named: that file alone would not say what it belongs to."""
    if path.name == MODEL_FILE and path.is_file():
        return path.parent
    is_part = path.name in others and (path.parent / MODEL_FILE).is_file()
    return path.parent if is_part else path


def _refuse_outside(name: str) -> None:
    parts = PurePosixPath(name)
    if parts.is_absolute() or ".." in parts.parts or "\\" in name or ":" in name:
        raise ModelError(f"the bundle names a file outside of it: {name!r}")
