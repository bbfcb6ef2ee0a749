"""The selection steps: each against its plain definition, and all inside scikit-learn's own machinery."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.selection.class_difference import ClassDifferenceFilter, DifferenceTest
from RadiomicsCoreLib.selection.correlation_filter import CorrelationFilter, correlations
from RadiomicsCoreLib.selection.icc_filter import IccFilter
from RadiomicsCoreLib.selection.lasso import LassoSelector
from RadiomicsCoreLib.selection.mrmr import MrmrSelector, f_statistic
from RadiomicsCoreLib.selection.readings import Readings
from RadiomicsCoreLib.selection.volume_filter import RegionVolumes, VolumeCorrelationFilter
from RadiomicsCoreLib.selection.z_score import ZScore
from RadiomicsCoreLib.statistics.icc import icc

SUPERVISED = [ClassDifferenceFilter(), LassoSelector(), MrmrSelector(count=3)]
STEPS = [ZScore(), CorrelationFilter(), *SUPERVISED]


@pytest.fixture
def frame():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((60, 12))
    values[:, 3] = values[:, 2] + 0.01 * values[:, 3]
    ids = [f"case_{k}" for k in range(60)]
    return pd.DataFrame(values, index=ids, columns=[f"ct.intratumour.f{k}" for k in range(12)])


@pytest.fixture
def outcome(frame):
    noise = np.random.default_rng(1).standard_normal(60)
    return (frame.iloc[:, 0] - frame.iloc[:, 2] + noise > 0).astype(int).to_numpy()


@pytest.fixture
def readings(frame):
    """A second reader who agrees on the first six features only; the last was not read."""
    rng = np.random.default_rng(2)
    second = frame.iloc[:30, :11].copy()
    second.iloc[:, :6] += 0.1 * rng.standard_normal((30, 6))
    second.iloc[:, 6:] += 5 * rng.standard_normal((30, 5))
    return Readings([frame, second])


# --- the machinery of scikit-learn -------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_step_is_cloned_without_what_it_learnt(step, frame, outcome):
    from sklearn.base import clone

    fitted = step.unfitted().fit(frame, outcome)
    fresh = clone(fitted)
    assert fresh is not fitted
    assert fresh.get_params() == fitted.get_params()
    assert not hasattr(fresh, "kept_")


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_step_gives_the_same_for_a_frame_and_an_array(step, frame, outcome):
    from_frame = step.unfitted().fit_transform(frame, outcome)
    from_array = step.unfitted().fit_transform(frame.to_numpy(), outcome)
    assert isinstance(from_frame, pd.DataFrame)
    assert np.array_equal(from_frame.to_numpy(), from_array)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_a_fitted_step_survives_pickling(step, frame, outcome):
    fitted = step.unfitted().fit(frame, outcome)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.transform(frame).equals(fitted.transform(frame))


def test_all_steps_work_in_a_pipeline_under_a_grid_search(frame, outcome, readings):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import Pipeline

    pipeline = Pipeline(
        [
            ("icc", IccFilter(readings, unread="keep")),
            ("z", ZScore()),
            ("difference", ClassDifferenceFilter(0.9)),
            ("correlation", CorrelationFilter(0.95)),
            ("mrmr", MrmrSelector(4)),
            ("lasso", LassoSelector()),
            ("lr", LogisticRegression()),
        ]
    )
    search = GridSearchCV(pipeline, {"correlation__threshold": [0.5, 0.95], "mrmr__count": [2, 4]}, cv=3)
    search.fit(frame, outcome)
    assert search.best_score_ > 0.6
    names = search.best_estimator_[:-1].get_feature_names_out()
    assert "ct.intratumour.f0" in names
    assert not hasattr(pipeline.named_steps["z"], "kept_")  # the search worked on copies


def test_a_pipeline_of_steps_can_be_shown(frame):
    from sklearn.pipeline import make_pipeline

    text = repr(make_pipeline(ZScore(), CorrelationFilter(0.8)))
    assert "CorrelationFilter(threshold=0.8" in text


def test_an_unknown_setting_is_refused():
    with pytest.raises(ValueError, match="has no setting 'treshold'"):
        CorrelationFilter().set_params(treshold=1)


# --- bad input ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_nan_features_are_refused_with_the_column(step, frame, outcome):
    frame.iloc[4, 5] = np.nan
    with pytest.raises(InputError, match=r"1 feature values are NaN or infinite, .*'ct.intratumour.f5'"):
        step.unfitted().fit(frame, outcome)


@pytest.mark.parametrize("step", SUPERVISED, ids=lambda step: type(step).__name__)
def test_an_outcome_of_one_class_or_of_text_is_refused(step, frame):
    with pytest.raises(InputError, match="both classes, 0 and 1, are needed"):
        step.unfitted().fit(frame, np.ones(60))
    with pytest.raises(InputError, match="holds 'yes'; code it as 0 and 1"):
        step.unfitted().fit(frame, np.array(["yes", "no"] * 30))
    with pytest.raises(InputError, match="needs the outcome"):
        step.unfitted().fit(frame)


def test_a_column_of_text_is_refused_with_its_name(frame):
    frame["sex"] = "female"
    with pytest.raises(InputError, match="holds text: 'sex'"):
        ZScore().fit(frame)


def test_features_that_are_missing_later_are_told(frame):
    step = ZScore().fit(frame)
    with pytest.raises(ModelError, match=r"1 of 12 features are missing, the first 'ct.intratumour.f7'"):
        step.transform(frame.drop(columns="ct.intratumour.f7"))


def test_a_step_that_is_not_fitted_says_so(frame):
    with pytest.raises(ModelError, match="ZScore is not fitted"):
        ZScore().transform(frame)


# --- z-score -----------------------------------------------------------------------------------------------


def test_scaling_uses_the_training_cases_only(frame):
    step = ZScore().fit(frame.iloc[:40])
    scaled = step.transform(frame)
    assert scaled.iloc[:40].mean().to_numpy() == pytest.approx(0, abs=1e-12)
    assert scaled.iloc[:40].std().to_numpy() == pytest.approx(1)
    expected = (frame - frame.iloc[:40].mean()) / frame.iloc[:40].std()
    assert scaled.to_numpy() == pytest.approx(expected.to_numpy())


def test_constant_features_are_dropped_by_name_and_all_constant_refused(frame):
    frame["ct.intratumour.constant"] = 1e9
    assert ZScore().fit(frame).dropped_ == ("ct.intratumour.constant",)
    with pytest.raises(InputError, match="all 1 features are constant over 60 cases"):
        ZScore().fit(frame[["ct.intratumour.constant"]])


def test_columns_are_found_by_name_in_any_order(frame):
    step = ZScore().fit(frame)
    shuffled = frame[frame.columns[::-1]]
    assert step.transform(shuffled).equals(step.transform(frame))


# --- ICC filter --------------------------------------------------------------------------------------------


def test_the_icc_filter_keeps_what_the_readers_agree_on(frame, readings):
    step = IccFilter(readings, threshold=0.8).fit(frame)
    assert step.get_support(indices=True).tolist() == [0, 1, 2, 3, 4, 5]
    first = frame.iloc[:30, 2].to_numpy()
    second = readings.values[:, 1, 2]
    assert step.icc_[2] == pytest.approx(icc(np.column_stack([first, second])).value[0])
    assert np.isnan(step.icc_[11])


def test_cases_outside_the_training_part_have_no_say_in_the_icc(frame):
    second = frame.copy()
    second.iloc[30:] = 99.0  # readings of test cases that disagree in everything
    step = IccFilter(Readings([frame, second])).fit(frame.iloc[:30])
    assert step.icc_ == pytest.approx(1.0)


def test_the_icc_filter_may_stand_after_scaling(frame, readings):
    before = IccFilter(readings).fit(frame).get_support()
    after = IccFilter(readings).fit(ZScore().fit_transform(frame)).get_support()
    assert np.array_equal(before, after)


def test_the_lower_bound_is_the_stricter_filter(frame, readings):
    plain = IccFilter(readings, 0.9).fit(frame).get_support()
    strict = IccFilter(readings, 0.9, use_lower_bound=True, unread="keep").fit(frame).get_support()
    assert not (strict[:11] & ~plain[:11]).any()
    assert strict[11]


def test_a_reading_with_nan_leaves_that_case_out_for_that_feature(frame):
    second = frame.copy()
    second.iloc[0, 0] = np.nan
    step = IccFilter(Readings([frame, second])).fit(frame)
    assert step.icc_[0] == pytest.approx(1.0)


def test_an_icc_filter_that_cannot_work_says_why(frame, readings):
    with pytest.raises(InputError, match="no readings"):
        IccFilter().fit(frame)
    with pytest.raises(InputError, match="data frame with case ids"):
        IccFilter(readings).fit(frame.to_numpy())
    with pytest.raises(InputError, match="0 of 20 training cases were read twice"):
        IccFilter(readings).fit(frame.iloc[40:])
    with pytest.raises(InputError, match=r"none of 5 features has an ICC above 0.75"):
        IccFilter(readings).fit(frame.iloc[:, 6:11])
    with pytest.raises(InputError, match="at least 2 readings"):
        Readings([frame])
    with pytest.raises(InputError, match="share 0 cases"):
        Readings([frame, frame.rename(index=lambda name: name + "x")])


def test_copies_of_a_filter_share_its_readings(readings):
    assert copy.deepcopy(IccFilter(readings)).readings is readings


# --- difference of the classes -----------------------------------------------------------------------------


def test_p_values_equal_scipy_by_normality(frame, outcome):
    skewed = np.exp(2 * frame)
    table = pd.concat([frame, skewed.add_suffix("_skewed")], axis=1)
    step = ClassDifferenceFilter().fit(table, outcome)
    for place, name in enumerate(table.columns):
        first, second = (table[name][outcome == value] for value in (0, 1))
        normal = min(stats.shapiro(first).pvalue, stats.shapiro(second).pvalue) >= 0.05
        welch = stats.ttest_ind(first, second, equal_var=False).pvalue
        ranks = stats.mannwhitneyu(first, second, method="asymptotic").pvalue
        assert step.parametric_[place] == normal
        assert step.p_[place] == pytest.approx(welch if normal else ranks)
    assert np.array_equal(step.get_support(), step.p_ < 0.05)
    assert step.parametric_.any()
    assert not step.parametric_.all()


@pytest.mark.parametrize("test", [DifferenceTest.T_TEST, DifferenceTest.MANN_WHITNEY])
def test_a_test_can_be_forced(frame, outcome, test):
    step = ClassDifferenceFilter(test=test).fit(frame, outcome)
    assert step.parametric_.all() == (test is DifferenceTest.T_TEST)


def test_where_nothing_differs_the_least_p_value_is_kept(frame):
    outcome = np.random.default_rng(9).permutation(np.arange(60) % 2)
    step = ClassDifferenceFilter(1e-6).fit(frame, outcome)
    assert step.fell_back_
    assert step.get_support(indices=True).tolist() == [int(np.argmin(step.p_))]


def test_a_constant_feature_does_not_differ(outcome):
    table = np.column_stack([np.ones(60), outcome + 0.01 * np.arange(60)])
    assert ClassDifferenceFilter().fit(table, outcome).p_[0] == 1


# --- correlation -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["spearman", "pearson"])
def test_correlations_equal_pandas(frame, method):
    assert correlations(frame.to_numpy(), method) == pytest.approx(frame.corr(method=method).to_numpy())


def test_no_two_features_stay_correlated_and_every_dropped_one_has_a_partner():
    rng = np.random.default_rng(3)
    values = rng.standard_normal((50, 5)) @ rng.standard_normal((5, 40)) + 0.3 * rng.standard_normal((50, 40))
    keep = CorrelationFilter(0.7).fit(values).get_support()
    strength = np.abs(correlations(values))
    kept = strength[np.ix_(keep, keep)] - np.eye(keep.sum())
    assert kept.max() <= 0.7
    assert (strength[np.ix_(~keep, keep)].max(axis=1) > 0.7).all()
    assert 1 < keep.sum() < 40


def test_the_order_of_the_cases_does_not_matter(frame):
    assert np.array_equal(CorrelationFilter(0.5).fit(frame).kept_, CorrelationFilter(0.5).fit(frame.iloc[::-1]).kept_)


# --- volume ------------------------------------------------------------------------------------------------


@pytest.fixture
def with_volumes(frame):
    rng = np.random.default_rng(4)
    table = pd.DataFrame(index=frame.index)
    for region in ("intratumour", "ring_0_3mm"):
        volume = rng.exponential(1000, 60)
        table[f"ct.{region}.original_shape_MeshVolume"] = volume
        table[f"ct.{region}.original_glrlm_RunLengthNonUniformity"] = volume**0.8 * rng.uniform(0.95, 1.05, 60)
        table[f"ct.{region}.original_firstorder_Mean"] = rng.standard_normal(60)
    table["ct.intratumour.resnet18_0"] = table["ct.ring_0_3mm.original_shape_MeshVolume"] * 2
    return table


def test_features_that_follow_their_own_regions_volume_are_dropped(with_volumes):
    step = VolumeCorrelationFilter(threshold=0.8).fit(with_volumes)
    names = with_volumes.columns
    dropped = [name for name, kept in zip(names, step.get_support(), strict=True) if not kept]
    assert dropped == [name for name in names if "RunLength" in name]
    place = names.get_loc("ct.ring_0_3mm.original_firstorder_Mean")
    expected = stats.spearmanr(
        with_volumes.iloc[:, place], with_volumes["ct.ring_0_3mm.original_shape_MeshVolume"]
    ).statistic
    assert step.correlation_[place] == pytest.approx(expected)


def test_volumes_can_come_from_another_table(with_volumes):
    volumes = RegionVolumes(with_volumes)
    deep = pd.DataFrame(
        {"ct.intratumour.resnet18_0": with_volumes["ct.intratumour.original_shape_MeshVolume"] * 3 + 1}
        | {"ct.intratumour.resnet18_1": np.random.default_rng(0).standard_normal(60)}
        | {"pt.intratumour.resnet18_0": np.arange(60.0)}
    )
    step = VolumeCorrelationFilter(volumes).fit(deep.iloc[::-1])
    assert step.get_support().tolist() == [False, True, True]
    assert step.without_volume_ == ("pt.intratumour.resnet18_0",)


def test_a_volume_filter_without_volumes_says_what_to_extract(frame, with_volumes):
    with pytest.raises(InputError, match=r"the table has no volumes: .*extract shape features"):
        VolumeCorrelationFilter().fit(frame)
    with pytest.raises(InputError, match="case 'case_9' has no volumes"):
        VolumeCorrelationFilter(RegionVolumes(with_volumes.drop(index="case_9"))).fit(with_volumes)
    with pytest.raises(InputError, match="all 1 features follow their region's volume"):
        VolumeCorrelationFilter(RegionVolumes(with_volumes)).fit(with_volumes.iloc[:, [1]])


# --- LASSO and mRMR ----------------------------------------------------------------------------------------


def test_the_lasso_finds_the_features_that_carry_the_outcome(frame, outcome):
    step = LassoSelector(choice="1se").fit(frame, outcome)
    names = step.get_feature_names_out().tolist()
    assert "ct.intratumour.f0" in names
    assert {"ct.intratumour.f2", "ct.intratumour.f3"} & set(names)


def test_the_lasso_keeps_the_strongest_where_a_number_is_given(frame, outcome):
    whole = LassoSelector().fit(frame, outcome)
    few = LassoSelector(largest=2).fit(frame, outcome)
    strength = np.abs(whole.coefficients_) * frame.std().to_numpy()
    assert sorted(few.kept_) == sorted(np.argsort(-strength)[:2])


def test_the_lasso_keeps_one_feature_where_none_carries_anything(frame):
    outcome = np.random.default_rng(9).permutation(np.arange(60) % 2)
    step = LassoSelector(choice="1se").fit(frame, outcome)
    assert step.fell_back_
    assert len(step.kept_) >= 1


def test_the_f_statistic_equals_scipy(frame, outcome):
    expected = [stats.f_oneway(column[outcome == 0], column[outcome == 1]).statistic for column in frame.to_numpy().T]
    assert f_statistic(frame.to_numpy(), outcome) == pytest.approx(expected)


@pytest.mark.parametrize("scheme", ["quotient", "difference"])
def test_mrmr_takes_features_by_its_plain_definition(frame, outcome, scheme):
    relevance = f_statistic(frame.to_numpy(), outcome)
    strength = np.abs(np.corrcoef(frame.to_numpy().T))
    taken = [int(np.argmax(relevance))]
    while len(taken) < 6:
        left = [k for k in range(12) if k not in taken]
        redundancy = {k: np.mean([strength[k, other] for other in taken]) for k in left}
        if scheme == "quotient":
            taken.append(max(left, key=lambda k: relevance[k] / redundancy[k]))
        else:
            taken.append(max(left, key=lambda k: relevance[k] / relevance.max() - redundancy[k]))
    assert MrmrSelector(6, scheme).fit(frame, outcome).order_.tolist() == taken


def test_mrmr_does_not_take_the_copy_of_a_feature(frame, outcome):
    frame["ct.intratumour.copy"] = frame["ct.intratumour.f0"]
    names = MrmrSelector(2).fit(frame, outcome).get_feature_names_out().tolist()
    assert not {"ct.intratumour.copy", "ct.intratumour.f0"} <= set(names)


@pytest.mark.parametrize(
    "step",
    [
        CorrelationFilter(1.0),
        CorrelationFilter(method="kendall"),
        ClassDifferenceFilter(0),
        MrmrSelector(0),
        MrmrSelector(scheme="product"),
        LassoSelector(largest=0),
        VolumeCorrelationFilter(threshold=2.0),
    ],
    ids=repr,
)
def test_settings_out_of_range_are_refused_when_fitting(step, frame, outcome):
    with pytest.raises(InputError):
        step.fit(frame, outcome)
