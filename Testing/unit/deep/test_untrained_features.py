"""Deep features as the command line names them: the studies' sources, and what only a trained network has."""

from __future__ import annotations

import argparse
from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="needs the extra 'deep'")
pytest.importorskip("monai")
pytest.importorskip("safetensors")

from DeepRadiomicsFusionLib.jobs.deep_features import DeepFeaturesJob
from DeepRadiomicsFusionLib.networks.network_bundle import Architecture, NetworkBundle, save_network_bundle
from DeepRadiomicsFusionLib.settings.deep_feature_settings import DeepFeatureSettings
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput
from DeepRadiomicsFusionLib.settings.training_settings import Task
from RadiomicsCoreLib.errors import InputError
from RadiomicsStudyLib.commands.deep import deep_features
from RadiomicsStudyLib.words.job_words import settings_from


def job_of(*words: str):
    """The job that the command line builds, after a way through its job file, and what it reads."""
    parser = argparse.ArgumentParser()
    deep_features.VERB.add_options(parser)
    words = ["cohort.csv", "-o", "out", *words]
    job = DeepFeaturesJob.from_dict(settings_from(DeepFeaturesJob, parser.parse_args(words)))
    assert DeepFeaturesJob.from_dict(job.to_dict()) == job
    return SimpleNamespace(
        source=job.source, features=job.features(job.source.bundle()), rings=job.rings, regions=job.regions
    )


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """A model folder for each task, with random weights."""
    folder = tmp_path_factory.mktemp("bundles")
    made = {}
    shown = NetworkInput("resized_slice", size=32)
    slices = NetworkInput("rough_box", size=32, window_level=120, window_width=320)
    for name, architecture, task, outputs, phase, seen in (
        ("classifier", Architecture("resnet18"), Task.CLASSIFICATION, ("relapse",), "ct", shown),
        ("survival", Architecture("resnet18"), Task.SURVIVAL, ("risk",), "ct", shown),
        ("ten", Architecture("densenet121", scores=0), Task.CLASSIFICATION, ("egfr",), "ct", shown),
        ("venous_unet", Architecture("unet", out_features=2, width=4), Task.SEGMENTATION, ("a", "b"), "venous", slices),
    ):
        bundle = NetworkBundle(architecture, architecture.build().eval(), task, outputs, phase, seen)
        save_network_bundle(bundle, folder / name)
        made[name] = str(folder / name)
    return made


def test_yang2023_reads_the_maximum_of_resnet50s_last_map_of_the_tumour():
    job = job_of("--study", "yang2023", "--phases", "arterial,venous")
    assert (job.source.network, job.source.weights, job.regions) == ("resnet50", "imagenet", ("intratumour",))
    shown = NetworkInput("resized_slice", size=224, spacing_mm=1.0)
    assert job.features == DeepFeatureSettings(pooling="maximum", input=shown)
    assert job.features.pooling.value == "maximum"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--study", "liu2025"], "liu2025 come from a network that is trained first: run 'peritumoral train"),
        (["--study", "zhang2024", "--weights", "random"], "zhang2024 come from a network that is trained first"),
        (["--study", "wu2021", "--weights", "random"], "probability of resnet18 with weights 'random' means nothing"),
        (["--source", "probability"], "probability of efficientnet_lite0 with weights 'imagenet' means nothing"),
        (["--source", "output"], "output of efficientnet_lite0 with weights 'imagenet' means nothing"),
        (["--source", "penultimate", "--weights", "random"], "penultimate of efficientnet_lite0 .* 'random' means"),
        (["--study", "song2021", "--phases", "arterial,venous"], "one phase at a time: --phases arterial"),
        (["--study", "song2021", "--phases", "ct"], "arterial and venous, not for 'ct'"),
        (["--study", "yang2024"], "did you mean 'yang2023'"),
        (["--source", "penultimate", "--layer", "layer4"], "layer is 'layer4', but features come from 'penultimate'"),
    ],
)
def test_what_only_a_trained_network_has_is_refused_in_one_line(words, message):
    with pytest.raises(InputError, match=message):
        job_of(*words)


def test_what_enters_the_last_layer_of_published_weights_may_be_read():
    job = job_of("--network", "vgg19", "--source", "penultimate")
    assert (job.source.network, job.features.source.value) == ("vgg19", "penultimate")


def test_single_options_go_before_the_studys():
    job = job_of(
        *("--study", "yang2023", "--pooling", "average", "--size", "96", "--rings", "5", "--aggregate", "maximum"),
    )
    assert (job.features.pooling.value, job.features.slices.value) == ("average", "maximum")
    assert (job.features.input.pixels, job.features.input.spacing_mm) == (96, 1.0)
    assert job.rings.outer_mm == (5.0,) and job.regions == ()


def test_a_trained_network_gives_its_probability_and_its_penultimate_features(bundles):
    job = job_of("--weights", bundles["classifier"], "--source", "probability")
    assert job.features == DeepFeatureSettings("probability", input=NetworkInput("resized_slice", size=32))
    job = job_of("--weights", bundles["ten"], "--study", "zhang2024")
    assert (job.features.source.value, job.features.input.pixels) == ("penultimate", 32)  # the model's own input
    assert job.rings is None and job.regions == ()  # the model's own


def test_a_risk_is_no_probability(bundles):
    with pytest.raises(InputError, match="trained for survival: it has no probability; read its output"):
        job_of("--weights", bundles["survival"], "--source", "probability")
    assert job_of("--weights", bundles["survival"], "--source", "output").features.source.value == "output"


def test_song2021_takes_the_phase_of_the_trained_network(bundles):
    job = job_of("--weights", bundles["venous_unet"], "--study", "song2021")
    assert (job.features.slices.value, job.features.input.window) == ("larger_cluster", (-40.0, 280.0))
