"""Deep features: against the layer's output pooled by hand, their names, and networks and regions that do not fit."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from DeepRadiomicsFusionLib.deep_features.computing import array_features, check_input, compute_deep_features  # noqa: E402
from DeepRadiomicsFusionLib.deep_features.slice_aggregation import aggregate_slices  # noqa: E402
from DeepRadiomicsFusionLib.inputs.patches import network_image  # noqa: E402
from DeepRadiomicsFusionLib.jobs.deep_features import DeepFeaturesJob  # noqa: E402
from DeepRadiomicsFusionLib.networks.catalogue import build_network, network_spec  # noqa: E402
from DeepRadiomicsFusionLib.settings.deep_feature_settings import (  # noqa: E402
    DeepFeatureSettings,
    FeatureSource,
)
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from DeepRadiomicsFusionLib.settings.study_networks import STUDIES  # noqa: E402
from RadiomicsCoreLib.errors import InputError, ModelError  # noqa: E402

torch.set_num_threads(1)
SMALL = NetworkInput("resized_slice", size=48, masked=True)


def settings_of(study: str) -> tuple[str, DeepFeatureSettings]:
    """The network of a study, and where its features are read of what."""
    job = DeepFeaturesJob.from_dict({"cohort": "cohort.csv", "study": study, "weights": "net.pth"})
    return job.source.network, DeepFeatureSettings.of(job.read, job.shown(None))


def batch_of(name: str, count: int = 3) -> np.ndarray:
    spec = network_spec(name)
    edge = {"inception_v3": 96, "unet": 32}.get(name, 32)
    return np.random.default_rng(0).normal(size=(count, 1, *(edge,) * spec.spatial_dims)).astype(np.float32)


@pytest.fixture(scope="module")
def scan():
    image = sitk.GetImageFromArray(np.random.default_rng(1).normal(40, 20, (9, 60, 64)).astype(np.float32))
    image.SetSpacing((0.8, 0.8, 3.0))
    return image


@pytest.fixture(scope="module")
def regions(scan):
    tumour, ring = (sitk.Image(scan.GetSize(), sitk.sitkUInt8) for _ in range(2))
    for mask in (tumour, ring):
        mask.CopyInformation(scan)
    ring[16:44, 16:40, 2:7] = 1
    ring[20:40, 20:36, 2:7] = 0
    tumour[20:40, 20:36, 2:7] = 1
    return {"intratumour": tumour, "ring_0_3mm": ring}


@pytest.fixture(scope="module")
def resnet():
    return build_network("resnet18", seed=3)


def test_average_and_maximum_pooling_are_those_of_the_layers_map(resnet):
    array = batch_of("resnet18")
    resnet.eval()
    caught = []
    handle = resnet.layer4.register_forward_hook(lambda module, given, output: caught.append(output.numpy()))
    with torch.no_grad():
        resnet(torch.from_numpy(array))
    handle.remove()
    for pooling, by_hand in (("average", caught[0].mean(axis=(2, 3))), ("maximum", caught[0].max(axis=(2, 3)))):
        found = array_features(resnet, "resnet18", array, DeepFeatureSettings(pooling=pooling))
        np.testing.assert_allclose(found, by_hand, rtol=1e-5)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "resnet18", "densenet121", "unet", "resnet3d", "se_resnet3d"])
def test_every_network_gives_the_number_of_features_that_its_entry_states(name):
    if name == "efficientnet_lite0":
        pytest.importorskip("efficientnet_lite_pytorch")
    array = batch_of(name, count=1)
    assert array_features(build_network(name, seed=0), name, array).shape == (1, network_spec(name).features)


def test_liu2025s_features_are_the_512_after_global_average_pooling():
    network: Any = build_network("se_resnet3d", seed=1).eval()
    array = batch_of("se_resnet3d", count=2)
    with torch.no_grad():
        body = network.last_activation(network.stages(network.stem(torch.from_numpy(array))))
        expected = network.pool(body).numpy()
    found = array_features(network, "se_resnet3d", array, settings_of("liu2025")[1])
    assert found.shape == (2, 512)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


def test_the_output_is_the_last_layer_on_the_penultimate_features(resnet):
    array = batch_of("resnet18")
    entered = array_features(resnet, "resnet18", array, DeepFeatureSettings("penultimate"))
    given = array_features(resnet, "resnet18", array, DeepFeatureSettings("output"))
    weight, bias = (value.detach().numpy() for value in (resnet.fc.weight, resnet.fc.bias))
    np.testing.assert_allclose(given, entered @ weight.T + bias, rtol=1e-4, atol=1e-5)


def test_the_probability_is_the_sigmoid_of_the_output(resnet):
    array = batch_of("resnet18")
    output = array_features(resnet, "resnet18", array, DeepFeatureSettings("output"))
    found = array_features(resnet, "resnet18", array, DeepFeatureSettings("probability"))
    np.testing.assert_allclose(found, 1 / (1 + np.exp(-output)), rtol=1e-6)


def test_zhang2024s_penultimate_features_are_the_backbones_ten_outputs():
    from DeepRadiomicsFusionLib.networks.rad_score_network import build_rad_score_network

    network: Any = build_rad_score_network("resnet18", scores=2, seed=4)
    array = batch_of("resnet18")
    found = array_features(network, "resnet18", array, DeepFeatureSettings("penultimate"))
    with torch.no_grad():
        np.testing.assert_allclose(found, network.eval().backbone(torch.from_numpy(array)).numpy(), rtol=1e-5)
    assert found.shape == (3, 10)
    assert array_features(network, "resnet18", array).shape == (3, 512)


def test_batches_and_the_mode_that_the_network_was_in_change_nothing(resnet):
    array = batch_of("resnet18", count=5)
    resnet.train()
    one_by_one = array_features(resnet, "resnet18", array, DeepFeatureSettings(batch_size=1))
    assert resnet.training
    together = array_features(resnet.eval(), "resnet18", array, DeepFeatureSettings(batch_size=8))
    np.testing.assert_allclose(one_by_one, together, rtol=1e-4, atol=1e-6)


def test_every_region_has_features_named_by_phase_region_network_and_number(resnet, scan, regions):
    found = compute_deep_features(resnet, "resnet18", scan, regions, DeepFeatureSettings(input=SMALL))
    row = found.named("ct", "resnet18")
    assert len(row) == 2 * 512
    assert next(iter(row)) == "ct.intratumour.resnet18_0" and list(row)[-1] == "ct.ring_0_3mm.resnet18_511"
    assert row["ct.ring_0_3mm.resnet18_17"] == found.features["ring_0_3mm"][17]
    assert not np.allclose(found.features["intratumour"], found.features["ring_0_3mm"])


def test_slices_are_aggregated_as_asked(resnet, scan, regions):
    shown = NetworkInput("rough_box", size=48)
    settings = DeepFeatureSettings(slices="larger_cluster", input=shown, seed=2)
    found = compute_deep_features(resnet, "resnet18", scan, regions, settings, wanted=["intratumour"])
    rows = array_features(resnet, "resnet18", network_image(scan, regions, shown).array)
    assert len(rows) == 5
    expected = aggregate_slices(rows, "larger_cluster", seed=2)
    np.testing.assert_allclose(found.features["intratumour"], expected.features, rtol=1e-6)
    np.testing.assert_array_equal(found.used_slices["intratumour"], expected.used)
    assert set(found.features) == {"intratumour"}


def test_an_empty_region_gets_a_reason_and_the_others_go_on(resnet, scan, regions):
    empty = sitk.Image(scan.GetSize(), sitk.sitkUInt8)
    empty.CopyInformation(scan)
    found = compute_deep_features(
        resnet, "resnet18", scan, {**regions, "ring_0_9mm": empty}, DeepFeatureSettings(input=SMALL)
    )
    assert set(found.features) == {"intratumour", "ring_0_3mm"}
    assert found.reasons == {"ring_0_9mm": "region 'ring_0_9mm' has no voxel"}


@pytest.mark.parametrize("study", STUDIES)
def test_the_studies_settings_suit_their_networks_and_survive_json(study):
    network, settings = settings_of(study)
    check_input(network, settings)
    assert DeepFeatureSettings.from_dict(json.loads(json.dumps(settings.to_dict()))) == settings


def test_broken_weights_are_said_rather_than_written_into_a_table():
    network: Any = build_network("resnet18", seed=0)
    with torch.no_grad():
        network.conv1.weight.fill_(float("nan"))
    with pytest.raises(ModelError, match="'resnet18' gives features that are not finite"):
        array_features(network, "resnet18", batch_of("resnet18"))


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("resnet18", {"input": NetworkInput("box_3d")}, "takes 2D input, the settings show 3D"),
        ("resnet3d", {}, "takes 3D input, the settings show 2D; choose box_3d"),
        ("unet", {"source": "penultimate"}, "'unet' segments: it has no penultimate features"),
    ],
)
def test_an_input_that_does_not_suit_the_network_is_refused(name, settings, message):
    with pytest.raises(InputError, match=message):
        check_input(name, DeepFeatureSettings(**settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"source": "middle"}, "choose from layer, penultimate, probability, output"),
        ({"pooling": "median"}, "choose from average, maximum"),
        ({"slices": "some"}, "choose from mean, maximum, larger_cluster"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"source": "output", "layer": "layer3"}, "layer is 'layer3', but features come from 'output'"),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        DeepFeatureSettings(**settings)


def test_unknown_layers_and_regions_are_named(resnet, scan, regions):
    with pytest.raises(ModelError, match="no layer 'layer9'"):
        array_features(resnet, "resnet18", batch_of("resnet18"), DeepFeatureSettings(layer="layer9"))
    with pytest.raises(InputError, match="no region 'ring_0_6mm'; the case has intratumour, ring_0_3mm"):
        compute_deep_features(resnet, "resnet18", scan, regions, wanted=["ring_0_6mm"])
    with pytest.raises(InputError, match="did you mean 'pooling'"):
        DeepFeatureSettings.from_dict({"poling": "average"})


def test_every_source_is_read_by_one_function():
    from DeepRadiomicsFusionLib.deep_features.computing import _READERS

    assert set(_READERS) == set(FeatureSource)
