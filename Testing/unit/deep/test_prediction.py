"""Running a network over cases: the network's own numbers, whatever the batch, and its modes left alone."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from torch import nn  # noqa: E402

from DeepRadiomicsFusionLib.networks.prediction import evaluating, predict, probability  # noqa: E402
from RadiomicsCoreLib.errors import Cancelled, InputError  # noqa: E402


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.5), nn.Linear(108, 2))


@pytest.fixture
def images() -> list[np.ndarray]:
    return list(np.random.default_rng(0).normal(size=(7, 1, 8, 8)).astype(np.float32))


@pytest.mark.parametrize("batch_size", [1, 3, 7, 100])
def test_the_outputs_are_the_networks_own_in_any_batch(network, images, batch_size):
    network.eval()
    with torch.no_grad():
        expected = network(torch.from_numpy(np.stack(images))).numpy()
    np.testing.assert_allclose(predict(network, images, device="cpu", batch_size=batch_size), expected, rtol=1e-5)


def test_dropout_and_normalisation_are_off_and_every_module_gets_its_mode_back(network, images):
    network.train()
    network[1].eval()
    first, second = (predict(network, images, device="cpu") for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert network.training
    assert network[3].training
    assert not network[1].training
    with evaluating(network):
        assert not torch.is_grad_enabled()


def test_scores_enter_beside_the_image(images):
    class Adds(nn.Module):
        def forward(self, image, scores):
            return image.sum((1, 2, 3), keepdim=False)[:, None] + scores

    scores = np.arange(14.0).reshape(7, 2)
    expected = np.stack(images).sum((1, 2, 3))[:, None] + scores
    np.testing.assert_allclose(predict(Adds(), images, scores=scores, device="cpu", batch_size=3), expected, rtol=1e-4)


def test_probabilities_neither_overflow_nor_warn():
    np.testing.assert_allclose(probability(np.array([-1e4, 0, 1e4])), [0, 0.5, 1])


def test_it_can_be_cancelled_and_says_what_is_missing(network, images):
    def cancel(_fraction, _message):
        raise Cancelled

    with pytest.raises(Cancelled):
        predict(network, images, device="cpu", progress=cancel)
    with pytest.raises(InputError, match="no image"):
        predict(network, [], device="cpu")
    with pytest.raises(InputError, match="7 images and 3 rows of scores"):
        predict(network, images, scores=np.zeros((3, 2)), device="cpu")
