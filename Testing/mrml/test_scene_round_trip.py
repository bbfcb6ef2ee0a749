"""What the module makes survives saving the scene as MRB and loading it again: values, settings, links."""

from __future__ import annotations

import numpy as np
import pytest
import slicer

import PeritumoralRadiomics as module
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralSlicerLib.logic.ring_tags import read_ring_tag, rings_of
from RadiomicsSlicerLib.nodes import volume_grid
from RadiomicsSlicerLib.segments import segment_mask
from RadiomicsSlicerLib.tables import record_of, source_of, table_columns

SETTINGS = ExtractionSettings(feature_classes={"shape": None, "firstorder": None})


def ring_voxels(segmentation, volume) -> dict[str, np.ndarray]:
    return {
        ring.region: segment_mask(segmentation, segment, volume).on(volume_grid(volume).whole)
        for segment, ring in rings_of(segmentation).items()
    }


@pytest.fixture
def made(make_case, oblique, draw_segment):
    """A scene with everything that the module makes, and the parameter node that holds it."""
    case = make_case(oblique)
    hole = np.zeros_like(case.tumour)
    hole[:, 18:, :] = True
    draw_segment(case, "bone | left: 1", hole)
    logic = module.PeritumoralRadiomicsLogic()
    parameters = logic.getParameterNode()
    parameters.volume, parameters.segmentation, parameters.tumourSegment = case.volume, case.segmentation, "Tumour"
    parameters.distancesMm, parameters.exclusionSegments = "2, 4", ["bone | left: 1"]
    parameters.useWindow, parameters.windowHigh = True, 321.5
    rings = logic.createRings(
        case.segmentation, "Tumour", case.volume, logic.ringSettings(), None, parameters.exclusionSegments
    )
    edited = segment_mask(case.segmentation, rings[1], case.volume).on(volume_grid(case.volume).whole)
    edited[:, :, :15] = 0
    slicer.util.updateSegmentBinaryLabelmapFromArray(edited, case.segmentation, rings[1], case.volume)
    parameters.qualityTable = logic.qualityTable(case.segmentation, case.volume)
    parameters.featureTable = logic.extract(case.segmentation, None, case.volume, SETTINGS)
    parameters.chart = logic.distanceChart(parameters.featureTable, "original_firstorder_Mean")
    return case, logic, parameters


def save_and_load(scene, path) -> module.PeritumoralRadiomicsParameterNode:
    assert scene.WriteToMRB(str(path))
    scene.Clear(0)
    assert scene.GetNumberOfNodesByClass("vtkMRMLSegmentationNode") == 0
    assert scene.ReadFromMRB(str(path), False)
    return module.PeritumoralRadiomicsLogic().getParameterNode()


def test_settings_rings_tables_charts_and_links_are_there_after_loading(scene, made, tmp_path):
    case, logic, before = made
    voxels = ring_voxels(case.segmentation, case.volume)
    tags = list(rings_of(case.segmentation).values())
    tables = {name: table_columns(getattr(before, name)) for name in ("qualityTable", "featureTable")}
    record, points = record_of(before.featureTable), table_columns(source_of(before.chart, "points"))

    after = save_and_load(scene, tmp_path / "study.mrb")

    assert logic.ringSettings() == RingSettings(outer_mm=(2, 4), window=(-150, 321.5), union=False)
    assert after.exclusionSegments == ["bone | left: 1"]
    assert (after.volume.GetName(), after.segmentation.GetName()) == ("CT", "Segmentation")
    assert np.array_equal(slicer.util.arrayFromVolume(after.volume), case.voxels)

    found = ring_voxels(after.segmentation, after.volume)
    assert list(found) == ["ring_0_2mm", "ring_0_4mm"]
    for name, mask in voxels.items():
        assert np.array_equal(found[name], mask), name
    assert list(rings_of(after.segmentation).values()) == tags

    for name, columns in tables.items():
        loaded = table_columns(getattr(after, name))
        assert list(loaded) == list(columns)
        for title, values in columns.items():
            if isinstance(values[0], str):
                assert loaded[title] == values
            else:
                assert np.array_equal(loaded[title], values, equal_nan=True), (name, title)
    assert record_of(after.featureTable) == record
    assert source_of(after.featureTable, "volume") is after.volume
    assert source_of(after.featureTable, "segmentation") is after.segmentation
    assert source_of(after.featureTable, "chart") is after.chart
    series = after.chart.GetNthPlotSeriesNode(0)
    assert table_columns(series.GetTableNode()) == points
    assert series.GetTableNode() is source_of(after.chart, "points")


def test_numbers_are_kept_in_full_and_changes_by_hand_too(scene, made, tmp_path):
    _, logic, before = made
    exact = table_columns(before.featureTable)["ring_0_2mm"]
    before.featureTable.GetTable().GetColumnByName("ring_0_2mm").SetValue(3, -7.25)
    after = save_and_load(scene, tmp_path / "study.mrb")
    array = after.featureTable.GetTable().GetColumnByName("ring_0_2mm")
    rounded = [array.GetValue(row) for row in range(len(exact))]
    assert rounded != exact, "Slicer saves tables in full now: what works around it can go"
    logic.restoreTables()
    exact[3] = -7.25
    assert [array.GetValue(row) for row in range(len(exact))] == exact


def test_work_goes_on_in_the_loaded_scene(scene, made, tmp_path):
    _, logic, before = made
    quality, features = table_columns(before.qualityTable), table_columns(before.featureTable)
    after = save_and_load(scene, tmp_path / "study.mrb")
    again = table_columns(logic.qualityTable(after.segmentation, after.volume))
    assert again["edited"] == quality["edited"] == ["", "no", "yes"]
    assert again["voxels"] == quality["voxels"]
    renewed = table_columns(logic.extract(after.segmentation, None, after.volume, SETTINGS))
    for name in ("intratumour", "ring_0_2mm", "ring_0_4mm"):
        assert np.allclose(renewed[name], features[name], rtol=1e-6), name
    assert logic.distanceChart(after.featureTable, "original_firstorder_Energy") is after.chart
    rings = logic.createRings(after.segmentation, after.tumourSegment, after.volume, logic.ringSettings())
    assert [read_ring_tag(after.segmentation, ring).region for ring in rings] == ["ring_0_2mm", "ring_0_4mm"]
    assert after.segmentation.GetSegmentation().GetNumberOfSegments() == 4
