"""What each task makes small: class weights from training alone, batches with events, Dice where asked for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings  # noqa: E402
from DeepRadiomicsFusionLib.training.losses import segmentation_cross_entropy, soft_dice_loss  # noqa: E402
from DeepRadiomicsFusionLib.training.objectives import make_objective, positive_weights  # noqa: E402
from DeepRadiomicsFusionLib.training.training_cases import drawn_cases, labelled_cases, survival_cases  # noqa: E402

BLANKS = [np.zeros((1, 4, 4), np.float32)] * 8
NAMES = [str(n) for n in range(8)]


def test_positives_weigh_as_much_as_negatives_in_each_endpoint():
    labels = np.array([[1, 0], [0, 1], [0, np.nan], [0, 1]], float)
    np.testing.assert_allclose(positive_weights(labels), [3, 0.5])
    targets = [1, 0, 0, 0, 0, 0, 0, 1]
    cases = labelled_cases(NAMES, BLANKS, targets)
    logits = torch.zeros(8, 1, requires_grad=True)
    settings = TrainingSettings("classification")
    make_objective(cases, settings).loss(logits, torch.from_numpy(cases.targets)).backward()
    assert logits.grad.sum().item() == pytest.approx(0, abs=1e-7)  # both classes pull alike
    logits.grad = None
    plain = make_objective(cases, replace(settings, weigh_classes=False))
    plain.loss(logits, torch.from_numpy(cases.targets)).backward()
    assert logits.grad.sum().item() == pytest.approx((8 * 0.5 - 2) / 8)


def test_survival_batches_all_hold_an_event():
    event = [1, 0, 0, 0, 0, 1, 0, 0]
    cases = survival_cases(NAMES, BLANKS, np.arange(1, 9), event)
    objective = make_objective(cases, TrainingSettings("survival", batch_size=3))
    for seed in range(20):
        batches = objective.batches(np.random.default_rng(seed))
        assert [int(np.array(event)[batch].sum()) for batch in batches] == [1, 1]
    assert objective.needs_whole_cohort


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_segmentation_mixes_cross_entropy_and_dice_as_asked_for(share):
    masks = np.random.default_rng(0).integers(0, 2, (8, 4, 4))
    cases = drawn_cases(NAMES, BLANKS, masks)
    logits, labels = torch.randn(8, 2, 4, 4), torch.from_numpy(masks)
    found = make_objective(cases, TrainingSettings("segmentation", dice_weight=share)).loss(logits, labels)
    expected = (1 - share) * segmentation_cross_entropy(logits, labels) + share * soft_dice_loss(logits, labels)
    torch.testing.assert_close(found, expected)
