"""Settings records from plain values: strict, with the place of what is wrong, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.records import Changes, merged, plain_values, record_from, relative_to
from RadiomicsCoreLib.settings.text import load_yaml, yaml_text


class Plane(Enum):
    VOLUME = "3d"
    SLICE = "slice"


@dataclass(frozen=True)
class Rings:
    outer_mm: tuple[float, ...] = ()
    window: tuple[float, float] | None = None
    plane: Plane = Plane.VOLUME

    def __post_init__(self) -> None:
        if any(distance <= 0 for distance in self.outer_mm):
            raise InputError(f"outer_mm must be above 0, got {self.outer_mm}")


@dataclass(frozen=True)
class Own:
    """A record with a plain form of its own."""

    letters: tuple[str, ...]

    @classmethod
    def from_plain(cls, value: Any, where: str) -> Own:
        if not isinstance(value, str):
            raise InputError(f"{where} must be letters")
        return cls(tuple(value))

    def to_plain(self) -> str:
        return "".join(self.letters)


@dataclass(frozen=True)
class Wish:
    table: Path
    count: int = 3
    share: float = 0.5
    loud: bool = False
    name: str | None = None
    side: Literal["left", "right"] = "left"
    rings: Rings = Rings()
    own: Own | None = None
    masks: Mapping[str, Path] = option("masks", factory=dict)
    per_phase: Mapping[str, Changes[Rings]] = option("changes", factory=dict)
    engines: tuple[str, ...] = option("engines", ("native",), choices=("native", "pyradiomics"))
    seed: int | str | None = None
    notes: Mapping[str, Any] = option("anything plain", factory=dict)


FULL = {
    "table": "t.csv",
    "count": 4,
    "share": 1,
    "loud": True,
    "name": "x",
    "side": "right",
    "rings": {"outer_mm": [3, 6], "window": [-150, 250], "plane": "slice"},
    "own": "abc",
    "masks": {"liver": "a/liver.nii"},
    "per_phase": {"pet": {"plane": "slice", "window": [0, 20]}},
    "engines": ["pyradiomics"],
    "seed": 7,
    "notes": {"a": [1, None, {"b": "c"}]},
}


def test_every_kind_of_field_is_read_and_comes_back_through_yaml():
    wish = record_from(Wish, FULL, "wish")
    assert wish.rings == Rings((3.0, 6.0), (-150.0, 250.0), Plane.SLICE)
    assert wish.own == Own(("a", "b", "c"))
    assert wish.masks == {"liver": Path("a/liver.nii")}
    assert wish.per_phase["pet"].over(Rings((3.0,))) == Rings((3.0,), (0.0, 20.0), Plane.SLICE)
    assert record_from(Wish, load_yaml(yaml_text(plain_values(wish))), "wish") == wish
    assert record_from(Wish, wish, "wish") is wish


def test_what_is_wrong_is_named_with_its_place_its_value_and_what_is_wanted():
    wrong: list[tuple[dict[str, Any], str]] = [
        ({}, "table is missing"),
        ({"cuont": 3}, "did you mean 'count'"),
        ({"count": True}, "count must be a whole number, not True"),
        ({"count": 3.0}, "count must be a whole number, not 3.0"),
        ({"count": "3"}, "count must be a whole number, not '3'"),
        ({"count": 10**40}, "count must be a whole number of at most 19 digits"),
        ({"count": None}, "count is empty"),
        ({"share": math.nan}, "share must be a finite number"),
        ({"share": math.inf}, "share must be a finite number"),
        ({"share": 10**400}, "share must be a finite number"),
        ({"share": True}, "share must be a finite number"),
        ({"loud": 1}, "loud must be true or false, not 1"),
        ({"loud": "no"}, "loud must be true or false, not 'no'"),
        ({"name": ""}, "name is empty"),
        ({"name": "  "}, "name is empty"),
        ({"name": 4}, "name must be a text, not 4"),
        ({"table": ""}, "table must be the path"),
        ({"table": "a\0b"}, "NUL"),
        ({"table": ["a"]}, "table must be the path"),
        ({"side": "middle"}, "choose from left, right"),
        ({"side": ["left"]}, "choose from left, right"),
        ({"rings": 3}, "rings must hold names and values, not 3"),
        ({"rings": {"outer": [3]}}, "wish: rings: setting 'outer' is not known; did you mean 'outer_mm'"),
        ({"rings": {"outer_mm": 3}}, "outer_mm must be a list, not 3"),
        ({"rings": {"outer_mm": "36"}}, "outer_mm must be a list"),
        ({"rings": {"outer_mm": b"36"}}, "outer_mm must be a list"),
        ({"rings": {"outer_mm": [3, "x"]}}, r"outer_mm\[1\] must be a finite number"),
        ({"rings": {"outer_mm": [-3]}}, "wish: rings: outer_mm must be above 0"),
        ({"rings": {"window": [1, 2, 3]}}, "window has 3 values; give 2"),
        ({"rings": {"plane": "2d"}}, "plane is '2d'; choose from 3d, slice"),
        ({"own": 5}, "own must be letters"),
        ({"masks": ["a"]}, "masks must hold names and values"),
        ({"masks": {1: "a"}}, "the name 1 must be a text"),
        ({"masks": {"liver": 3}}, "masks: liver must be the path"),
        ({"per_phase": {"pet": {"plan": "3d"}}}, "per_phase: pet: setting 'plan' is not known; did you mean 'plane'"),
        ({"per_phase": {"pet": 3}}, "pet must hold names and values"),
        ({"engines": ["pyradiomic"]}, "engines 'pyradiomic' is not known; did you mean 'pyradiomics'"),
        ({"seed": 1.5}, "seed must be a text"),
        ({"notes": {"a": object()}}, "notes: a must hold texts"),
    ]
    for values, told in wrong:
        given = values if not values else {"table": "t", **values}
        with pytest.raises(InputError, match=told) as caught:
            record_from(Wish, given, "wish")
        assert str(caught.value).startswith("wish: ") and "\n" not in str(caught.value), values


def test_a_message_stays_short_whatever_the_value():
    deep: Any = "x" * 10_000
    for _ in range(60):
        deep = [deep, deep]  # 2 ** 60 leaves if all were shown
    nested: dict[str, Any] = {}
    nested["self"] = nested
    for value in (deep, nested, list(range(10**6)), {"a": "y" * 10**6}):
        with pytest.raises(InputError) as caught:
            record_from(Wish, {"table": "t", "count": value}, "wish")
        assert len(str(caught.value)) < 250
    with pytest.raises(InputError, match="nested more than"):
        record_from(Wish, {"table": "t", "notes": nested}, "wish")


def test_paths_begin_in_the_folder_that_is_given_and_are_written_as_seen_from_another(tmp_path):
    wish = record_from(Wish, {"table": "t.csv", "masks": {"a": "/abs/m.nii"}}, "wish", folder=tmp_path / "here")
    assert (wish.table, wish.masks["a"]) == (tmp_path / "here" / "t.csv", Path("/abs/m.nii"))
    there = plain_values(wish, relative_to(tmp_path / "there"))
    assert there["table"] == "../here/t.csv"
    assert record_from(Wish, there, "wish", folder=tmp_path / "there").table.resolve() == wish.table.resolve()


def test_layers_are_laid_over_one_another_name_by_name_and_lists_as_a_whole():
    below = {"rings": {"outer_mm": [3, 6], "plane": "3d"}, "preset": "a"}
    above = {"rings": {"outer_mm": [9]}, "preset": None}
    assert merged(below, above) == {"rings": {"outer_mm": [9], "plane": "3d"}, "preset": None}
    assert below["rings"]["outer_mm"] == [3, 6]  # type: ignore[index]
