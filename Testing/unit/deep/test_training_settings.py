"""Training settings: schedules against their formulas, optimisers, bad values."""

from __future__ import annotations

from dataclasses import replace

import pytest

from DeepRadiomicsFusionLib.settings.study_networks import STUDIES
from DeepRadiomicsFusionLib.settings.training_settings import (
    TrainingSettings,
    make_optimiser,
)
from RadiomicsCoreLib.errors import InputError


def test_schedules_follow_their_formulas():
    liu, wu = (TrainingSettings.from_dict(STUDIES[name].train["training"]) for name in ("liu2025", "wu2021"))
    assert [liu.rate_at(step, 0) for step in (0, 999, 1000, 2500)] == pytest.approx(
        [1e-4, 1e-4, 1e-4 * 0.96, 1e-4 * 0.96**2]
    )
    assert wu.rate_at(10_000_000, 0) == pytest.approx(5e-7)
    cosine = TrainingSettings("survival", schedule="cosine", learning_rate=1.0, epochs=10)
    assert [cosine.rate_at(0, epoch) for epoch in (0, 5)] == pytest.approx([1.0, 0.5])
    assert TrainingSettings("survival", learning_rate=0.3).rate_at(10**6, 99) == 0.3


@pytest.mark.parametrize(
    ("name", "class_name"), [("adam", "Adam"), ("adamw", "AdamW"), ("rmsprop", "RMSprop"), ("sgd", "SGD")]
)
def test_optimisers_have_their_names_and_skip_frozen_weights(name, class_name):
    torch = pytest.importorskip("torch")
    network = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1))
    network[0].requires_grad_(False)
    settings = TrainingSettings("classification", optimiser=name, learning_rate=0.5, weight_decay=0.25)
    optimiser = make_optimiser(network, settings)
    assert type(optimiser).__name__ == class_name
    (group,) = optimiser.param_groups
    assert (group["lr"], group["weight_decay"], len(group["params"])) == (0.5, 0.25, 2)
    assert group.get("momentum", 0) == (0.9 if name == "sgd" else 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"task": "regression"}, "task is 'regression'; choose from classification"),
        ({"optimiser": "lion"}, "optimiser is 'lion'"),
        ({"device": "gpu"}, "device is 'gpu'; choose from auto, cpu, cuda, mps"),
        ({"learning_rate": -1}, "learning_rate is -1"),
        ({"learning_rate": float("nan")}, "learning_rate is nan"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"epochs": 2.5}, "epochs is 2.5"),
        ({"patience": 0}, "patience is 0"),
        ({"validation_fraction": 1.0}, "validation_fraction is 1.0"),
        ({"schedule": "steps"}, "decay is 0; the schedule 'steps'"),
        ({"augmentation": "wu2020"}, "did you mean 'wu2021'"),
        ({"augmentation": 3}, "augmentation is 3"),
        ({"weigh_classes": "yes"}, "weigh_classes is 'yes'; give true or false"),
        ({"monitor": "auc"}, "monitor is 'auc'; choose from loss, dice"),
        ({"monitor": "dice"}, "monitor is 'dice', which only a segmentation has"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(change, message):
    with pytest.raises(InputError, match=message):
        replace(TrainingSettings("classification"), **change)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"task": "survival", "lr": 1}, "training setting 'lr' is not known"),
        ({}, "name no task"),
        ({"task": "survival", "augmentation": {"blurr": {}}}, "augmentation 'blurr' is not known; did you mean 'blur'"),
        ({"task": "survival", "augmentation": {"blur": 3}}, "augmentation blur is 3; give probability"),
        ({"task": "survival", "augmentation": {"blur": {"probability": 1, "lo": 1}}}, "'lo' is not known"),
        ({"task": "survival", "augmentation": {"blur": {"probability": "x"}}}, "blur: probability of an augm.* 'x'"),
    ],
)
def test_settings_from_a_file_are_checked(values, message):
    with pytest.raises(InputError, match=message):
        TrainingSettings.from_dict(values)
