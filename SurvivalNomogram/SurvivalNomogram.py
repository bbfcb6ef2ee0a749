"""The module SurvivalNomogram: Cox models of a cohort, their charts, and one patient read from a nomogram."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import slicer
from slicer import vtkMRMLPlotChartNode, vtkMRMLTableNode, vtkMRMLTextNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)

from RadiomicsCoreLib.cohort.missing import MissingPolicies
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsSlicerLib.layouts import register_layout
from RadiomicsSlicerLib.pictures.slice_picture import slice_pictures
from RadiomicsSlicerLib.runs.job_boxes import default_of
from RadiomicsSlicerLib.runs.job_run import JobRun
from RadiomicsSlicerLib.tables import restore_tables
from SurvivalNomogramLib.bundles.patient_reading import PatientReading, read_patient
from SurvivalNomogramSlicerLib.logic.charts import compare_models, patient_chart
from SurvivalNomogramSlicerLib.logic.cohort import Cohort, cohort_of_file, cohort_of_node
from SurvivalNomogramSlicerLib.logic.comparison import export_comparison, import_comparison
from SurvivalNomogramSlicerLib.logic.fit import (
    FitRequest,
    export_application,
    export_fit,
    import_application,
    import_fit,
    run_here,
)
from SurvivalNomogramSlicerLib.logic.models import model_of, put_bundle, save_model
from SurvivalNomogramSlicerLib.logic.page import PagePicture, patient_page, write_page
from SurvivalNomogramSlicerLib.logic.patient import reading_table, values_in_scene
from SurvivalNomogramSlicerLib.logic.sample import load_sample
from SurvivalNomogramSlicerLib.panel.survival_widget import SurvivalPanel


class SurvivalNomogram(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Survival Nomogram")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        parent.dependencies = ["Plots", "Tables"]
        parent.contributors = ["The PeritumoralRadiomics developers"]
        parent.helpText = _(
            "Fit Cox models of clinical, radiomic and deep covariates, compare them in charts, and read one patient "
            "from the nomogram beside the images. For research use only. "
            'See the <a href="{url}">documentation</a>.'
        ).format(url="https://github.com/PeritumoralRadiomics/SlicerPeritumoralRadiomics")
        parent.acknowledgementText = _(
            "Cox models follow R's survival package, nomograms Harrell's rms; both are compared with in the tests."
        )
        slicer.app.connect("startupCompleted()", register_layout)


@parameterNodeWrapper
class SurvivalNomogramParameterNode:
    """Everything that the user chose; saved with the scene.

    cohort, cohortFile: the patients; the node goes before the file.
    timeColumn, timeUnit, eventColumn, eventValue, censoredValue, splitColumn: of the end point.
    covariates, categorical, references: of the model; pairs in the last one.
    selection, missing, horizons, univariableP (0: no screening), resamples, standIns, modelName: of the fit.
    chartKind, chartPart, chart: of the comparison. Which models are compared stands in their nodes.
    model, patient, values (pairs), patientTable, patientChart, page: of this patient.
    predictions, bundleFile: of the bundle.
    """

    cohort: vtkMRMLTableNode
    cohortFile: str = ""
    timeColumn: str = ""
    timeUnit: str = default_of("cox", "time_unit")
    eventColumn: str = ""
    eventValue: str = ""
    censoredValue: str = ""
    splitColumn: str = ""
    covariates: list[str]
    categorical: list[str]
    references: list[str]
    selection: str = default_of("cox", "modelling.selection")
    missing: str = str(MissingPolicies().to_plain())
    horizons: str = ""
    univariableP: Annotated[float, WithinRange(0, 1)] = 0.0
    resamples: Annotated[int, WithinRange(10, 10000)] = default_of("cox", "bootstrap")
    standIns: list[str]
    modelName: str = "Model"
    chartKind: str = ""
    chartPart: str = ""
    chart: vtkMRMLPlotChartNode
    model: vtkMRMLTextNode
    patient: str = ""
    values: list[str]
    patientTable: vtkMRMLTableNode
    patientChart: vtkMRMLPlotChartNode
    page: str = ""
    predictions: vtkMRMLTableNode
    bundleFile: str = ""


class SurvivalNomogramWidget(SurvivalPanel):
    """The panel, from ``Resources/UI/SurvivalNomogram.ui``."""

    def __init__(self, parent=None):
        super().__init__(parent, SurvivalNomogramLogic)


class SurvivalNomogramLogic(ScriptedLoadableModuleLogic):
    """The verbs of the module, for the panel, the console and scripts.

    A model is a text node of the scene; it holds a bundle that the command line reads, too. Every verb raises a
    ``RadiomicsError`` with one clear line, and then leaves the scene as it was. None opens a dialog or touches the
    layout.
    """

    def getParameterNode(self) -> SurvivalNomogramParameterNode:
        """Return the choices that are saved with the scene."""
        return SurvivalNomogramParameterNode(super().getParameterNode())  # type: ignore[call-arg]

    def loadSample(self) -> tuple[vtkMRMLTableNode, vtkMRMLTextNode]:
        """Put sample patients and their model into the scene; nothing is downloaded."""
        return load_sample(Path(__file__).parent / "Resources" / "Sample")

    def cohort(self, table: vtkMRMLTableNode | str | Path) -> Cohort:
        """Return the patients of a table node or a CSV."""
        return cohort_of_file(table) if isinstance(table, str | Path) else cohort_of_node(table)

    def fit(
        self,
        table: vtkMRMLTableNode | str | Path,
        request: FitRequest,
        modelNode: vtkMRMLTextNode | None = None,
        progress: Progress = no_progress,
    ) -> vtkMRMLTextNode:
        """Fit a Cox model of a table of patients and validate it, in this process; return its node.

        Args:
            table: a row a patient: a table node or a CSV.
            request: for example ``FitRequest(time="days", event="death", covariates=("age", "stage"))``.
            modelNode: a model to replace; None: a new one.
            progress: called with fraction and message; raising ``Cancelled`` stops, the scene as it was.
        """
        with TemporaryDirectory() as folder:
            run = export_fit(Path(folder) / "fit", self.cohort(table), request)
            run_here(run, progress)
            return import_fit(run, modelNode)

    def predict(
        self,
        modelNode: vtkMRMLTextNode,
        table: vtkMRMLTableNode | str | Path,
        tableNode: vtkMRMLTableNode | None = None,
        progress: Progress = no_progress,
    ) -> vtkMRMLTableNode:
        """Return a table of predictions, one row a patient, in this process; arguments as of :meth:`fit`."""
        with TemporaryDirectory() as folder:
            run = export_application(Path(folder) / "predict", modelNode, self.cohort(table), "predict")
            run_here(run, progress)
            return import_application(run, tableNode)

    def exportFit(self, folder: str | Path, cohort: Cohort, request: FitRequest) -> JobRun:
        """Write a fit to a folder, for another process; ``run.command(python)`` starts it there."""
        return export_fit(folder, cohort, request)

    def importFit(self, run: JobRun, modelNode: vtkMRMLTextNode | None = None) -> vtkMRMLTextNode:
        """Return the model of a fit that is done."""
        return import_fit(run, modelNode)

    def exportApplication(
        self, folder: str | Path, modelNode: vtkMRMLTextNode, cohort: Cohort, verb: str = "predict"
    ) -> JobRun:
        """Write to a folder that a model predicts a cohort ("predict"), or is validated on it ("validate")."""
        return export_application(folder, modelNode, cohort, verb)

    def importApplication(
        self, run: JobRun, tableNode: vtkMRMLTableNode | None = None
    ) -> vtkMRMLTableNode | vtkMRMLTextNode:
        """Return the table of predictions, or the validated model, of a job that is done."""
        return import_application(run, tableNode)

    def loadModel(self, path: str | Path, name: str = "") -> vtkMRMLTextNode:
        """Load a bundle: a folder, ``model.json`` or a zip."""
        if not str(path):
            raise InputError("no bundle is chosen; choose model.json or a zip")
        return put_bundle(path, name)

    def saveModel(self, modelNode: vtkMRMLTextNode, folder: str | Path) -> Path:
        """Save a model's bundle as ``folder/model.json``, and return its path."""
        return save_model(modelNode, folder)

    def readPatient(self, modelNode: vtkMRMLTextNode, values: Mapping[str, object]) -> PatientReading:
        """Return points, survival with intervals and risk group of a patient: ``{"age": 61, "stage": "II"}``."""
        stored = model_of(modelNode)
        return read_patient(stored.bundle, values, stored.stand_ins)

    def valuesInScene(self, modelNode: vtkMRMLTextNode) -> dict[str, tuple[float | str, str]]:
        """Return the model's covariates that stand in tables of the scene, with value and table."""
        return values_in_scene(model_of(modelNode).bundle)

    def readingTable(self, reading: PatientReading, tableNode: vtkMRMLTableNode | None = None) -> vtkMRMLTableNode:
        """Return a table of a patient's points, survival and intervals."""
        return reading_table(reading, tableNode)

    def patientChart(self, modelNode: vtkMRMLTextNode, values: Mapping[str, object]) -> vtkMRMLPlotChartNode:
        """Return a chart of a patient's predicted curve over those of the risk groups."""
        return patient_chart(modelNode, self.readPatient(modelNode, values), model_of(modelNode).groups())

    def patientPage(
        self, path: str | Path, modelNode: vtkMRMLTextNode, values: Mapping[str, object], patient: str = ""
    ) -> Path:
        """Write a page for a patient, one HTML file, with the slice views as they are seen; return its path."""
        pictures = [PagePicture(caption, png) for caption, png in slice_pictures()]
        html = patient_page(
            self.readPatient(modelNode, values),
            model=modelNode.GetName(),
            patient=patient,
            groups=model_of(modelNode).groups(),
            pictures=pictures,
        )
        return write_page(path, html)

    def exportComparison(self, folder: str | Path, modelNodes: list[vtkMRMLTextNode], cohort: Cohort) -> JobRun:
        """Write to a folder that models are compared on a cohort: C with tests, ROC, calibration, decision curves."""
        return export_comparison(folder, modelNodes, cohort)

    def importComparison(self, run: JobRun) -> vtkMRMLTextNode:
        """Return the node with figures and tables of a comparison that is done."""
        return import_comparison(run)

    def compareModels(
        self, modelNodes: list[vtkMRMLTextNode], kind: str = "Kaplan-Meier", part: str = "kaplan_meier_test"
    ) -> vtkMRMLPlotChartNode:
        """Return a chart of the curves of several models."""
        return compare_models(modelNodes, kind, part)

    def restoreTables(self) -> None:
        """Put the numbers of our tables back in full after a scene was loaded: Slicer saves six digits."""
        restore_tables()


class SurvivalNomogramTest(ScriptedLoadableModuleTest):
    """Self-test inside Slicer, on the sample; the tests in Testing go further."""

    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        self.setUp()
        self.test_a_patient_is_read_from_the_sample_model()
        self.setUp()
        self.test_a_model_is_saved_and_loaded()

    def test_a_patient_is_read_from_the_sample_model(self):
        logic = SurvivalNomogramLogic()
        table, model = logic.loadSample()
        patient = logic.cohort(table).patient(logic.cohort(table).patients[0])
        reading = logic.readPatient(model, patient)
        self.assertTrue(reading.is_predicted)
        self.assertGreater(logic.readingTable(reading).GetNumberOfRows(), 5)
        self.assertGreater(logic.patientChart(model, patient).GetNumberOfPlotSeriesNodes(), 2)

    def test_a_model_is_saved_and_loaded(self):
        logic = SurvivalNomogramLogic()
        table, model = logic.loadSample()
        patient = logic.cohort(table).patient(logic.cohort(table).patients[3])
        loaded = logic.loadModel(logic.saveModel(model, Path(slicer.app.temporaryPath) / "survival model"))
        both = [logic.readPatient(node, patient).linear_predictor for node in (model, loaded)]
        self.assertEqual(both[0], both[1])
