"""Lists of numbers as people type them."""

from __future__ import annotations

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.number_lists import read_numbers


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3, 6, 9", (3, 6, 9)),
        ("1.5;3  4.5", (1.5, 3, 4.5)),
        ("1/6,2/6", (1 / 6, 1 / 3)),
        (" 3 ,", (3,)),
        ("", ()),
        ("  ", ()),
        ("-2 1e1", (-2, 10)),
    ],
)
def test_commas_semicolons_and_spaces_part_numbers(text, numbers):
    assert read_numbers(text, "distances") == pytest.approx(numbers, abs=0)


@pytest.mark.parametrize("text", ["three", "3, 6mm", "1/0", "nan", "inf", "3..6", "1/6/2"])
def test_what_is_no_number_is_named(text):
    with pytest.raises(InputError, match=r"^ring distances must be numbers such as .*'.+' is none$"):
        read_numbers(text, "ring distances")
