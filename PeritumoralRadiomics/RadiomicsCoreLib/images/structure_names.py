"""Finds the structure that a user means in a file that holds several."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import InputError


@dataclass(frozen=True)
class Named:
    """A structure's name and its number (or label value) in a file."""

    name: str
    number: int


def choose_structure(
    path: Path | str, found: Sequence[Named], name: str | None = None, number: int | None = None
) -> Named:
    """Return the structure asked for, by number or by name; the only one if nothing is asked.

    Args:
        path: the file, for messages.
        found: the structures it holds.
        name: matched exactly, else without regard to upper and lower case and outer spaces.
        number: matched exactly; goes before the name.

    Raises:
        InputError: none or several fit; the message lists what there is and suggests the nearest name.

    Example:
        >>> choose_structure("rs.dcm", [Named("GTV-1", 1), Named("Lung", 2)], "gtv-1")
        Named(name='GTV-1', number=1)
    """
    if not found:
        raise InputError(f"{path} holds no structure")
    listed = ", ".join(f"{item.name} ({item.number})" for item in found)
    if number is not None:
        fitting = [item for item in found if item.number == number]
        wanted = f"number {number}"
    elif name is not None:
        fitting = _by_name(found, name)
        wanted = repr(name)
    elif len(found) == 1:
        return found[0]
    else:
        raise InputError(f"{path} holds {len(found)} structures; name one of {listed}")
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InputError(f"{path} holds {len(fitting)} structures {wanted}; give the number of one: {listed}")
    raise InputError(f"{path} holds no structure {wanted}{_hint(found, name)}; it holds {listed}")


def _by_name(found: Sequence[Named], name: str) -> list[Named]:
    exact = [item for item in found if item.name == name]
    return exact or [item for item in found if item.name.strip().casefold() == name.strip().casefold()]


def _hint(found: Sequence[Named], name: str | None) -> str:
    folded = {item.name.casefold(): item.name for item in found}
    near = difflib.get_close_matches((name or "").casefold(), list(folded), n=1, cutoff=0.5)
    return f" (did you mean {folded[near[0]]!r}?)" if near else ""
