"""Cases to train on: what is refused, and splits that keep patients apart and classes in both parts."""

from __future__ import annotations

import numpy as np
import pytest

from DeepRadiomicsFusionLib.training.training_cases import (
    drawn_cases,
    labelled_cases,
    refuse_shared_cases,
    split_cases,
    survival_cases,
)
from RadiomicsCoreLib.errors import InputError

NAN = float("nan")


def blanks(count: int) -> list[np.ndarray]:
    return [np.zeros((1, 4, 4), np.float32)] * count


def ids(count: int) -> list[str]:
    return [f"p{n:03d}" for n in range(count)]


def test_missing_labels_are_kept_as_nan_for_each_endpoint():
    cases = labelled_cases(ids(3), blanks(3), np.array([[1, None], [0, 1], [None, 0]], object), names=("egfr", "kras"))
    np.testing.assert_array_equal(cases.targets, [[1, NAN], [0, 1], [NAN, 0]])


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_a_split_has_the_fraction_the_classes_in_proportion_and_no_patient_twice(fraction):
    labels = np.arange(80) % 4 == 0
    training, aside = split_cases(labelled_cases(ids(80), blanks(80), labels.astype(int)), fraction, seed=1)
    assert len(aside) == pytest.approx(80 * fraction, abs=2)
    assert aside.targets.mean() == pytest.approx(0.25, abs=0.11)
    assert sorted((*training.case_ids, *aside.case_ids)) == ids(80)


def test_slices_of_one_patient_stay_together():
    names = [f"p{n // 5}" for n in range(60)]
    masks = np.ones((60, 4, 4), int)
    training, aside = split_cases(drawn_cases(names, blanks(60), masks), 0.25, seed=2)
    assert not set(training.case_ids) & set(aside.case_ids)
    assert len(aside) % 5 == 0


def test_both_parts_have_both_classes_of_every_endpoint_and_an_event():
    rng = np.random.default_rng(3)
    labels = np.where(rng.random((60, 10)) < 0.2, NAN, rng.random((60, 10)) < 0.2)
    labels[0], labels[1] = 1, 0
    several = labelled_cases(ids(60), blanks(60), labels, names=[f"e{n}" for n in range(10)])
    for part in split_cases(several, 0.4, seed=0):
        assert ((part.targets == 1).any(axis=0) & (part.targets == 0).any(axis=0)).all()
    few_events = survival_cases(ids(20), blanks(20), np.arange(1, 21), [1, 1] + [0] * 18)
    for seed in range(5):
        assert all(part.targets[:, 1].any() for part in split_cases(few_events, 0.25, seed=seed))


def test_the_same_seed_splits_the_same():
    cases = labelled_cases(ids(30), blanks(30), np.arange(30) % 2)
    assert split_cases(cases, 0.3, 4)[1].case_ids == split_cases(cases, 0.3, 4)[1].case_ids
    assert split_cases(cases, 0.3, 4)[1].case_ids != split_cases(cases, 0.3, 5)[1].case_ids


def test_scores_go_with_their_cases():
    cases = labelled_cases(ids(4), blanks(4), [0, 1, 0, 1], scores=np.arange(8.0).reshape(4, 2))
    np.testing.assert_array_equal(cases.rows(np.array([2, 0])).scores, [[4, 5], [0, 1]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: labelled_cases(ids(2), blanks(2), ["yes", "no"]), r"the labels hold text \('yes'\)"),
        (lambda: labelled_cases(ids(2), blanks(2), [1, 1]), "'label' is 1 for all 2 labelled cases; both classes"),
        (lambda: labelled_cases(ids(2), blanks(2), [NAN, NAN]), "'label' has no label at all"),
        (lambda: labelled_cases(ids(3), blanks(3), [0, 1, 2]), "'label' holds 2; code it as 0 and 1"),
        (lambda: labelled_cases(ids(2), blanks(3), [0, 1]), "2 cases and 3 images"),
        (lambda: labelled_cases(ids(2), blanks(2), np.eye(2)), "do not belong to 1 endpoints"),
        (lambda: labelled_cases(ids(2), blanks(2), [0, 1], scores=[NAN, 1]), "score beside the image is NaN"),
        (
            lambda: labelled_cases(ids(2), [np.zeros((1, 4, 4)), np.zeros((1, 4, 5))], [0, 1]),
            r"image of 'p001' has shape \(1, 4, 5\)",
        ),
        (lambda: survival_cases(ids(2), blanks(2), [1, 2], [0, 0]), "none of the 2 cases has an event"),
        (lambda: survival_cases(ids(2), blanks(2), [0, 2], [0, 1]), "time is 0 for a case; it must be above 0"),
        (lambda: survival_cases(ids(2), blanks(2), [1, 2], [1, 3]), "event is 3 for a case"),
        (lambda: survival_cases(ids(2), blanks(2), [1, NAN], [1, 0]), "time is nan"),
        (lambda: survival_cases(ids(2), blanks(2), [1, 2], [1]), "2 times and 1 events"),
        (lambda: drawn_cases(ids(2), blanks(2), np.zeros((2, 4, 4), int)), "every mask is empty"),
        (lambda: drawn_cases(ids(2), blanks(2), np.ones((2, 4, 4))), "masks hold float64 values"),
        (lambda: drawn_cases(ids(2), blanks(2), np.ones((2, 4, 5), int)), "do not fit masks"),
        (
            lambda: refuse_shared_cases(*[labelled_cases(ids(n), blanks(n), np.arange(n) % 2) for n in (5, 2)]),
            "2 patients are in the training and in the test part, the first is 'p000'",
        ),
        (
            lambda: split_cases(labelled_cases(ids(3), blanks(3), [0, 0, 1]), 0.3, 0),
            "3 cases are too few to set 30% aside",
        ),
    ],
)
def test_bad_cases_end_in_one_clear_line(call, message):
    with pytest.raises(InputError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)
