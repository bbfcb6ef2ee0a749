"""The Logic of DeepRadiomicsFusion on Slicer's own nodes, as the console uses it."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import slicer
from deep_bundles import RING, fused_model, network_model
from scene_tools import draw_segment

import DeepRadiomicsFusion as module
from DeepFusionSlicerLib.logic.answers import waterfall
from DeepFusionSlicerLib.logic.cohorts import FUSION, NETWORK, RADIOMICS, SWEEP, CohortChoices, steps_for
from DeepFusionSlicerLib.logic.deep_tables import joined
from DeepFusionSlicerLib.logic.rings import rings_of_card
from DeepRadiomicsFusionLib.models.bundle_card import read_card
from DeepRadiomicsFusionLib.models.classifier_bundle import load_bundle
from RadiomicsCoreLib.cohort.table import load_phase, read_cohort
from RadiomicsCoreLib.errors import Cancelled, InputError, ModelError, RadiomicsError
from RadiomicsCoreLib.files.tables import read_cells, read_csv
from RadiomicsCoreLib.jobs.registry import job_from
from RadiomicsSlicerLib.nodes import volume_grid
from RadiomicsSlicerLib.runs.scene_case import CASE_ID, SceneCase
from RadiomicsSlicerLib.segments import segment_mask
from RadiomicsSlicerLib.tables import record_of, table_columns
from RadiomicsSlicerLib.volumes.images import add_image
from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort

EXAMPLES = Path(__file__).resolve().parents[2] / "Examples"
HAS_NETWORKS = all(
    importlib.util.find_spec(name) for name in ("torch", "monai", "safetensors", "efficientnet_lite_pytorch", "captum")
)


@pytest.fixture
def logic(scene):
    return module.DeepRadiomicsFusionLogic()


# --- the patient as a cohort of one ----------------------------------------------------------------------------


def test_a_patient_is_written_where_he_lies_with_his_mask(make_case, oblique, tmp_path):
    made = make_case(oblique)
    cohort = read_cohort(SceneCase(made.volume, made.segmentation, "Tumour", phase="arterial").write(tmp_path))
    data = load_phase(cohort.case(CASE_ID).images["arterial"])
    assert np.array_equal(sitk.GetArrayFromImage(data.image), made.voxels)
    assert np.array_equal(sitk.GetArrayFromImage(data.mask) != 0, made.tumour)
    corner = np.array(data.image.TransformIndexToPhysicalPoint((3, 5, 7)))
    assert corner * (-1, -1, 1) == pytest.approx((oblique @ (3, 5, 7, 1))[:3])
    assert data.organ is None


def test_an_organ_goes_along_and_a_scan_without_a_tumour_has_no_mask(make_case, tmp_path):
    made = make_case()
    draw_segment(made, "Organ", np.ones_like(made.tumour))
    SceneCase(made.volume, made.segmentation, "Tumour", organ="Organ").write(tmp_path / "with")
    SceneCase(made.volume).write(tmp_path / "without")
    headers = [read_cells(tmp_path / name / "cohort.csv")[0] for name in ("with", "without")]
    assert headers == [["case_id", "ct_image", "ct_mask", "ct_organ_mask"], ["case_id", "ct_image"]]


def test_an_image_comes_back_where_it_lay(make_case, oblique, tmp_path):
    made = make_case(oblique)
    SceneCase(made.volume, made.segmentation, "Tumour").write(tmp_path)
    node = add_image(sitk.ReadImage(str(tmp_path / "image.nii.gz")), "again")
    both = [slicer.util.arrayFromVolume(volume) for volume in (made.volume, node)]
    assert np.array_equal(*both)
    assert np.allclose(volume_grid(node).to_world, volume_grid(made.volume).to_world, atol=1e-5)
    assert node.GetDisplayNode() is not None


# --- answers ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_fusion_answers_as_its_model_does_of_the_same_features(logic, tmp_path):
    cohort = make_sample_cohort(tmp_path / "sample", patients=2)
    model = fused_model(tmp_path / "fusion" / "model", cohort)
    extracted = read_csv(tmp_path / "fusion" / "extracted" / "features.csv")
    volume, segmentation = logic.loadCase(str(cohort), "sample_002")
    table = logic.apply(model, volume, segmentation, "Tumour", organSegment="Organ")
    expected = float(load_bundle(model).model.predict(extracted[extracted["case_id"] == "sample_002"])[0])
    found = table_columns(table)
    assert found["output"] == ["recurrence"] and found["value"] == pytest.approx([expected], abs=1e-9)
    assert found["says"] == ["yes" if expected >= 0.4 else "no"]
    assert record_of(table)["contributions"][0]["prediction"] == pytest.approx(expected)
    chart = logic.contributionChart(table)
    assert chart.GetNumberOfPlotSeriesNodes() == 4
    rings = logic.growRings(read_card(model), segmentation, "Tumour", volume, "Organ")
    job = {"verb": "rings", "image": str(cohort.parent / "sample_002" / "ct.nii.gz"), "rings": {"outer_mm": [3]}}
    masks = {"mask": "ct_tumour", "organ": "ct_organ"}
    files = {name: str(cohort.parent / "sample_002" / f"{stem}.nii.gz") for name, stem in masks.items()}
    job_from({**job, **files}).run(tmp_path / "rings")
    wanted = sitk.GetArrayFromImage(sitk.ReadImage(str(tmp_path / "rings" / f"{RING}.nii.gz"))) != 0
    assert segment_mask(segmentation, rings[0], volume).voxels == wanted.sum()
    assert logic.growRings(read_card(model), segmentation, "Tumour", volume) == rings  # they are there already


@pytest.mark.slow
@pytest.mark.skipif(not HAS_NETWORKS, reason="needs the extra 'deep'")
def test_a_network_answers_as_it_does_of_its_input(logic, make_case, tmp_path):
    from DeepRadiomicsFusionLib.inputs.patches import network_image
    from DeepRadiomicsFusionLib.networks.network_bundle import load_network_bundle
    from DeepRadiomicsFusionLib.networks.prediction import predict, probability
    from PeritumoralRadiomicsLib.regions.growing import grow_regions

    made = make_case()
    model = network_model(tmp_path / "net" / "model")
    table = logic.apply(model, made.volume, made.segmentation, "Tumour")
    case = SceneCase(made.volume, made.segmentation, "Tumour")
    data = load_phase(read_cohort(case.write(tmp_path / "case")).case(CASE_ID).images["ct"])
    bundle = load_network_bundle(model)
    regions = grow_regions(data.mask, bundle.rings, image=data.image)
    shown = network_image(data.image, {name: one.mask for name, one in regions.regions.items()}, bundle.input)
    expected = probability(predict(bundle.network, list(shown.array)))[0]
    assert table_columns(table)["value"] == pytest.approx(expected.tolist(), abs=1e-6)
    mapped = logic.explain(model, made.volume, made.segmentation, "Tumour", "input_gradient", "alk")
    assert record_of(mapped)["endpoint"] == "alk"
    assert slicer.util.arrayFromVolume(mapped).shape == made.tumour.shape


def test_another_phase_or_a_cancelled_answer_leaves_the_scene_as_it_was(logic, make_case, tmp_path, scene_text):
    made = make_case()
    cohort = make_sample_cohort(tmp_path / "sample", patients=1)
    model = fused_model(tmp_path / "fusion" / "model", cohort)
    before = scene_text()
    with pytest.raises(ModelError, match="trained on phase 'ct'"):
        logic.apply(model, made.volume, made.segmentation, "Tumour", phase="pet")
    with pytest.raises(ModelError, match=r"no such file"):
        logic.apply(tmp_path / "none", made.volume, made.segmentation, "Tumour")

    def stop(fraction, message):
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        logic.apply(model, made.volume, made.segmentation, "Tumour", progress=stop)
    assert scene_text() == before


def test_a_waterfall_ends_where_the_parts_lead_and_weak_ones_are_one_bar():
    parts = {f"f{n}": (-1) ** n * 0.01 * (n + 1) for n in range(14)}
    bars = waterfall(0.4, parts, most=10)
    assert len(bars) == 11 and bars[0][0] == "4 others" and bars[-1][0] == "f13"
    assert bars[-1][2] == pytest.approx(0.4 + sum(parts.values()))
    assert all(one[2] == other[1] for one, other in itertools.pairwise(bars))


# --- features and cohorts --------------------------------------------------------------------------------------


def test_joined_features_keep_every_number_and_refuse_other_tables():
    table = {"feature": ["Mean", "Energy"], "intratumour": [1.0, 2.0]}
    found = joined(table, {"intratumour": {"net_0": 3.0}, "ring": {"net_0": 4.0}})
    assert found["intratumour"] == [1.0, 2.0, 3.0] and found["ring"][2] == 4.0 and np.isnan(found["ring"][:2]).all()
    with pytest.raises(InputError, match="no features"):
        joined({"region": ["a"]}, {})


def test_a_ring_by_its_name_replaces_the_tumours_rings(logic, make_case):
    made = make_case()
    for region in ("ring_0_3mm", "ring_r2", "intra_ring_0_4p5mm"):
        (segment,) = logic.showRing(region, made.segmentation, "Tumour", made.volume)
        name = made.segmentation.GetSegmentation().GetSegment(segment).GetName()
        assert name == region.removeprefix("intra_")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return make_sample_cohort(tmp_path_factory.mktemp("cohort"), patients=3)


def test_own_settings_become_jobs_that_read_one_another(sample, tmp_path):
    choices = CohortChoices(
        str(sample),
        str(tmp_path),
        [RADIOMICS, NETWORK, FUSION, SWEEP],
        endpoints=["recurrence"],
        phases=["ct"],
        rings_mm="3, 6",
        region=RING,
        folds=3,
        epochs=2,
        classifiers=["lr"],
    )
    steps = steps_for(choices)
    jobs = {name: job_from(values) for name, values in steps.items()}
    assert list(jobs) == [RADIOMICS, NETWORK, FUSION]
    assert jobs[RADIOMICS].rings.outer_mm == (3.0, 6.0)
    assert (jobs[NETWORK].folds, jobs[NETWORK].training.epochs, jobs[NETWORK].input.region) == (3, 2, RING)
    assert jobs[FUSION].features[NETWORK] == tmp_path / NETWORK / "signatures.csv"
    assert jobs[FUSION].cross_validation.folds == 3 and jobs[FUSION].sweep and jobs[FUSION].classifiers == ("lr",)


def test_a_study_takes_the_place_of_own_settings_where_a_job_knows_it(sample, tmp_path):
    choices = CohortChoices(
        str(sample), str(tmp_path), [RADIOMICS, NETWORK], "liu2025", time="follow_up_days", event="death"
    )
    jobs = {name: job_from(values) for name, values in steps_for(choices).items()}
    assert {job.study for job in jobs.values()} == {"liu2025"}
    assert jobs[NETWORK].network == "se_resnet3d" and jobs[RADIOMICS].rings.outer_mm == (3.0, 6.0, 9.0)
    assert jobs[NETWORK].folds == 0


def test_a_fusion_of_a_network_asks_for_out_of_fold_signatures_by_itself(sample, tmp_path):
    choices = CohortChoices(str(sample), str(tmp_path), [NETWORK, FUSION], endpoints=["recurrence"])
    steps = steps_for(choices)
    assert steps[NETWORK]["folds"] == job_from(steps[FUSION]).cross_validation.folds


def test_what_is_missing_is_refused_in_words(sample, tmp_path):
    survival = CohortChoices(str(sample), str(tmp_path), [RADIOMICS, FUSION], time="follow_up_days", event="death")
    for choices, words in (
        (CohortChoices("", str(tmp_path), [RADIOMICS]), "cohort table"),
        (CohortChoices(str(sample), "", [RADIOMICS]), "folder"),
        (survival, "Survival Nomogram"),
        (CohortChoices(str(sample), str(tmp_path), [NETWORK]), "end point"),
        (CohortChoices(str(sample), str(tmp_path), [FUSION], endpoints=["recurrence"]), "features"),
    ):
        with pytest.raises(InputError, match=words):
            steps_for(choices)


def test_a_cohort_offers_its_end_points_and_times(logic, sample):
    columns = logic.cohortColumns(sample)
    assert columns.phases == ("ct",) and "follow_up_days" in columns.times and "sex" not in columns.endpoints


def test_a_case_that_is_not_there_is_refused(logic, sample):
    with pytest.raises(RadiomicsError, match="sample_001"):
        logic.loadCase(str(sample), "sample_01")


def test_rings_of_a_model_are_those_of_its_training(tmp_path, sample):
    model = fused_model(tmp_path / "fusion" / "model", sample)
    settings = rings_of_card(read_card(model))
    assert settings is not None and settings.outer_mm == (3.0,) and settings.layout.value == "cumulative"


def test_the_self_test_passes(scene):
    module.DeepRadiomicsFusionTest().runTest()


@pytest.mark.slow
@pytest.mark.skipif(not HAS_NETWORKS, reason="needs the extra 'deep'")
def test_the_example_for_the_console_runs_on_the_nodes_of_the_first_one(scene, capsys):
    console: dict = {"__name__": "__console__"}
    for name in ("01_rings_in_the_console", "07_deep_models_in_slicer"):
        exec(compile((EXAMPLES / f"{name}.py").read_text(encoding="utf-8"), name, "exec"), console)
    assert console["features"].GetNumberOfRows() == 1280
    assert table_columns(console["answer"])["output"] == ["relapse"]
    assert console["decided_by"].GetName() == "input gradient of relapse"
    assert "1280 features" in capsys.readouterr().out
