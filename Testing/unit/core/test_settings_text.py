"""Files of names and values: what is read, and what is said of a file that cannot be."""

from __future__ import annotations

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.settings.text import load_yaml, read_values, yaml_text


@pytest.mark.parametrize(
    ("text", "value"), [("1e-3", 1e-3), ("-2E5", -2e5), ("1.5e+2", 150.0), ("1e", "1e"), ("e3", "e3")]
)
def test_numbers_with_an_exponent_are_numbers_as_in_yaml_1_2(text, value):
    assert load_yaml(f"x: {text}") == {"x": value}


def test_json_and_yaml_of_the_same_values_read_the_same(tmp_path):
    (tmp_path / "a.json").write_text('\ufeff{"epochs": 3, "rates": [0.1, null]}', encoding="utf-8")
    (tmp_path / "a.yaml").write_text("epochs: 3\nrates: [0.1, null]\n", encoding="utf-8")
    assert read_values(tmp_path / "a.json", "file") == read_values(tmp_path / "a.yaml", "file")


def test_a_file_that_would_run_code_is_refused(tmp_path):
    (tmp_path / "bad.yaml").write_text("x: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(InputError, match="cannot be parsed: line 1"):
        read_values(tmp_path / "bad.yaml", "parameter file")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.yaml", b"a: [1\nb: 2", "cannot be parsed: line 2"),
        ("a.json", b'{"a": ', "cannot be parsed: Expecting value"),
        ("a.yaml", b"\xff\xfe\x00", "cannot be read: it is not UTF-8 text"),
        ("a.yaml", None, "cannot be read: No such file"),
    ],
)
def test_a_file_that_cannot_be_read_is_named_in_one_line(tmp_path, name, content, told):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=told) as caught:
        read_values(tmp_path / name, "settings file")
    assert str(caught.value).startswith("settings file") and "\n" not in str(caught.value)


def test_what_surprises_is_refused_in_one_line(tmp_path):
    laughs = "a: &a [x, x]\n" + "".join(
        f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    hostile = {
        "aliases.yaml": (laughs, "anchors and aliases"),
        "itself.yaml": ("a: &a [*a]", "anchors and aliases"),
        "tag.yaml": ("a: !!int x", "tags"),
        "twice.yaml": ("a: 1\nb: 2\na: 3", "line 3: the name 'a' stands twice"),
        "deep.yaml": ("[" * 50_000, "nested too deeply"),
        "deep block.yaml": ("- " * 5_000, "nested too deeply"),
        "deep.json": ("[" * 50_000, "nested too deeply"),
        "long.yaml": ("a: " + "9" * 5000, "4300 digits"),
        "key.yaml": ("? [1]\n: 2", "unhashable"),
        "nul.yaml": ("a: \0", "special characters"),
        "twice.json": ('{"a": 1, "a": 2}', "'a' stands twice"),
        "nan.json": ('{"a": NaN}', "NaN is no number"),
    }
    for name, (text, told) in hostile.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(InputError, match=told) as caught:
            read_values(tmp_path / name, "job file")
        assert "\n" not in str(caught.value), name
    with pytest.raises(InputError, match="NUL"):
        read_values("a\0b.yaml", "job file")


def test_texts_that_look_like_something_else_come_back_as_texts():
    values = ["1e-3", "1e3", "no", "~", "2024-01-31", "1:30", "0o7", "=", "<<", "x: y", "ä\n b", "- a", "", " a "]
    numbers = [1e-7, 1e22, 0.1 + 0.2, -0.0, 5e-324, 2**62, True, None]
    assert load_yaml(yaml_text({"texts": values, "numbers": numbers})) == {"texts": values, "numbers": numbers}
    assert load_yaml("day: 2024-01-31") == {"day": "2024-01-31"}
    shared = [1]
    assert load_yaml(yaml_text({"a": shared, "b": shared})) == {"a": [1], "b": [1]}
