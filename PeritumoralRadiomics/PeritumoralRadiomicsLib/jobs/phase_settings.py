"""Settings of one phase, laid over those for all phases; and the word of the command line that names them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_origin

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.number_lists import read_numbers
from RadiomicsCoreLib.settings.options import Setting, settings_of
from RadiomicsCoreLib.settings.records import Changes
from RadiomicsCoreLib.settings.rules import check_known
from RadiomicsCoreLib.settings.text import load_yaml

from ..regions.ring_settings import RingSettings
from ..settings.measure_settings import MeasureSettings


@dataclass(frozen=True)
class PhaseSettings:
    """What is different in one phase.

    Attributes:
        measure: changes of features and preprocessing.
        rings: changes of the regions.

    Example:
        >>> changed = PhaseSettings(rings=Changes({"window": (0.0, 20.0)}))
        >>> changed.over(MeasureSettings("wu2021"), RingSettings(outer_mm=(3,)))[1].window
        (0.0, 20.0)
    """

    measure: Changes[MeasureSettings] = Changes()
    rings: Changes[RingSettings] = Changes()

    def over(self, measure: MeasureSettings, rings: RingSettings) -> tuple[MeasureSettings, RingSettings]:
        """Return the settings of all phases with these laid over them. Raises InputError where they do not agree."""
        return measure.changed(self.measure.values), self.rings.over(rings)


def phase_settings(text: str) -> tuple[str, dict[str, Any]]:
    """Return a phase and its settings as plain values, from ``PHASE:NAME=VALUE,…``.

    Args:
        text: names are the words of the command line without their hyphens in front, or the names of a job file; a
            value may hold commas.

    Raises:
        InputError: another form, or an unknown name (with the near one).

    Example:
        >>> phase_settings("pet:bin-width=0.25,ring-window=0,20")
        ('pet', {'measure': {'bin_width': 0.25}, 'rings': {'window': [0.0, 20.0]}})
    """
    phase, colon, rest = text.partition(":")
    if not colon or not phase.strip() or not rest.strip():
        raise InputError(f"{text!r} is not of the form PHASE:NAME=VALUE,…, such as pet:bin-width=0.25")
    given: dict[str, list[str]] = {}
    name = ""
    for part in rest.split(","):
        before, sign, after = part.partition("=")
        if sign:
            name = before.strip()
            check_known(f"{text!r}: setting", name, _WORDS)
            if name in given:
                raise InputError(f"{text!r} names {name!r} twice; give each setting once")
            given[name] = [after]
        elif name:
            given[name].append(part)
        else:
            raise InputError(f"{text!r}: {part!r} names no setting; write NAME=VALUE")
    values: dict[str, Any] = {}
    for name, parts in given.items():
        setting = _WORDS[name]
        values.setdefault(setting.path[0], {})[setting.path[1]] = _value(setting, ",".join(parts).strip(), name)
    return phase.strip(), values


def _words() -> dict[str, Setting]:
    settings = list(settings_of(PhaseSettingsInFull))
    words = {setting.word.lstrip("-"): setting for setting in settings if setting.word}
    return {setting.path[-1]: setting for setting in settings} | words


@dataclass(frozen=True)
class PhaseSettingsInFull:
    """The records that :class:`PhaseSettings` changes, to find the words of their settings."""

    measure: MeasureSettings = MeasureSettings()
    rings: RingSettings = RingSettings()


_WORDS = _words()


def _value(setting: Setting, text: str, name: str) -> Any:
    if get_origin(setting.kind) is tuple:
        return list(read_numbers(text, name))
    try:
        return load_yaml(text)
    except ValueError:
        return text
