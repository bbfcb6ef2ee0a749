"""Text for Slicer's console: ASCII, with nothing lost."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st

from RadiomicsStudyLib.words.ascii_output import ascii_only, in_ascii
from RadiomicsStudyLib.words.console import print_failures, print_table


@given(st.text(), st.text())
def test_every_text_is_ascii_and_two_names_stay_two_names(one, other):
    assert in_ascii(one).isascii()
    letters = ("".join(character for character in text if character.isalnum()) for text in (one, other))
    one, other = letters
    assert one == other or in_ascii(one) != in_ascii(other)


def test_signs_of_our_words_become_their_fellows_and_letters_are_escaped():
    assert in_ascii("1 × 2 ± 3, perturbed_1, …") == "1 x 2 +- 3, perturbed_1, ..."
    assert in_ascii("Müller Łódź") == "Müller Łódź".encode("ascii", "backslashreplace").decode()


def slicers_console(text: str) -> bytes:
    """What ctkPythonConsole writes of a text: as many of its UTF-8 bytes as it has characters."""
    return text.encode()[: len(text)]


def test_nothing_is_cut_off_in_slicers_console():
    assert slicers_console("case Müller\n") != "case Müller\n".encode()
    stream = io.StringIO()
    with ascii_only(stream, stream):
        print("case Müller, …")
    assert slicers_console(stream.getvalue()).decode() == "case M\\xfcller, ...\n"


def test_tables_have_ascii_frames_and_their_columns_stay_in_line():
    stream = io.StringIO()
    with ascii_only(stream, stream):
        print_table("Müllers", ("name", "what"), [("Jürgen", "ä" * 40), ("Ann", "b" * 200)])
        print_failures([("Jürgen", "no image"), ("Ann", "no mask")])
    lines = stream.getvalue().splitlines()
    assert all(line.isascii() for line in lines)
    frame = [line for line in lines if line.startswith(("|", "+"))]
    assert len(frame) > 6 and len({len(line) for line in frame}) == 1
    assert len({line.index("no ") for line in lines if "no " in line}) == 1
