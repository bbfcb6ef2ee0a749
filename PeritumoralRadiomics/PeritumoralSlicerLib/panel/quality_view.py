"""The quality of rings as a small table that fits a narrow panel, with the warnings in words below it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slicer.i18n import tr as _

from PeritumoralRadiomicsLib.regions.kinds import TUMOUR
from RadiomicsSlicerLib.tables import table_columns

_ROWS_SHOWN = 12  # more are scrolled to
_NOTES_SHOWN = 4
_MARK = "\N{WARNING SIGN}"
_RIGHT_AND_MIDDLE = 0x0002 | 0x0080  # Qt::AlignRight | Qt::AlignVCenter


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Attributes:
        head: at most two short lines.
        tip: what it means.
        text: of a row of the quality table; empty where there is nothing to say.
    """

    head: str
    tip: str
    text: Callable[[Mapping[str, Any]], str]


def quality_columns() -> list[Column]:
    """Return the columns that the panel shows."""
    return [
        Column(_("Region"), _("The tumour, and its rings from the border outwards."), lambda row: row["region"]),
        Column(
            _("From\nmm"),
            _("Distance of the ring's inner limit from the tumour's border, in mm."),
            lambda row: decimals(row["inner_mm"], 2),
        ),
        Column(
            _("To\nmm"),
            _("Distance of the ring's outer limit from the tumour's border, in mm."),
            lambda row: decimals(row["outer_mm"], 2),
        ),
        Column(_("Voxels"), _("Number of voxels, as the segment is now."), lambda row: str(row["voxels"])),
        Column(_("Volume\nml"), _("Volume of these voxels, in ml."), lambda row: volume_words(row["volume_ml"])),
        Column(
            _("Kept\n%"),
            _(
                "Share of the whole ring that organ, left out segments, intensities and the image's border have left; "
                "above 100 if more was painted."
            ),
            lambda row: "" if row["region"] == TUMOUR else decimals(100 * row["retained_fraction"], 1),
        ),
    ]


def decimals(number: float, most: int) -> str:
    """Return a number with at most so many decimals; empty for one that does not apply (NaN).

    Example:
        >>> decimals(3.0, 2), decimals(2.345, 2), decimals(100.0, 1), decimals(float("nan"), 1)
        ('3', '2.35', '100', '')
    """
    if math.isnan(number):
        return ""
    text = f"{number:.{most}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def volume_words(volume_ml: float) -> str:
    """Return a volume with about three digits.

    Example:
        >>> volume_words(26.5952), volume_words(4.18), volume_words(0.0123), volume_words(1234.5), volume_words(0.0)
        ('26.6', '4.18', '0.012', '1234', '0')
    """
    if volume_ml == 0:
        return "0"
    return f"{volume_ml:.{3 if volume_ml < 1 else 2 if volume_ml < 10 else 1 if volume_ml < 100 else 0}f}"


def row_notes(row: Mapping[str, Any]) -> str:
    """Return what is to be said of a row: that its segment was edited, and its warnings; empty if nothing is."""
    edited = _("edited after it was made") if row["edited"] == "yes" else ""
    text = "; ".join(part for part in (edited, row["warnings"]) if part)
    return text if not text or text.startswith(row["region"]) else f"{row['region']}: {text}"


def notes_below(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return one paragraph for each row that something is to be said of; the last ones are counted only."""
    notes = [f"{_MARK} {row_notes(row)}" for row in rows if row_notes(row)]
    left_out = len(notes) - _NOTES_SHOWN
    if left_out > 0:
        more = _("{number} more regions have warnings: see the tool tips of the table.").format(number=left_out)
        notes[_NOTES_SHOWN:] = [f"{_MARK} {more}"]
    return "\n".join(notes)


class QualityView:
    """Shows a quality table in a QTableWidget, and its warnings in a label.

    A qMRMLTableView would show every column of the node, "nan" and six digits.

    Args:
        table: the QTableWidget.
        label: a QLabel that wraps its words.
    """

    def __init__(self, table: Any, label: Any) -> None:
        self._table, self._label = table, label
        self._shown: Any = None
        self._columns = quality_columns()
        self._prepare()
        self._fill([])

    def show(self, tableNode: Any, *, again: bool = False) -> bool:
        """Show a quality table node, or nothing.

        Args:
            tableNode: or None.
            again: even if it is shown already: its contents are new.

        Returns:
            Whether anything was done.
        """
        if tableNode is self._shown and not again:
            return False
        self._shown = tableNode
        columns = table_columns(tableNode) if tableNode is not None else {}
        self._fill([dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)])
        return True

    def _prepare(self) -> None:
        import qt

        table = self._table
        table.setColumnCount(len(self._columns))
        for number, column in enumerate(self._columns):
            head = qt.QTableWidgetItem(column.head)
            head.setToolTip(column.tip)
            table.setHorizontalHeaderItem(number, head)
            mode = qt.QHeaderView.ResizeToContents if number else qt.QHeaderView.Stretch
            table.horizontalHeader().setSectionResizeMode(number, mode)
        # PythonQt cannot return what widget.fontMetrics() does: QFontMetrics has no default constructor.
        line = qt.QFontMetrics(table.font).height()
        self._headHeight, self._rowHeight = 2 * line + 8, line + 6
        table.horizontalHeader().setMinimumSectionSize(30)
        table.horizontalHeader().setFixedHeight(self._headHeight)
        # Else the style makes rows higher than asked for, and the last one does not fit.
        table.verticalHeader().setMinimumSectionSize(self._rowHeight)
        table.verticalHeader().setDefaultSectionSize(self._rowHeight)

    def _fill(self, rows: list[dict[str, Any]]) -> None:
        self._table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for place, column in enumerate(self._columns):
                self._table.setItem(number, place, self._cell(row, column, first=place == 0))
        self._label.text = notes_below(rows)
        self._label.visible = bool(self._label.text)
        self._table.visible = bool(rows)
        body = min(len(rows), _ROWS_SHOWN) * self._rowHeight
        self._table.setFixedHeight(self._headHeight + body + 2 * self._table.frameWidth)

    def _cell(self, row: Mapping[str, Any], column: Column, *, first: bool) -> Any:
        import qt

        cell = qt.QTableWidgetItem(column.text(row))
        notes = row_notes(row)
        cell.setToolTip(notes or (row["segment"] if first else column.tip))
        if first and notes:
            cell.setIcon(self._table.style().standardIcon(qt.QStyle.SP_MessageBoxWarning))
        if not first:
            # As data, not by setTextAlignment: Qt 5 and Qt 6 want different types there.
            cell.setData(qt.Qt.TextAlignmentRole, _RIGHT_AND_MIDDLE)
        return cell
