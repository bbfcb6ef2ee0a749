"""The words of a verb, made from its job's settings, and the settings that the words name.

Nothing is decided here: names, defaults, choices and help stand in the job's fields.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import MISSING
from pathlib import Path
from typing import Any, get_args, get_origin

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.settings.number_lists import read_numbers
from RadiomicsCoreLib.settings.options import Setting, settings_of


def add_words(parser: argparse.ArgumentParser, job: type[Job]) -> None:
    """Add an option for every setting of a job that has a word; two settings with one word are set together."""
    groups: dict[str, Any] = {}
    for word, settings in _by_word(job).items():
        first = settings[0]
        title = first.option.group
        if title and title not in groups:
            groups[title] = parser.add_argument_group(title)
        target = groups[title] if title else parser
        if first.option.positional:
            target.add_argument(first.name, help=first.option.help, **_value_words(first))
        else:
            known: dict[str, Any] = {"dest": first.name, "default": argparse.SUPPRESS}
            off = first.option.off if first.option.off != word else None
            target = target.add_mutually_exclusive_group() if off else target
            target.add_argument(word, **known, help=_help(first), **_value_words(first))
            if off:
                target.add_argument(off, **known, help=f"the opposite of {word}", action="store_const", const=False)


def settings_from(job: type[Job], arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that the words name, as the plain values of :meth:`Job.from_dict`."""
    values: dict[str, Any] = {}
    for settings in _by_word(job).values():
        if not hasattr(arguments, settings[0].name):
            continue
        value = _joined(settings[0], getattr(arguments, settings[0].name))
        for setting in settings:
            _put(values, setting.path, value)
    return values


def _by_word(job: type[Job]) -> dict[str, list[Setting]]:
    found: dict[str, list[Setting]] = {}
    for setting in settings_of(job):
        if setting.name == "study" and not job.studies():
            continue
        key = setting.name if setting.option.positional else setting.word
        if key:
            found.setdefault(key, []).append(setting)
    return found


def _put(values: dict[str, Any], path: Sequence[str], value: Any) -> None:
    for name in path[:-1]:
        values = values.setdefault(name, {})
    values[path[-1]] = value


def _value_words(setting: Setting) -> dict[str, Any]:
    described = setting.option
    if setting.kind is bool:
        return {"action": "store_const", "const": described.off is None or described.word is not None}
    words: dict[str, Any] = {"type": described.read or _reader(setting)}
    if described.metavar:
        words["metavar"] = described.metavar
    elif setting.choices and not described.positional:
        words["metavar"] = "{" + ",".join(map(str, setting.choices)) + "}"
    elif not described.positional:
        words["metavar"] = _METAVARS.get(get_origin(setting.kind) or setting.kind, "TEXT")
    if described.many:
        words["nargs"] = "+"
    elif described.positional and setting.default is not MISSING:
        words |= {"nargs": "?", "default": argparse.SUPPRESS}
    if described.repeated:
        words["action"] = "append"
    return words


_METAVARS: dict[Any, str] = {int: "N", float: "X", Path: "FILE", tuple: "A,B"}


def _help(setting: Setting) -> str:
    default = setting.default
    text = setting.option.help.replace("%", "%%")
    if default in (MISSING, None, (), "") or setting.kind is bool or isinstance(default, Mapping) or "default" in text:
        return text
    shown = ",".join(map(str, default)) if isinstance(default, tuple) else getattr(default, "value", default)
    return f"{text} (default: {shown})"


def _reader(setting: Setting) -> Callable[[str], Any]:
    kind, name = setting.kind, setting.word or setting.name
    if get_origin(kind) is tuple:
        inner = get_args(kind)
        if setting.option.many or setting.option.repeated:
            return _texts
        return (
            _names if inner[0] is str else lambda text: _numbers(text, name, None if inner[-1] is ... else len(inner))
        )
    if _is_mapping(kind):
        return assignment
    return {int: lambda text: _whole(text, name), float: lambda text: _number(text, name)}.get(kind, _texts)


def _is_mapping(kind: Any) -> bool:
    origin = get_origin(kind)
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _texts(text: str) -> str:
    return text


def _names(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _numbers(text: str, name: str, count: int | None) -> list[float]:
    values = read_numbers(text, name)
    if not values or (count is not None and len(values) != count):
        wanted = f"{count} numbers such as -150,250" if count else "numbers such as 3,6,9"
        raise InputError(f"{name} {text!r} holds {len(values) or 'no'} numbers; give {wanted}")
    return list(values)


def _whole(text: str, name: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{name} {text!r} is not a whole number") from None


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"{name} {text!r} is not a number") from None


def assignment(text: str) -> tuple[str, str]:
    """Parse ``name=value``.

    Raises:
        InputError: no equals sign, or no name.

    Example:
        >>> assignment("sex=female")
        ('sex', 'female')
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise InputError(f"{text!r} is not of the form name=value")
    return name.strip(), value.strip()


def _joined(setting: Setting, value: Any) -> Any:
    """Several values of one word: a list, or a mapping where each is a pair."""
    if not _is_mapping(setting.kind):
        return value
    pairs: Iterable[tuple[str, Any]] = value if isinstance(value, list) else [value]
    joined: dict[str, Any] = {}
    for name, item in pairs:
        if isinstance(item, Mapping) and name in joined:
            joined[name] = {**joined[name], **item}
        elif name in joined:
            raise InputError(f"{setting.word or setting.name} names {name!r} twice; give each name once")
        else:
            joined[name] = item
    return joined
