"""Logistic regression against scikit-learn and the likelihood's own derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from RadiomicsCoreLib.errors import ModelError
from RadiomicsCoreLib.statistics.logistic_fit import fit_logistic


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((120, 3)) * [1, 10, 0.1]
    return x, (x @ [1, 0.05, -4] + rng.logistic(size=120) > 0.3).astype(int)


def test_coefficients_equal_scikit_learn(data):
    from sklearn.linear_model import LogisticRegression

    x, y = data
    fit = fit_logistic(x, y)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, solver="newton-cholesky", max_iter=1000).fit(x, y)
    assert fit.coefficients == pytest.approx(theirs.coef_[0], rel=1e-5)
    assert fit.intercept == pytest.approx(theirs.intercept_[0], rel=1e-5)


def test_the_covariance_is_the_inverse_of_the_numerical_second_derivative(data):
    x, y = data
    fit = fit_logistic(x, y)
    design, beta = np.column_stack([np.ones(len(y)), x]), np.r_[fit.intercept, fit.coefficients]

    def value(b):
        return (y * (design @ b) - np.logaddexp(0, design @ b)).sum()

    h = 1e-3 * np.maximum(np.abs(beta), 0.1)
    second = np.empty((4, 4))
    for i in range(4):
        for j in range(4):
            a, b = np.eye(4)[i] * h, np.eye(4)[j] * h
            terms = value(beta + a + b) - value(beta + a - b) - value(beta - a + b) + value(beta - a - b)
            second[i, j] = -terms / (4 * h[i] * h[j])
    assert fit.covariance == pytest.approx(np.linalg.inv(second), rel=1e-3)
    assert fit.log_likelihood == pytest.approx(value(beta))


def test_an_offset_takes_the_place_of_a_fitted_part(data):
    x, y = data
    whole = fit_logistic(x, y)
    rest = fit_logistic(x[:, :1], y, offset=x[:, 1:] @ whole.coefficients[1:])
    assert rest.coefficients[0] == pytest.approx(whole.coefficients[0], rel=1e-6)


def test_separated_classes_are_told_and_a_ridge_holds_them():
    x, y = np.arange(10.0)[:, np.newaxis], (np.arange(10) > 4).astype(int)
    with pytest.raises(ModelError, match="separate"):
        fit_logistic(x, y)
    assert 0 < fit_logistic(x, y, ridge=1.0).coefficients[0] < 5


def test_variables_that_depend_on_each_other_are_told(data):
    x, y = data
    with pytest.raises(ModelError, match="depend on each other"):
        fit_logistic(np.column_stack([x, x[:, 0] * 2]), y)
