"""Tables and JSON files: written whole or not at all, exact to the last digit, safe to open in a spreadsheet.

Every CSV is UTF-8, comma-separated, with a header. A text that a spreadsheet would run as a formula gets an
apostrophe before it; :func:`read_csv` takes it away again.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeGuard

import numpy as np

from ..errors import InputError

if TYPE_CHECKING:
    import pandas as pd

# https://owasp.org/www-community/attacks/CSV_Injection, with the full-width forms of East Asian keyboards.
_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_GUARD = "'"
# A column is looked at as one text, cell after cell: a table of features has thousands of them.
_BETWEEN = "\x1f"
# A whole number of 19 digits is an id: a float would lose its last digits.
_NUMBER = r"[+-]?(?:(?:\d{1,18}(?:\.\d*)?|\d+\.\d*|\.\d+)(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|inf)"
_NUMBERS = re.compile(f"(?:{_NUMBER})?(?:{_BETWEEN}(?:{_NUMBER})?)*\\Z", re.ASCII)
_WHOLE_NUMBERS = re.compile(rf"[+-]?\d{{1,18}}(?:{_BETWEEN}[+-]?\d{{1,18}})*\Z", re.ASCII)
_PARQUET_GROUP_ROWS = 500
_TRUTH = {"True": True, "False": False}
Rows = Iterable[Mapping[str, object]]


def write_csv(path: Path | str, table: pd.DataFrame | Rows, columns: Sequence[str] | None = None) -> None:
    """Write a table, replacing the file in one step.

    Floats keep every digit, NaN and None become empty cells, and a text that starts like a formula
    (``= + - @`` tab, line end) gets a leading apostrophe.

    Args:
        path: the CSV file.
        table: a data frame (its index is not written) or rows from column to value; a row may lack columns.
        columns: columns to write, in order; default: those of the table, in the order they appear.

    Raises:
        InputError: the file cannot be written.

    Example:
        >>> write_csv("t.csv", [{"case_id": "=1+1", "age": 61}])  # doctest: +SKIP
    """
    if _is_frame(table):
        columns = [str(name) for name in table.columns] if columns is None else columns
        rows: Rows = _frame_rows(table)
    elif columns is None:
        rows = list(table)
        columns = _columns_of(rows)
    else:
        rows = table  # written as it comes: a cohort of ten thousand need not fit into memory
    names = list(columns)
    header = _line(map(guard_text, names))
    lines = (_line(_cell(row.get(name)) for name in names) for row in rows)
    _write_atomically(path, (line.encode("utf-8", "surrogateescape") for line in chain([header], lines)))


def read_csv(path: Path | str, *, text_columns: Sequence[str] = ("case_id",)) -> pd.DataFrame:
    """Read a table that :func:`write_csv` wrote, or another CSV of the same kind.

    A column becomes int64, float64 (empty: NaN) or bool where every cell allows it, else text (empty: None).

    Args:
        path: the CSV file.
        text_columns: columns that stay text even if they hold digits only (ids such as ``001``).

    Raises:
        InputError: as :func:`read_cells`.

    Example:
        >>> write_csv("table.csv", [{"case_id": "001", "age": 61}])
        >>> read_csv("table.csv")["case_id"].tolist()
        ['001']
    """
    import pandas as pd

    header, cells = read_cells(path)
    # Not row[n] for every column: 20,000 features of 500 patients are ten million cells.
    by_column = zip(*cells, strict=True) if cells else ([] for _ in header)
    columns = {
        name: text_column(column) if name in text_columns else typed_column(column)
        for name, column in zip(header, by_column, strict=True)
    }
    return pd.DataFrame(columns, columns=header)


def read_cells(path: Path | str, *, separators: str = ",") -> tuple[list[str], list[list[str]]]:
    """Read a CSV as text: header and rows as they stand (formula guards included).

    Blank lines are skipped, and rows of empty cells at the end, which spreadsheets like to leave.

    Args:
        path: comma-separated, UTF-8 (with or without a byte order mark).
        separators: those that may stand between cells; the one that the first line holds most often does.

    Returns:
        The column names, and one list of cells (as many as columns) for each row.

    Raises:
        InputError: missing, a folder, not UTF-8, separated by something else, no or repeated
            columns, or a row with more or fewer cells than the header.
    """
    text = _decoded(path)
    separator = max(separators, key=text[: text.find("\n")].count)
    try:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        lines = [row for row in reader if row]
    except csv.Error as error:
        raise InputError(f"{path} is not a sound CSV file: {error}; save it again as CSV UTF-8") from None
    # In a table of one column an empty cell is a value that is missing, not a row too many.
    while len(lines) > 1 and len(lines[-1]) > 1 and not any(cell.strip() for cell in lines[-1]):
        lines.pop()
    if not lines:
        raise InputError(f"{path} is an empty table; the first line must name the columns")
    header = [unguard_text(name).strip() for name in lines[0]]
    _check_header(path, header)
    rows = [_checked_row(path, number, header, row) for number, row in enumerate(lines[1:], start=2)]
    return header, rows


def write_parquet(path: Path | str, table: pd.DataFrame | Rows, columns: Sequence[str] | None = None) -> bool:
    """Write a table as Parquet, in one step; return False (and write nothing) where pyarrow is not installed.

    Args:
        path: the Parquet file.
        table: a data frame, or rows from column to value.
        columns: columns to write, in order; default: those of the table. Rows are then written in groups of
            500, so that they need not fit into memory; a column is text if its first group is, else a number.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError:
        return False
    import pandas as pd

    if _is_frame(table) or columns is None:
        frame = table if _is_frame(table) else pd.DataFrame(list(table))
        content = io.BytesIO()
        frame.to_parquet(content, index=False)
        _write_atomically(path, [content.getvalue()])
    else:
        _write_row_groups(Path(path), table, list(columns))
    return True


def _write_row_groups(path: Path, rows: Rows, columns: list[str]) -> None:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    with _replaced(path) as stream:
        schema: pa.Schema | None = None
        writer: pq.ParquetWriter | None = None
        remaining = iter(rows)
        while (group := list(islice(remaining, _PARQUET_GROUP_ROWS))) or writer is None:
            frame = pd.DataFrame(group, columns=columns)
            if schema is None:
                # A column that is empty in the first group may hold numbers later.
                frame = frame.astype({name: float for name in columns if frame[name].isna().all()})
            part = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
            if writer is None:
                schema = part.schema
                writer = pq.ParquetWriter(stream, schema)
            writer.write_table(part)
            if not group:
                break
        writer.close()


def write_json(path: Path | str, value: object) -> None:
    """Write a JSON file in one step: UTF-8, indented, NaN and infinities as null.

    Accepts numpy numbers and arrays, paths, enums with plain values, tuples and sets.
    """
    text = json.dumps(_as_json(value), ensure_ascii=False, indent=2, allow_nan=False)
    _write_atomically(path, [(text + "\n").encode("utf-8", "surrogateescape")])


def write_text(path: Path | str, text: str) -> None:
    """Write a text file in one step, UTF-8."""
    _write_atomically(path, [text.encode("utf-8", "surrogateescape")])


def read_json(path: Path | str) -> Any:
    """Read a JSON file.

    Raises:
        InputError: missing, unreadable, not JSON or nested too deeply.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not a JSON file: {error}") from None


def guard_text(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would run as a formula.

    Example:
        >>> guard_text("=SUM(A1)")
        "'=SUM(A1)"
    """
    # A text that starts with an apostrophe gets another one, so that the way back is exact.
    return _GUARD + text if text.startswith((*_STARTS_A_FORMULA, _GUARD)) else text


def unguard_text(text: str) -> str:
    """Undo :func:`guard_text`; any other text stays as it is."""
    return text[1:] if text[:1] == _GUARD and text[1:2] in (*_STARTS_A_FORMULA, _GUARD) else text


def typed_column(cells: Sequence[str]) -> np.ndarray:
    """Return a column of texts as numbers or truths where every cell allows it (empty: NaN or None).

    Example:
        >>> typed_column(["1", "2.5", ""]).tolist()
        [1.0, 2.5, nan]
    """
    if not any(cells):
        return np.full(len(cells), np.nan)
    joined = _BETWEEN.join(cells)
    is_whole = joined.count(_BETWEEN) == len(cells) - 1  # no cell holds the sign itself
    if is_whole and _NUMBERS.match(joined):
        if _WHOLE_NUMBERS.match(joined):
            return np.array(list(map(int, cells)), dtype=np.int64)
        return np.array([float(cell or "nan") for cell in cells], dtype=np.float64)
    if all(cell in _TRUTH for cell in cells):
        return np.array([_TRUTH[cell] for cell in cells], dtype=bool)
    return text_column(cells)


def text_column(cells: Sequence[str]) -> np.ndarray:
    """Return a column of texts as it stands, formula guards taken away (empty: None)."""
    column = np.empty(len(cells), dtype=object)
    column[:] = [unguard_text(cell) if cell != "" else None for cell in cells]
    return column


def _is_frame(table: object) -> TypeGuard[pd.DataFrame]:
    return hasattr(table, "columns") and hasattr(table, "to_dict")


def _frame_rows(frame: pd.DataFrame) -> Iterator[Mapping[str, object]]:
    names = [str(name) for name in frame.columns]
    columns = [frame.iloc[:, index].tolist() for index in range(len(names))]
    return (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))


def _columns_of(rows: Sequence[Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row))


def _line(cells: Iterable[str]) -> str:
    quoted = [_quoted(cell) for cell in cells]
    # A lone empty cell would make a blank line, which readers skip.
    return ('""' if quoted == [""] else ",".join(quoted)) + "\n"


def _quoted(cell: str) -> str:
    # csv.writer leaves a lone carriage return bare where lines end in a newline, and readers break there.
    if any(letter in cell for letter in ',"\r\n'):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _cell(value: object) -> str:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return ""
    if isinstance(value, float) and math.isnan(value):
        return ""
    if isinstance(value, (bool, int)):
        return str(value)
    if isinstance(value, float):
        return repr(value)
    return guard_text(str(value))


def _as_json(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _as_json(value.tolist())
    if isinstance(value, (list, tuple)):
        return [_as_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return sorted((_as_json(item) for item in value), key=str)
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return getattr(value, "value", value)
    return _as_json(value.value) if hasattr(value, "value") else str(value)


def _write_atomically(path: Path | str, content: Iterable[bytes]) -> None:
    with _replaced(Path(path)) as stream:
        stream.writelines(content)


@contextmanager
def _replaced(path: Path) -> Iterator[BinaryIO]:
    """Open a new file that takes the place of ``path`` when the block ends well, and vanishes if it does not."""
    partial = path.with_name(f".{uuid.uuid4().hex[:12]}.partial")
    try:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}; choose another place") from None
    finally:
        partial.unlink(missing_ok=True)


def _decoded(path: Path | str) -> str:
    try:
        content = Path(path).read_bytes()
    except IsADirectoryError:
        raise InputError(f"{path} is a folder, not a table; name the CSV file in it") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}") from None
    if content[:4] == b"PK\x03\x04":
        raise InputError(f"{path} is an Excel workbook or another zip file, not text; save the table as CSV UTF-8")
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path} is UTF-16 text; save it as CSV UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path} is not UTF-8 text (byte 0x{content[error.start]:02x} in line {line}); save it as CSV UTF-8"
        ) from None


def _check_header(path: Path | str, header: list[str]) -> None:
    if len(header) == 1:
        for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars")):
            if separator in header[0]:
                raise InputError(f"{path} is separated by {name}; save it as CSV separated by commas")
    if "" in header:
        raise InputError(f"{path}: column {header.index('') + 1} has no name; name it or delete it")
    if len(set(header)) < len(header):
        repeated = min(name for name, count in Counter(header).items() if count > 1)
        raise InputError(f"{path}: column {repeated!r} stands twice; rename or delete one")


def _checked_row(path: Path | str, number: int, header: list[str], row: list[str]) -> list[str]:
    if len(row) > len(header) and not any(row[len(header) :]):
        row = row[: len(header)]  # a spreadsheet leaves empty cells behind the table
    if len(row) != len(header):
        raise InputError(
            f"{path}: row {number} has {len(row)} cells, the header has {len(header)} columns; "
            "put texts that hold a comma in double quotes"
        )
    return row
