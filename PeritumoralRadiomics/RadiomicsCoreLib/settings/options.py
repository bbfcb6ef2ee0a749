"""Fields of settings records: default, help, choices and the word of the command line, said once.

The command line, the panels' boxes and tool tips, and the schema of recipes read them here; none types them again.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, dataclass
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

_KEY = "option"


@dataclass(frozen=True)
class Option:
    """What is known of a field beside its type and default.

    Attributes:
        help: one line, for ``--help``, tool tips and the schema.
        word: of the command line, ``--rings``; None: ``--`` and the field's name; "": none, files and panels only.
        off: word that sets a yes-or-no field to no, ``--no-pictures``; unless ``word`` is given too, the only one.
        metavar: what the help shows for the value.
        group: title under which the help lists it.
        read: from one word of the command line to a plain value; None: by the field's type.
        choices: allowed values, or a function that gives them; None: those of the type, if it is an Enum or a Literal.
        positional: given without a word, in the order of the fields.
        many: takes several words after one another (paths, NAME=table).
        repeated: the word may be given several times, each with one value.
    """

    help: str = ""
    word: str | None = None
    off: str | None = None
    metavar: str | None = None
    group: str | None = None
    read: Callable[[str], Any] | None = None
    choices: Sequence[Any] | Callable[[], Sequence[Any]] | None = None
    positional: bool = False
    many: bool = False
    repeated: bool = False


def option(help: str, default: Any = MISSING, *, factory: Any = MISSING, **known: Any) -> Any:
    """Return a dataclass field that says what it is; the arguments are those of :class:`Option`.

    Args:
        help: one line.
        default: value where the user names none; without it the field is required.
        factory: makes the default, for mappings.

    Example:
        >>> @dataclass(frozen=True)
        ... class Settings:
        ...     folds: int = option("parts of the cross-validation", 5)
        >>> Settings().folds, option_of(dataclasses.fields(Settings)[0]).help
        (5, 'parts of the cross-validation')
    """
    given = {
        name: value for name, value in (("default", default), ("default_factory", factory)) if value is not MISSING
    }
    return dataclasses.field(**given, metadata={_KEY: Option(help, **known)})


def option_of(field: dataclasses.Field[Any]) -> Option | None:
    """Return what a field says of itself; None for a plain field."""
    return field.metadata.get(_KEY)


@dataclass(frozen=True)
class Setting:
    """One setting of a record, records inside it included.

    Attributes:
        path: names of the fields that lead to it, ``("rings", "outer_mm")``.
        option: what the field says of itself.
        kind: its type, without None.
        optional: whether it may be None.
        default: value where the user names none; ``MISSING`` where it is required.
    """

    path: tuple[str, ...]
    option: Option
    kind: Any
    optional: bool
    default: Any

    @property
    def name(self) -> str:
        """The path as one name, ``rings.outer_mm``."""
        return ".".join(self.path)

    @property
    def word(self) -> str:
        """The word of the command line; "" where there is none."""
        if self.option.positional:
            return ""
        if self.option.off is not None and self.option.word is None:
            return self.option.off
        return f"--{self.path[-1].replace('_', '-')}" if self.option.word is None else self.option.word

    @property
    def choices(self) -> tuple[Any, ...]:
        """Allowed plain values; empty where the type alone decides."""
        named = self.option.choices
        if named is not None:
            return tuple(named() if callable(named) else named)
        return type_choices(self.kind)


def settings_of(record: type, path: tuple[str, ...] = ()) -> Iterator[Setting]:
    """List the settings of a record and of the records in it, in the order of the fields."""
    hints = get_type_hints(record)
    for field in dataclasses.fields(record):
        kind, optional = without_none(hints[field.name])
        described = option_of(field)
        if described is None:
            if dataclasses.is_dataclass(kind) and isinstance(kind, type):
                yield from settings_of(kind, (*path, field.name))
            continue
        default = field.default_factory() if field.default_factory is not MISSING else field.default
        yield Setting((*path, field.name), described, kind, optional, default)


def without_none(kind: Any) -> tuple[Any, bool]:
    """Return a type without None, and whether None was part of it.

    Example:
        >>> without_none(int | None)
        (<class 'int'>, True)
    """
    if get_origin(kind) not in (Union, UnionType):
        return kind, False
    parts = [part for part in get_args(kind) if part is not NoneType]
    rest = parts[0] if len(parts) == 1 else Union[tuple(parts)]  # noqa: UP007  (made at run time)
    return rest, NoneType in get_args(kind)


def type_choices(kind: Any) -> tuple[Any, ...]:
    """Return the plain values of an Enum or a Literal; empty for other types."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(member.value for member in kind)
    return get_args(kind) if get_origin(kind) is Literal else ()
