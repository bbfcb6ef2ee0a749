"""The module PeritumoralRadiomics: rings around a tumour as segments, their features, charts and maps."""

import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Annotated

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
from slicer.parameterNodeWrapper import Choice, WithinRange, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
)

from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.engines.missing_packages import explained_missing_packages
from PeritumoralRadiomicsLib.regions.ring_settings import RingLayout, RingPlane, RingSettings
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralSlicerLib.logic.charts import distance_chart
from PeritumoralSlicerLib.logic.features import (
    extraction_notes,
    feature_table,
    gather_regions,
    resolve_engine,
    resolve_settings,
)
from PeritumoralSlicerLib.logic.jobs import FolderJob, export_job, export_map_job, import_result
from PeritumoralSlicerLib.logic.maps import MapRequest, put_requested_map, request_map
from PeritumoralSlicerLib.logic.ring_preview import RingPreview, preview_steps
from PeritumoralSlicerLib.logic.ring_samples import run_to_end
from PeritumoralSlicerLib.logic.rings import grow_rings, put_rings, quality_table
from PeritumoralSlicerLib.logic.sample_case import register_sample
from PeritumoralSlicerLib.logic.tumour_marks import mark_tumour
from PeritumoralSlicerLib.panel.peritumoral_widget import PeritumoralPanel
from PeritumoralSlicerLib.panel.ring_choices import ring_settings_of
from RadiomicsCoreLib.progress import Progress, no_progress
from RadiomicsSlicerLib.layouts import register_layout
from RadiomicsSlicerLib.nodes import volume_image
from RadiomicsSlicerLib.tables import restore_tables


class PeritumoralRadiomics(ScriptedLoadableModule):
    """What Slicer shows of the module."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = _("Peritumoral Radiomics")
        parent.categories = [translate("qSlicerAbstractCoreModule", "Quantification")]
        parent.dependencies = ["Colors", "Plots", "Segmentations", "Tables", "Volumes"]
        parent.contributors = ["The PeritumoralRadiomics developers"]
        parent.helpText = _(
            "Grow rings around a tumour as segments, measure their radiomic features, and see them as tables, "
            "charts and maps beside the scan. For research use only. "
            'See the <a href="{url}">documentation</a>.'
        ).format(url="https://github.com/PeritumoralRadiomics/SlicerPeritumoralRadiomics")
        parent.acknowledgementText = _(
            "Feature definitions follow pyradiomics (van Griethuysen et al. 2017) and the Image Biomarker "
            "Standardisation Initiative (Zwanenburg et al. 2020)."
        )
        slicer.app.connect("startupCompleted()", _registerSample)
        slicer.app.connect("startupCompleted()", register_layout)


def _registerSample():
    """Offer the sample case in the Sample Data module."""
    register_sample(Path(__file__).parent / "Resources" / "Icons" / "PeritumoralSample.png", _sampleScan)


def _sampleScan():
    """Make the sample case: image, and masks by name."""
    # In the source tree the study's library lies beside this module's folder, which Slicer does not know.
    study = Path(__file__).resolve().parents[1] / "RadiomicsStudy"
    if study.is_dir() and str(study) not in sys.path:
        sys.path.append(str(study))
    from RadiomicsStudyLib.sample.sample_cohort import draw_person, scan_phases

    scan = scan_phases(draw_person(seed=1, index=3).traits, 1, 3, ("ct",))["ct"]
    return scan.image, {"Liver": scan.organ, "Tumour": scan.tumour}


@parameterNodeWrapper
class PeritumoralRadiomicsParameterNode:
    """Everything that the user chose; saved with the scene.

    volume, segmentation, tumourSegment, organSegment, exclusionSegments: what to work on (segments by id).
    distancesMm, fractions: lists as typed, ``3, 6, 9`` and ``1/6, 2/6``.
    layout, plane, gapMm, innerRimMm, useWindow, windowLow, windowHigh, supersampling, minVoxels: of the rings.
    livePreview: show outlines while the numbers change.
    preset, parameterFile, phase, engine, union: of the features; the file goes before the preset.
    qualityTable, featureTable, chart, chartFeature: the results.
    mapSegment, mapFeature, mapRadius, mapVolume, mapOpacity: of the feature map.
    """

    volume: vtkMRMLScalarVolumeNode
    segmentation: vtkMRMLSegmentationNode
    tumourSegment: str
    organSegment: str
    exclusionSegments: list[str]
    distancesMm: str = "3, 6, 9"
    fractions: str = ""
    layout: Annotated[str, Choice([layout.value for layout in RingLayout])] = RingLayout.CUMULATIVE.value
    plane: Annotated[str, Choice([plane.value for plane in RingPlane])] = RingPlane.VOLUME.value
    gapMm: Annotated[float, WithinRange(0, 50)] = 0.0
    innerRimMm: Annotated[float, WithinRange(0, 50)] = 0.0
    useWindow: bool = False
    windowLow: Annotated[float, WithinRange(-100000, 100000)] = -150.0
    windowHigh: Annotated[float, WithinRange(-100000, 100000)] = 250.0
    supersampling: bool = False
    minVoxels: Annotated[int, WithinRange(1, 100000)] = 50
    livePreview: bool = True
    preset: str = "wu2021"
    parameterFile: str = ""
    phase: str = ""
    engine: str = ""
    union: bool = False
    qualityTable: vtkMRMLTableNode
    featureTable: vtkMRMLTableNode
    chart: vtkMRMLPlotChartNode
    chartFeature: str = "original_firstorder_Mean"
    mapSegment: str
    mapFeature: str = "firstorder_Entropy"
    mapRadius: Annotated[int, WithinRange(1, 10)] = 2
    mapVolume: vtkMRMLScalarVolumeNode
    mapOpacity: Annotated[float, WithinRange(0, 1)] = 0.5


class PeritumoralRadiomicsWidget(PeritumoralPanel):
    """The panel, from ``Resources/UI/PeritumoralRadiomics.ui``."""

    def __init__(self, parent=None):
        super().__init__(parent, PeritumoralRadiomicsLogic)


class PeritumoralRadiomicsLogic(ScriptedLoadableModuleLogic):
    """The verbs of the module, for the panel, the console and scripts. Segments are given by name or id.

    Every verb raises a ``RadiomicsError`` with one clear line, and then leaves the scene as it was. None opens a
    dialog or touches the layout.
    """

    def getParameterNode(self) -> PeritumoralRadiomicsParameterNode:
        """Return the choices that are saved with the scene."""
        return PeritumoralRadiomicsParameterNode(super().getParameterNode())  # type: ignore[call-arg]

    def ringSettings(self) -> RingSettings:
        """Return the ring settings of the parameter node. Raises InputError for values that make no sense."""
        return ring_settings_of(self.getParameterNode())

    def previewRings(
        self,
        segmentationNode: vtkMRMLSegmentationNode,
        tumourSegment: str,
        volumeNode: vtkMRMLScalarVolumeNode,
        settings: RingSettings,
        organSegment: str | None = None,
        exclusionSegments: Sequence[str] = (),
        otherTumourSegments: Sequence[str] | None = None,
    ) -> RingPreview:
        """Sketch rings on a coarse grid, for outlines; nothing is sketched where these rings are there already.

        Arguments as :meth:`createRings`. An outline stays within about a coarse voxel of the ring.
        """
        return run_to_end(
            self.previewSteps(
                segmentationNode,
                tumourSegment,
                volumeNode,
                settings,
                organSegment,
                exclusionSegments,
                otherTumourSegments,
            )
        )

    def previewSteps(
        self,
        segmentationNode: vtkMRMLSegmentationNode,
        tumourSegment: str,
        volumeNode: vtkMRMLScalarVolumeNode,
        settings: RingSettings,
        organSegment: str | None = None,
        exclusionSegments: Sequence[str] = (),
        otherTumourSegments: Sequence[str] | None = None,
    ) -> Generator[None, None, RingPreview]:
        """Do :meth:`previewRings` a step at a time, so that a window can live in between."""
        return preview_steps(
            segmentationNode,
            tumourSegment,
            volumeNode,
            settings,
            organSegment,
            exclusionSegments,
            otherTumourSegments,
        )

    def createRings(
        self,
        segmentationNode: vtkMRMLSegmentationNode,
        tumourSegment: str,
        volumeNode: vtkMRMLScalarVolumeNode,
        settings: RingSettings,
        organSegment: str | None = None,
        exclusionSegments: Sequence[str] = (),
        otherTumourSegments: Sequence[str] | None = None,
        progress: Progress = no_progress,
    ) -> list[str]:
        """Add rings around a tumour as segments, in place of those that it had.

        Args:
            segmentationNode: with the tumour; the rings go there.
            tumourSegment: the tumour.
            volumeNode: the scan; the rings lie on its voxels.
            settings: which rings, for example ``RingSettings(outer_mm=(3, 6, 9))``.
            organSegment: rings do not leave it.
            exclusionSegments: rings do not enter these.
            otherTumourSegments: nor these; None: the segments that are marked as tumours (:meth:`markTumour`) or have
                rings; ``()``: none.
            progress: called with fraction and message.

        Returns:
            The ids of the rings' segments, the innermost first.
        """
        grown = grow_rings(
            segmentationNode,
            tumourSegment,
            volumeNode,
            settings,
            organ=organSegment,
            exclusions=exclusionSegments,
            other_tumours=otherTumourSegments,
            progress=progress,
        )
        return put_rings(segmentationNode, volumeNode, grown, settings)

    def markTumour(self, segmentationNode: vtkMRMLSegmentationNode, segment: str, isTumour: bool = True) -> None:
        """Mark a segment as a tumour of its own, which rings of other tumours do not enter, or as none.

        A segment that has rings is one without a mark.
        """
        mark_tumour(segmentationNode, segment, isTumour)

    def qualityTable(
        self,
        segmentationNode: vtkMRMLSegmentationNode,
        volumeNode: vtkMRMLScalarVolumeNode,
        tumourSegment: str | None = None,
        tableNode: vtkMRMLTableNode | None = None,
    ) -> vtkMRMLTableNode:
        """Return a table of tumour and rings as they are now: mm, voxels, ml, retained fraction, warnings.

        Args:
            segmentationNode: with rings, edited or not.
            volumeNode: the scan.
            tumourSegment: None: all tumours that have rings.
            tableNode: a table to fill anew; None: a new one.
        """
        return quality_table(segmentationNode, volumeNode, tumourSegment, tableNode)

    def extract(
        self,
        segmentationNode: vtkMRMLSegmentationNode,
        segments: str | Sequence[str] | None,
        volumeNode: vtkMRMLScalarVolumeNode,
        settings: ExtractionSettings | str | Path = "wu2021",
        engine: str | None = None,
        union: bool = False,
        phase: str = "",
        tableNode: vtkMRMLTableNode | None = None,
        progress: Progress = no_progress,
    ) -> vtkMRMLTableNode:
        """Return a table of features: one row a feature, one column a region.

        Args:
            segmentationNode: the segmentation.
            segments: what to measure; None: every tumour that has rings, and its rings as they are now.
            volumeNode: the scan.
            settings: extraction settings, the name of a preset, or a pyradiomics parameter file (YAML).
            engine: None: the default one.
            union: also ``intra_<ring>``, tumour and ring together.
            phase: of the scan, for presets with a window for each phase.
            tableNode: a table to fill anew; None: a new one.
            progress: called with fraction and message; raising ``Cancelled`` stops, the scene as it was.
        """
        settings = resolve_settings(settings, phase)
        regions = gather_regions(segmentationNode, segments, volumeNode, union=union)
        with explained_missing_packages("these settings"):
            result = extract_features(
                volume_image(volumeNode),
                {region.name: region.image() for region in regions},
                settings,
                engine=resolve_engine(engine),
                progress=progress,
            )
        notes = extraction_notes(regions, settings, volumeNode)
        return feature_table(result, notes, volumeNode, segmentationNode, tableNode)

    def distanceChart(self, tableNode: vtkMRMLTableNode, featureName: str) -> vtkMRMLPlotChartNode:
        """Return a chart of a feature of a table against the distance from the tumour's border."""
        return distance_chart(tableNode, featureName)

    def exportJob(
        self,
        folder: str | Path,
        segmentationNode: vtkMRMLSegmentationNode,
        segments: str | Sequence[str] | None,
        volumeNode: vtkMRMLScalarVolumeNode,
        settings: ExtractionSettings | str | Path = "wu2021",
        engine: str | None = None,
        union: bool = False,
        phase: str = "",
    ) -> FolderJob:
        """Write an extraction to a folder, for another process; ``job.command(python)`` starts it there."""
        settings = resolve_settings(settings, phase)
        return export_job(folder, segmentationNode, segments, volumeNode, settings, engine=engine, union=union)

    def featureMap(
        self,
        volumeNode: vtkMRMLScalarVolumeNode,
        segmentationNode: vtkMRMLSegmentationNode,
        segment: str,
        featureName: str,
        kernelRadius: int = 2,
        settings: ExtractionSettings | str | Path = "wu2021",
        phase: str = "",
        mapNode: vtkMRMLScalarVolumeNode | None = None,
        progress: Progress = no_progress,
    ) -> vtkMRMLScalarVolumeNode:
        """Return a map of a feature of each voxel's neighbourhood inside a segment, as a coloured overlay.

        Args:
            volumeNode: the scan; the map lies on its voxels.
            segmentationNode: the segmentation.
            segment: the region, for example a ring.
            featureName: a first-order or texture feature of the original image, for example ``glcm_Contrast``.
            kernelRadius: voxels to each side of the neighbourhood's centre.
            settings: as in :meth:`extract`; all of them hold but resampling, as the map lies on the scan's voxels.
            phase: of the scan, for presets with a window for each phase.
            mapNode: a map to replace; None: a new one.
            progress: called with fraction and message; raising ``Cancelled`` stops, the scene as it was.
        """
        request = self.requestMap(volumeNode, segmentationNode, segment, featureName, kernelRadius, settings, phase)
        return put_requested_map(request.compute(progress), request, volumeNode, segmentationNode, mapNode)

    def requestMap(
        self,
        volumeNode: vtkMRMLScalarVolumeNode,
        segmentationNode: vtkMRMLSegmentationNode,
        segment: str,
        featureName: str,
        kernelRadius: int = 2,
        settings: ExtractionSettings | str | Path = "wu2021",
        phase: str = "",
    ) -> MapRequest:
        """Return a map to make: ``request.seconds()`` estimates its time. Arguments as :meth:`featureMap`."""
        settings = resolve_settings(settings, phase)
        return request_map(volumeNode, segmentationNode, segment, featureName, kernelRadius, settings)

    def exportMapJob(
        self,
        folder: str | Path,
        request: MapRequest,
        volumeNode: vtkMRMLScalarVolumeNode,
        segmentationNode: vtkMRMLSegmentationNode,
    ) -> FolderJob:
        """Write a map from :meth:`requestMap` to a folder, for another process."""
        return export_map_job(folder, request, volumeNode, segmentationNode)

    def importResult(
        self, job: FolderJob, node: vtkMRMLTableNode | vtkMRMLScalarVolumeNode | None = None
    ) -> vtkMRMLTableNode | vtkMRMLScalarVolumeNode:
        """Return the table, or the map, of a job that is done; as :meth:`extract` or :meth:`featureMap` does."""
        return import_result(job, node)

    def restoreTables(self) -> None:
        """Put the numbers of our tables back in full after a scene was loaded: Slicer saves six digits."""
        restore_tables()


class PeritumoralRadiomicsTest(ScriptedLoadableModuleTest):
    """Self-test inside Slicer, on a made-up scan; the tests in Testing go further."""

    def setUp(self):
        slicer.mrmlScene.Clear(0)

    def runTest(self):
        self.setUp()
        self.test_rings_are_created_measured_and_replaced()
        self.setUp()
        self.test_features_of_rings_become_a_table_and_a_chart()

    def test_rings_are_created_measured_and_replaced(self):
        volume, segmentation = _sampleNodes()
        logic = PeritumoralRadiomicsLogic()
        logic.createRings(segmentation, "Tumour", volume, RingSettings(outer_mm=(3, 6, 9)))
        bands = RingSettings(outer_mm=(3, 6), layout=RingLayout.BANDS)
        rings = logic.createRings(segmentation, "Tumour", volume, bands)
        self.assertEqual(len(rings), 2)
        self.assertEqual(segmentation.GetSegmentation().GetNumberOfSegments(), 3)
        self.assertEqual(logic.qualityTable(segmentation, volume).GetNumberOfRows(), 3)

    def test_features_of_rings_become_a_table_and_a_chart(self):
        volume, segmentation = _sampleNodes()
        logic = PeritumoralRadiomicsLogic()
        logic.createRings(segmentation, "Tumour", volume, RingSettings(outer_mm=(3, 6, 9)))
        settings = ExtractionSettings(feature_classes={"firstorder": ("Mean",)})
        table = logic.extract(segmentation, None, volume, settings)
        self.assertEqual((table.GetNumberOfRows(), table.GetNumberOfColumns()), (1, 5))
        chart = logic.distanceChart(table, "original_firstorder_Mean")
        self.assertEqual(chart.GetNumberOfPlotSeriesNodes(), 1)


def _sampleNodes() -> tuple[vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode]:
    """Return a bright ball in noise, and its segment."""
    k, j, i = np.ogrid[:40, :40, :40]
    ball = (k - 20) ** 2 + (j - 20) ** 2 + (i - 20) ** 2 <= 49
    noise = np.random.default_rng(0).normal(0, 10, ball.shape)
    volume = slicer.util.addVolumeFromArray((noise + 100 * ball).astype(np.int16), name="Sample")
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Sample segmentation")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    tumour = segmentation.GetSegmentation().AddEmptySegment("Tumour", "Tumour")
    slicer.util.updateSegmentBinaryLabelmapFromArray(ball.astype(np.uint8), segmentation, tumour, volume)
    return volume, segmentation
