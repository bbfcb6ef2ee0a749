"""Intraclass correlations against R's psych."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.icc import IccModel, icc

FILE = Path(__file__).resolve().parents[2] / "reference" / "classification" / "reference.json"
ICCS = json.loads(FILE.read_text(encoding="utf-8"))["iccs"]


@pytest.mark.parametrize("name", ICCS)
@pytest.mark.parametrize("model", IccModel)
def test_icc_and_its_interval_equal_psych(name, model):
    result = icc(ICCS[name]["readings"], model)
    expected = ICCS[name][model.name.lower()]
    assert result.value[0] == pytest.approx(expected["value"], abs=1e-10)
    assert result.lower[0] == pytest.approx(expected["lower"], abs=1e-10)
    assert result.upper[0] == pytest.approx(expected["upper"], abs=1e-10)


def test_the_example_of_shrout_and_fleiss_has_their_published_values():
    readings = ICCS["shrout_fleiss"]["readings"]
    assert icc(readings, "2,1").value[0] == pytest.approx(0.29, abs=0.005)
    assert icc(readings, "3,1").value[0] == pytest.approx(0.71, abs=0.005)


def test_many_features_at_once_equal_one_by_one():
    values = np.random.default_rng(0).standard_normal((15, 3, 6)).cumsum(axis=1)
    together = icc(values)
    for feature in range(6):
        alone = icc(values[:, :, feature])
        assert together.value[feature] == pytest.approx(alone.value[0], rel=1e-12)
        assert together.upper[feature] == pytest.approx(alone.upper[0], rel=1e-12)


def test_a_constant_difference_counts_for_agreement_only():
    first = np.random.default_rng(1).standard_normal(20)
    readings = np.column_stack([first, first + 2])
    assert icc(readings, "3,1").value[0] == pytest.approx(1.0)
    assert icc(readings, "2,1").value[0] < 0.5


def test_readings_that_agree_in_full_have_icc_1():
    first = np.arange(10.0)
    result = icc(np.column_stack([first, first]))
    assert (result.value[0], result.lower[0], result.upper[0]) == (1.0, 1.0, 1.0)


def test_a_feature_that_never_varies_has_no_icc():
    assert np.isnan(icc(np.ones((10, 2))).value[0])


def test_too_few_patients_or_values_that_are_not_finite_are_refused():
    with pytest.raises(InputError, match="at least 3 patients"):
        icc(np.ones((2, 2)))
    with pytest.raises(InputError, match="1 readings are not finite"):
        icc([[1, 2], [3, np.nan], [5, 6]])
