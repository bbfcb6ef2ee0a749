"""Sketches as SVG: sound XML whatever the words, and long names that keep both ends."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from RadiomicsCoreLib.figures.sketch import ROLES, Sketch, Stroke, Word, as_svg, elided, rough_width


def test_the_svg_holds_every_stroke_and_word_in_its_colour():
    sketch = Sketch(
        50,
        40,
        (Stroke(((0, 1), (2.04, 3)), "mark", 2, True),),
        (Word(4, 5, "<b> & 'age'", "right", 10, "grey", True),),
    )
    line, word = ElementTree.fromstring(as_svg(sketch))
    assert line.attrib["points"] == "0,1 2,3" and line.attrib["stroke"] == ROLES["mark"]
    assert "stroke-dasharray" in line.attrib
    assert word.text == "<b> & 'age'" and word.attrib["text-anchor"] == "end" and word.attrib["fill"] == ROLES["grey"]


@pytest.mark.parametrize("width", [8, 40, 111, 500])
def test_an_elided_name_fits_and_keeps_its_ends(width):
    name = "venous.ring_0_6mm.wavelet-LLH_glcm_JointEntropy"
    short = elided(name, width, 10)
    assert rough_width(short, 10) <= width or len(short) == 1
    assert short[0] == name[0]
    if len(short) > 2 and short != name:
        assert short[-1] == name[-1] and "…" in short
