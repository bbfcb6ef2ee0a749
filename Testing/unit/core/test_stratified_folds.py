"""Folds that keep the share of the classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.stratified_folds import grouped_folds, stratified_folds


@given(st.integers(2, 6), st.integers(0, 20), st.integers(0, 20), st.integers(0, 99))
def test_every_fold_has_its_share_of_each_class(folds, zeros, ones, seed):
    outcome = np.random.default_rng(seed).permutation(np.r_[np.zeros(zeros + folds), np.ones(ones + folds)])
    fold_of = stratified_folds(outcome, folds, seed)
    for value in (0, 1):
        counts = np.bincount(fold_of[outcome == value], minlength=folds)
        assert counts.max() - counts.min() <= 1
    sizes = np.bincount(fold_of, minlength=folds)
    assert sizes.max() - sizes.min() <= 1


def test_the_seed_decides():
    outcome = np.arange(30) % 2
    first, again, other = (stratified_folds(outcome, 5, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_too_few_cases_of_a_class_are_told_with_the_number():
    with pytest.raises(InputError, match="10 folds need at least 10 cases of each class, and only 4 have outcome 1"):
        stratified_folds(np.r_[np.zeros(30), np.ones(4)], 10, 0)


def test_fewer_folds_are_made_down_to_the_smallest_allowed():
    outcome = np.r_[np.zeros(30), np.ones(4)]
    assert len(np.unique(stratified_folds(outcome, 10, 0, smallest=3))) == 4
    with pytest.raises(InputError, match="5 folds need"):
        stratified_folds(outcome, 10, 0, smallest=5)


def test_one_fold_is_none():
    with pytest.raises(InputError, match="at least 2 folds"):
        stratified_folds(np.arange(10) % 2, 1, 0)


@given(st.integers(2, 4), st.integers(0, 99))
def test_a_group_is_never_cut_and_single_cases_are_dealt_as_without_groups(folds, seed):
    rng = np.random.default_rng(seed)
    outcome = rng.permutation(np.arange(24) % 2)
    groups = [f"p{k // 2}" for k in range(24)]
    of_group = np.maximum.reduceat(outcome, range(0, 24, 2))
    if min(of_group.sum(), (1 - of_group).sum()) < folds:
        return
    fold_of = grouped_folds(outcome, groups, folds, seed)
    assert (fold_of[::2] == fold_of[1::2]).all() and set(fold_of) == set(range(folds))
    alone = grouped_folds(outcome, [str(k) for k in range(24)], folds, seed)
    assert (alone == stratified_folds(outcome, folds, seed)).all()
