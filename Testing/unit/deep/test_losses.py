"""Losses: Cox against R's survival package, gradients against finite differences, missing labels, Dice by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from DeepRadiomicsFusionLib.training.losses import (  # noqa: E402
    binary_cross_entropy,
    cox_log_likelihood,
    cox_loss,
    dice,
    segmentation_cross_entropy,
    soft_dice_loss,
)
from RadiomicsCoreLib.errors import InputError  # noqa: E402

REFERENCE = json.loads(
    (Path(__file__).parents[2] / "reference" / "cox_loss" / "reference.json").read_text(encoding="utf-8")
)["cases"]


def efron_by_loops(risk: np.ndarray, time: np.ndarray, event: np.ndarray) -> float:
    """The definition, one event at a time."""
    total = 0.0
    for moment in np.unique(time[event == 1]):
        died = np.flatnonzero((time == moment) & (event == 1))
        everyone, tied = np.exp(risk[time >= moment]).sum(), np.exp(risk[died]).sum()
        for count, patient in enumerate(died):
            total += risk[patient] - np.log(everyone - count / len(died) * tied)
    return total


@pytest.fixture
def patients():
    rng = np.random.default_rng(4)
    time = torch.tensor(rng.integers(1, 6, 25).astype(float))
    event = torch.tensor((rng.random(25) < 0.7).astype(float))
    return torch.tensor(rng.normal(size=25)), time, event


@pytest.mark.parametrize("name", REFERENCE)
def test_cox_value_and_gradient_are_those_of_r_with_ties(name):
    case = REFERENCE[name]
    risk = torch.tensor(case["risk"], dtype=torch.float64, requires_grad=True)
    time, event = (torch.tensor(case[key], dtype=torch.float64) for key in ("time", "event"))
    value = cox_log_likelihood(risk, time, event)
    value.backward()
    assert value.item() == pytest.approx(case["log_likelihood"], rel=1e-12)
    # R writes 15 digits and adds up its residuals in its own order.
    np.testing.assert_allclose(risk.grad.numpy(), case["gradient"], rtol=1e-9, atol=1e-11)


def test_cox_equals_the_definition_written_as_loops(patients):
    risk, time, event = patients
    expected = efron_by_loops(risk.numpy(), time.numpy(), event.numpy())
    assert cox_log_likelihood(risk, time, event).item() == pytest.approx(expected, rel=1e-12)
    assert cox_loss(risk, time, event).item() == pytest.approx(-expected / event.sum().item(), rel=1e-12)


def test_cox_gradient_is_that_of_finite_differences(patients):
    risk, time, event = patients
    assert torch.autograd.gradcheck(lambda r: cox_loss(r, time, event), (risk.requires_grad_(),), eps=1e-6, atol=1e-8)


def test_cox_does_not_depend_on_row_order_on_a_shift_of_risk_or_on_the_unit_of_time(patients):
    risk, time, event = patients
    value = cox_loss(risk, time, event)
    order = torch.randperm(len(risk), generator=torch.Generator().manual_seed(0))
    assert torch.isclose(cox_loss(risk[order], time[order], event[order]), value, rtol=1e-12)
    assert torch.isclose(cox_loss(risk + 50, time * 365.25, event), value, rtol=1e-10)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cox_stays_finite_for_risks_that_overflow_an_exponential(dtype):
    risk = torch.tensor([2000.0, -2000.0, 900.0, 900.0, 0.0], dtype=dtype, requires_grad=True)
    time = torch.tensor([5.0, 1.0, 3.0, 3.0, 2.0], dtype=dtype)
    loss = cox_loss(risk, time, torch.ones(5, dtype=dtype))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(risk.grad).all()


def test_cox_without_an_event_is_zero_and_has_a_zero_gradient():
    risk = torch.randn(4, requires_grad=True)
    loss = cox_loss(risk, torch.arange(1.0, 5.0), torch.zeros(4))
    loss.backward()
    assert loss.item() == 0
    assert not risk.grad.any()


def test_half_precision_risks_are_summed_in_single_precision(patients):
    risk, time, event = patients
    half = risk.to(torch.float16)
    assert cox_loss(half, time, event).dtype == torch.float32
    assert torch.isclose(cox_loss(half, time, event), cox_loss(half.float(), time, event))


def test_vectors_of_different_length_are_refused():
    with pytest.raises(InputError, match="three vectors of one length"):
        cox_loss(torch.zeros(3), torch.ones(3), torch.ones(2))


def test_cross_entropy_leaves_missing_labels_out_of_value_and_gradient():
    logits = torch.tensor([[0.3, -1.0], [2.0, 0.5], [-0.7, 1.5]], dtype=torch.float64, requires_grad=True)
    labels = torch.tensor([[1.0, torch.nan], [0.0, 1.0], [torch.nan, 0.0]])
    loss = binary_cross_entropy(logits, labels, torch.tensor([3.0, 0.5]))
    loss.backward()
    # -w log(p) for a positive, -log(1 - p) for a negative; the mean of the four labels that are there
    p = 1 / (1 + np.exp(-logits.detach().numpy()))
    expected = -(3 * np.log(p[0, 0]) + np.log(1 - p[1, 0]) + 0.5 * np.log(p[1, 1]) + np.log(1 - p[2, 1])) / 4
    assert loss.item() == pytest.approx(expected, rel=1e-12)
    assert logits.grad[0, 1] == 0
    assert logits.grad[2, 0] == 0
    assert torch.autograd.gradcheck(lambda x: binary_cross_entropy(x, labels), (logits,))


def test_a_batch_without_any_label_gives_a_loss_of_zero():
    logits = torch.zeros(2, 2, requires_grad=True)
    loss = binary_cross_entropy(logits, torch.full((2, 2), torch.nan))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_labels_of_another_shape_are_refused_rather_than_broadcast():
    with pytest.raises(InputError, match=r"\(3, 1\) outputs for labels of shape \(3,\)"):
        binary_cross_entropy(torch.zeros(3, 1), torch.zeros(3))


def test_dice_counts_pixels():
    a = torch.tensor([[[1, 1, 0, 0]], [[0, 0, 0, 0]], [[1, 0, 0, 0]]])
    b = torch.tensor([[[1, 0, 1, 1]], [[0, 0, 0, 0]], [[0, 0, 0, 1]]])
    assert dice(a, b).tolist() == pytest.approx([2 * 1 / 5, 1.0, 0.0])


def test_soft_dice_and_cross_entropy_agree_for_one_channel_and_two():
    logit = torch.randn(2, 1, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    two = torch.cat([torch.zeros_like(logit), logit], dim=1)
    labels = (torch.rand(2, 5, 6, generator=torch.Generator().manual_seed(2)) < 0.4).long()
    for loss in (soft_dice_loss, segmentation_cross_entropy):
        assert torch.isclose(loss(logit, labels), loss(two, labels), rtol=1e-10)
    certain = (labels * 2 - 1).unsqueeze(1) * 50.0
    assert soft_dice_loss(certain, labels).item() == pytest.approx(0, abs=1e-6)
    assert torch.autograd.gradcheck(lambda x: soft_dice_loss(x, labels), (logit.requires_grad_(),))
