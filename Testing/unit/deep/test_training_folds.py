"""Folds for out-of-fold signatures: in proportion, whole patients, every rest fit to train on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from DeepRadiomicsFusionLib.training.training_cases import drawn_cases, labelled_cases, survival_cases
from DeepRadiomicsFusionLib.training.training_folds import training_folds
from RadiomicsCoreLib.errors import InputError


def labelled(labels, patients=()):
    labels = np.asarray(labels, float)
    names = ("a", "b")[: 1 if labels.ndim == 1 else 2]
    images = [np.zeros((1, 2, 2), np.float32)] * len(labels)
    cases = labelled_cases([f"c{k}" for k in range(len(labels))], images, labels, names=names)
    return replace(cases, patients=tuple(patients))


def test_each_class_is_dealt_as_evenly_as_it_can_be():
    labels = np.repeat([0, 1], (31, 13))
    fold_of = training_folds(labelled(labels), 5, seed=3)
    for value in (0, 1):
        counts = np.bincount(fold_of[labels == value], minlength=5)
        assert counts.max() - counts.min() <= 1
    assert not np.array_equal(fold_of, training_folds(labelled(labels), 5, seed=4))
    assert np.array_equal(fold_of, training_folds(labelled(labels), 5, seed=3))


def test_several_endpoints_with_missing_labels_are_dealt_together():
    rng = np.random.default_rng(0)
    labels = (rng.random((80, 2)) < (0.5, 0.15)).astype(float)
    labels[rng.random((80, 2)) < 0.3] = np.nan
    fold_of = training_folds(labelled(labels), 4, seed=0)
    for column in labels.T:
        for value in (0, 1):
            counts = np.bincount(fold_of[column == value], minlength=4)
            assert counts.max() - counts.min() <= 2


def test_a_patients_cases_stay_in_one_fold():
    patients = [f"p{k // 3}" for k in range(36)]
    fold_of = training_folds(labelled([k // 3 % 2 for k in range(36)], patients), 3, seed=1)
    assert all(len(set(fold_of[k : k + 3])) == 1 for k in range(0, 36, 3))


def test_events_and_drawn_slices_are_dealt_too():
    images = [np.zeros((1, 4, 4), np.float32)] * 24
    ids = [f"c{k}" for k in range(24)]
    events = np.arange(24) % 4 == 0
    fold_of = training_folds(survival_cases(ids, images, np.arange(1, 25), events), 3, seed=0)
    assert np.bincount(fold_of[events]).tolist() == [2, 2, 2]
    slices = drawn_cases([f"c{k // 2}" for k in range(24)], images, np.ones((24, 4, 4), int))
    fold_of = training_folds(slices, 4, seed=0)
    assert np.bincount(fold_of).tolist() == [6, 6, 6, 6]
    assert (fold_of[::2] == fold_of[1::2]).all()


@pytest.mark.parametrize(
    ("labels", "folds", "line"),
    [
        ([0, 0, 0, 0, 1], 3, "5 patients are too few for 3 folds: without one of them both classes"),
        ([0, 1, 0, 1], 5, "4 patients are too few for 5 folds"),
        ([0, 1, 0, 1], 1, "folds is 1; out-of-fold signatures need at least 2"),
    ],
)
def test_too_few_patients_are_refused_in_one_line(labels, folds, line):
    with pytest.raises(InputError, match=line):
        training_folds(labelled(labels), folds, seed=0)
