"""Augmentation: every change does what it says, by chance as often as it says, and labels move along."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'deep'")

from scipy import ndimage  # noqa: E402

from DeepRadiomicsFusionLib.settings.augmentation import (  # noqa: E402
    AUGMENTATIONS,
    Augmentation,
    Chance,
    augment,
    named_augmentation,
)
from RadiomicsCoreLib.errors import InputError  # noqa: E402


@pytest.fixture
def slices():
    smooth = ndimage.gaussian_filter(np.random.default_rng(0).normal(size=(2, 1, 41, 41)), (0, 0, 3, 3))
    return torch.from_numpy((smooth / smooth.std()).astype(np.float32))


def changed(batch, name: str, low: float, high: float | None = None, seed: int = 0):
    chance = Chance(1.0, low, low if high is None else high)
    return augment(batch, Augmentation(**{name: chance}), np.random.default_rng(seed))[0]


def test_contrast_brightness_and_gamma_are_their_formulas(slices):
    mean = slices.mean(dim=(1, 2, 3), keepdim=True)
    torch.testing.assert_close(changed(slices, "contrast", 1.5), (slices - mean) * 1.5 + mean)
    torch.testing.assert_close(changed(slices, "brightness", 0.7), slices * 0.7)
    low, high = slices.amin((1, 2, 3), keepdim=True), slices.amax((1, 2, 3), keepdim=True)
    expected = ((slices - low) / (high - low)) ** 2 * (high - low) + low
    torch.testing.assert_close(changed(slices, "gamma", 2.0), expected, rtol=1e-4, atol=1e-5)


def test_gamma_leaves_a_constant_image_alone():
    flat = torch.full((1, 1, 4, 4), 3.0)
    assert torch.equal(changed(flat, "gamma", 2.0), flat)


def test_noise_has_the_variance_asked_for():
    noise = changed(torch.zeros(1, 1, 300, 300), "noise", 0.04)
    assert noise.var().item() == pytest.approx(0.04, rel=0.03)
    assert noise.mean().item() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("shape", [(1, 1, 30, 20), (1, 1, 12, 14, 16)])
def test_blur_is_a_gaussian(shape):
    values = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    expected = ndimage.gaussian_filter(values[0, 0], 1.2, mode="nearest", truncate=4 / 1.2)
    got = changed(torch.from_numpy(values), "blur", 1.2)[0, 0].numpy()
    np.testing.assert_allclose(got, expected, atol=2e-3)


@pytest.mark.parametrize("size", [(40, 40), (40, 60)])
def test_a_quarter_turn_keeps_shapes_round_whatever_the_images_shape(size):
    j, i = np.ogrid[: size[0], : size[1]]
    bar = ((np.abs(j - (size[0] - 1) / 2) < 12) & (np.abs(i - (size[1] - 1) / 2) < 3)).astype(np.float32)
    turned = changed(torch.from_numpy(bar)[None, None], "rotation", 90.0)[0, 0].numpy() > 0.5
    expected = (np.abs(j - (size[0] - 1) / 2) < 3) & (np.abs(i - (size[1] - 1) / 2) < 12)
    assert (turned == expected).mean() > 0.99


def test_a_volume_is_turned_around_z_slice_by_slice(slices):
    volume = slices.movedim(0, 1)[:, :].reshape(1, 1, 2, 41, 41)
    turned = changed(volume, "rotation", 35.0)
    for k in range(2):
        flat = changed(volume[:, :, k], "rotation", 35.0)
        torch.testing.assert_close(turned[:, :, k], flat)


def test_a_turn_there_and_back_gives_the_image_again(slices):
    back = changed(changed(slices, "rotation", 30.0), "rotation", -30.0)
    middle = (..., slice(12, 29), slice(12, 29))
    assert (back[middle] - slices[middle]).abs().max() < 0.1


def test_each_axis_is_mirrored_on_its_own_as_often_as_asked_for():
    corner = torch.zeros(4000, 1, 2, 2)
    corner[:, :, 0, 0] = 1
    mirrored = augment(corner, Augmentation(mirror=Chance(0.3)), np.random.default_rng(2))[0]
    where = mirrored.flatten(1).argmax(1)
    share = torch.bincount(where, minlength=4) / 4000
    # neither, columns, rows, both
    torch.testing.assert_close(share, torch.tensor([0.49, 0.21, 0.21, 0.09]), atol=0.025, rtol=0)


def test_masks_are_mirrored_and_turned_with_their_images():
    rng = np.random.default_rng(3)
    masks = torch.from_numpy(ndimage.gaussian_filter(rng.normal(size=(6, 40, 40)), (0, 4, 4)) > 0).long()
    images = masks.float()[:, None]
    both = Augmentation(mirror=Chance(0.5), rotation=Chance(0.7, 0, 360))
    moved, labels = augment(images, both, np.random.default_rng(4), masks)
    assert labels.dtype == masks.dtype
    assert set(labels.unique().tolist()) <= {0, 1}
    assert ((moved[:, 0] > 0.5) == (labels == 1)).float().mean() > 0.97
    assert not torch.equal(labels, masks)


@pytest.mark.parametrize("name", AUGMENTATIONS)
@pytest.mark.parametrize("shape", [(3, 1, 16, 16), (2, 1, 8, 16, 16)])
def test_the_studies_sets_keep_shape_and_type_and_follow_the_seed(name, shape):
    batch = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    first, second = (augment(batch, named_augmentation(name), np.random.default_rng(5))[0] for _ in range(2))
    assert first.shape == batch.shape
    assert first.dtype == batch.dtype
    assert torch.equal(first, second)
    assert torch.isfinite(first).all()


def test_the_papers_probabilities_are_kept():
    liu = AUGMENTATIONS["liu2025"].to_dict()
    assert {name: chance["probability"] for name, chance in liu.items()} == {
        **dict.fromkeys(("contrast", "brightness", "gamma", "noise", "blur"), 0.15),
        **dict.fromkeys(("mirror", "rotation"), 0.30),
    }
    assert Augmentation.from_dict(liu) == AUGMENTATIONS["liu2025"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Chance(1.5), "from 0 to 1, got 1.5"),
        (lambda: Chance(0.5, 2, 1), "from low to high, got 2 to 1"),
        (lambda: Augmentation(blur=Chance(0.5, 0, 1)), "blur starts at 0"),
        (lambda: named_augmentation("lui2025"), "did you mean 'liu2025'"),
        (lambda: Augmentation.from_dict({"zoom": {}}), "augmentation 'zoom' is not known"),
    ],
)
def test_a_bad_setting_is_said(call, message):
    with pytest.raises(InputError, match=message):
        call()
