"""Every verb of the module's Logic on Slicer's real scene; rings voxel by voxel against the library."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
import slicer

import PeritumoralRadiomics as module
from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.regions.growing import grow_regions
from PeritumoralRadiomicsLib.regions.ring_settings import RingLayout, RingPlane, RingSettings
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.errors import Cancelled, DependencyError, GeometryError, InputError, RadiomicsError, RegionError
from RadiomicsCoreLib.jobs.process import read_line
from RadiomicsSlicerLib.nodes import volume_grid, volume_image
from RadiomicsSlicerLib.segments import find_segment, segment_mask, segment_name
from RadiomicsSlicerLib.tables import record_of, source_of, table_columns

QUICK = ExtractionSettings(feature_classes={"shape": ("MeshVolume",), "firstorder": ("Mean", "Entropy")})


@pytest.fixture
def logic(scene):
    return module.PeritumoralRadiomicsLogic()


def image_of(mask: np.ndarray, image: sitk.Image) -> sitk.Image:
    found = sitk.GetImageFromArray(mask.astype(np.uint8))
    found.CopyInformation(image)
    return found


def voxels(case, segment: str) -> np.ndarray:
    return segment_mask(case.segmentation, segment, case.volume).on(volume_grid(case.volume).whole) != 0


def names(segmentation) -> list[str]:
    return [
        segmentation.GetSegmentation().GetNthSegment(number).GetName()
        for number in range(segmentation.GetSegmentation().GetNumberOfSegments())
    ]


# --- rings -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("layout", list(RingLayout))
@pytest.mark.parametrize("plane", list(RingPlane))
def test_rings_are_those_of_the_library_on_the_whole_volume(make_case, oblique, logic, layout, plane):
    case = make_case(oblique)
    settings = RingSettings(outer_mm=(2, 5), fractions=(1 / 3,), inner_rim_mm=1.5, layout=layout, plane=plane)
    rings = logic.createRings(case.segmentation, "Tumour", case.volume, settings)
    image = volume_image(case.volume)
    expected = grow_regions(image_of(case.tumour, image), settings)
    shown = [segment_name(case.segmentation, ring) for ring in rings]
    assert shown == [name for name in expected.regions if name.startswith(("ring_", "rim_"))]
    for ring, name in zip(rings, shown, strict=True):
        assert np.array_equal(voxels(case, ring), sitk.GetArrayFromImage(expected.full_mask(name)) != 0), name


def test_organ_exclusions_other_tumours_and_window_cut_rings_as_in_the_library(make_case, oblique, logic, draw_segment):
    case = make_case(oblique)
    shape = case.tumour.shape
    masks = {"organ": np.ones(shape, bool), "bone": np.zeros(shape, bool), "second": np.zeros(shape, bool)}
    masks["organ"][:, :8] = False
    masks["bone"][:, :, 27:] = True
    masks["second"][15:18, 20:24, 15:22] = True
    for name, mask in masks.items():
        draw_segment(case, name, mask)
    settings = RingSettings(outer_mm=(3, 6), window=(80, 200))
    rings = logic.createRings(case.segmentation, "Tumour", case.volume, settings, "organ", ["bone"], ["second"])
    image = volume_image(case.volume)
    expected = grow_regions(
        image_of(case.tumour, image),
        settings,
        image=image,
        organ=image_of(masks["organ"], image),
        exclusions={"bone": image_of(masks["bone"], image)},
        other_tumours={"second": image_of(masks["second"], image)},
    )
    table = table_columns(logic.qualityTable(case.segmentation, case.volume))
    for row, (ring, name) in enumerate(zip(rings, ("ring_0_3mm", "ring_0_6mm"), strict=True), start=1):
        assert np.array_equal(voxels(case, ring), sitk.GetArrayFromImage(expected.full_mask(name)) != 0)
        assert table["retained_fraction"][row] == expected.regions[name].retained_fraction < 1
        assert table["voxels"][row] == expected.regions[name].voxels
        assert table["volume_ml"][row] == pytest.approx(expected.regions[name].volume_ml, rel=1e-12)
        assert table["warnings"][row] == "; ".join(expected.regions[name].warnings)


def test_rings_replace_their_earlier_selves_and_nothing_else(case, logic, draw_segment):
    draw_segment(case, "Liver", ~case.tumour)
    logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3, 6, 9)))
    first = logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(2, 6)))
    assert names(case.segmentation) == ["Tumour", "Liver", "ring_0_2mm", "ring_0_6mm"]
    assert logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(2, 6))) == first
    assert np.array_equal(voxels(case, "Tumour"), case.tumour)
    assert np.array_equal(voxels(case, "Liver"), ~case.tumour)


def test_two_tumours_keep_their_own_rings(case, logic, draw_segment):
    second = np.zeros_like(case.tumour)
    second[2:5, 2:6, 2:6] = True
    draw_segment(case, "Node", second)
    settings = RingSettings(outer_mm=(2,))
    logic.createRings(case.segmentation, "Tumour", case.volume, settings)
    logic.createRings(case.segmentation, "Node", case.volume, settings)
    logic.createRings(case.segmentation, "Node", case.volume, settings)
    assert names(case.segmentation) == ["Tumour", "Node", "ring_0_2mm", "ring_0_2mm of Node"]
    table = logic.extract(case.segmentation, None, case.volume, QUICK)
    assert list(table_columns(table)) == ["feature", "Tumour", "Node", "ring_0_2mm", "ring_0_2mm of Node"]


def test_rings_have_graded_colours_and_remember_their_settings(case, logic):
    settings = RingSettings(outer_mm=(2, 4, 6), window=(0, 500), min_voxels=7)
    rings = logic.createRings(case.segmentation, "Tumour", case.volume, settings)
    segments = [case.segmentation.GetSegmentation().GetSegment(ring) for ring in rings]
    greens = [segment.GetColor()[1] for segment in segments]
    assert greens == sorted(greens, reverse=True) and len(set(greens)) == 3
    from PeritumoralSlicerLib.logic.ring_tags import read_ring_tag

    tag = read_ring_tag(case.segmentation, rings[1])
    assert (tag.region, tag.inner_mm, tag.outer_mm, tag.volume) == ("ring_0_4mm", 0.0, 4.0, "CT")
    assert RingSettings(**tag.settings) == RingSettings(outer_mm=(2, 4, 6), window=(0, 500), min_voxels=7)


def test_a_closed_surface_segmentation_gets_rings(make_case, logic):
    case = make_case()
    case.segmentation.CreateClosedSurfaceRepresentation()
    case.segmentation.SetSourceRepresentationToClosedSurface()
    case.segmentation.RemoveBinaryLabelmapRepresentation()
    tumour = voxels(case, "Tumour")
    (ring,) = logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3,)))
    assert case.segmentation.GetSegmentation().GetSourceRepresentationName() == "Binary labelmap"
    expected = grow_regions(image_of(tumour, volume_image(case.volume)), RingSettings(outer_mm=(3,)))
    assert np.array_equal(voxels(case, "Tumour"), tumour)
    assert np.array_equal(voxels(case, ring), sitk.GetArrayFromImage(expected.full_mask("ring_0_3mm")) != 0)


def test_an_empty_ring_becomes_an_empty_segment_with_its_reason(case, logic, draw_segment):
    draw_segment(case, "organ", case.tumour)
    logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3,)), "organ")
    table = table_columns(logic.qualityTable(case.segmentation, case.volume))
    assert table["voxels"] == [int(case.tumour.sum()), 0]
    assert "nothing of its" in table["warnings"][1] and "organ mask" in table["warnings"][1]
    features = logic.extract(case.segmentation, None, case.volume, QUICK)
    assert np.isnan(table_columns(features)["ring_0_3mm"]).all()
    assert "ring_0_3mm" in record_of(features)["reasons"]
    assert features.GetColumnDescription("ring_0_3mm") == record_of(features)["reasons"]["ring_0_3mm"]


# --- quality and edited rings ------------------------------------------------------------------------------


def test_edited_rings_are_measured_and_extracted_as_they_are_now(case, logic):
    ring = logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3,)))[0]
    made = voxels(case, ring)
    assert table_columns(logic.qualityTable(case.segmentation, case.volume))["edited"] == ["", "no"]
    edited = made.copy()
    edited[:, :, 19:] = False
    slicer.util.updateSegmentBinaryLabelmapFromArray(edited.astype(np.uint8), case.segmentation, ring, case.volume)
    table = table_columns(logic.qualityTable(case.segmentation, case.volume))
    assert table["edited"] == ["", "yes"]
    assert table["voxels"][1] == edited.sum()
    assert table["retained_fraction"][1] == pytest.approx(edited.sum() / made.sum(), rel=1e-12)
    features = table_columns(logic.extract(case.segmentation, None, case.volume, QUICK))
    mean = features["ring_0_3mm"][features["feature"].index("original_firstorder_Mean")]
    assert mean == pytest.approx(case.voxels[edited].mean(), rel=1e-12)


def test_the_quality_table_says_when_tumour_and_rings_no_longer_fit(case, logic):
    ring = logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3,)))[0]
    grown = case.tumour.copy()
    grown[11, 13, 24:30] = True
    tumour = find_segment(case.segmentation, "Tumour")
    slicer.util.updateSegmentBinaryLabelmapFromArray(grown.astype(np.uint8), case.segmentation, tumour, case.volume)
    table = table_columns(logic.qualityTable(case.segmentation, case.volume))
    assert "the tumour was changed after this ring was made" in table["warnings"][1]
    painted = voxels(case, ring)
    painted[11, 13, 15:20] = True
    slicer.util.updateSegmentBinaryLabelmapFromArray(painted.astype(np.uint8), case.segmentation, ring, case.volume)
    shared = int((painted & grown).sum())
    table = table_columns(logic.qualityTable(case.segmentation, case.volume))
    assert f"{shared} voxels of ring_0_3mm lie inside the tumour" in table["warnings"][1]
    case.segmentation.GetSegmentation().RemoveSegment(tumour)
    table = table_columns(logic.qualityTable(case.segmentation, case.volume))
    assert table["warnings"][0] == "the tumour segment was deleted"


# --- features ----------------------------------------------------------------------------------------------


def test_features_are_those_of_the_library(make_case, oblique, logic):
    case = make_case(oblique)
    logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(2, 4)))
    steps = []
    table = logic.extract(
        case.segmentation, None, case.volume, "wu2021", progress=lambda fraction, message: steps.append(fraction)
    )
    image = volume_image(case.volume)
    grown = grow_regions(image_of(case.tumour, image), RingSettings(outer_mm=(2, 4)))
    from PeritumoralRadiomicsLib.settings.presets import preset

    regions = ("intratumour", "ring_0_2mm", "ring_0_4mm")
    expected = extract_features(image, {name: grown.full_mask(name) for name in regions}, preset("wu2021"))
    found = table_columns(table)
    assert list(found) == ["feature", *regions]
    assert found["feature"] == list(expected.features["intratumour"]) and len(found["feature"]) == 107
    for name in regions:
        assert np.array_equal(found[name], list(expected.features[name].values()), equal_nan=True)
    assert steps == sorted(steps) and steps[-1] == 1.0
    assert record_of(table)["settings"]["name"] == "wu2021"
    assert source_of(table, "volume") is case.volume and source_of(table, "segmentation") is case.segmentation


def test_unions_are_tumour_and_ring_as_they_are_now(case, logic):
    ring = logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3,)))[0]
    edited = voxels(case, ring)
    edited[:11] = False
    slicer.util.updateSegmentBinaryLabelmapFromArray(edited.astype(np.uint8), case.segmentation, ring, case.volume)
    features = table_columns(logic.extract(case.segmentation, [ring], case.volume, QUICK, union=True))
    assert list(features) == ["feature", "ring_0_3mm", "intra_ring_0_3mm"]
    row = features["feature"].index("original_firstorder_Mean")
    assert features["intra_ring_0_3mm"][row] == pytest.approx(case.voxels[edited | case.tumour].mean(), rel=1e-12)


def test_any_segment_can_be_measured(case, logic, draw_segment):
    draw_segment(case, "Liver", ~case.tumour)
    features = table_columns(logic.extract(case.segmentation, ["Liver", "Tumour"], case.volume, QUICK))
    assert list(features) == ["feature", "Liver", "Tumour"]


def test_a_table_can_be_filled_anew(case, logic):
    logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3,)))
    table = logic.extract(case.segmentation, None, case.volume, QUICK)
    again = logic.extract(case.segmentation, ["Tumour"], case.volume, QUICK, tableNode=table)
    assert again is table and list(table_columns(table)) == ["feature", "intratumour"]
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 1


def test_a_parameter_file_is_taken_in_place_of_a_preset(case, logic, tmp_path):
    pytest.importorskip("yaml")
    path = tmp_path / "Params.yaml"
    path.write_text("imageType:\n  Original: {}\nfeatureClass:\n  firstorder: ['Mean']\nsetting:\n  binWidth: 10\n")
    features = table_columns(logic.extract(case.segmentation, "Tumour", case.volume, path))
    assert features["feature"] == ["original_firstorder_Mean"]
    assert features["Tumour"] == [pytest.approx(case.voxels[case.tumour].mean(), rel=1e-12)]


@pytest.mark.parametrize(
    ("package", "settings", "name"), [("pywt", "zhang2024", "PyWavelets"), ("yaml", "a.yaml", "PyYAML")]
)
def test_a_package_that_settings_need_is_named(case, logic, tmp_path, monkeypatch, scene_text, package, settings, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("imageType:\n  Original: {}\n")
    monkeypatch.setitem(sys.modules, package, None)
    before = scene_text()
    with pytest.raises(DependencyError, match=rf"need the package {name}; install it with: pip install {name}"):
        logic.extract(case.segmentation, "Tumour", case.volume, settings)
    assert scene_text() == before


# --- charts ------------------------------------------------------------------------------------------------


def test_a_chart_shows_a_feature_against_the_distance_from_the_border(case, logic):
    settings = RingSettings(outer_mm=(2, 4, 6), layout="bands", inner_rim_mm=2)
    logic.createRings(case.segmentation, "Tumour", case.volume, settings)
    table = logic.extract(case.segmentation, None, case.volume, QUICK)
    chart = logic.distanceChart(table, "original_firstorder_Mean")
    series = chart.GetNthPlotSeriesNode(0)
    points = table_columns(series.GetTableNode())
    assert points["distance_mm"] == [-2.0, 0.0, 2.0, 4.0, 6.0]
    assert points["region"] == ["rim_0_2mm", "intratumour", "ring_0_2mm", "ring_2_4mm", "ring_4_6mm"]
    columns = table_columns(table)
    row = columns["feature"].index("original_firstorder_Mean")
    assert points["original_firstorder_Mean"] == [columns[region][row] for region in points["region"]]
    assert (series.GetXColumnName(), series.GetYColumnName()) == ("distance_mm", "original_firstorder_Mean")
    assert "mm" in chart.GetXAxisTitle()
    assert logic.distanceChart(table, "original_firstorder_Entropy") is chart
    assert chart.GetTitle() == "original_firstorder_Entropy"
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 2
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLPlotSeriesNode") == 1


def test_every_marker_of_a_chart_is_whole(case, logic):
    """In a chart of 150 pixels; Slicer's markers of size 9 reach 4.5 pixels from their point."""
    logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(2, 4)))
    table = logic.extract(case.segmentation, None, case.volume, QUICK)
    for feature in ("original_firstorder_Mean", "original_shape_MeshVolume"):
        chart = logic.distanceChart(table, feature)
        points = table_columns(source_of(chart, "points"))
        for shown, auto, values in (
            (chart.GetXAxisRange(), chart.GetXAxisRangeAuto(), points["distance_mm"]),
            (chart.GetYAxisRange(), chart.GetYAxisRangeAuto(), points[feature]),
        ):
            a_pixel = (shown[1] - shown[0]) / 150
            assert not auto
            assert shown[0] + 4.5 * a_pixel < min(values) and max(values) < shown[1] - 4.5 * a_pixel


# --- background jobs ---------------------------------------------------------------------------------------


def test_a_job_in_another_process_gives_the_same_table(make_case, oblique, logic, tmp_path):
    case = make_case(oblique)
    logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(2, 4)))
    here = logic.extract(case.segmentation, None, case.volume, "wu2021", union=True)
    job = logic.exportJob(tmp_path / "job", case.segmentation, None, case.volume, "wu2021", union=True)
    run = subprocess.run(job.command(sys.executable), capture_output=True, text=True, cwd=tmp_path)
    assert (run.returncode, run.stderr) == (0, "")
    steps = [read_line(line) for line in run.stdout.splitlines()]
    assert None not in steps and steps[-2].fraction == 1.0 and steps[-1].status == "done"
    there = logic.importResult(job)
    for name, values in table_columns(here).items():
        assert np.array_equal(values, table_columns(there)[name], equal_nan=name != "feature"), name
    assert record_of(there) == record_of(here)


def test_a_job_that_fails_or_is_stopped_says_so_and_leaves_the_scene(case, logic, tmp_path, scene_text):
    job = logic.exportJob(tmp_path / "job", case.segmentation, "Tumour", case.volume, QUICK)
    before = scene_text()
    with pytest.raises(InputError, match="has no result: the job was stopped"):
        logic.importResult(job)
    settings = ExtractionSettings(setting={"binWidth": 25, "resampledPixelSpacing": [1e-4] * 3})
    job = logic.exportJob(tmp_path / "job", case.segmentation, "Tumour", case.volume, settings, engine="no such")
    run = subprocess.run(job.command(sys.executable), capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (2, "")
    last = read_line(run.stdout.splitlines()[-1])
    with pytest.raises(RadiomicsError, match="no such"):
        logic.importResult(replace(job, failure=last.message))
    assert scene_text() == before


def test_a_job_whose_nodes_are_gone_brings_nothing(make_case, logic, scene, tmp_path):
    case = make_case()
    job = logic.exportJob(tmp_path / "job", case.segmentation, "Tumour", case.volume, QUICK)
    subprocess.run(job.command(sys.executable), check=True, capture_output=True)
    scene.RemoveNode(case.volume)
    with pytest.raises(InputError, match="the volume 'CT' is no longer in the scene"):
        logic.importResult(job)
    scene.Clear(0)
    make_case()  # new nodes take over the ids of the old ones
    with pytest.raises(InputError, match="no longer in the scene"):
        logic.importResult(job)
    assert slicer.mrmlScene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0


def test_a_folder_that_cannot_be_written_is_refused(case, logic, tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        logic.exportJob(blocked / "job", case.segmentation, "Tumour", case.volume, QUICK)


# --- bad input ---------------------------------------------------------------------------------------------


def test_bad_input_ends_in_one_line_and_the_scene_is_as_it_was(make_case, logic, scene_text):
    case = make_case()
    case.segmentation.GetSegmentation().AddEmptySegment("empty", "empty")
    away = np.eye(4)
    away[:3, 3] = 900
    stranger = slicer.util.addVolumeFromArray(case.voxels, away, "another patient")
    nothing = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "nothing")
    rings = RingSettings(outer_mm=(3,))
    before = scene_text()
    seg, ct = case.segmentation, case.volume
    for act, kind, words in (
        (lambda: logic.createRings(seg, "Tumour", None, rings), InputError, "the volume is not chosen"),
        (lambda: logic.createRings(None, "Tumour", ct, rings), InputError, "the segmentation is not chosen"),
        (lambda: logic.createRings(seg, "", ct, rings), InputError, "the tumour segment is not chosen"),
        (lambda: logic.createRings(seg, "empty", ct, rings), RegionError, "'empty' is empty"),
        (lambda: logic.createRings(seg, "Tumour", stranger, rings), GeometryError, "does not overlap"),
        (lambda: logic.createRings(seg, "Tumour", nothing, rings), InputError, "holds no voxels"),
        (lambda: logic.createRings(seg, "Tumour", ct, RingSettings()), InputError, "no ring is asked for"),
        (lambda: logic.createRings(seg, "Tumour", ct, rings, "liver"), InputError, "no segment 'liver'"),
        (lambda: logic.qualityTable(seg, ct), InputError, "has no rings; create rings first"),
        (lambda: logic.extract(seg, None, ct, QUICK), InputError, "has no rings"),
        (lambda: logic.extract(seg, [], ct, QUICK), InputError, "no segment is chosen"),
        (lambda: logic.extract(seg, "empty", ct, QUICK), RegionError, "'empty' is empty"),
        (lambda: logic.extract(seg, "Tumour", stranger, QUICK), GeometryError, "does not overlap"),
        (lambda: logic.extract(seg, "Tumour", ct, "wu2020"), InputError, "wu2021"),
        (lambda: logic.extract(seg, "Tumour", ct, "song2021"), InputError, "arterial"),
        (lambda: logic.extract(seg, "Tumour", ct, QUICK, engine="magic"), InputError, "magic"),
        (lambda: logic.distanceChart(None, "x"), InputError, "was not made by"),
    ):
        with pytest.raises(kind, match=words) as caught:
            act()
        assert "\n" not in str(caught.value)
        assert scene_text() == before


def test_a_chart_of_the_quality_table_is_refused(case, logic):
    logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3,)))
    with pytest.raises(InputError, match="holds no features"):
        logic.distanceChart(logic.qualityTable(case.segmentation, case.volume), "original_firstorder_Mean")


def test_a_chart_needs_rings_and_a_feature_with_values(case, logic, scene_text):
    table = logic.extract(case.segmentation, "Tumour", case.volume, QUICK)
    before = scene_text()
    with pytest.raises(InputError, match="has no rings"):
        logic.distanceChart(table, "original_firstorder_Mean")
    with pytest.raises(InputError, match="no feature 'Mean'"):
        logic.distanceChart(table, "Mean")
    assert scene_text() == before


def test_a_cancelled_verb_leaves_the_scene_as_it_was(case, logic, scene_text):
    logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(3,)))
    before = scene_text()

    def stop(fraction, message):
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        logic.extract(case.segmentation, None, case.volume, QUICK, progress=stop)
    with pytest.raises(Cancelled):
        logic.createRings(case.segmentation, "Tumour", case.volume, RingSettings(outer_mm=(2,)), progress=stop)
    assert scene_text() == before


# --- the parameter node and the module's own self-test -----------------------------------------------------


def test_the_parameter_node_says_which_rings(logic):
    parameters = logic.getParameterNode()
    assert logic.ringSettings() == RingSettings(outer_mm=(3, 6, 9), union=False)
    parameters.distancesMm, parameters.fractions, parameters.layout = "1.5; 3", "1/6, 2/6", "bands"
    parameters.useWindow, parameters.innerRimMm = True, 2.0
    assert logic.ringSettings() == RingSettings(
        outer_mm=(1.5, 3),
        fractions=(1 / 6, 2 / 6),
        layout="bands",
        window=(-150, 250),
        inner_rim_mm=2,
        union=False,
    )
    parameters.distancesMm = "3, six"
    with pytest.raises(InputError, match="'six' is none"):
        logic.ringSettings()


def test_the_self_test_of_the_module_passes(scene):
    module.PeritumoralRadiomicsTest().runTest()
