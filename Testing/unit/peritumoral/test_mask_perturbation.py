"""Perturbed contours against what the field's statistics say of a ball."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.ndimage import map_coordinates

from PeritumoralRadiomicsLib.regions.mask_perturbation import ContourPerturbation, perturb_contour
from RadiomicsCoreLib.errors import InputError, RegionError
from RadiomicsCoreLib.statistics.icc import icc

KEY = ("patient", "ct")


def mask_of(voxels: np.ndarray, spacing: tuple[float, ...] = (1.0, 1.0, 1.0)) -> sitk.Image:
    """A mask of bool voxels (k, j, i), spacing in the same order."""
    image = sitk.GetImageFromArray(voxels.astype(np.uint8))
    image.SetSpacing(tuple(reversed(spacing)))
    return image


def ball(radius: float, spacing: tuple[float, ...] = (1.0, 1.0, 1.0), margin: float = 10.0) -> sitk.Image:
    axes = [(np.arange(n) - (n - 1) / 2) * s for s in spacing for n in [2 * round((radius + margin) / s) + 1]]
    grid = np.meshgrid(*axes, indexing="ij")
    return mask_of(sum(axis**2 for axis in grid) <= radius**2, spacing)


def voxels_of(mask: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(mask) != 0


def directions(count: int = 600) -> np.ndarray:
    vectors = np.random.default_rng(5).standard_normal((count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def radii(mask: sitk.Image, rays: np.ndarray) -> np.ndarray:
    """Distance (n,) in mm from the centre to the contour along rays, measured on the voxels alone."""
    voxels = voxels_of(mask).astype(float)
    spacing = np.array(tuple(reversed(mask.GetSpacing())))
    middle = (np.array(voxels.shape) - 1) / 2
    steps = np.arange(0, (middle * spacing).min(), 0.1)
    points = rays[:, None, :] * steps[None, :, None] / spacing + middle
    return 0.1 * map_coordinates(voxels, points.reshape(-1, 3).T, order=1).reshape(len(rays), -1).sum(axis=1)


def many(mask: sitk.Image, settings: ContourPerturbation, count: int) -> list[sitk.Image]:
    return [perturb_contour(mask, replace(settings, index=n), KEY) for n in range(1, count + 1)]


@pytest.mark.parametrize("spacing", [pytest.param((1.0, 1.0, 1.0), marks=pytest.mark.slow), (3.0, 1.0, 1.0)])
def test_the_contour_of_a_ball_moves_by_the_standard_deviation_asked_for(spacing):
    mask = ball(18, spacing)
    moved = np.array([radii(m, directions()) for m in many(mask, ContourPerturbation(sd_mm=1.5), 12)])
    assert moved.std() == pytest.approx(1.5, rel=0.12)
    assert moved.mean() == pytest.approx(18, abs=0.35)


@pytest.mark.slow
def test_the_mean_volume_of_perturbed_balls_is_that_of_a_ball_with_a_random_radius():
    # E[(R + f)^3] = R^3 + 3 R sd^2; one realisation differs by 4 %, the mean of 24 by 0.8 %.
    mask = ball(16, margin=7)
    volumes = [voxels_of(m).sum() for m in many(mask, ContourPerturbation(sd_mm=1.0), 24)]
    assert np.mean(volumes) / voxels_of(mask).sum() == pytest.approx(1 + 3 / 16**2, abs=0.02)


@pytest.mark.slow
def test_displacements_a_correlation_length_apart_correlate_by_one_over_e():
    rays = directions(250)
    settings = ContourPerturbation(sd_mm=1.5, correlation_mm=12.0)
    moved = np.array([radii(m, rays) for m in many(ball(20), settings, 16)])
    moved = (moved - 20) / (moved - 20).std()
    chords = 20 * np.linalg.norm(rays[:, None] - rays[None], axis=2)

    def correlation(low: float, high: float) -> float:
        a, b = np.nonzero((chords > low) & (chords < high))
        return float((moved[:, a] * moved[:, b]).mean())

    assert correlation(11, 13) == pytest.approx(np.exp(-1), abs=0.15)
    assert correlation(5.5, 6.5) == pytest.approx(np.exp(-0.25), abs=0.1)
    assert abs(correlation(28, 40)) < 0.2


def test_the_displacement_does_not_depend_on_the_spacing_of_the_voxels():
    settings = ContourPerturbation(sd_mm=2.0)
    rays = directions()
    fine = radii(perturb_contour(ball(20, (1.0, 1.0, 1.0)), settings, KEY), rays)
    thick = radii(perturb_contour(ball(20, (2.0, 1.0, 1.0)), settings, KEY), rays)
    other = radii(perturb_contour(ball(20), replace(settings, seed=1), KEY), rays)
    assert np.corrcoef(fine, thick)[0, 1] > 0.95
    assert abs(np.corrcoef(fine, other)[0, 1]) < 0.5


def test_the_displacement_moves_with_the_tumour():
    voxels = np.zeros((30, 50, 50), bool)
    voxels[8:20, 10:28, 12:30] = True
    shifted = np.roll(voxels, (3, 9, -2), axis=(0, 1, 2))
    settings = ContourPerturbation(sd_mm=1.0)
    here, there = (voxels_of(perturb_contour(mask_of(v), settings, KEY)) for v in (voxels, shifted))
    assert np.array_equal(np.roll(here, (3, 9, -2), axis=(0, 1, 2)), there)


def test_the_same_seed_gives_the_same_mask_in_another_process():
    program = (
        "import numpy as np, SimpleITK as sitk\n"
        "from PeritumoralRadiomicsLib.regions.mask_perturbation import ContourPerturbation, perturb_contour\n"
        "m = np.zeros((24, 24, 24), np.uint8); m[6:18, 6:18, 6:18] = 1\n"
        "print(sitk.Hash(perturb_contour(sitk.GetImageFromArray(m), ContourPerturbation(seed=3), ('patient', 'ct'))))"
    )
    voxels = np.zeros((24, 24, 24), bool)
    voxels[6:18, 6:18, 6:18] = True
    here = sitk.Hash(perturb_contour(mask_of(voxels), ContourPerturbation(seed=3), KEY))
    there = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert here == there


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        (ContourPerturbation(seed=1), KEY),
        (ContourPerturbation(index=2), KEY),
        (ContourPerturbation(), ("another", "ct")),
        (ContourPerturbation(), ("patient", "pet")),
    ],
)
def test_seed_index_case_and_phase_each_give_another_contour(settings, key):
    mask = ball(10, margin=6)
    usual = voxels_of(perturb_contour(mask, ContourPerturbation(), KEY))
    assert (voxels_of(perturb_contour(mask, settings, key)) != usual).any()


def test_a_volume_change_of_zero_keeps_the_volume_to_the_voxel():
    mask = ball(12)
    for moved in many(mask, ContourPerturbation(sd_mm=1.5, volume_sd=0.0), 3):
        assert voxels_of(moved).sum() == voxels_of(mask).sum()
        assert (voxels_of(moved) != voxels_of(mask)).any()


def test_the_logarithm_of_the_volume_varies_by_the_share_asked_for():
    mask = ball(9, margin=12)
    settings = ContourPerturbation(sd_mm=0.5, volume_sd=0.2)
    volumes = [voxels_of(m).sum() for m in many(mask, settings, 24)]
    logs = np.log(np.array(volumes) / voxels_of(mask).sum())
    assert logs.std() == pytest.approx(0.2, rel=0.4)  # 99 % interval of 24 draws
    assert abs(logs.mean()) < 0.1


def test_the_result_lies_on_the_grid_of_the_mask():
    mask = ball(8, (2.5, 0.8, 0.9))
    mask.SetOrigin((3.0, -7.0, 11.0))
    mask.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
    moved = perturb_contour(mask, ContourPerturbation(), KEY)
    assert moved.GetPixelID() == sitk.sitkUInt8
    assert (moved.GetOrigin(), moved.GetSpacing(), moved.GetDirection()) == (
        mask.GetOrigin(), mask.GetSpacing(), mask.GetDirection()
    )  # fmt: skip


def test_a_tumour_drawn_in_one_slice_stays_in_that_slice():
    voxels = np.zeros((5, 60, 60), bool)
    k, j, i = np.ogrid[:5, :60, :60]
    voxels |= (k == 2) & ((j - 30) ** 2 + (i - 30) ** 2 <= 20**2)
    moved = voxels_of(perturb_contour(mask_of(voxels), ContourPerturbation(sd_mm=1.0), KEY))
    assert not np.delete(moved, 2, axis=0).any()
    changed = (moved ^ voxels)[2]
    radius = np.hypot(j[0] - 30, i[0, 0] - 30)
    assert changed.any() and np.abs(radius[changed] - 20).max() < 5


def test_a_tumour_at_the_image_border_is_perturbed_and_stays_in_the_image():
    voxels = np.zeros((12, 30, 30), bool)
    voxels[0:6, 0:15, 10:25] = True
    moved = voxels_of(perturb_contour(mask_of(voxels), ContourPerturbation(sd_mm=1.0), KEY))
    assert moved.shape == voxels.shape and 0.5 < moved.sum() / voxels.sum() < 1.5


def test_a_tumour_that_vanishes_is_an_error_that_names_volume_and_deviation():
    voxels = np.zeros((9, 9, 9), bool)
    voxels[4:6, 4:6, 4:6] = True
    failed = []
    for index in range(1, 12):
        try:
            perturb_contour(mask_of(voxels), ContourPerturbation(sd_mm=3.0, index=index), KEY)
        except RegionError as error:
            failed.append(str(error))
    assert failed and "nothing is left of the tumour (0.008 ml)" in failed[0] and "3 mm" in failed[0]


def test_a_lost_piece_of_the_tumour_is_a_warning():
    voxels = voxels_of(ball(10, margin=15))
    voxels[4, 4, 4] = True
    told: list[str] = []
    for index in range(1, 5):
        perturb_contour(mask_of(voxels), ContourPerturbation(sd_mm=2.0, index=index), KEY, warn=told.append)
    assert told and all("lost 1 of 2 separate pieces of the tumour, the largest of 1 voxels" in line for line in told)


def test_an_empty_mask_is_refused():
    with pytest.raises(RegionError, match="empty"):
        perturb_contour(mask_of(np.zeros((5, 5, 5), bool)), ContourPerturbation(), KEY)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"sd_mm": 0}, "sd_mm must be a number of mm above 0, not 0"),
        ({"sd_mm": float("nan")}, "sd_mm must be a number of mm above 0, not nan"),
        ({"correlation_mm": -1.0}, "correlation_mm must be"),
        ({"sd_mm": 5.0}, "give correlation_mm of at least 15"),
        ({"volume_sd": 0.8}, "volume_sd must lie from 0 to 0.5, not 0.8"),
        ({"seed": -1}, "seed must be a whole number of 0 or more, not -1"),
        ({"index": 0}, "index must be a whole number of 1 or more, not 0"),
    ],
)
def test_a_bad_setting_is_told_in_one_line(values, told):
    with pytest.raises(InputError, match=told) as caught:
        ContourPerturbation(**values)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
def test_the_icc_of_the_volume_falls_as_the_contours_move_more():
    masks = [ball(radius, margin=8) for radius in (6, 7, 8, 9, 10)]

    def icc_of_volume(sd_mm: float) -> float:
        def volume(mask: sitk.Image, number: int, index: int) -> int:
            settings = ContourPerturbation(sd_mm=sd_mm, correlation_mm=10, index=index)
            return int(voxels_of(perturb_contour(mask, settings, (str(number), "ct"))).sum())

        return float(icc([[volume(mask, n, k) for k in (1, 2, 3)] for n, mask in enumerate(masks)]).value[0])

    small, middle, large = (icc_of_volume(sd_mm) for sd_mm in (0.3, 1.2, 2.5))
    assert small > 0.97 and small > middle > large
