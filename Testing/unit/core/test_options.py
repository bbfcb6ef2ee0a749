"""What fields of settings records say of themselves, and how they are found."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import MISSING, dataclass
from enum import Enum
from pathlib import Path
from typing import Literal

from RadiomicsCoreLib.settings.options import option, option_of, settings_of, without_none


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Inner:
    depth_mm: float = option("how deep", 2.0, word="--depth", group="shape")
    plain: int = 1


@dataclass(frozen=True)
class Outer:
    table: Path = option("a table", positional=True)
    inner: Inner = Inner()
    colour: Colour | None = option("a colour", None)
    side: Literal["left", "right"] = option("a side", "left")
    pictures: bool = option("no pictures", True, off="--no-pictures")
    more: Mapping[str, str] = option("names", factory=dict, word="")
    name_of_it: str = option("a name", "x", choices=lambda: ["x", "y"])


def test_settings_of_inner_records_are_found_in_the_order_of_the_fields():
    found = {setting.name: setting for setting in settings_of(Outer)}
    assert list(found) == ["table", "inner.depth_mm", "colour", "side", "pictures", "more", "name_of_it"]
    assert [setting.word for setting in found.values()] == [
        *("", "--depth", "--colour", "--side", "--no-pictures", "", "--name-of-it")
    ]


def test_a_setting_knows_its_type_default_and_choices():
    found = {setting.name: setting for setting in settings_of(Outer)}
    assert (found["colour"].kind, found["colour"].optional, found["colour"].default) == (Colour, True, None)
    assert found["table"].default is MISSING
    assert found["more"].default == {}
    choices = {name: setting.choices for name, setting in found.items() if setting.choices}
    assert choices == {"colour": ("red", "blue"), "side": ("left", "right"), "name_of_it": ("x", "y")}


def test_a_field_without_an_option_says_nothing():
    assert [option_of(field) for field in dataclasses.fields(Inner)][1] is None


def test_none_is_no_part_of_a_type_but_said_beside_it():
    assert without_none(int | float | None) == (int | float, True)
    assert without_none(str) == (str, False)
