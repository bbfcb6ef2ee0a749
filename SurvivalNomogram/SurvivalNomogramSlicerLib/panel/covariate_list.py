"""The check list of covariates: which may enter the model, how each is read, and which level is its reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from slicer.i18n import tr as _

from ..logic.cohort import CATEGORY, NUMBER, Cohort
from ..logic.pairs import pairs_of, texts_of


@dataclass(frozen=True)
class CovariateChoice:
    """What is chosen of the covariates.

    Attributes:
        names: that are checked.
        categorical: those that are codes, though they are numbers.
        references: covariate to its reference level.
    """

    names: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    references: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, parameters: Any) -> CovariateChoice:
        """Return what a parameter node says."""
        return cls(tuple(parameters.covariates), tuple(parameters.categorical), pairs_of(parameters.references))

    def put(self, parameters: Any) -> None:
        """Write it to a parameter node."""
        parameters.covariates = list(self.names)
        parameters.categorical = list(self.categorical)
        parameters.references = texts_of(self.references)

    def is_category(self, cohort: Cohort, name: str) -> bool:
        """Whether a covariate is read as categories."""
        return name in self.categorical or cohort.kind(name) == CATEGORY

    def reference(self, cohort: Cohort, name: str) -> str:
        """Return the reference level of a category: the one that is chosen, or the first; "" of a number."""
        levels = cohort.values(name) if self.is_category(cohort, name) else []
        chosen = self.references.get(name, "")
        return chosen if chosen in levels else (levels[0] if levels else "")


class CovariateList:
    """Shows the covariates in a QTableWidget, and changes the one whose row is selected by two boxes.

    Args:
        ui: with ``covariateTable``, ``covariateLabel``, ``typeSelector``, ``referenceSelector``.
        onChanged: called with the new choice after the user changed something.
    """

    def __init__(self, ui: Any, onChanged: Callable[[CovariateChoice], None]) -> None:
        import qt

        self._ui, self._onChanged = ui, onChanged
        self._table = ui.covariateTable
        self._cohort: Cohort | None = None
        self._choice = CovariateChoice()
        self._names: list[str] = []
        self._filling = False
        table = self._table
        table.setColumnCount(3)
        table.setHorizontalHeaderLabels([_("Covariate"), _("Read as"), _("Reference")])
        for number in range(3):
            mode = qt.QHeaderView.ResizeToContents if number else qt.QHeaderView.Stretch
            table.horizontalHeader().setSectionResizeMode(number, mode)
        line = qt.QFontMetrics(table.font).height()
        table.verticalHeader().setMinimumSectionSize(line + 6)
        table.verticalHeader().setDefaultSectionSize(line + 6)
        table.verticalHeader().hide()
        table.itemChanged.connect(self._onItem)
        table.connect("itemSelectionChanged()", self._showRow)
        ui.typeSelector.connect("currentIndexChanged(int)", self._onType)
        ui.referenceSelector.connect("currentIndexChanged(int)", self._onReference)

    def show(self, cohort: Cohort | None, names: Sequence[str], choice: CovariateChoice) -> None:
        """Show the covariates of a cohort.

        Args:
            cohort: None: nothing can be chosen.
            names: columns that can be covariates.
            choice: what is chosen of them.
        """
        if (cohort, list(names), choice) == (self._cohort, self._names, self._choice):
            return
        row = self._row()
        self._cohort, self._names, self._choice = cohort, list(names), choice
        self._fill()
        if 0 <= row < len(self._names):
            self._table.selectRow(row)
        self._showRow()

    def _fill(self) -> None:
        import qt

        self._filling = True
        try:
            self._table.setRowCount(len(self._names))
            for row, name in enumerate(self._names):
                first = qt.QTableWidgetItem(name)
                first.setCheckState(qt.Qt.Checked if name in self._choice.names else qt.Qt.Unchecked)
                first.setToolTip(name)
                self._table.setItem(row, 0, first)
                is_category = self._choice.is_category(self._cohort, name)
                self._table.setItem(row, 1, qt.QTableWidgetItem(_("category") if is_category else _("number")))
                self._table.setItem(row, 2, qt.QTableWidgetItem(self._choice.reference(self._cohort, name)))
        finally:
            self._filling = False

    def _row(self) -> int:
        chosen = self._table.selectedItems()
        return chosen[0].row() if len(chosen) else -1

    def _selected(self) -> str:
        row = self._row()
        return self._names[row] if 0 <= row < len(self._names) else ""

    def _showRow(self) -> None:
        from RadiomicsSlicerLib.connectors import fill_items

        if self._filling:
            return
        name, cohort = self._selected(), self._cohort
        kinds, levels, kind, reference = [], [], "", ""
        if name and cohort is not None:
            kinds = [(_("categories"), CATEGORY)]
            if cohort.kind(name) == NUMBER:
                kinds.insert(0, (_("number"), NUMBER))
            kind = CATEGORY if self._choice.is_category(cohort, name) else NUMBER
            few = cohort.values(name) if kind == CATEGORY else []
            levels = [(_("against {level}").format(level=level), level) for level in few]
            reference = self._choice.reference(cohort, name)
        self._ui.covariateLabel.text = _("Read it as:") if name else _("Select a row:")
        fill_items(self._ui.typeSelector, kinds, kind)
        fill_items(self._ui.referenceSelector, levels, reference)
        self._ui.typeSelector.enabled = len(kinds) > 1
        self._ui.referenceSelector.enabled = len(levels) > 1

    def _onItem(self, *_: Any) -> None:
        import qt

        if self._filling or self._cohort is None:
            return
        rows = range(len(self._names))
        checked = tuple(self._names[row] for row in rows if self._table.item(row, 0).checkState() == qt.Qt.Checked)
        self._change(replace(self._choice, names=checked))

    def _onType(self, *_: Any) -> None:
        name, box = self._selected(), self._ui.typeSelector
        others = tuple(each for each in self._choice.categorical if each != name)
        wanted = box.itemData(box.currentIndex) == CATEGORY and self._cohort.kind(name) == NUMBER if name else False
        if name:
            self._change(replace(self._choice, categorical=(*others, name) if wanted else others))

    def _onReference(self, *_: Any) -> None:
        name, box = self._selected(), self._ui.referenceSelector
        level = box.itemData(box.currentIndex)
        if name and level:
            self._change(replace(self._choice, references={**self._choice.references, name: level}))

    def _change(self, choice: CovariateChoice) -> None:
        if choice != self._choice:
            self.show(self._cohort, self._names, choice)
            self._onChanged(choice)
