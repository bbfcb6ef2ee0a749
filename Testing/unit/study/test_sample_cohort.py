"""The sample cohort: the same by seed, readable, anatomically sound, and with the planted truth in it."""

from __future__ import annotations

import csv
import math

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.ndimage import binary_erosion, distance_transform_edt
from scipy.stats import kstest, spearmanr

from RadiomicsCoreLib.errors import Cancelled, InputError
from RadiomicsStudyLib.sample.sample_anatomy import PHASES, Coordinates, Grid, SmoothField
from RadiomicsStudyLib.sample.sample_cohort import draw_person, make_sample_cohort, scan_phases


def read_table(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Path of the table of three patients."""
    return make_sample_cohort(tmp_path_factory.mktemp("sample"), patients=3, seed=1)


@pytest.fixture(scope="module")
def patients(cohort):
    """Row, image and masks (arrays, k j i) of each patient, with the voxel size (k, j, i) in mm."""
    read = []
    for row in read_table(cohort):
        images = {c[3:]: sitk.ReadImage(str(cohort.parent / row[c])) for c in row if c.startswith("ct_")}
        read.append((row, images))
    return read


# --- files -------------------------------------------------------------------------------------------------


def test_the_table_follows_the_contract_and_hides_the_truth(cohort):
    rows = read_table(cohort)
    assert list(rows[0]) == [
        *("case_id", "ct_image", "ct_mask", "ct_organ_mask", "ct_second_mask"),
        *("age", "sex", "stage", "recurrence", "death", "follow_up_days", "split"),
    ]
    assert [row["case_id"] for row in rows] == ["sample_001", "sample_002", "sample_003"]
    assert [row["split"] for row in rows] == ["train", "train", "test"]
    truth = read_table(cohort.parent / "truth.csv")
    assert list(truth[0]) == ["case_id", "invasion", "radius_mm", "rim_texture_hu", "recurrence_logit", "log_hazard"]


def test_images_are_16_bit_and_masks_share_their_grid(patients):
    for _, images in patients:
        image = images["image"]
        assert image.GetPixelID() == sitk.sitkInt16
        for name in ("mask", "organ_mask", "second_mask"):
            assert images[name].GetPixelID() == sitk.sitkUInt8
            assert images[name].GetSize() == image.GetSize()
            assert images[name].GetSpacing() == image.GetSpacing()
            assert images[name].GetOrigin() == image.GetOrigin()
            assert set(np.unique(sitk.GetArrayViewFromImage(images[name]))) == {0, 1}


def test_a_seed_gives_the_same_patients_whatever_their_number(cohort, patients, tmp_path):
    other = make_sample_cohort(tmp_path, patients=2, seed=1)
    assert read_table(other) == read_table(cohort)[:2]
    for name in ("ct.nii.gz", "ct_tumour.nii.gz", "ct_organ.nii.gz", "ct_tumour_second_reader.nii.gz"):
        one, two = (sitk.ReadImage(str(p.parent / "sample_002" / name)) for p in (cohort, other))
        assert np.array_equal(sitk.GetArrayViewFromImage(one), sitk.GetArrayViewFromImage(two))


def test_another_seed_gives_other_patients():
    assert draw_person(1, 0) != draw_person(2, 0)
    assert draw_person(1, 0) != draw_person(1, 1)


def test_phases_show_one_anatomy_on_different_grids():
    person = draw_person(1, 1)
    both = scan_phases(person.traits, 1, 1, ("arterial", "venous"))
    alone = scan_phases(person.traits, 1, 1, ("venous",))
    arterial, venous = both["arterial"], both["venous"]
    assert venous.image == alone["venous"].image
    assert (arterial.image.GetSpacing(), arterial.image.GetOrigin()) != (
        venous.image.GetSpacing(),
        venous.image.GetOrigin(),
    )
    moved = sitk.Resample(venous.tumour, arterial.tumour, sitk.Transform(), sitk.sitkNearestNeighbor)
    a, b = (sitk.GetArrayFromImage(mask).astype(bool) for mask in (arterial.tumour, moved))
    assert 2 * (a & b).sum() / (a.sum() + b.sum()) > 0.85
    for phase, scan in both.items():
        hu, organ = sitk.GetArrayFromImage(scan.image), sitk.GetArrayFromImage(scan.organ)
        assert np.median(hu[organ == 1]) == pytest.approx(PHASES[phase].liver, abs=8)


# --- anatomy -----------------------------------------------------------------------------------------------


def test_the_tumour_lies_inside_the_organ_and_the_scan_with_room_for_rings(patients):
    for _, images in patients:
        tumour = sitk.GetArrayFromImage(images["mask"]).astype(bool)
        organ = sitk.GetArrayFromImage(images["organ_mask"]).astype(bool)
        assert not (tumour & ~organ).any()
        for axis in range(3):
            edge = np.take(tumour, [0, -1], axis=axis)
            assert not edge.any()


def test_the_tumour_is_one_piece_of_about_the_stated_size(patients, cohort):
    for (_, images), truth in zip(patients, read_table(cohort.parent / "truth.csv"), strict=True):
        pieces = sitk.ConnectedComponent(images["mask"])
        assert sitk.GetArrayViewFromImage(pieces).max() == 1
        voxel_ml = math.prod(images["mask"].GetSpacing()) / 1000
        sphere_ml = 4 / 3 * math.pi * (float(truth["radius_mm"]) / 10) ** 3
        assert 0.6 < sitk.GetArrayViewFromImage(images["mask"]).sum() * voxel_ml / sphere_ml < 1.6


def test_the_second_reader_agrees_mostly_but_not_wholly(patients):
    for _, images in patients:
        one, two = (sitk.GetArrayFromImage(images[n]).astype(bool) for n in ("mask", "second_mask"))
        assert 0.8 < 2 * (one & two).sum() / (one.sum() + two.sum()) < 0.98


def test_tissues_have_the_ct_numbers_of_tissues(patients):
    for _, images in patients:
        hu = sitk.GetArrayFromImage(images["image"])
        organ, tumour = (sitk.GetArrayFromImage(images[n]) == 1 for n in ("organ_mask", "mask"))
        assert hu.min() >= -1024
        assert np.mean(hu < -900) > 0.02, "air around the body"
        assert np.mean((hu > -150) & (hu < -50)) > 0.05, "fat"
        assert np.mean(hu > 250) > 0.003, "bone"
        assert 95 < np.median(hu[organ & ~tumour]) < 120
        assert 50 < np.median(hu[tumour]) < 95
        assert np.percentile(hu[organ & ~tumour], 99.5) > 150, "vessels"


def test_the_noise_is_correlated_and_as_strong_as_stated(patients):
    # In the air, away from the skin, nothing but noise is left, clipped at -1024: take the upper half only.
    for index, (_, images) in enumerate(patients):
        hu = sitk.GetArrayFromImage(images["image"]).astype(float)
        slice_mm = images["image"].GetSpacing()[2]
        air = hu[binary_erosion(hu < -900, iterations=6)] + 1000
        upper = np.sqrt(np.mean(air[air > 0] ** 2))
        assert upper == pytest.approx(draw_person(1, index).traits.noise_hu * math.sqrt(2.5 / slice_mm), rel=0.1)
        corner = hu[:, :8, :8]
        assert np.corrcoef(corner[:, :, 1:].ravel(), corner[:, :, :-1].ravel())[0, 1] > 0.3


# --- the planted truth -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def textures():
    """Invasion, and the standard deviation of CT numbers in the 3 mm rim and in the tumour, of 24 patients."""
    rows = []
    for index in range(24):
        traits = draw_person(1, index).traits
        scan = scan_phases(traits, 1, index, ("ct",))["ct"]
        hu, tumour, organ = (sitk.GetArrayFromImage(image) for image in (scan.image, scan.tumour, scan.organ))
        outside_mm = distance_transform_edt(tumour == 0, sampling=scan.image.GetSpacing()[::-1])
        rim = (outside_mm > 0) & (outside_mm <= 3) & (organ == 1)
        far = (outside_mm > 20) & (organ == 1) & (hu < 140)
        rows.append((traits.invasion, hu[rim].std(), hu[tumour == 1].std(), hu[far].std()))
    return np.array(rows).T


@pytest.mark.slow
def test_the_texture_of_the_rim_tells_the_invasion(textures):
    invasion, rim, _, _ = textures
    assert spearmanr(invasion, rim).statistic > 0.75


@pytest.mark.slow
def test_the_tumour_tells_less_than_the_rim_and_the_far_organ_nothing(textures):
    invasion, rim, tumour, far = textures
    assert abs(spearmanr(invasion, tumour).statistic) < spearmanr(invasion, rim).statistic - 0.2
    assert abs(spearmanr(invasion, far).statistic) < 0.45  # 24 patients: 0.40 is the 5 % limit of chance


def test_outcomes_follow_the_stated_formulas():
    people = [draw_person(7, index) for index in range(4000)]
    chance = np.array([1 / (1 + math.exp(-person.recurrence_logit)) for person in people])
    happened = np.array([person.recurrence for person in people])
    for low, high in ((0, 0.25), (0.25, 0.5), (0.5, 0.75), (0.75, 1)):
        group = (chance >= low) & (chance < high)
        margin = 3.5 * math.sqrt(0.25 / group.sum())
        assert happened[group].mean() == pytest.approx(chance[group].mean(), abs=margin)
    # Before 500 days nobody is censored: there the deaths must follow the Weibull law, and the probability
    # transform of those death times, given death before 500 days, is uniform.
    early = [p for p in people if p.follow_up_days < 500]
    assert all(person.death for person in early)

    def died_by(person, days):
        return 1 - math.exp(-((days / 1400) ** 1.3) * math.exp(person.log_hazard))

    expected = sum(died_by(person, 499.5) for person in people)
    assert len(early) == pytest.approx(expected, abs=3.5 * math.sqrt(expected))
    uniform = [died_by(person, person.follow_up_days) / died_by(person, 499.5) for person in early]
    assert kstest(uniform, "uniform").pvalue > 0.001


def test_the_default_cohort_can_be_studied():
    people = [draw_person(1, index) for index in range(24)]
    for part in (people[0::3] + people[1::3], people[2::3]):
        assert 0 < sum(person.recurrence for person in part) < len(part)
        assert 0 < sum(person.death for person in part) < len(part)


# --- fields, progress and wrong input ----------------------------------------------------------------------


def test_a_smooth_field_is_the_same_function_on_every_grid():
    field = SmoothField(np.random.default_rng(3), (5.0, 7.0, 9.0))
    coarse, fine = (Grid.over_field_of_view(step, step).coordinates() for step in (6.0, 2.0))
    both = Coordinates(*(np.concatenate([a, b]) for a, b in zip(coarse, fine, strict=True)))
    counts = [len(axis) for axis in coarse]
    assert np.allclose(field(both)[: counts[2], : counts[1], : counts[0]], field(coarse), atol=1e-5)
    assert np.allclose(field(both)[counts[2] :, counts[1] :, counts[0] :], field(fine), atol=1e-5)


def test_a_smooth_field_has_unit_variance_and_equals_scipys_b_spline():
    from scipy.interpolate import BSpline

    field = SmoothField(np.random.default_rng(4), 4.0)
    at = Grid.over_field_of_view(2.0, 2.0).coordinates()
    assert field(at).std() == pytest.approx(1.0, abs=0.05)
    nodes, low = field._nodes, field._low
    basis = BSpline.basis_element([-2, -1, 0, 1, 2], extrapolate=False)

    def weights(position, axis):
        lattice = low[axis] + 4.0 * (np.arange(nodes.shape[2 - axis]) - 1)
        return np.nan_to_num(basis((position - lattice) / 4.0))

    x, y, z = at.x[11], at.y[20], at.z[5]
    expected = np.einsum("kji,k,j,i", nodes, weights(z, 2), weights(y, 1), weights(x, 0))
    assert field(at)[5, 20, 11] == pytest.approx(expected, abs=1e-4)


def test_progress_is_told_and_a_cancel_leaves_no_table(tmp_path):
    told = []

    def stop_after_one(fraction, message):
        told.append(fraction)
        if fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        make_sample_cohort(tmp_path, patients=2, progress=stop_after_one)
    assert told == [0.0, 0.5]
    assert not (tmp_path / "cohort.csv").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"patients": 0}, "patients=0"),
        ({"seed": -1}, "seed=-1"),
        ({"phases": ("mri",)}, "got mri"),
        ({"phases": ()}, "got none"),
        ({"phases": ("ct", "ct")}, "different ones"),
    ],
)
def test_a_wrong_argument_is_one_clear_line(tmp_path, wrong, said):
    with pytest.raises(InputError, match=said) as caught:
        make_sample_cohort(tmp_path, **wrong)
    assert "\n" not in str(caught.value)


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    path = tmp_path / "taken"
    path.touch()
    with pytest.raises(InputError, match="is a file"):
        make_sample_cohort(path, patients=1)
