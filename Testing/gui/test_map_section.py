"""Times as people say them."""

from __future__ import annotations

import pytest

from PeritumoralSlicerLib.panel.map_section import in_words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.01, "1 second"),
        (1.6, "2 seconds"),
        (89, "89 seconds"),
        (90, "2 minutes"),
        (121, "3 minutes"),
        (5399, "90 minutes"),
        (5400, "1.5 hours"),
        (36000, "10.0 hours"),
    ],
)
def test_times_are_rounded_up_where_it_matters(seconds, words):
    assert in_words(seconds) == words
