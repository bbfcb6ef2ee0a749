"""The full sample cohort: its columns and parts, its truth, and that the planted region is the one that tells."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsStudyLib.cli import main
from RadiomicsStudyLib.sample.full_cohort import SCANNERS, SEED, _as_scanned, make_full_cohort
from RadiomicsStudyLib.sample.sample_anatomy import SIGNALS
from RadiomicsStudyLib.sample.study_person import END_POINTS, SOUTH, draw_study_person

REGIONS = ("core", "0-3", "3-6")
BY_CHANCE = 0.6  # |Spearman| of 18 patients exceeds it by chance in less than 1 of 100


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_full_cohort(tmp_path_factory.mktemp("full"), patients=4, coarse=True)


def test_the_table_has_phases_centres_dates_outcomes_and_ten_end_points(cohort):
    frame = read_csv(cohort)
    phases = {
        f"{phase}_{what}" for phase in ("arterial", "venous") for what in ("image", "mask", "organ_mask", "second_mask")
    }
    clinical = {"centre", "date", "split", "age", "sex", "ki67", "m_stage", "diameter_mm", "symptom", "recurrence"}
    survival = {"follow_up_days", "death", "state"}
    assert phases | clinical | survival | {point.name for point in END_POINTS} <= set(frame.columns)
    assert len(END_POINTS) == 10
    assert set(frame["centre"]) == {"north", "south"} and set(frame["split"]) == {"train", "test", "external"}
    assert all((cohort.parent / path).is_file() for column in phases for path in frame[column])
    assert main(["cohort", "check", str(cohort)]) == 0


def test_the_first_centre_is_split_by_date_and_the_second_is_external(tmp_path):
    frame = read_csv(make_full_cohort(tmp_path, patients=12, phases=["ct"], coarse=True))
    north = frame[frame["centre"] == "north"]
    assert (frame.loc[frame["centre"] == "south", "split"] == "external").all()
    assert north.loc[north["split"] == "train", "date"].max() < north.loc[north["split"] == "test", "date"].min()


def test_the_same_reader_agrees_more_with_the_first_reading_than_another_one(cohort):
    folder = cohort.parent
    frame = read_csv(cohort).set_index("case_id")
    same, other = (read_csv(folder / f"readings_{who}.csv").set_index("case_id") for who in ("same", "other"))
    assert list(same.index) == list(frame.index[frame["split"] == "train"]) == list(other.index)

    def dice(case, table):
        first, second = (
            sitk.GetArrayFromImage(sitk.ReadImage(str(folder / path))) > 0
            for path in (frame.loc[case, "venous_mask"], table.loc[case, "venous_mask"])
        )
        return 2 * (first & second).sum() / (first.sum() + second.sum())

    for case in same.index:
        assert 0.8 < dice(case, other) < dice(case, same) < 1


def test_a_patient_is_the_same_whatever_the_size_and_the_signal_but_for_the_images(cohort, tmp_path):
    again = make_full_cohort(tmp_path, patients=3, signal="nowhere", phases=["venous"], coarse=True)
    columns = ["case_id", "centre", "age", "ki67", "follow_up_days", "state"]
    first, second = (read_csv(path)[columns][:3] for path in (cohort, again))
    assert first.equals(second)
    masks = [sitk.ReadImage(str(path.parent / "full_001" / "venous_tumour.nii.gz")) for path in (cohort, again)]
    assert np.array_equal(*map(sitk.GetArrayFromImage, masks))
    images = [sitk.ReadImage(str(path.parent / "full_001" / "venous.nii.gz")) for path in (cohort, again)]
    assert not np.array_equal(*map(sitk.GetArrayFromImage, images))


def test_the_second_scanner_shifts_ct_numbers_and_leaves_air(cohort):
    image = sitk.GetImageFromArray(np.array([[[-1000, 0, 100]]], np.int16))
    shifted = sitk.GetArrayFromImage(_as_scanned(image, SCANNERS["south"]))
    assert shifted.tolist() == [[[-1000, 9, 114]]]
    assert _as_scanned(image, SCANNERS["north"]) is image


# --- what patients are drawn from --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def people():
    return [draw_study_person(3, index, "0-3") for index in range(3000)]


@pytest.mark.parametrize("point", END_POINTS, ids=lambda point: point.name)
def test_an_end_point_is_as_frequent_as_its_formula_says_and_as_often_missing(people, point):
    labels = [person.end_points[point.name] for person in people]
    known = [k for k, label in enumerate(labels) if label is not None]
    missing = 1 - len(known) / len(people)
    assert missing == pytest.approx(point.missing, abs=4 * math.sqrt(0.25 / len(people)))
    chance = [1 / (1 + math.exp(-point.intercept - point.invasion * people[k].traits.invasion)) for k in known]
    spread = math.sqrt(sum(p * (1 - p) for p in chance))
    assert sum(labels[k] for k in known) == pytest.approx(sum(chance), abs=4 * spread)


def test_hazards_of_both_deaths_are_those_that_are_stated(people):
    import pandas as pd
    from lifelines import CoxPHFitter

    frame = pd.DataFrame(
        {
            "days": [person.follow_up_days for person in people],
            "tumour": [person.state == "tumour" for person in people],
            "invasion": [person.traits.invasion for person in people],
            "age": [(person.clinic["age"] - 62) / 10 for person in people],
            "ki67": [person.clinic["ki67"] for person in people],
            "m1": [person.clinic["m_stage"] == "M1" for person in people],
        }
    ).astype(float)
    fitted = CoxPHFitter().fit(frame, "days", "tumour").params_
    expected = {"invasion": 1.2, "age": 0.25, "ki67": 0.02, "m1": 0.8}
    for name, value in expected.items():
        assert fitted[name] == pytest.approx(value, abs=0.15 if name != "ki67" else 0.01), name
    states = [person.state for person in people]
    assert all(0.08 < states.count(state) / len(states) < 0.75 for state in ("alive", "tumour", "other"))


def test_the_default_patients_confound_the_invasion_with_nothing():
    from scipy.stats import spearmanr

    for count in (18, 24, 48):
        people = [draw_study_person(SEED, index, "0-3") for index in range(count)]
        invasion = [person.traits.invasion for person in people]
        for other in ("noise_hu", "radius_mm"):
            assert abs(spearmanr(invasion, [getattr(person.traits, other) for person in people]).statistic) < 0.2
        assert abs(spearmanr(invasion, [person.centre == SOUTH for person in people]).statistic) < 0.2


# --- the planted truth -------------------------------------------------------------------------------------


def textures(table) -> np.ndarray:
    """Standard deviation of the CT numbers (n, 3) in tumour, 0 to 3 and 3 to 6 mm around it, by a distance map."""
    rows = []
    for case in read_csv(table).to_dict("records"):
        image, tumour, organ = (
            sitk.ReadImage(str(table.parent / case[f"venous_{what}"])) for what in ("image", "mask", "organ_mask")
        )
        distance = sitk.GetArrayFromImage(
            sitk.SignedMaurerDistanceMap(tumour, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
        )
        hu, inside = sitk.GetArrayFromImage(image).astype(float), sitk.GetArrayFromImage(organ) > 0
        limits = ((-np.inf, 0), (0, 3), (3, 6))
        rows.append([hu[(distance > low) & (distance <= high) & inside].std() for low, high in limits])
    return np.array(rows)


@pytest.mark.slow
@pytest.mark.parametrize("signal", SIGNALS)
def test_the_region_that_carries_the_signal_is_found_and_nowhere_is_chance(signal, tmp_path):
    from scipy.stats import spearmanr

    table = make_full_cohort(tmp_path, patients=18, signal=signal, phases=["venous"], coarse=True)
    invasion = read_csv(tmp_path / "truth.csv")["invasion"]
    found = {
        region: spearmanr(invasion, values).statistic for region, values in zip(REGIONS, textures(table).T, strict=True)
    }
    for region, correlation in found.items():
        if region == signal:
            assert correlation > 0.85, found
        else:
            assert abs(correlation) < BY_CHANCE, found


# --- wrong words -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"patients": 2}, "patients=2"),
        ({"seed": -1}, "seed=-1"),
        ({"signal": "rim"}, "signal 'rim'"),
        ({"phases": ()}, "got none"),
    ],
)
def test_a_wrong_argument_is_one_clear_line(tmp_path, wrong, said):
    with pytest.raises(InputError, match=said) as caught:
        make_full_cohort(tmp_path / "out", **wrong)
    assert "\n" not in str(caught.value) and not (tmp_path / "out").exists()


def test_the_command_line_makes_it(tmp_path, capsys):
    words = ["sample-cohort", str(tmp_path / "full"), "--full", "--signal", "core", "--patients", "3", "--coarse"]
    assert main(words) == 0
    assert set(read_csv(tmp_path / "full" / "truth.csv")["signal"]) == {"core"}
    assert main(["sample-cohort", str(tmp_path / "plain"), "--signal", "core"]) == 2
    assert "--full" in capsys.readouterr().err and not (tmp_path / "plain").exists()
