"""The front door of a Lib: the few names that most people need, each loaded when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def front_door(
    package: str, rooms: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return ``__getattr__``, ``__dir__`` and ``__all__`` of a package that offers names of its rooms.

    Nothing is imported until a name is used: an import of the package costs nothing.

    Args:
        package: its ``__name__``.
        rooms: module inside the package, ``regions.growing``, to the names that it gives, parted by blanks.

    Example:
        >>> load, names, all_names = front_door("RadiomicsCoreLib", {"errors": "InputError Cancelled"})
        >>> all_names, load("InputError").__name__
        (['Cancelled', 'InputError'], 'InputError')
    """
    where = {name: room for room, names in rooms.items() for name in names.split()}

    def load(name: str) -> Any:
        if name not in where:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"{package}.{where[name]}"), name)

    return load, lambda: sorted(where), sorted(where)
