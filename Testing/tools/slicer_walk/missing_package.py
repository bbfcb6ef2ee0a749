"""A Slicer in which a package is not installed, and nothing is installed whatever is asked."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata


@contextmanager
def without_package(distribution: str, module: str) -> Iterator[None]:
    """Hide a package: its distribution is not found, its module cannot be imported.

    ``slicer.packaging`` of Slicer 5.11 and later is hidden, too: its question is a dialog of its own, which a walk
    cannot answer; our own question, for Slicer before, is walked instead.
    """
    plain = metadata.version
    hidden = {name: sys.modules.get(name) for name in (module, "slicer.packaging")}

    def version(distribution_name: str) -> str:
        if distribution_name.lower() == distribution.lower():
            raise metadata.PackageNotFoundError(distribution_name)
        return plain(distribution_name)

    metadata.version = version
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        metadata.version = plain
        for name, found in hidden.items():
            if found is None:
                del sys.modules[name]
            else:
                sys.modules[name] = found
