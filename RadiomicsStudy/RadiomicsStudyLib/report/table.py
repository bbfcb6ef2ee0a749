"""Tables as the page shows them: few digits, few rows, what is left out said."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsCoreLib.files.tables import read_cells, unguard_text

MOST_ROWS = 60
MOST_COLUMNS = 40
_P_VALUE = re.compile(r"(^|_)p(_value)?$|_p$")
SMALLEST_P = 0.001
LARGEST_WHOLE = 1e9


@dataclass(frozen=True)
class Table:
    """A table to show.

    Attributes:
        name: of the file, without its ending.
        columns: names.
        rows: texts, one a column.
        left_out: what is not shown; "" where all is.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left_out: str = ""


def number_of(text: object) -> float:
    """Return a cell as a number; NaN where it is none.

    Example:
        >>> number_of("0.5"), number_of("low risk")
        (0.5, nan)
    """
    try:
        return float(str(text))
    except ValueError:
        return math.nan


def shown(value: object, column: str = "") -> str:
    """Return a value with the digits that a reader needs.

    Args:
        value: of a cell.
        column: its name; a p value below 0.001 is told as that.

    Example:
        >>> shown(0.123456), shown("0.00001", "p"), shown("low risk"), shown(None), shown("12830.0")
        ('0.1235', '<0.001', 'low risk', '', '12830')
    """
    if value is None:
        return ""
    text = str(value)
    number = number_of(text)
    if text.lower() in ("nan", "none"):
        return ""
    if math.isnan(number) or isinstance(value, bool) or re.fullmatch(r"[+-]?\d{1,15}", text):
        return text
    if _P_VALUE.search(column) and 0 <= number < SMALLEST_P:
        return f"<{SMALLEST_P:g}"
    if math.isinf(number):
        return "∞" if number > 0 else "−∞"
    return f"{number:.0f}" if number.is_integer() and abs(number) < LARGEST_WHOLE else f"{number:.4g}"


def with_interval(estimate: object, lower: object, upper: object, digits: int = 3) -> str:
    """Return ``0.71 (0.60 to 0.82)``; the interval only where there is one.

    Example:
        >>> with_interval("0.7123", "0.6", "0.8"), with_interval("0.7123", "", None)
        ('0.712 (0.600 to 0.800)', '0.712')
    """
    middle = number_of(estimate)
    if math.isnan(middle):
        return ""
    low, high = number_of(lower), number_of(upper)
    text = f"{middle:.{digits}f}"
    return text if math.isnan(low) or math.isnan(high) else f"{text} ({low:.{digits}f} to {high:.{digits}f})"


def rows_of(path: Path | None) -> list[dict[str, str]]:
    """Return the rows of a CSV file as texts by column; none where it cannot be read."""
    if path is None or not path.is_file():
        return []
    try:
        header, rows = read_cells(path)
    except RadiomicsError:
        return []
    return [dict(zip(header, map(unguard_text, row), strict=True)) for row in rows]


def header_of(path: Path) -> list[str]:
    """Return the columns of a CSV file, of which no more than the first line is read; none where it has none."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as stream:
            return [unguard_text(name) for name in next(csv.reader(stream), [])]
    except (OSError, ValueError, csv.Error):
        return []


def table_of(name: str, rows: Sequence[Mapping[str, Any]], *, most: int = MOST_ROWS) -> Table | None:
    """Make a table of rows; None where there is none.

    Args:
        name: of the table.
        rows: column to value.
        most: rows that are shown.
    """
    if not rows:
        return None
    columns = list(dict.fromkeys(column for row in rows for column in row))
    left = [f"{len(rows) - most} more rows"] if len(rows) > most else []
    left += [f"{len(columns) - MOST_COLUMNS} more columns"] if len(columns) > MOST_COLUMNS else []
    columns = columns[:MOST_COLUMNS]
    cells = tuple(tuple(shown(row.get(column), column) for column in columns) for row in rows[:most])
    return Table(name, tuple(map(str, columns)), cells, f"{' and '.join(left)} in {name}.csv" if left else "")


def flat(values: Any, name: str = "") -> Iterable[tuple[str, str]]:
    """Return nested settings as lines ``rings.outer_mm`` and their value; what was not set is left out.

    Example:
        >>> list(flat({"rings": {"outer_mm": [3.0, 6.0]}, "study": None}))
        [('rings.outer_mm', '3, 6')]
    """
    if isinstance(values, Mapping):
        for key, value in values.items():
            yield from flat(value, f"{name}.{key}" if name else str(key))
    elif isinstance(values, list | tuple):
        if values and all(not isinstance(value, Mapping | list) for value in values):
            yield name, ", ".join(_setting(value) for value in values)
        else:
            for k, value in enumerate(values):
                yield from flat(value, f"{name}[{k}]")
    elif values is not None:
        yield name, _setting(values)


def _setting(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str) and "../" in value:
        return value.rsplit("/", 1)[-1]  # a folder outside of the study may be called after a patient or a hospital
    return f"{value:g}" if isinstance(value, float) else str(value)
