"""The panel of the module SurvivalNomogram. It binds, enables and calls Logic; it decides nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import slicer
import slicer.util
from slicer.i18n import tr as _

from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsSlicerLib.dependencies import ensure_packages
from RadiomicsSlicerLib.job_area import JobArea
from RadiomicsSlicerLib.layouts import show_layout, show_table
from RadiomicsSlicerLib.module_widget import ModuleWidget
from RadiomicsSlicerLib.results.widget_words import enable
from RadiomicsSlicerLib.runs.job_boxes import choice_items, give_tool_tips
from RadiomicsSlicerLib.tables import FEATURES, VALUES

from ..logic.cohort import Cohort, cohort_of_file, cohort_of_node
from ..logic.comparison import only_models
from ..logic.fit import COMPONENTS_FIRST, PACKAGES, FitRequest
from ..logic.models import MODEL, model_of, show_only, shown_models, stored_model
from .covariate_list import CovariateChoice, CovariateList
from .model_charts import ModelCharts
from .patient_section import PatientSection, default_values, put_values, values_of

TITLE = "Survival Nomogram"
_TIPS = {
    "timeSelector": "time",
    "timeUnitSelector": "time_unit",
    "eventSelector": "event",
    "eventValueSelector": "event_values",
    "censoredValueSelector": "censored_values",
    "splitSelector": "columns.split",
    "selectionSelector": "modelling.selection",
    "missingSelector": "columns.missing",
    "horizonsEdit": "horizons",
    "referenceSelector": "references",
    "univariableSpinBox": "modelling.univariable_p",
    "resamplesSpinBox": "bootstrap",
}
"""Widget to the setting of the job whose help is its tool tip."""
_WATCH_MS = 400


class SurvivalPanel(ModuleWidget):
    """Choose patients, fit and compare models, read one patient from a model."""

    title = TITLE

    def __init__(self, parent: Any, makeLogic: Callable[[], Any]) -> None:
        self.cohort: Cohort | None = None
        self._source: tuple[Any, ...] = ()
        self._asked: set[str] | None = None
        # Made in setup, which may never be called, or fail.
        self.job: Any = None
        self.covariates: Any = None
        self.charts: Any = None
        self.patient: Any = None
        self._watch: Any = None
        super().__init__(parent, makeLogic)

    # --- binding ----------------------------------------------------------------------------------------------

    def connectButtons(self) -> None:
        """Connect the widgets that no parameter is bound to."""
        import qt

        from RadiomicsSlicerLib.connectors import fill_items

        ui = self.ui
        self.job = JobArea(ui.progressBar, ui.progressLabel, ui.cancelButton, ui.logEdit, self._onModified)
        self.covariates = CovariateList(ui, self._onCovariates)
        self.charts = ModelCharts(self)
        self.patient = PatientSection(self)
        ui.modelSelector.addAttribute("vtkMRMLTextNode", MODEL)
        fill_items(ui.timeUnitSelector, choice_items("cox", "time_unit"), "")
        fill_items(ui.missingSelector, _missing_items(), "")
        components = (_("principal components first (pca)"), COMPONENTS_FIRST)
        fill_items(ui.selectionSelector, [*choice_items("cox", "modelling.selection"), components], "")
        give_tool_tips(ui, "cox", _TIPS)
        for button, slot in (
            (ui.sampleButton, self.onSample),
            (ui.fitButton, self.onFit),
            (ui.compareOnTableButton, self.onCompare),
            (ui.loadButton, self.onLoad),
            (ui.saveButton, self.onSave),
            (ui.predictButton, lambda *_: self.onApply("predict")),
            (ui.validateButton, lambda *_: self.onApply("validate")),
        ):
            button.connect("clicked(bool)", slot)
        scene = slicer.mrmlScene
        self.addObserver(scene, scene.NodeRemovedEvent, self._onRemoved)
        self._watch = qt.QTimer()
        self._watch.setInterval(_WATCH_MS)
        self._watch.connect("timeout()", self._onWatch)

    def connectors(self) -> Mapping[str, Any]:
        """Bind what Slicer has no binding for."""
        from RadiomicsSlicerLib.connectors import CheckedItemsConnector, ItemConnector, PathConnector

        ui = self.ui
        boxes = {
            "timeColumn": ui.timeSelector,
            "eventColumn": ui.eventSelector,
            "timeUnit": ui.timeUnitSelector,
            "eventValue": ui.eventValueSelector,
            "censoredValue": ui.censoredValueSelector,
            "splitColumn": ui.splitSelector,
            "missing": ui.missingSelector,
            "selection": ui.selectionSelector,
        }
        return {
            **{name: ItemConnector(box) for name, box in boxes.items()},
            "cohortFile": PathConnector(ui.cohortFileEdit),
            "bundleFile": PathConnector(ui.bundleFileEdit),
            "page": PathConnector(ui.pageEdit),
            "standIns": CheckedItemsConnector(ui.standInSelector),
            **self.charts.connectors(),
        }

    def chooseDefaults(self, parameters: Any) -> None:
        """Choose the first table that can be a cohort, and the first model."""
        if not parameters.cohort and not parameters.cohortFile:
            parameters.cohort = next(filter(_may_be_cohort, slicer.util.getNodesByClass("vtkMRMLTableNode")), None)
        if not parameters.model:
            texts = slicer.util.getNodesByClass("vtkMRMLTextNode")
            parameters.model = next((node for node in texts if node.GetAttribute(MODEL)), None)
        self._readCohort(parameters)

    def mayBeChosen(self, node: Any) -> bool:
        """Tell whether a node may be a cohort or hold a model."""
        return node.IsA("vtkMRMLTableNode") or node.IsA("vtkMRMLTextNode")

    def setParameterNode(self, parameters: Any) -> None:
        """Bind this parameter node instead of the present one; None: only unbind."""
        if self._watch is not None:
            self._watch.stop()
        if parameters is None and self.charts is not None:
            self._source, self._asked = (), None
            self.charts.forget()
            self.patient.forget()
        super().setParameterNode(parameters)
        if parameters is not None:
            self._watch.start()

    def onSceneEndImport(self, caller: Any, event: Any) -> None:
        """Follow a scene that was loaded; the numbers of its tables are put back in full."""
        self.logic.restoreTables()
        super().onSceneEndImport(caller, event)

    def parametersChanged(self, parameters: Any) -> None:
        """Follow the choices with boxes, charts and the patient."""
        self._readCohort(parameters)
        self.charts.follow(parameters)
        self._beginPatient(parameters)
        self.patient.follow(parameters)

    def updateButtons(self, parameters: Any) -> None:
        """Enable what can be done now; the tool tips say what is missing."""
        ui = self.ui
        running = _("A job is running.") if self.job.running else ""
        table = "" if self.cohort is not None else _("Choose a table of patients first.")
        model = "" if parameters.model else _("Choose a model first.")
        reading = self.patient.reading
        read = model or ("" if reading is not None and reading.is_predicted else _("There is no prediction."))
        enable(ui.fitButton, table or running)
        several = "" if len(only_models(shown_models())) > 1 else _("Check two or more models first.")
        enable(ui.compareOnTableButton, several or table or running)
        for button in (ui.predictButton, ui.validateButton):
            enable(button, model or table or running)
        for button in (ui.saveButton, ui.fillButton):
            enable(button, model)
        for button in (ui.patientTableButton, ui.patientChartButton, ui.pageButton):
            enable(button, read)
        self.charts.updateButtons()

    def stopWork(self, reason: str) -> None:
        """End the job, because the module or the scene is about to go."""
        if self.job is not None:
            self.job.stop(_("Stopped: {reason}; nothing was kept.").format(reason=reason))

    # --- patients ---------------------------------------------------------------------------------------------

    def _readCohort(self, parameters: Any) -> None:
        """Read the table again where it is another one, and offer its columns."""
        source = _source(parameters)
        if (source, _roles_of(parameters)) == self._source:
            self._showCovariates(parameters)
            return
        if not self._source or source != self._source[0]:
            self.cohort = self._cohort(parameters)
        self._offerColumns(parameters)
        self._source = (source, _roles_of(parameters))

    def _cohort(self, parameters: Any) -> Cohort | None:
        try:
            if parameters.cohort is not None:
                return cohort_of_node(parameters.cohort)
            return cohort_of_file(parameters.cohortFile) if parameters.cohortFile else None
        except (RadiomicsError, OSError) as error:
            self.ui.cohortLabel.text = str(error)
            return None

    def _offerColumns(self, parameters: Any) -> None:
        """Offer the columns of the table; what was chosen and is gone is chosen anew."""
        from RadiomicsSlicerLib.connectors import fill_items

        ui, cohort = self.ui, self.cohort
        columns = list(cohort.columns) if cohort is not None else []
        if cohort is None:
            fill = [(box, [], "") for box in (ui.timeSelector, ui.eventSelector, ui.splitSelector)]
        else:
            if parameters.timeColumn not in cohort.numeric():
                parameters.timeColumn = cohort.time_guess()
            if parameters.eventColumn not in columns:
                parameters.eventColumn = cohort.event_guess()
            if parameters.splitColumn not in columns:
                parameters.splitColumn = ""
            usual = "split" if "split" in columns else ""
            none = (
                _("{name} (the usual column)").format(name=usual) if usual else _("no split: all are training patients")
            )
            few = [name for name in columns if 1 < len(cohort.parts(name)) <= 10 and name != usual]
            fill = [
                (ui.timeSelector, [(_("choose"), ""), *_same(cohort.numeric())], parameters.timeColumn),
                (ui.eventSelector, [(_("choose"), ""), *_same(columns)], parameters.eventColumn),
                (ui.splitSelector, [(none, ""), *_same(few)], parameters.splitColumn),
            ]
        for box, items, current in fill:
            fill_items(box, items, current)
        values = cohort.values(parameters.eventColumn) if cohort is not None and parameters.eventColumn else []
        for box, name in ((ui.eventValueSelector, "eventValue"), (ui.censoredValueSelector, "censoredValue")):
            if getattr(parameters, name) not in values:
                setattr(parameters, name, "")
            fill_items(box, [(_("as it says"), ""), *_same(values[:20])], getattr(parameters, name))
        self.patient.offerPatients(cohort.patients if cohort is not None else [], parameters.patient)
        if cohort is not None:
            known = self.candidates(parameters)
            if not set(parameters.covariates) & set(known):
                CovariateChoice(tuple(cohort.usual(self._roles(parameters)))).put(parameters)
            ui.cohortLabel.text = cohort_words(cohort, parameters)
        elif _source(parameters) == ("",):
            ui.cohortLabel.text = ""
        self._showCovariates(parameters)

    def candidates(self, parameters: Any) -> list[str]:
        """Return the columns that can be covariates."""
        return self.cohort.candidates(self._roles(parameters)) if self.cohort is not None else []

    def _roles(self, parameters: Any) -> list[str]:
        return [parameters.timeColumn, parameters.eventColumn, parameters.splitColumn]

    def _showCovariates(self, parameters: Any) -> None:
        from RadiomicsSlicerLib.connectors import fill_checked_items

        names = self.candidates(parameters)
        choice = CovariateChoice.of(parameters)
        self.covariates.show(self.cohort, names, choice)
        checked = [name for name in choice.names if name in names]
        fill_checked_items(self.ui.standInSelector, _same(checked), parameters.standIns)

    def _onCovariates(self, choice: CovariateChoice) -> None:
        if self._parameterNode is not None:
            choice.put(self._parameterNode)

    def onSample(self, *_args: Any) -> None:
        """Put the sample patients and their model into the scene."""
        with self.reporting(_("The sample could not be loaded.")):
            chosen = self._parameterNode
            table, model = self.logic.loadSample()
            chosen.cohortFile = ""
            chosen.cohort, chosen.model = table, model
            self.say(_("The sample is loaded: drag a value in section 4, or fit a model of your own."))

    # --- jobs -------------------------------------------------------------------------------------------------

    def onFit(self, *_args: Any) -> None:
        """Ask for packages that are missing, and fit in a process of its own."""
        failure = _("The fit could not be started.")
        if not self._ensured(failure):
            return
        with self.reporting(failure):
            request = self.fitRequest()
            cohort = self.cohort
            self.job.runInFolder(
                self.newFolder(), lambda folder: self.logic.exportFit(folder, cohort, request), self.onFitted
            )
            self._onModified()

    def fitRequest(self) -> FitRequest:
        """Return what is chosen for a fit."""
        chosen = self._parameterNode
        covariates = CovariateChoice.of(chosen)
        names = tuple(name for name in covariates.names if name in self.candidates(chosen))
        return FitRequest(
            time=chosen.timeColumn,
            event=chosen.eventColumn,
            covariates=names,
            time_unit=chosen.timeUnit,
            event_value=chosen.eventValue,
            censored_value=chosen.censoredValue,
            split=chosen.splitColumn,
            categorical=covariates.categorical,
            references=covariates.references,
            missing=chosen.missing,
            selection=chosen.selection,
            univariable_p=chosen.univariableP or None,
            horizons=chosen.horizons,
            bootstrap=chosen.resamples,
            stand_in_for=tuple(name for name in chosen.standIns if name in names),
            name=chosen.modelName.strip() or "Model",
        )

    def onFitted(self, run: Any) -> None:
        """Bring the model into the scene, and show it."""
        with self.reporting(_("The model could not be fitted.")):
            chosen = self.logic.getParameterNode()
            node = self.logic.importFit(run)
            chosen.model = node
            self.ui.modelsCollapsibleButton.collapsed = False
            words = stored_model(node).notes
            self.say(_("{name} is fitted. {note}").format(name=node.GetName(), note=words[0] if run.failure else ""))

    def onApply(self, verb: str) -> None:
        """Predict, or validate on, the patients of the table in a process of its own."""
        failure = _("The model could not be applied.")
        if not self._ensured(failure):
            return
        with self.reporting(failure):
            model, cohort = self._parameterNode.model, self.cohort
            self.job.runInFolder(
                self.newFolder(),
                lambda folder: self.logic.exportApplication(folder, model, cohort, verb),
                self.onApplied,
            )
            self._onModified()

    def onApplied(self, run: Any) -> None:
        """Bring predictions, or a validation, into the scene."""
        with self.reporting(_("The model could not be applied.")):
            chosen = self.logic.getParameterNode()
            node = self.logic.importApplication(run, chosen.predictions if run.notes["verb"] == "predict" else None)
            if run.notes["verb"] == "predict":
                chosen.predictions = node
                show_layout()
                show_table(node)
            words = _("{name} is in the scene. {failure}")
            self.say(words.format(name=node.GetName(), failure=run.failure))

    def onCompare(self, *_args: Any) -> None:
        """Compare the checked models on the patients of the table in a process of its own."""
        failure = _("The models could not be compared.")
        if not self._ensured(failure):
            return
        with self.reporting(failure):
            nodes, cohort = only_models(shown_models()), self.cohort
            self.job.runInFolder(
                self.newFolder(), lambda folder: self.logic.exportComparison(folder, nodes, cohort), self.onCompared
            )
            self._onModified()

    def onCompared(self, run: Any) -> None:
        """Bring the comparison into the scene, and show it alone."""
        with self.reporting(_("The models could not be compared.")):
            node = self.logic.importComparison(run)
            show_only(node)
            self.ui.modelsCollapsibleButton.collapsed = False
            self.say(_("The comparison is shown in section 3. {failure}").format(failure=run.failure))

    def onLoad(self, *_args: Any) -> None:
        """Load a bundle."""
        with self.reporting(_("The bundle could not be loaded.")):
            chosen = self._parameterNode
            node = self.logic.loadModel(chosen.bundleFile)
            chosen.model = node
            self.say(_("{name} is loaded.").format(name=node.GetName()))

    def onSave(self, *_args: Any) -> None:
        """Save the chosen model's bundle."""
        with self.reporting(_("The bundle could not be saved.")):
            chosen = self._parameterNode
            path = Path(chosen.bundleFile or Path(slicer.app.temporaryPath) / chosen.model.GetName())
            written = self.logic.saveModel(chosen.model, path.parent if path.suffix else path)
            chosen.bundleFile = str(written)
            self.say(_("The bundle is saved: {path}").format(path=written))

    def newFolder(self) -> Path:
        """Return the path of a folder for a job, which is not there yet."""
        return Path(slicer.app.temporaryPath) / f"{self.moduleName}-{uuid.uuid4().hex}"

    def _ensured(self, failure: str) -> bool:
        """Ask for packages that are missing; return whether they are there now."""
        with self.reporting(failure, waitCursor=False):
            ensure_packages(list(PACKAGES), Path(self.resourcePath("requirements.txt")), TITLE)
            return True
        return False

    # --- the patient ------------------------------------------------------------------------------------------

    def _beginPatient(self, parameters: Any) -> None:
        """Give each covariate that another model asks for a value: the patient's, or the middle of its axis.

        A covariate that was asked for before and has no value is not known, and stays so.
        """
        try:
            values = default_values(model_of(parameters.model).bundle) if parameters.model is not None else {}
        except RadiomicsError:
            return  # the patient's section says what is wrong with it
        known = values_of(parameters)
        asked = self._asked if self._asked is not None else {*values} if known else set()
        self._asked = asked | {*values}
        if self.cohort is not None and parameters.patient in self.cohort.patients:
            row = self.cohort.patient(parameters.patient)
            values = {name: row.get(name, value) for name, value in values.items()}
        fresh = {name: value for name, value in values.items() if name not in asked and name not in known}
        if fresh:
            put_values(parameters, {**known, **fresh})

    def _onWatch(self) -> None:
        self.charts.fit()
        self.patient.fit()

    def _onRemoved(self, caller: Any, event: Any) -> None:
        import qt

        if self._parameterNode is not None:
            qt.QTimer.singleShot(0, self._onModified)


def cohort_words(cohort: Cohort, parameters: Any) -> str:
    """Return what a table holds, as one line: patients, parts, events."""
    parts = cohort.parts(parameters.splitColumn or "split")
    split = ", ".join(f"{name} {count}" for name, count in parts.items())
    states = cohort.parts(parameters.eventColumn) if parameters.eventColumn else {}
    events = ", ".join(f"{name}: {count}" for name, count in sorted(states.items()))
    lines = [_("{count} patients{split}").format(count=cohort.rows, split=f" ({split})" if split else "")]
    if events:
        lines.append(f"{parameters.eventColumn} {events}")
    others = [name for name in states if name not in (parameters.eventValue, parameters.censoredValue)]
    if len(states) > 2 and parameters.eventValue and parameters.censoredValue:
        lines.append(_("competing: {names}").format(names=", ".join(others)))
    return "; ".join(lines)


def _missing_items() -> list[tuple[str, str]]:
    from RadiomicsCoreLib.cohort.missing import MissingPolicy

    words = {
        MissingPolicy.DROP: _("leave the patient out (drop)"),
        MissingPolicy.MEDIAN: _("median or most frequent level (median)"),
        MissingPolicy.LEVEL: _("a level of its own (level)"),
        MissingPolicy.MICE: _("multiple imputation (mice)"),
        MissingPolicy.ERROR: _("stop and say so (error)"),
    }
    return [(words[policy], policy.value) for policy in MissingPolicy]


def _source(parameters: Any) -> tuple[Any, ...]:
    """Return where the table comes from, and how new it is."""
    if parameters.cohort is not None:
        return (parameters.cohort.GetID(), parameters.cohort.GetMTime())
    path = Path(parameters.cohortFile)
    if parameters.cohortFile and path.is_file():
        return (str(path), path.stat().st_mtime_ns)
    return (parameters.cohortFile,)


def _roles_of(parameters: Any) -> tuple[str, ...]:
    """Return what the boxes of section 1 depend on, beside the table."""
    names = ("timeColumn", "eventColumn", "splitColumn", "eventValue", "censoredValue")
    return tuple(getattr(parameters, name) for name in names)


def _may_be_cohort(node: Any) -> bool:
    """Whether a table is most likely one of patients: none of ours, and of several rows."""
    ours = node.GetAttribute(VALUES) or node.GetAttribute(FEATURES) or node.GetHideFromEditors()
    return not ours and node.GetNumberOfRows() >= 10 and node.GetNumberOfColumns() >= 3


def _same(names: Any) -> list[tuple[str, str]]:
    return [(name, name) for name in names]
