"""Tables and JSON files: exact, atomic, without formulas."""

from __future__ import annotations

import csv
import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files import tables

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "'x", "''", "'", "＝1", "=", "-5"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_text_that_starts_like_a_formula_is_disarmed_and_read_back_exactly(text, tmp_path):
    tables.write_csv(tmp_path / "t.csv", [{"case_id": "a", "note": text}])
    with (tmp_path / "t.csv").open(newline="", encoding="utf-8") as stream:
        cell = list(csv.reader(stream))[1][1]
    assert cell == "'" + text
    assert tables.read_csv(tmp_path / "t.csv")["note"].tolist() == [text]


def test_a_column_name_cannot_be_a_formula(tmp_path):
    tables.write_csv(tmp_path / "t.csv", [{"=cmd": 1}])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").startswith("'=cmd")
    assert tables.read_csv(tmp_path / "t.csv").columns.tolist() == ["=cmd"]


def test_negative_numbers_stay_numbers(tmp_path):
    tables.write_csv(tmp_path / "t.csv", [{"x": -1.5, "n": -3}, {"x": np.float64(-2), "n": np.int32(4)}])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "x,n\n-1.5,-3\n-2.0,4\n"


@given(st.lists(st.floats(allow_nan=False), min_size=1))
def test_floats_come_back_with_every_bit(numbers):
    column = tables.typed_column([tables._cell(number) for number in numbers]).tolist()
    assert [float(x).hex() for x in column] == [x.hex() for x in numbers]


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_text_survives_the_guard(text):
    assert tables.unguard_text(tables.guard_text(text)) == text


def test_pandas_reads_the_file_like_we_do(tmp_path):
    frame = pd.DataFrame(
        {"case_id": ["Ä", "b,c", 'd"e'], "x": [0.1 + 0.2, math.nan, 1e-300], "ok": [True, False, True]}
    )
    tables.write_csv(tmp_path / "t.csv", frame)
    pandas_own = pd.read_csv(tmp_path / "t.csv", float_precision="round_trip")
    pd.testing.assert_frame_equal(tables.read_csv(tmp_path / "t.csv"), pandas_own, check_exact=True)
    pd.testing.assert_frame_equal(pandas_own, frame, check_exact=True)


def test_missing_values_become_empty_cells_and_come_back_as_missing(tmp_path):
    rows = [{"a": None, "b": math.nan, "c": pd.NA, "d": pd.NaT}, {"a": "x", "b": 2.0, "c": 3, "d": "t"}]
    tables.write_csv(tmp_path / "t.csv", rows)
    assert (tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()[1] == ",,,"
    frame = tables.read_csv(tmp_path / "t.csv")
    assert frame["a"].tolist() == [None, "x"]
    assert math.isnan(frame["b"][0]) and frame["b"][1] == 2.0


def test_ids_of_digits_keep_their_zeros_and_long_ids_keep_their_digits(tmp_path):
    tables.write_csv(tmp_path / "t.csv", [{"case_id": "001", "mrn": "12345678901234567890123"}])
    assert tables.read_csv(tmp_path / "t.csv").iloc[0].tolist() == ["001", "12345678901234567890123"]


def test_rows_may_lack_columns_and_a_lone_empty_cell_keeps_its_row(tmp_path):
    tables.write_csv(tmp_path / "t.csv", [{"a": 1}, {"b": 2}], columns=["a", "b"])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "a,b\n1,\n,2\n"
    tables.write_csv(tmp_path / "one.csv", [{"a": 1.0}, {"a": None}])
    assert len(tables.read_csv(tmp_path / "one.csv")) == 2


def test_a_failed_write_leaves_the_old_file_and_no_remains(tmp_path, monkeypatch):
    tables.write_csv(tmp_path / "t.csv", [{"a": 1}])

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables.os, "replace", full)
    with pytest.raises(InputError, match="No space left on device"):
        tables.write_csv(tmp_path / "t.csv", [{"a": 2}])
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == "a\n1\n"


def test_a_byte_order_mark_and_windows_lines_are_read(tmp_path):
    (tmp_path / "t.csv").write_bytes("\ufeffcase_id,ü\r\na,1\r\n\r\n".encode())
    assert tables.read_cells(tmp_path / "t.csv") == (["case_id", "ü"], [["a", "1"]])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "empty table"),
        (b"\xff\xfea\x00", "UTF-16"),
        (b"PK\x03\x04\x00\x00", "Excel workbook"),
        ("a,b\nJosé,1".encode("latin-1"), "not UTF-8 text .byte 0xe9 in line 2"),
        (b"a;b\n1;2", "separated by semicolons"),
        (b"a\tb\n1\t2", "separated by tabs"),
        (b"a,a\n1,2", "column 'a' stands twice"),
        (b"a,,b\n1,2,3", "column 2 has no name"),
        (b"a,b\n1,2,3", "row 2 has 3 cells, the header has 2"),
        (b'a,b\n"1,2', "not a sound CSV"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(content, message, tmp_path):
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        tables.read_cells(tmp_path / "t.csv")
    assert "\n" not in str(caught.value) and "t.csv" in str(caught.value)


def test_a_missing_table_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match="No such file"):
        tables.read_csv(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder"):
        tables.read_csv(tmp_path)


def test_parquet_keeps_the_table(tmp_path):
    frame = pd.DataFrame({"case_id": ["a", "b"], "x": [0.1, math.nan]})
    assert tables.write_parquet(tmp_path / "t.parquet", frame)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "t.parquet"), frame)


def test_parquet_is_left_out_where_pyarrow_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    assert not tables.write_parquet(tmp_path / "t.parquet", [{"a": 1}])
    assert not list(tmp_path.iterdir())


def test_json_takes_numpy_and_has_no_nan(tmp_path):
    value = {"a": np.float32(0.5), "b": np.arange(3), "c": math.nan, "d": ("ü", tmp_path), "e": {2, 1}}
    tables.write_json(tmp_path / "t.json", value)
    expected = {"a": 0.5, "b": [0, 1, 2], "c": None, "d": ["ü", str(tmp_path)], "e": [1, 2]}
    assert json.loads((tmp_path / "t.json").read_text(encoding="utf-8")) == expected
    assert tables.read_json(tmp_path / "t.json") == expected


def test_a_broken_json_file_is_refused(tmp_path):
    (tmp_path / "t.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="not a JSON file"):
        tables.read_json(tmp_path / "t.json")


def test_parquet_in_row_groups_equals_the_whole_table(tmp_path, monkeypatch):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    monkeypatch.setattr("RadiomicsCoreLib.files.tables._PARQUET_GROUP_ROWS", 2)
    rows = [{"case_id": str(n), "late": float(n) if n > 2 else None, "x": n / 3} for n in range(5)]
    assert tables.write_parquet(tmp_path / "t.parquet", iter(rows), ["case_id", "x", "late", "never"])
    frame = pd.read_parquet(tmp_path / "t.parquet")
    assert frame["case_id"].tolist() == ["0", "1", "2", "3", "4"]
    assert frame["x"].tolist() == [n / 3 for n in range(5)]
    assert frame["late"].isna().tolist() == [True] * 3 + [False] * 2
    assert tables.write_parquet(tmp_path / "empty.parquet", iter([]), ["case_id"])
    assert list(pd.read_parquet(tmp_path / "empty.parquet").columns) == ["case_id"]


def test_rows_are_written_as_they_come_and_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "t.csv"
    tables.write_csv(path, ({"a": n} for n in range(3)), ["a"])
    before = path.read_bytes()

    def torn():
        yield {"a": 1}
        raise RuntimeError("power cut")

    with pytest.raises(RuntimeError):
        tables.write_csv(path, torn(), ["a"])
    assert path.read_bytes() == before and [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def test_rows_of_empty_cells_at_the_end_are_what_a_spreadsheet_left(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("a,b\n1,\n,\n2,3\n,\n , \n\n")
    assert tables.read_cells(path) == (["a", "b"], [["1", ""], ["", ""], ["2", "3"]])


def test_twenty_thousand_columns_are_read_about_as_fast_as_their_cells(tmp_path):
    import time

    def seconds(columns: int, rows: int) -> float:
        path = tmp_path / f"{columns}.csv"
        header = ",".join(["case_id", *(f"ct.ring_0_3mm.feature_{k}" for k in range(columns))])
        line = ",".join(["p", *("0.12345" for _ in range(columns))])
        path.write_text("\n".join([header, *[line] * rows]) + "\n")
        started = time.perf_counter()
        assert tables.read_csv(path).shape == (rows, columns + 1)
        return time.perf_counter() - started

    seconds(100, 10)  # imports
    # The same number of cells, tall and wide: a check of each name against all others takes hundreds of times as long.
    assert seconds(20_000, 50) < 30 * seconds(500, 2_000)
