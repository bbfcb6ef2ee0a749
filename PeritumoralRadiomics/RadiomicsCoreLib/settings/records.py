"""Settings records from plain values, strictly, and back: what YAML, panels and the command line all go through."""

from __future__ import annotations

import dataclasses
import math
import os
import reprlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from ..errors import InputError
from .options import option_of, type_choices, without_none
from .rules import check_known

Record = TypeVar("Record")
PathWriter = Callable[[Path], str | Path]


@dataclass(frozen=True)
class Changes(Generic[Record]):
    """Some settings of a record, to be laid over those of another one; a field of type ``Changes[Folds]``.

    Attributes:
        values: field to value, each of the type that the record gives it.
    """

    values: Mapping[str, Any] = field(default_factory=dict)

    def over(self, record: Record) -> Record:
        """Return the record with these settings. Raises what the record raises."""
        return replace(record, **self.values) if self.values else record  # type: ignore[type-var]


def record_from(kind: type[Record], values: object, where: str, *, folder: Path | None = None) -> Record:
    """Build a settings record from plain values.

    Args:
        kind: a dataclass; records inside it are built from mappings inside ``values``.
        values: field to plain value; a field left out takes its default.
        where: what the values are, for messages: "job extract".
        folder: paths that are not absolute begin here; None: they are kept as they are.

    Raises:
        InputError: an unknown name (with the near one), a required one missing, a value of another type or out of
            bounds; one line with name and value.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Folds:
        ...     count: int = 5
        >>> record_from(Folds, {"count": 10}, "folds")
        Folds(count=10)
        >>> record_from(Folds, {"counts": 10}, "folds")
        Traceback (most recent call last):
        RadiomicsCoreLib.errors.InputError: folds: setting 'counts' is not known; did you mean 'count'?
    """
    if isinstance(values, kind):
        return values
    if not isinstance(values, Mapping):
        raise InputError(f"{where} must hold names and values, not {_shown(values)}")
    given = field_values(kind, values, where, folder=folder)
    for one in _fields(kind).values():
        has_default = one.default is not dataclasses.MISSING or one.default_factory is not dataclasses.MISSING
        if one.name not in given and not has_default:
            raise InputError(f"{where}: {one.name} is missing; {_what(one)}")
    try:
        return kind(**given)
    except InputError as error:
        raise error if str(error).startswith(where) else InputError(f"{where}: {error}") from None


def field_values(
    kind: type[Any], values: Mapping[str, Any], where: str, *, folder: Path | None = None
) -> dict[str, Any]:
    """Return some fields of a settings record, each with the type that the record gives it.

    What lays settings over others, such as those of one phase, goes through this: it is as strict as the record.

    Args:
        kind, values, where, folder: as in :func:`record_from`; fields may be left out.

    Raises:
        InputError: as :func:`record_from`, but for what only the whole record can tell.
    """
    hints, fields = get_type_hints(kind), _fields(kind)
    for name in values:
        check_known(f"{where}: setting", name, fields)
    typed = {name: _value(hints[name], value, f"{where}: {name}", folder) for name, value in values.items()}
    for name, value in typed.items():
        _check_choice(fields[name], value, f"{where}: {name}")
    return typed


def plain_values(record: Any, paths: PathWriter = Path.as_posix) -> dict[str, Any]:
    """Return a record as plain values that :func:`record_from` takes: dicts, lists, texts, numbers, None.

    Args:
        record: a dataclass.
        paths: how a path is written; see :func:`relative_to`.
    """
    return {one.name: plain_value(getattr(record, one.name), paths) for one in dataclasses.fields(record)}


def plain_value(value: object, paths: PathWriter = Path.as_posix) -> Any:
    """Return one value of a record as plain values; see :func:`plain_values`."""
    if isinstance(value, Changes):
        return plain_value(value.values, paths)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = getattr(value, "to_plain", None)
        return own() if own else plain_values(value, paths)
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return paths(value)
    if isinstance(value, Mapping):
        return {str(name): plain_value(item, paths) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(item, paths) for item in value]
    return value


def relative_to(folder: Path) -> Callable[[Path], str]:
    """Return a writer of paths as seen from a folder, so that a file there names no folder of one machine."""

    def write(path: Path) -> str:
        try:
            return Path(os.path.relpath(path.absolute(), folder.absolute())).as_posix()
        except ValueError:  # another drive of Windows: there is no relative path
            return path.absolute().as_posix()

    return write


def merged(*layers: Mapping[str, Any]) -> dict[str, Any]:
    """Lay mappings over one another, inner mappings too; the last one wins.

    Example:
        >>> merged({"rings": {"outer_mm": [3], "plane": "3d"}}, {"rings": {"outer_mm": [6]}})
        {'rings': {'outer_mm': [6], 'plane': '3d'}}
    """
    result: dict[str, Any] = {}
    for layer in layers:
        for name, value in layer.items():
            below = result.get(name)
            both = isinstance(below, Mapping) and isinstance(value, Mapping)
            result[name] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def _value(kind: Any, value: object, where: str, folder: Path | None) -> Any:
    inner, optional = without_none(kind)
    if value is None:
        if optional or inner is Any:
            return None
        raise InputError(f"{where} is empty; give {_wanted(inner)}")
    if inner is Any:
        return _anything_plain(value, where)
    if get_origin(inner) in (Union, UnionType):
        return _first_that_fits(get_args(inner), value, where, folder)
    if get_origin(inner) is Changes:
        return _changes(inner, value, where, folder)
    if isinstance(inner, type) and dataclasses.is_dataclass(inner):
        own = getattr(inner, "from_plain", None)
        if own is None or isinstance(value, inner):
            return record_from(inner, value, where, folder=folder)
        return own(value, where)
    reader = _choice if type_choices(inner) else _READERS.get(get_origin(inner) or inner)
    if reader is None:
        raise TypeError(f"{where}: a field of type {inner} cannot be read from plain values")
    return reader(inner, value, where, folder)


def _changes(kind: Any, value: object, where: str, folder: Path | None) -> Changes[Any]:
    if isinstance(value, Changes):
        return value
    if not isinstance(value, Mapping):
        raise InputError(f"{where} must hold names and values, not {_shown(value)}")
    return Changes(field_values(get_args(kind)[0], value, where, folder=folder))


def _first_that_fits(kinds: Sequence[Any], value: object, where: str, folder: Path | None) -> Any:
    reasons = []
    for kind in kinds:
        try:
            return _value(kind, value, where, folder)
        except InputError as error:
            reasons.append(error)
    raise reasons[-1]


def _text(kind: Any, value: object, where: str, folder: Path | None) -> str:
    if isinstance(value, str):
        if not value.strip():
            raise InputError(f"{where} is empty; give {_wanted(str)}")
        return value
    raise InputError(f"{where} must be a text, not {_shown(value)}")


def _path(kind: Any, value: object, where: str, folder: Path | None) -> Path:
    if not isinstance(value, str | Path) or not str(value).strip():
        raise InputError(f"{where} must be the path of a file or folder, not {_shown(value)}")
    if "\0" in str(value):
        raise InputError(f"{where} is no path: it holds a NUL character")
    return Path(value) if folder is None else folder / value


def _yes_no(kind: Any, value: object, where: str, folder: Path | None) -> bool:
    if isinstance(value, bool):
        return value
    raise InputError(f"{where} must be true or false, not {_shown(value)}")


def _whole(kind: Any, value: object, where: str, folder: Path | None) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) < 2**63:
            return value
        raise InputError(f"{where} must be a whole number of at most 19 digits, not {_shown(value)}")
    raise InputError(f"{where} must be a whole number, not {_shown(value)}")


def _number(kind: Any, value: object, where: str, folder: Path | None) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300 and math.isfinite(value):
        return float(value)
    raise InputError(f"{where} must be a finite number, not {_shown(value)}")


def _choice(kind: Any, value: object, where: str, folder: Path | None) -> Any:
    if isinstance(kind, type) and isinstance(value, kind):
        return value
    choices = type_choices(kind)
    if not any(type(choice) is type(value) and choice == value for choice in choices):
        raise InputError(f"{where} is {_shown(value)}; choose from {', '.join(map(str, choices))}")
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value


def _items(kind: Any, value: object, where: str, folder: Path | None) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise InputError(f"{where} must be a list, not {_shown(value)}")
    kinds = get_args(kind)
    if len(kinds) == 2 and kinds[1] is Ellipsis:
        return tuple(_value(kinds[0], item, f"{where}[{k}]", folder) for k, item in enumerate(value))
    if len(value) != len(kinds):
        raise InputError(f"{where} has {len(value)} values; give {len(kinds)}")
    return tuple(
        _value(each, item, f"{where}[{k}]", folder) for k, (each, item) in enumerate(zip(kinds, value, strict=True))
    )


def _mapping(kind: Any, value: object, where: str, folder: Path | None) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise InputError(f"{where} must hold names and values, not {_shown(value)}")
    _, inner = get_args(kind) or (str, Any)
    for name in value:
        if not isinstance(name, str):
            raise InputError(f"{where}: the name {_shown(name)} must be a text; put it in quotes")
    return {name: _value(inner, item, f"{where}: {name}", folder) for name, item in value.items()}


_READERS: dict[Any, Callable[[Any, Any, str, Path | None], Any]] = {
    str: _text,
    Path: _path,
    bool: _yes_no,
    int: _whole,
    float: _number,
    tuple: _items,
    dict: _mapping,
    Mapping: _mapping,
}
_WANTED = {str: "a text", Path: "a path", bool: "true or false", int: "a whole number", float: "a number"}


def _wanted(kind: Any) -> str:
    if type_choices(kind):
        return f"one of {', '.join(map(str, type_choices(kind)))}"
    return "names and values" if get_origin(kind) in (dict, Mapping) else _WANTED.get(kind, "a list")


def _check_choice(described_field: dataclasses.Field[Any], value: object, where: str) -> None:
    described = option_of(described_field)
    if described is None or described.choices is None or value is None:
        return
    choices = described.choices() if callable(described.choices) else described.choices
    for one in value if isinstance(value, tuple) else (value,):
        check_known(where, str(getattr(one, "value", one)), [str(choice) for choice in choices])


def _what(one: dataclasses.Field[Any]) -> str:
    described = option_of(one)
    return f"give {described.help}" if described and described.help else "give a value"


def _anything_plain(value: object, where: str, depth: int = 0) -> Any:
    """A value that the record leaves open: still plain, and small enough to be somebody's settings."""
    if depth > _DEEPEST:
        raise InputError(f"{where} is nested more than {_DEEPEST} deep")
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping) and all(isinstance(name, str) for name in value):
        return {name: _anything_plain(item, where, depth + 1) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_anything_plain(item, where, depth + 1) for item in value]
    raise InputError(f"{where} must hold texts, numbers, lists, and names with values, not {_shown(value)}")


_DEEPEST = 20
_REPR = reprlib.Repr()  # bounded in depth and width: a value of a stranger's file may be anything
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 60


def _shown(value: object) -> str:
    text = _REPR.repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _fields(kind: type[Any]) -> dict[str, dataclasses.Field[Any]]:
    return {one.name: one for one in dataclasses.fields(kind) if one.init}
