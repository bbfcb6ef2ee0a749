"""The module DeepRadiomicsFusion: networks and classifiers beside the scan, applied, explained, trained, compared."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import slicer
from slicer import (
    vtkMRMLPlotChartNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLTableNode,
)
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)

from DeepFusionSlicerLib.logic.answers import (
    answer_rows,
    contribution_chart,
    export_answer,
    export_map,
    import_answer,
    import_map,
    mismatches,
    put_mask,
    put_seen,
)
from DeepFusionSlicerLib.logic.cohorts import CohortChoices, columns_of, export_cohort, load_case
from DeepFusionSlicerLib.logic.deep_tables import export_deep_features, import_deep_features, joined
from DeepFusionSlicerLib.logic.rings import grow_rings_of, show_ring
from DeepFusionSlicerLib.panel.deep_fusion_widget import DeepFusionPanel
from DeepRadiomicsFusionLib.models.bundle_card import BundleCard, read_card
from DeepRadiomicsFusionLib.networks.weights_here import weights_state
from DeepRadiomicsFusionLib.settings.training_settings import Task
from RadiomicsCoreLib.cohort.table import read_cohort
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsSlicerLib.layouts import register_layout
from RadiomicsSlicerLib.runs.in_this_process import run_here
from RadiomicsSlicerLib.runs.job_run import JobRun, ProgramRun
from RadiomicsSlicerLib.runs.scene_case import SceneCase
from RadiomicsSlicerLib.tables import restore_tables


class DeepRadiomicsFusion(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Deep Radiomics Fusion")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        parent.dependencies = ["PeritumoralRadiomics"]
        parent.contributors = ["The PeritumoralRadiomics developers"]
        parent.helpText = _(
            "Apply networks and classifiers to the tumour and its surroundings beside the scan, see what decided their "
            "answer, compute deep features, and train and compare models on a cohort. For research use only. "
            'See the <a href="{url}">documentation</a>.'
        ).format(url="https://github.com/PeritumoralRadiomics/SlicerPeritumoralRadiomics")
        parent.acknowledgementText = _("Networks are built on PyTorch and MONAI; classifiers on scikit-learn.")
        slicer.app.connect("startupCompleted()", register_layout)


@parameterNodeWrapper
class DeepRadiomicsFusionParameterNode:
    """Everything that the user chose; saved with the scene.

    volume, segmentation, tumourSegment, organSegment, phase: the patient (segments by id).
    bundle, endpoint, mapKind: the model, its output that is explained, and how.
    answer, contributions, overlay, overlayOpacity, seen: the model's answer, and what it decided by.
    network, ringsMm, regions, joinTable, deepTable: of deep features.
    cohort, outFolder, steps, study, phases, endpoints, timeColumn, eventColumn: what is asked of a cohort.
    preset, cohortNetwork, cohortRingsMm, cohortRegion, folds, repeats, epochs, classifiers, missing: more of it; empty
    texts and zeros leave a choice to the study or the job.
    models, comparison, shownResult: its results.
    """

    volume: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    tumourSegment: str
    organSegment: str
    phase: str = "ct"
    bundle: str = ""
    endpoint: str = ""
    mapKind: str = ""
    answer: vtkMRMLTableNode
    contributions: vtkMRMLPlotChartNode
    overlay: vtkMRMLScalarVolumeNode
    overlayOpacity: Annotated[float, WithinRange(0, 1)] = 0.5
    seen: vtkMRMLScalarVolumeNode
    network: str = ""
    ringsMm: str = "3"
    regions: list[str]
    joinTable: vtkMRMLTableNode
    deepTable: vtkMRMLTableNode
    cohort: str = ""
    outFolder: str = ""
    steps: list[str]
    study: str = ""
    phases: list[str]
    endpoints: list[str]
    timeColumn: str = ""
    eventColumn: str = ""
    cohortNetwork: str = ""
    preset: str = "wu2021"
    cohortRingsMm: str = "3"
    cohortRegion: str = ""
    folds: Annotated[int, WithinRange(0, 20)] = 0
    repeats: Annotated[int, WithinRange(0, 100)] = 0
    epochs: Annotated[int, WithinRange(0, 10000)] = 0
    classifiers: list[str]
    missing: str = ""
    models: vtkMRMLTableNode
    comparison: vtkMRMLTableNode
    shownResult: str = ""


class DeepRadiomicsFusionWidget(DeepFusionPanel):
    """The panel, from ``Resources/UI/DeepRadiomicsFusion.ui``."""

    def __init__(self, parent=None):
        super().__init__(parent, DeepRadiomicsFusionLogic)


class DeepRadiomicsFusionLogic(ScriptedLoadableModuleLogic):
    """The verbs of the module, for the panel, the console and scripts. Segments are given by name or id.

    Every verb raises a ``RadiomicsError`` with one clear line, and then leaves the scene as it was. None opens a
    dialog or touches the layout. ``export...`` writes jobs for another process, ``import...`` brings in their results.
    """

    def getParameterNode(self) -> DeepRadiomicsFusionParameterNode:
        """Return the choices that are saved with the scene."""
        return DeepRadiomicsFusionParameterNode(super().getParameterNode())  # type: ignore[call-arg]

    def card(self, bundle: str | Path) -> BundleCard:
        """Return what a model says of itself: task, outputs, phases, regions; ``card.words`` in a sentence."""
        return read_card(bundle)

    def weights(self, network: str) -> str:
        """Return in words whether a network's published weights are here, and how to get them."""
        return weights_state(network).words

    def mismatches(self, card: BundleCard, case: SceneCase) -> list[str]:
        """Return in words what of a scan differs from what a model was trained on."""
        return mismatches(card, case)

    def apply(
        self,
        bundle: str | Path,
        volumeNode: vtkMRMLScalarVolumeNode,
        segmentationNode: vtkMRMLSegmentationNode | None = None,
        tumourSegment: str = "",
        organSegment: str = "",
        phase: str = "ct",
        tableNode: vtkMRMLTableNode | None = None,
        progress: Progress = no_progress,
    ) -> vtkMRMLTableNode:
        """Return a model's answer for a patient as a table: a row an output, with value, threshold and reason.

        Args:
            bundle: folder or zip that ``train`` or ``fuse`` wrote.
            volumeNode: the scan.
            segmentationNode, tumourSegment: the tumour; a network that draws masks on whole slices needs none.
            organSegment: rings do not leave it.
            phase: what the model calls such a scan.
            tableNode: a table to fill anew; None: a new one.
            progress: called with fraction and message.
        """
        case = SceneCase(volumeNode, segmentationNode, tumourSegment, phase, organSegment)
        return run_here(
            lambda folder: export_answer(folder, bundle, case), lambda run: self.importAnswer(run, tableNode), progress
        )

    def explain(
        self,
        bundle: str | Path,
        volumeNode: vtkMRMLScalarVolumeNode,
        segmentationNode: vtkMRMLSegmentationNode,
        tumourSegment: str,
        kind: str = "grad_cam",
        endpoint: str = "",
        organSegment: str = "",
        phase: str = "ct",
        mapNode: vtkMRMLScalarVolumeNode | None = None,
        progress: Progress = no_progress,
    ) -> vtkMRMLScalarVolumeNode:
        """Return a map of what decided a network's answer, as a coloured overlay; arguments as :meth:`apply`.

        Args:
            kind: ``grad_cam`` or ``input_gradient``.
            endpoint: output; "": the first.
            mapNode: a map to replace; None: a new one.
        """
        case = SceneCase(volumeNode, segmentationNode, tumourSegment, phase, organSegment)
        return run_here(
            lambda folder: export_map(folder, bundle, case, kind, endpoint),
            lambda run: import_map(run, mapNode),
            progress,
        )

    def deepFeatures(
        self,
        volumeNode: vtkMRMLScalarVolumeNode,
        segmentationNode: vtkMRMLSegmentationNode,
        tumourSegment: str,
        network: str = "efficientnet_lite0",
        ringsMm: str = "3",
        regions: Sequence[str] = (),
        joinTable: vtkMRMLTableNode | None = None,
        tableNode: vtkMRMLTableNode | None = None,
        organSegment: str = "",
        phase: str = "ct",
        progress: Progress = no_progress,
    ) -> vtkMRMLTableNode:
        """Return a table of deep features: one row a feature, one column a region; arguments as :meth:`apply`.

        Args:
            network: by name, with its published weights.
            ringsMm: distances, ``"3, 6"``.
            regions: to read, such as ``ring_0_3mm``; none: all.
            joinTable: a table of radiomic features of the same patient, put above.
        """
        case = SceneCase(volumeNode, segmentationNode, tumourSegment, phase, organSegment)
        return run_here(
            lambda folder: export_deep_features(folder, case, network, ringsMm, regions),
            lambda run: import_deep_features(run, tableNode, joinTable),
            progress,
        )

    def growRings(
        self,
        card: BundleCard,
        segmentationNode: vtkMRMLSegmentationNode,
        tumourSegment: str,
        volumeNode: vtkMRMLScalarVolumeNode,
        organSegment: str = "",
    ) -> list[str]:
        """Add the rings that a model reads as segments, where the tumour has none; return their ids."""
        return grow_rings_of(card, segmentationNode, tumourSegment, volumeNode, organSegment)

    def showRing(
        self,
        region: str,
        segmentationNode: vtkMRMLSegmentationNode,
        tumourSegment: str,
        volumeNode: vtkMRMLScalarVolumeNode,
        organSegment: str = "",
    ) -> list[str]:
        """Put one ring, by the name of its region, in place of the tumour's rings; return the ids of the segments."""
        return show_ring(region, segmentationNode, tumourSegment, volumeNode, organSegment)

    def exportAnswer(self, folder: str | Path, bundle: str | Path, case: SceneCase) -> JobRun:
        """Write the jobs of :meth:`apply` to a folder; ``run.command(python)`` starts them there."""
        return export_answer(folder, bundle, case)

    def importAnswer(self, run: JobRun, tableNode: vtkMRMLTableNode | None = None) -> vtkMRMLTableNode:
        """Return the answer of jobs that are done; a mask is added to the segmentation."""
        table = import_answer(run, tableNode)
        card, case = run.notes["card"], run.notes["case"]
        if card.task is Task.SEGMENTATION and case.segmentation is not None:
            put_mask(run, case.segmentation, f"{card.network} of {card.path.parent.name or card.path.name}")
        return table

    def importSeen(self, run: JobRun, node: vtkMRMLScalarVolumeNode | None = None) -> vtkMRMLScalarVolumeNode | None:
        """Return what the network saw, as a volume in its place in the patient; None for a classifier."""
        return put_seen(run, node)

    def contributionChart(self, tableNode: vtkMRMLTableNode) -> vtkMRMLPlotChartNode:
        """Return a waterfall of what each input added to a classifier's answer."""
        return contribution_chart(tableNode)

    def exportMap(self, folder: str | Path, bundle: str | Path, case: SceneCase, kind: str, endpoint: str) -> JobRun:
        """Write the job of :meth:`explain` to a folder."""
        return export_map(folder, bundle, case, kind, endpoint)

    def importMap(self, run: JobRun, mapNode: vtkMRMLScalarVolumeNode | None = None) -> vtkMRMLScalarVolumeNode:
        """Return the map of a job that is done."""
        return import_map(run, mapNode)

    def exportDeepFeatures(
        self, folder: str | Path, case: SceneCase, network: str, ringsMm: str, regions: Sequence[str]
    ) -> JobRun:
        """Write the job of :meth:`deepFeatures` to a folder."""
        return export_deep_features(folder, case, network, ringsMm, regions)

    def importDeepFeatures(
        self, run: JobRun, tableNode: vtkMRMLTableNode | None = None, joinTable: vtkMRMLTableNode | None = None
    ) -> vtkMRMLTableNode:
        """Return the table of a job that is done."""
        return import_deep_features(run, tableNode, joinTable)

    def cohortColumns(self, cohort: str | Path) -> Any:
        """Return what a cohort table offers: phases, end points, times."""
        return columns_of(read_cohort(cohort))

    def loadCase(self, cohort: str, caseId: str, phase: str = "") -> tuple[Any, Any]:
        """Bring a case of a cohort into the scene; return its volume and segmentation."""
        return load_case(cohort, caseId, phase)

    def exportSampleCohort(self, folder: str | Path, patients: int = 40) -> ProgramRun:
        """Return a program that makes a small synthetic cohort with a known truth in a folder, ``cohort.csv``."""
        # In the source tree the study's library lies beside this module's folder, which Slicer does not know.
        study = Path(__file__).resolve().parents[1] / "RadiomicsStudy"
        if study.is_dir() and str(study) not in sys.path:
            sys.path.append(str(study))
        return ProgramRun(Path(folder), "RadiomicsStudyLib.sample.sample_process", (str(folder), str(patients)))

    def exportCheck(self, folder: str | Path, cohort: str | Path) -> ProgramRun:
        """Return a program that reads every image and mask of a cohort, and writes what is wrong into a folder."""
        return ProgramRun(Path(folder), "RadiomicsCoreLib.jobs.cohort_check", (str(cohort), str(folder)))

    def exportCohort(self, choices: CohortChoices) -> JobRun:
        """Write what is asked of a cohort into the folder of its results; run again, it goes on where it stopped."""
        return export_cohort(choices)

    def restoreTables(self) -> None:
        """Put the numbers of our tables back in full after a scene was loaded: Slicer saves six digits."""
        restore_tables()


class DeepRadiomicsFusionTest(ScriptedLoadableModuleTest):
    """Self-test inside Slicer, without PyTorch; the tests in Testing go further."""

    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        self.setUp()
        self.test_an_answer_becomes_a_row_an_output()
        self.setUp()
        self.test_deep_features_are_joined_with_radiomic_ones()
        self.setUp()
        self.test_a_patient_becomes_a_cohort_of_one()

    def test_an_answer_becomes_a_row_an_output(self):
        card = BundleCard(Path("net"), True, Task.CLASSIFICATION, ("egfr", "alk"), {"egfr": 0.4}, ("ct",), ())
        rows = answer_rows(card, {"egfr.probability": 0.7, "egfr.positive": 1, "alk.probability": 0.2})
        self.assertEqual([row["says"] for row in rows], ["yes", ""])
        self.assertIn("no threshold", rows[1]["reason"])

    def test_deep_features_are_joined_with_radiomic_ones(self):
        table = joined({"feature": ["Mean"], "intratumour": [2.0]}, {"intratumour": {"net_0": 1.0}})
        self.assertEqual(table, {"feature": ["Mean", "net_0"], "intratumour": [2.0, 1.0]})

    def test_a_patient_becomes_a_cohort_of_one(self):
        ball = np.zeros((12, 12, 12), np.uint8)
        ball[4:8, 4:8, 4:8] = 1
        volume = slicer.util.addVolumeFromArray((100 * ball).astype(np.int16), name="Sample")
        segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Sample segmentation")
        segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
        tumour = segmentation.GetSegmentation().AddEmptySegment("Tumour", "Tumour")
        slicer.util.updateSegmentBinaryLabelmapFromArray(ball, segmentation, tumour, volume)
        with tempfile.TemporaryDirectory() as folder:
            table = SceneCase(volume, segmentation, "Tumour").write(folder)
            self.assertEqual(read_cohort(table).phases, ("ct",))
