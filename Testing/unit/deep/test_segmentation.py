"""U-Net: slices with masks, a narrower network, Dice on patients set aside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from DeepRadiomicsFusionLib.inputs.patches import network_image  # noqa: E402
from DeepRadiomicsFusionLib.networks.catalogue import build_network, parameter_count  # noqa: E402
from DeepRadiomicsFusionLib.networks.unet import build_unet  # noqa: E402
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings  # noqa: E402
from DeepRadiomicsFusionLib.training.segmentation import dice_of, segment, slices_with_masks, train_segmentation  # noqa: E402
from DeepRadiomicsFusionLib.training.training_cases import drawn_cases  # noqa: E402
from RadiomicsCoreLib.errors import InputError  # noqa: E402

pytestmark = pytest.mark.usefixtures("one_torch_thread")


def discs(count: int, seed: int = 0):
    """Bright discs on noise."""
    rng = np.random.default_rng(seed)
    j, i = np.ogrid[:32, :32]
    masks = np.stack(
        [(j - y) ** 2 + (i - x) ** 2 < r**2 for y, x, r in rng.uniform((10, 10, 4), (22, 22, 8), (count, 3))]
    ).astype(np.int64)
    images = list((masks[:, None] + rng.normal(0, 0.3, (count, 1, 32, 32))).astype(np.float32))
    return drawn_cases([f"{seed}_{n // 2}" for n in range(count)], images, masks)


def test_the_papers_width_is_the_registered_network():
    with torch.device("meta"):
        assert parameter_count(build_unet()) == parameter_count(build_network("unet", out_features=2))
        assert parameter_count(build_unet(8)) < parameter_count(build_unet()) / 50


def test_a_unet_learns_to_draw_and_tells_the_dice_of_patients_set_aside():
    settings = TrainingSettings(
        "segmentation", learning_rate=0.01, batch_size=8, epochs=5, device="cpu", validation_fraction=0.25
    )
    result = train_segmentation(build_unet(4), discs(40), settings)
    assert len(result.trained.validation_ids) * 2 == len(result.dice)
    test = discs(10, seed=1)
    assert dice_of(segment(result.trained.network, test.images, device="cpu"), test.targets).mean() > 0.8
    assert result.mean_dice == pytest.approx(result.dice.mean())


def test_without_validation_there_is_no_dice():
    settings = TrainingSettings("segmentation", epochs=1, device="cpu", validation_fraction=0.0)
    assert np.isnan(train_segmentation(build_unet(2), discs(4), settings).mean_dice)


def test_one_output_draws_where_its_logit_is_positive():
    class Copies(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            return image

    cases = discs(3)
    np.testing.assert_array_equal(
        segment(Copies(), [m[None] * 2.0 - 1 for m in cases.targets], device="cpu"), cases.targets
    )


@pytest.fixture
def scan() -> tuple[sitk.Image, sitk.Image]:
    rng = np.random.default_rng(0)
    mask = np.zeros((6, 40, 40), np.uint8)
    mask[2:5, 10:30, 12:25] = 1
    return sitk.GetImageFromArray(rng.normal(size=mask.shape).astype(np.float32)), sitk.GetImageFromArray(mask)


def test_slices_come_with_the_mask_that_was_drawn_on_them(scan):
    image, mask = scan
    shown = network_image(image, {"intratumour": mask}, NetworkInput("patch", size=32, slices="all"))
    cases = slices_with_masks([("a", shown), ("b", shown)])
    assert cases.case_ids == ("a",) * 3 + ("b",) * 3
    assert cases.targets.sum() == 2 * 3 * 20 * 13
    np.testing.assert_array_equal(cases.images[1], shown.array[1])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (NetworkInput("patch", size=32, masked=True), "'a' hides what is outside the region"),
        (NetworkInput("box_3d", size=32), "'a' is a cube"),
        (NetworkInput("patch", size=40), "slices of 40 pixels cannot be halved four times"),
    ],
)
def test_an_input_that_cannot_be_drawn_on_is_said(scan, settings, message):
    with pytest.raises(InputError, match=message):
        slices_with_masks([("a", network_image(scan[0], {"intratumour": scan[1]}, settings))])


def test_nothing_to_train_on_and_a_width_of_nothing_are_said():
    with pytest.raises(InputError, match="no slice to train on"):
        slices_with_masks([])
    with pytest.raises(InputError, match="width is 0"):
        build_unet(0)


def test_the_epoch_with_the_highest_dice_of_the_validation_is_kept_where_it_is_watched():
    """song2021: trained by cross-entropy, chosen by Dice."""
    settings = TrainingSettings(
        "segmentation",
        learning_rate=0.03,
        batch_size=8,
        epochs=6,
        device="cpu",
        validation_fraction=0.4,
        monitor="dice",
    )
    result = train_segmentation(build_unet(2), discs(40), settings)
    losses = result.trained.losses
    assert len(losses.dice) == 6 and losses.best_epoch == int(np.argmax(losses.dice)) + 1
    assert result.mean_dice == pytest.approx(max(losses.dice), abs=1e-5)
    again = train_segmentation(build_unet(2), discs(40), replace(settings, monitor="loss"))
    assert again.trained.losses.validation == losses.validation and again.trained.losses.dice == ()
