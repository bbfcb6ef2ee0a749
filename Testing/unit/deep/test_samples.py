"""Features joined with an outcome, and what is refused on the way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.tables.endpoints import Endpoint
from DeepRadiomicsFusionLib.tables.samples import join_endpoint, make_samples, matrix, refuse_shared_patients
from RadiomicsCoreLib.errors import InputError, ModelError


@pytest.fixture
def features():
    values = np.arange(15.0).reshape(5, 3)
    return pd.DataFrame(values, index=list("abcde"), columns=["ct.r.x", "ct.r.y", "ct.r.z"])


@pytest.fixture
def endpoint():
    return Endpoint("relapse", ("e", "c", "a", "q"), np.array([1, 0, 1, 0]), ("b",))


def test_cases_are_joined_by_their_ids(features, endpoint):
    samples, notes = join_endpoint(features, endpoint, patients={"e": "P1", "c": "P1"})
    assert list(samples.table.index) == ["e", "c", "a"]
    assert samples.outcome.tolist() == [1, 0, 1]
    assert samples.patients == ("P1", "P1", "a")
    assert any("1 labelled cases have no features" in note for note in notes)


def test_tables_without_a_common_case_are_refused(features, endpoint):
    with pytest.raises(InputError, match="no case has both features and a label of 'relapse'"):
        join_endpoint(features.rename(index=str.upper), endpoint)


def test_nan_features_are_refused(features, endpoint):
    features.loc["c", "ct.r.y"] = np.nan
    with pytest.raises(InputError, match=r"1 feature values are NaN or infinite, the first is 'ct.r.y' of case 'c'"):
        join_endpoint(features, endpoint)


def test_text_repeated_cases_and_repeated_features_are_refused(features):
    y = [0, 1, 0, 1, 0]
    with pytest.raises(InputError, match=r"feature column 'sex' holds text \('f'\)"):
        make_samples(features.assign(sex="f"), y)
    with pytest.raises(InputError, match="case 'a' stands twice"):
        make_samples(features.rename(index={"b": "a"}), y)
    with pytest.raises(InputError, match=r"feature 'ct.r.x' stands twice"):
        make_samples(features.rename(columns={"ct.r.y": "ct.r.x"}), y)
    with pytest.raises(InputError, match="no feature columns"):
        make_samples(features[[]], y)


def test_a_patient_in_training_and_test_is_refused(features):
    first = make_samples(features.iloc[:3], [0, 1, 0], ["P1", "P2", "P3"])
    second = make_samples(features.iloc[3:], [0, 1], ["P3", "P4"])
    with pytest.raises(InputError, match="1 patients are in the training and in the external part, the first is 'P3'"):
        refuse_shared_patients(first, second, "external")
    refuse_shared_patients(first, make_samples(features.iloc[3:], [0, 1]))


def test_a_model_says_which_feature_it_misses(features):
    with pytest.raises(ModelError, match=r"1 of the model's 2 features are missing, the first is 'pt.r.x'"):
        matrix(features, ["ct.r.x", "pt.r.x"])
    features.loc["d", "ct.r.z"] = np.inf
    with pytest.raises(ModelError, match=r"feature 'ct.r.z' of case 'd' is NaN or infinite"):
        matrix(features, ["ct.r.z"])
