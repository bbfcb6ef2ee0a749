"""The part of the panel for a cohort: its cases, what is asked of them, the run, and what it found."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slicer.i18n import tr as _

from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsCoreLib.jobs.cohort_check import CASES_FILE, case_rows
from RadiomicsSlicerLib.job_area import JobArea
from RadiomicsSlicerLib.layouts import (
    look_at_segment,
    show_chart,
    show_layout,
    show_soft_tissue,
    show_table,
    show_volume,
)
from RadiomicsSlicerLib.results.chart_clicks import ChartClicks
from RadiomicsSlicerLib.results.text_table import Head, Row, TextTable
from RadiomicsSlicerLib.results.widget_words import enable, tell
from RadiomicsSlicerLib.runs.job_boxes import choice_items, give_tool_tips
from RadiomicsSlicerLib.runs.job_run import read_rows
from RadiomicsSlicerLib.tables import record_of, table_columns

from ..logic import cohort_results
from ..logic.cohorts import DEEP, FUSION, NETWORK, RADIOMICS, SWEEP, CohortChoices, CohortColumns, why_not
from ..logic.deep_tables import region_names
from ..logic.packages import CLASSIFIERS, packages_of_network

MODELS, ROC, TESTS, DELONG, CALIBRATION, LOSS, SIZES = (
    "models",
    "roc",
    "tests",
    "delong",
    "calibration",
    "loss",
    "sizes",
)


class CohortSection:
    """Works on the widgets from the cohort's path to the results; arguments as of the other sections."""

    def __init__(self, panel: Any, onIdle: Callable[[], None]) -> None:
        self._panel = panel
        ui = self._ui = panel.ui
        self._columns = CohortColumns()
        self._path: str | None = None
        self._wrong = ""
        self._cases: list[Mapping[str, Any]] = []
        self._models: Any = None
        self._sweep: list[Mapping[str, Any]] = []
        self._losses = 0.0
        case_heads = (
            Head(_("Case"), _("Double click: load it into the scene.")),
            Head(_("Split"), _("Part of the cohort; train is the one that is fitted.")),
            Head(_("State"), _("Whether its images and masks can be used.")),
        )
        model_heads = (
            Head(_("Model"), _("Signatures, their fusion, classifiers, or the network.")),
            Head(
                _("AUC"),
                _("Mean over the folds where there are several, with its interval of 95 %; C of a survival network."),
                True,
            ),
            Head(_("Sens."), _("Sensitivity at the threshold."), True),
            Head(_("Spec."), _("Specificity at the threshold."), True),
        )
        sweep_heads = (
            Head(_("Region"), _("Choose a row: this ring is shown on the slices.")),
            Head(_("AUC"), _("Mean of the folds, with its interval."), True),
            Head(_("p"), _("Test against the tumour alone."), True),
        )
        self.cases = TextTable(ui.casesTable, case_heads, most=6, onActivated=self.onLoadCase)
        self.models = TextTable(ui.modelsTable, model_heads, most=8)
        self.sizes = TextTable(ui.sweepTable, sweep_heads, most=6, onChosen=self.onRing)
        self.clicks = ChartClicks(self.onPoint)
        self.check = JobArea(ui.checkProgressBar, ui.checkProgressLabel, ui.checkCancelButton, None, onIdle)
        self.job = JobArea(
            ui.runProgressBar,
            ui.runProgressLabel,
            ui.runCancelButton,
            ui.logEdit,
            onIdle,
            cancelled=lambda: _("Stopped; what is finished stays in the folder. Run goes on with it."),
            onStep=self._followLosses,
        )
        self._fillBoxes()
        ui.checkButton.connect("clicked(bool)", self.onCheck)
        ui.sampleCohortButton.connect("clicked(bool)", self.onSampleCohort)
        ui.runButton.connect("clicked(bool)", self.onRun)
        ui.resultSelector.connect("activated(int)", self.onResult)  # by the user, not by a scene that is loaded

    def _fillBoxes(self) -> None:
        from RadiomicsSlicerLib.connectors import fill_checked_items, fill_items

        ui = self._ui
        usual = _usual()
        fill_items(ui.studySelector, choice_items("train", "study", _("own settings")), "")
        fill_items(ui.cohortNetworkSelector, choice_items("train", "network", usual), "")
        fill_items(ui.presetSelector, choice_items("extract", "measure.preset"), "")
        fill_checked_items(ui.classifiersSelector, choice_items("fuse", "classifiers"), [])
        fill_checked_items(ui.stepsSelector, list(_steps().items()), [])
        fill_items(ui.resultSelector, list(_results().items()), "")
        give_tool_tips(ui, "train", {"cohortNetworkSelector": "network", "epochsSpinBox": "training.epochs"})
        give_tool_tips(
            ui, "train", {"endpointsSelector": "endpoints", "timeSelector": "time", "eventSelector": "event"}
        )
        give_tool_tips(ui, "extract", {"presetSelector": "measure.preset"})
        give_tool_tips(ui, "train", {"studySelector": "study", "cohortRegionSelector": "input.region"})
        give_tool_tips(
            ui,
            "fuse",
            {
                "foldsSpinBox": "cross_validation.folds",
                "repeatsSpinBox": "cross_validation.repeats",
                "missingEdit": "columns.missing",
                "classifiersSelector": "classifiers",
            },
        )

    def connectors(self) -> dict[str, Any]:
        """Bind what Slicer has no binding for."""
        from RadiomicsSlicerLib.connectors import CheckedItemsConnector, ItemConnector, PathConnector

        ui = self._ui
        return {
            "cohort": PathConnector(ui.cohortEdit),
            "outFolder": PathConnector(ui.outEdit),
            "study": ItemConnector(ui.studySelector),
            "phases": CheckedItemsConnector(ui.phasesSelector),
            "endpoints": CheckedItemsConnector(ui.endpointsSelector),
            "timeColumn": ItemConnector(ui.timeSelector),
            "eventColumn": ItemConnector(ui.eventSelector),
            "steps": CheckedItemsConnector(ui.stepsSelector),
            "preset": ItemConnector(ui.presetSelector),
            "cohortNetwork": ItemConnector(ui.cohortNetworkSelector),
            "cohortRegion": ItemConnector(ui.cohortRegionSelector),
            "classifiers": CheckedItemsConnector(ui.classifiersSelector),
            "shownResult": ItemConnector(ui.resultSelector),
        }

    def chooseDefaults(self, parameters: Any) -> None:
        """Choose what is done first by most; what the columns offer is there before the boxes are bound."""
        if not parameters.shownResult:
            parameters.shownResult = MODELS
            parameters.steps = [RADIOMICS, DEEP, FUSION]
            parameters.classifiers = [data for _text, data in choice_items("fuse", "classifiers")]
        self._read(parameters)

    def follow(self, parameters: Any) -> None:
        """Follow the table and the choices with boxes and words."""
        self._read(parameters)
        network = parameters.cohortNetwork
        tell(self._ui.cohortWeightsLabel, self._panel.logic.weights(network) if network else "")
        own = not parameters.study
        for box in (
            self._ui.presetSelector,
            self._ui.cohortNetworkSelector,
            self._ui.cohortRingsEdit,
            self._ui.cohortRegionSelector,
        ):
            box.enabled = own
        if parameters.models is not self._models:
            self._showModels(parameters.models)

    def updateButtons(self, parameters: Any) -> None:
        """Enable what can be done now."""
        nothing = self._wrong or ("" if parameters.cohort.strip() else _("Choose a cohort table first."))
        checking = _("Wait for what is going on here.") if self.check.running else ""
        enable(self._ui.checkButton, nothing or checking)
        enable(self._ui.sampleCohortButton, checking)
        busy = _("A run is on its way.") if self.job.running else ""
        enable(self._ui.runButton, self._wrong or why_not(_choices(parameters)) or busy)

    def stop(self, reason: str) -> None:
        """End the jobs, and say why."""
        for job in (self.check, self.job):
            job.stop(reason)

    def letGo(self) -> None:
        """Listen to the charts no more."""
        self.clicks.stop()

    # --- the table --------------------------------------------------------------------------------------------

    def _read(self, parameters: Any) -> None:
        """Read the table that is named, and offer what it holds."""
        from RadiomicsSlicerLib.connectors import fill_checked_items, fill_items

        ui, path = self._ui, parameters.cohort.strip()
        if path != self._path:
            self._path, self._columns, self._wrong, self._cases = path, CohortColumns(), "", []
            if path:
                try:
                    cohort = read_cohort(path)
                    self._columns, self._cases = self._panel.logic.cohortColumns(path), case_rows(cohort)
                    if not parameters.phases:
                        parameters.phases = list(self._columns.phases)
                except RadiomicsError as error:
                    self._wrong = str(error)
            self._showCases(checked=False)
        found = self._columns
        for box, name, offered in (
            (ui.phasesSelector, "phases", found.phases),
            (ui.endpointsSelector, "endpoints", found.endpoints),
        ):
            kept = [value for value in getattr(parameters, name) if value in offered]
            fill_checked_items(box, [(value, value) for value in offered], kept)
            if kept != getattr(parameters, name):
                setattr(parameters, name, kept)
        for box, name, offered in (
            (ui.timeSelector, "timeColumn", found.times),
            (ui.eventSelector, "eventColumn", found.endpoints),
            (ui.cohortRegionSelector, "cohortRegion", _regions(parameters.cohortRingsMm)),
        ):
            items = [(_none_of(name), ""), *((value, value) for value in offered)]
            kept = getattr(parameters, name) if getattr(parameters, name) in offered else ""
            if [box.itemData(row) for row in range(box.count)] != [data for _text, data in items]:
                fill_items(box, items, kept)
            if kept != getattr(parameters, name):
                setattr(parameters, name, kept)

    def _showCases(self, *, checked: bool) -> None:
        good = _("can be used") if checked else _("not checked")
        self.cases.fill(
            [
                Row(
                    (row["case_id"], row["split"] or "", _("see tip") if row["problems"] else good),
                    row["problems"] or "",
                    bool(row["problems"]),
                )
                for row in self._cases
            ]
        )
        bad = [row for row in self._cases if row["problems"]]
        words = _("{number} of {all} cases cannot be used; the first: {case}: {why}")
        text = (
            words.format(number=len(bad), all=len(self._cases), case=bad[0]["case_id"], why=bad[0]["problems"])
            if bad
            else ""
        )
        done = _("All {all} cases can be used.").format(all=len(self._cases)) if checked and not bad else ""
        tell(self._ui.casesLabel, self._wrong or text or done)

    def onCheck(self, *_args: Any) -> None:
        """Read every image and mask, in the background."""
        with self._panel.reporting(_("The cases could not be checked.")):
            cohort = self._panel._parameterNode.cohort.strip()
            self.check.runInFolder(
                self._panel.newFolder(), lambda folder: self._panel.logic.exportCheck(folder, cohort), self.onChecked
            )
            self._panel.updateButtons(self._panel._parameterNode)

    def onChecked(self, run: Any) -> None:
        """Show what is wrong with each case."""
        with self._panel.reporting(_("The cases could not be checked.")):
            run.check()
            self._cases = read_rows(run.folder / CASES_FILE)
            for row in self._cases:
                row |= {name: str(row[name] or "") for name in row}
            self._showCases(checked=True)

    def onLoadCase(self, number: int) -> None:
        """Bring a case into the scene, and choose it."""
        with self._panel.reporting(_("The case could not be loaded.")):
            chosen = self._panel._parameterNode
            phase = chosen.phases[0] if chosen.phases else ""
            volume, segmentation = self._panel.logic.loadCase(
                chosen.cohort.strip(), self._cases[number]["case_id"], phase
            )
            chosen.phase = volume.GetName().rsplit(" ", 1)[-1]
            self._panel.choosePatient(volume, segmentation)
            show_soft_tissue(volume)
            show_volume(volume)
            look_at_segment(segmentation, "Tumour", volume)

    def onSampleCohort(self, *_args: Any) -> None:
        """Make a small cohort with a known truth beside Slicer's other temporary files, in the background."""
        with self._panel.reporting(_("The sample cohort could not be made.")):
            self.check.runInFolder(
                self._panel.newFolder(), self._panel.logic.exportSampleCohort, self.onSampleMade, keep=True
            )
            self._panel.updateButtons(self._panel._parameterNode)

    def onSampleMade(self, run: Any) -> None:
        """Choose the sample cohort."""
        with self._panel.reporting(_("The sample cohort could not be made.")):
            run.check()
            chosen = self._panel.logic.getParameterNode()
            chosen.cohort = str(run.folder / "cohort.csv")
            chosen.outFolder = str(run.folder / "results")

    # --- the run ----------------------------------------------------------------------------------------------

    def onRun(self, *_args: Any) -> None:
        """Ask for packages that are missing, and do what is asked for, in the background."""
        failure, chosen = _("The run could not be started."), self._panel._parameterNode
        deep = bool({DEEP, NETWORK} & set(chosen.steps))
        networks = packages_of_network(chosen.cohortNetwork or "efficientnet_lite0") if deep else ()
        if not self._panel.ready(failure, dict.fromkeys([*CLASSIFIERS, *networks]), torch=deep):
            return
        with self._panel.reporting(failure):
            choices = _choices(chosen)
            self._losses = 0.0
            self.job.runInFolder(
                Path(choices.out), lambda folder: self._panel.logic.exportCohort(choices), self.onDone, keep=True
            )
            self._panel.updateButtons(chosen)

    def onDone(self, run: Any) -> None:
        """Show what the run found, and say what it could not do."""
        with self._panel.reporting(_("The run did not come to its end.")):
            chosen = self._panel.logic.getParameterNode()
            self._followLosses()
            if cohort_results.has_models(run.folder):  # of a run that failed what was finished before
                chosen.models = cohort_results.models_table(run.folder, chosen.models)
                self._showModels(chosen.models)
            run.check()
            if {FUSION, NETWORK} & set(run.steps):
                self._show(ROC if FUSION in run.steps else LOSS)
            self._panel.say(_("Done: the results are in {folder}.").format(folder=run.folder))

    def _followLosses(self) -> None:
        """Draw the losses anew when there are new ones."""
        chosen = self._panel._parameterNode
        path = Path(chosen.outFolder.strip()) / NETWORK / "loss_curve.json" if chosen is not None else Path()
        when = path.stat().st_mtime if path.is_file() else 0.0
        if when > self._losses:
            first, self._losses = self._losses == 0.0, when
            chart = cohort_results.loss_chart(path.parents[1])
            if chart is not None and first:
                show_layout()
                show_chart(chart)

    # --- results ----------------------------------------------------------------------------------------------

    def _showModels(self, table: Any) -> None:
        self._models = table
        columns = table_columns(table) if table is not None else {}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        self.models.fill([_model_row(row) for row in rows])
        self._sweep = record_of(table).get("sweep", []) if table is not None else []
        self.sizes.fill([_size_row(row) for row in self._sweep])
        tell(self._ui.resultLabel, "")

    def onResult(self, *_args: Any) -> None:
        """Show the chosen result in the views."""
        chosen = self._panel._parameterNode
        if chosen is not None and chosen.models is not None:
            self._show(self._ui.resultSelector.itemData(self._ui.resultSelector.currentIndex))

    def _show(self, what: str) -> None:
        chosen = self._panel._parameterNode or self._panel.logic.getParameterNode()
        out = Path(record_of(chosen.models)["folder"])
        try:
            if what == MODELS:
                node: Any = chosen.models
            elif what in (TESTS, DELONG):
                made = cohort_results.fold_tests if what == TESTS else cohort_results.delong_table
                node = chosen.comparison = made(out, chosen.comparison)
            else:
                node = self._chart(what, out)
        except RadiomicsError as error:
            tell(self._ui.resultLabel, str(error))
            return
        tell(self._ui.resultLabel, "")
        show_layout()
        (show_table if what in (MODELS, TESTS, DELONG) else show_chart)(node)

    def _chart(self, what: str, out: Path) -> Any:
        if what == SIZES:
            self.clicks.listen()
            return cohort_results.sweep_chart(self._sweep)
        made = {ROC: cohort_results.roc_chart, CALIBRATION: cohort_results.calibration_chart}
        chart = made[what](out) if what in made else cohort_results.loss_chart(out)
        if chart is None:
            raise RadiomicsError(_("no network was trained in this run"))
        return chart

    def onPoint(self, series: str, point: int) -> None:
        """Choose the ring size whose point in the chart was clicked."""
        if self._sweep and self._panel._parameterNode is not None:
            rows = cohort_results.sweep_series(self._sweep).get(series, [])
            if point < len(rows):
                self.sizes.choose(self._sweep.index(rows[point]))

    def onRing(self, number: int) -> None:
        """Show the ring of a row on the slices of the current patient."""
        chosen = self._panel._parameterNode
        region = str(self._sweep[number]["region"])
        missing = self._panel.missingPatient(chosen) or ("" if "ring" in region else _("The tumour has no ring."))
        if missing:
            tell(self._ui.resultLabel, missing)
            return
        with self._panel.reporting(_("The ring could not be shown.")):
            tumour = chosen.tumourSegment
            self._panel.logic.showRing(region, chosen.segmentation, tumour, chosen.volume, chosen.organSegment)
            look_at_segment(chosen.segmentation, tumour, chosen.volume)
            tell(self._ui.resultLabel, _("{region} is shown on the slices.").format(region=region))


def _choices(parameters: Any) -> CohortChoices:
    return CohortChoices(
        cohort=parameters.cohort.strip(),
        out=parameters.outFolder.strip(),
        steps=list(parameters.steps),
        study=parameters.study,
        phases=list(parameters.phases),
        endpoints=list(parameters.endpoints),
        time=parameters.timeColumn,
        event=parameters.eventColumn,
        network=parameters.cohortNetwork,
        preset=parameters.preset,
        rings_mm=parameters.cohortRingsMm,
        region=parameters.cohortRegion,
        folds=parameters.folds,
        repeats=parameters.repeats,
        epochs=parameters.epochs,
        classifiers=list(parameters.classifiers),
        missing=parameters.missing,
    )


def _steps() -> dict[str, str]:
    return {
        _("radiomic features"): RADIOMICS,
        _("deep features"): DEEP,
        _("train a network"): NETWORK,
        _("fuse and compare"): FUSION,
        _("compare ring sizes"): SWEEP,
    }


def _results() -> dict[str, str]:
    return {
        _("metrics"): MODELS,
        _("ROC curves"): ROC,
        _("tests of the folds"): TESTS,
        _("DeLong's tests"): DELONG,
        _("calibration"): CALIBRATION,
        _("loss"): LOSS,
        _("ring sizes"): SIZES,
    }


def _usual() -> str:
    return _("as usual")


def _none_of(name: str) -> str:
    return {"timeColumn": _("no time"), "eventColumn": _("no event")}.get(name, _usual())


def _regions(rings_mm: str) -> list[str]:
    try:
        return region_names(rings_mm)
    except RadiomicsError:
        return []


def _model_row(row: Mapping[str, Any]) -> Row:
    name = row["model"] if row.get("part") in ("train", None) else f"{row['model']} ({row['part']})"
    area = f"{_two(row['auc'])} ({_two(row['auc_lower'])} to {_two(row['auc_upper'])})"
    return Row((name, area, _two(row.get("sensitivity", math.nan)), _two(row.get("specificity", math.nan))), name)


def _size_row(row: Mapping[str, Any]) -> Row:
    area = f"{_two(row['auc'])} ({_two(row['auc_lower'])} to {_two(row['auc_upper'])})"
    p = row.get("p_against_tumour")
    return Row((f"{row['region']} ({row['family']})", area, "" if p is None else f"{p:.2g}"), str(row["region"]))


def _two(value: float | None) -> str:
    return "" if value is None or math.isnan(value) else f"{value:.2f}"
