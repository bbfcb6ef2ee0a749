"""The losses of a training and their picture."""

from __future__ import annotations

import json
import math

import pytest

from DeepRadiomicsFusionLib.training.loss_curve import Losses, loss_curve


@pytest.fixture
def losses() -> Losses:
    found = Losses()
    for training, validation in ((0.9, 0.8), (0.7, 0.6), (0.5, 0.6), (0.3, 0.9)):
        found = found.with_epoch(training, validation)
    return found


def test_the_best_epoch_is_the_first_of_the_lowest_validation_loss(losses):
    assert (losses.best_epoch, losses.best_loss) == (2, 0.6)
    assert losses.summary == "4 epochs; validation loss 0.6000 at epoch 2"


def test_without_validation_the_last_epoch_counts():
    losses = Losses().with_epoch(0.5, None).with_epoch(0.7, None)
    assert (losses.best_epoch, losses.best_loss) == (2, 0.7)
    assert math.isnan(Losses().best_loss)


def test_losses_survive_json_to_the_last_bit(losses):
    odd = losses.with_epoch(1 / 3, math.pi)
    assert Losses.from_dict(json.loads(json.dumps(odd.to_dict()))) == odd


def test_the_curve_shows_every_epoch_and_which_weights_are_kept(losses):
    (axes,) = loss_curve(losses, "case study").axes
    training, validation, kept = axes.lines
    assert training.get_xydata().tolist() == [[1, 0.9], [2, 0.7], [3, 0.5], [4, 0.3]]
    assert validation.get_ydata().tolist() == [0.8, 0.6, 0.6, 0.9]
    assert list(kept.get_xdata()) == [2, 2]
    assert axes.get_title(loc="left") == "case study"


def test_a_curve_of_no_epoch_is_an_empty_picture():
    assert loss_curve(Losses()).axes[0].lines[0].get_xydata().size == 0


def test_where_the_dice_is_watched_its_highest_epoch_counts():
    losses = Losses()
    for validation, dice in ((0.5, 0.2), (0.3, 0.8), (0.2, 0.7), (0.4, 0.8)):
        losses = losses.with_epoch(0.6, validation, dice)
    assert losses.best_epoch == 2
    assert losses.summary == "4 epochs; validation Dice 0.800 at epoch 2"
    assert Losses.from_dict(json.loads(json.dumps(losses.to_dict()))) == losses
    curves, overlap = loss_curve(losses).axes
    assert list(curves.lines[2].get_xdata()) == [2, 2]
    assert overlap.lines[0].get_ydata().tolist() == [0.2, 0.8, 0.7, 0.8]
    assert overlap.get_ylabel() == "validation Dice"
