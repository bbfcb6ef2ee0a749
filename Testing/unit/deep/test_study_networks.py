"""The five studies' networks: the command's job against the papers' tables (``studies.md``), written out by hand."""

from __future__ import annotations

import argparse
from dataclasses import replace

import pytest

from DeepRadiomicsFusionLib.deep_features.computing import check_input
from DeepRadiomicsFusionLib.jobs.deep_features import DeepFeaturesJob
from DeepRadiomicsFusionLib.jobs.train import TrainJob
from DeepRadiomicsFusionLib.settings.augmentation import Augmentation, Chance
from DeepRadiomicsFusionLib.settings.deep_feature_settings import DeepFeatureSettings
from DeepRadiomicsFusionLib.settings.study_networks import STUDIES
from RadiomicsCoreLib.errors import InputError
from RadiomicsStudyLib.commands.deep import train
from RadiomicsStudyLib.words.job_words import settings_from

LIU_AUGMENTATION = Augmentation(
    contrast=Chance(0.15, 1.0, 1.75),
    brightness=Chance(0.15, 0.7, 1.5),
    gamma=Chance(0.15, 0.5, 2.0),
    noise=Chance(0.15, 0.0, 0.05),
    blur=Chance(0.15, 0.5, 1.5),
    mirror=Chance(0.3),
    rotation=Chance(0.3, 0.0, 360.0),
)


def whole_job_of(*words: str) -> TrainJob:
    """The job that the command line builds, after a way through its job file."""
    parser = argparse.ArgumentParser()
    train.VERB.add_options(parser)
    job = TrainJob.from_dict(settings_from(TrainJob, parser.parse_args(["cohort.csv", "-o", "out", *words])))
    assert TrainJob.from_dict(job.to_dict()) == job
    return job


def job_of(*words: str):
    """What the job trains, with everything decided."""
    return whole_job_of(*words).plan()


def features_of(name: str) -> DeepFeaturesJob:
    """The deep features of a study, read with a network of anybody's."""
    return DeepFeaturesJob.from_dict({"cohort": "cohort.csv", "study": name, "weights": "net.pth"})


def told(settings, *names):
    """Some settings as plain values."""
    values = settings.to_dict()
    return {name: values[name] for name in names}


def test_liu2025_needs_nothing_but_the_columns():
    job = job_of("--study", "liu2025", "--time", "days", "--event", "death")
    assert (job.network, job.pretrained, job.mode, job.time, job.event) == (
        "se_resnet3d",
        False,
        "full",
        "days",
        "death",
    )
    assert told(job.shown, "kind", "region", "size", "scaling", "spacing_mm") == {
        "kind": "box_3d",
        "region": "intratumour",
        "size": 64,
        "scaling": "zscore",
        "spacing_mm": 1.0,
    }
    assert not job.shown.is_masked and job.shown.window is None
    assert (job.rings.outer_mm, job.rings.plane.value) == ((3.0, 6.0, 9.0), "3d")
    wanted = {
        "task": "survival",
        "optimiser": "adam",
        "learning_rate": 1e-4,
        "weight_decay": 1e-4,
        "schedule": "steps",
        "decay": 0.96,
        "decay_steps": 1000,
        "batch_size": 32,
        "epochs": 100,
        "patience": 15,
    }
    assert told(job.training, *wanted) == wanted
    assert job.training.augmentation == LIU_AUGMENTATION
    assert job.architecture.scores is None


def test_wu2021_trains_a_one_channel_resnet18_on_the_masked_full_slice():
    job = job_of("--study", "wu2021", "--endpoints", "high_risk", "--region", "intra_ring_0_3mm")
    assert (job.network, job.mode, job.architecture.in_channels) == ("resnet18", "full", 1)
    assert job.architecture.out_features == 1  # its sigmoid is the DL signature
    wanted = {"kind": "full_slice", "region": "intra_ring_0_3mm", "size": 512, "masked": True}
    assert told(job.shown, *wanted) == wanted
    assert job.rings.outer_mm == (1.5, 3.0, 4.5, 6.0, 7.5, 9.0)
    assert job.rings.fractions == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert job.rings.plane.value == "largest_slice" and job.rings.union
    wanted = {
        "task": "classification",
        "optimiser": "rmsprop",
        "learning_rate": 1e-6,
        "schedule": "inverse_time",
        "decay": 1e-7,
        "batch_size": 4,
    }
    assert told(job.training, *wanted) == wanted
    assert job.training.augmentation == Augmentation(rotation=Chance(1.0, 0.0, 360.0))


def test_the_rings_of_wu2021s_other_tumour_are_one_option_away():
    words = ["--study", "wu2021", "--endpoints", "high_risk", "--rings", "2,4,6,8,10,12", "--plane", "largest_slice"]
    job = job_of(*words, "--region", "intra_ring_0_4mm")
    assert job.rings.outer_mm == (2.0, 4.0, 6.0, 8.0, 10.0, 12.0) and job.rings.union


@pytest.mark.parametrize(
    ("words", "window", "phase"),
    [
        (["--study", "song2021"], (130 - 155, 130 + 155), "arterial"),
        (["--study", "song2021", "--phase", "arterial"], (130 - 155, 130 + 155), "arterial"),
        (["--study", "song2021", "--phase", "venous"], (120 - 160, 120 + 160), "venous"),
        (["--study", "song2021_venous"], (120 - 160, 120 + 160), "venous"),
        (["--study", "song2021_venous", "--phase", "pv"], (120 - 160, 120 + 160), "pv"),
        (["--study", "song2021", "--phase", "late", "--window=-50,250"], (-50, 250), "late"),
    ],
)
def test_song2021_segments_rough_boxes_in_the_phases_window(words, window, phase):
    job = job_of(*words)
    assert (job.network, job.pretrained, job.width, job.phase) == ("unet", False, None, phase)
    assert job.shown.window == window
    wanted = {"kind": "rough_box", "region": "intratumour", "scaling": "unit", "spacing_mm": 1.0}
    assert told(job.shown, *wanted) == wanted
    assert (job.shown.pixels, job.shown.is_masked, job.shown.which_slices.value) == (256, False, "all")
    wanted = {
        "task": "segmentation",
        "optimiser": "adam",
        "learning_rate": 1e-5,
        "validation_fraction": 0.1,
        "dice_weight": 0.0,
        "monitor": "dice",
        "augmentation": {},
    }
    assert told(job.training, *wanted) == wanted
    assert whole_job_of(*words).study in ("song2021_arterial", "song2021_venous")


def test_zhang2024_puts_ten_deep_features_and_two_rad_scores_before_the_last_layer():
    words = ["--study", "zhang2024", "--endpoints", "egfr,kras", "--scores", "tumour.signature,ring.signature"]
    job = job_of(*words)
    assert (job.network, job.pretrained, job.mode) == ("densenet121", True, "full")
    assert (job.architecture.deep_features, job.architecture.scores, job.architecture.out_features) == (10, 2, 2)
    assert job_of("--study", "zhang2024", "--endpoints", "egfr").architecture.scores == 0  # the head without RadScores
    wanted = {"kind": "patch", "region": "intratumour", "size": 160}
    assert told(job.shown, *wanted) == wanted
    assert job.rings.outer_mm == (3.0,)
    wanted = {"task": "classification", "validation_fraction": 0.25, "augmentation": {}}
    assert told(job.training, *wanted) == wanted


def test_single_options_go_before_the_studys():
    job = job_of(
        *("--study", "liu2025", "--time", "t", "--event", "e", "--network", "resnet3d", "--input", "box_3d"),
        *("--size", "32", "--batch-size", "8", "--optimiser", "sgd", "--weight-decay", "0", "--schedule", "constant"),
        *("--patience", "never", "--augmentation", "none", "--mode", "head", "--validation-share", "0.5"),
        *("--no-class-weights", "--no-mixed-precision", "--seed", "7", "--rings", "5", "--region", "intra_ring_0_5mm"),
    )
    assert (job.network, job.shown.pixels, job.mode, job.shown.region) == ("resnet3d", 32, "head", "intra_ring_0_5mm")
    assert job.rings.outer_mm == (5.0,) and job.rings.union
    wanted = {
        "optimiser": "sgd",
        "batch_size": 8,
        "weight_decay": 0.0,
        "schedule": "constant",
        "patience": None,
        "augmentation": {},
        "validation_fraction": 0.5,
        "weigh_classes": False,
        "mixed_precision": False,
        "seed": 7,
        "epochs": 100,
    }
    assert told(job.training, *wanted) == wanted


def test_the_papers_comparisons_differ_in_the_network_alone():
    """liu2025 without squeeze-and-excitation, zhang2024's other backbones."""
    liu = ["--study", "liu2025", "--time", "t", "--event", "e"]
    full, ablation = job_of(*liu), job_of(*liu, "--network", "resnet3d")
    assert ablation == replace(full, network="resnet3d")
    zhang = ["--study", "zhang2024", "--endpoints", "egfr"]
    for name in ("resnet50", "resnet101", "vgg19", "inception_v3"):
        assert job_of(*zhang, "--network", name) == replace(job_of(*zhang), network=name)
    assert not job_of(*zhang, "--network", "resnet50", "--weights", "random").pretrained


def test_another_kind_of_input_keeps_the_studys_window_and_spacing():
    shown = job_of("--study", "song2021", "--input", "resized_slice").shown
    assert (shown.kind.value, shown.pixels, shown.spacing_mm, shown.is_masked) == ("resized_slice", 224, 1.0, False)
    assert shown.window == (130 - 155, 130 + 155)
    assert job_of("--endpoints", "y", "--input", "patch").shown.is_masked
    assert not job_of(
        "--task", "segmentation", "--input", "rough_box"
    ).shown.is_masked  # the mask is what is to be learned
    words = ["--masked", "--margin", "4", "--scaling", "zscore", "--spacing", "2", "--window=-50,150"]
    shown = job_of("--study", "zhang2024", "--endpoints", "y", "--region", "ring_0_3mm", *words).shown
    wanted = {"kind": "patch", "region": "ring_0_3mm", "masked": True, "margin_mm": 4.0, "spacing_mm": 2.0}
    assert told(shown, *wanted) == wanted and shown.window == (-50, 150)
    same = job_of("--study", "liu2025", "--time", "t", "--event", "e", "--input", "box_3d").shown
    assert same == job_of("--study", "liu2025", "--time", "t", "--event", "e").shown


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--study", "yang2023", "--time", "t", "--event", "e"], "yang2023 trains no network.*deep-features"),
        (["--study", "song2021", "--phase", "ct"], "arterial and venous, not for 'ct'.*--study song2021_venous"),
        (["--study", "liu2052", "--time", "t", "--event", "e"], "did you mean 'liu2025'"),
        (["--study", "liu2025"], "liu2025 learns survival: say what to learn: .*--time T --event E"),
        (["--study", "wu2021"], "wu2021 learns classification: say what to learn: --endpoints"),
        (["--study", "song2021", "--endpoints", "relapse"], "network 'unet' segments"),
        (["--study", "song2021", "--masked"], "a network that learns the mask would see it"),
    ],
)
def test_what_a_study_does_not_have_is_said_in_one_line(words, message):
    with pytest.raises(InputError, match=message):
        job_of(*words)


def test_every_study_names_its_paper_and_what_it_left_open():
    for name, study in STUDIES.items():
        assert study.source.startswith(name.split("_")[0]), name
        assert study.left_open
        job = features_of(name)
        check_input(job.network, DeepFeatureSettings.of(job.read, job.shown(None)))


def test_deep_features_of_the_studies_are_read_where_the_papers_read_them():
    jobs = {name: features_of(name) for name in STUDIES}
    read = {
        name: (job.network, job.read.source.value, job.read.pooling.value, job.read.slices.value)
        for name, job in jobs.items()
    }
    assert read == {
        "wu2021": ("resnet18", "probability", "average", "mean"),
        "song2021_arterial": ("unet", "layer", "average", "larger_cluster"),
        "song2021_venous": ("unet", "layer", "average", "larger_cluster"),
        "yang2023": ("resnet50", "layer", "maximum", "mean"),
        "zhang2024": ("densenet121", "penultimate", "average", "mean"),
        "liu2025": ("se_resnet3d", "layer", "average", "mean"),
    }
    yang = jobs["yang2023"].shown(None)
    assert (yang.kind.value, yang.pixels, yang.spacing_mm, yang.which_slices.value) == (
        "resized_slice",
        224,
        1.0,
        "largest",
    )
