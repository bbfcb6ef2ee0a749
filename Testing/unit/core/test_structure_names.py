"""Finding the structure that is meant."""

from __future__ import annotations

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.images.structure_names import Named, choose_structure

FOUND = [Named("GTV-1", 1), Named("gtv-1", 2), Named("Lung-Left", 3), Named("Herz", 4), Named("Herz", 5)]


@pytest.mark.parametrize(
    ("asked", "number"),
    [({"name": "GTV-1"}, 1), ({"name": "gtv-1"}, 2), ({"name": " LUNG-left"}, 3), ({"number": 5}, 5)],
)
def test_a_name_is_matched_exactly_first_then_without_letter_case(asked, number):
    assert choose_structure("rs.dcm", FOUND, **asked).number == number


def test_the_only_structure_needs_no_name():
    assert choose_structure("rs.dcm", FOUND[:1]) == FOUND[0]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({}, r"holds 5 structures; name one of GTV-1 \(1\), gtv-1 \(2\)"),
        ({"name": "Lung_Left"}, r"no structure 'Lung_Left' \(did you mean 'Lung-Left'\?\); it holds GTV-1"),
        ({"name": "Gtv-1"}, r"holds 2 structures 'Gtv-1'; give the number"),
        ({"name": "Herz"}, r"holds 2 structures 'Herz'; give the number"),
        ({"number": 9}, r"no structure number 9; it holds"),
    ],
)
def test_none_or_several_are_refused_with_what_there_is(asked, message):
    with pytest.raises(InputError, match=message):
        choose_structure("rs.dcm", FOUND, **asked)
