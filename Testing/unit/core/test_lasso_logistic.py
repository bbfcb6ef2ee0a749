"""LASSO-logistic paths and cross-validation against R's glmnet, and against the optimality conditions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics.lasso_logistic import (
    LambdaChoice,
    LassoSettings,
    first_with_a_feature,
    fit_lasso_logistic,
    logistic_problem,
)

FOLDER = Path(__file__).resolve().parents[2] / "reference" / "classification"
REFERENCE = json.loads((FOLDER / "reference.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module", params=REFERENCE["paths"], ids=lambda path: path["name"])
def case(request):
    table = np.loadtxt(FOLDER / f"{request.param['name']}.csv", delimiter=",", skiprows=1)
    return table[:, 1:], table[:, 0], request.param


def test_the_path_equals_glmnet(case):
    x, y, expected = case
    problem = logistic_problem(x, y, expected["alpha"])
    path = problem.path(np.array(expected["lambda"]))
    spread = x.std(axis=0)
    assert problem.largest_lambda == pytest.approx(expected["largest_lambda"], rel=1e-9)
    assert path.coefficients * spread == pytest.approx(np.array(expected["coefficients"]) * spread, abs=2e-5)
    predicted = path.coefficients @ x.T + path.intercepts[:, np.newaxis]
    theirs = np.array(expected["coefficients"]) @ x.T + np.array(expected["intercept"])[:, np.newaxis]
    assert predicted == pytest.approx(theirs, abs=1e-4)
    assert 1 - path.losses / problem.null_loss == pytest.approx(np.array(expected["deviance_ratio"]), abs=1e-6)


def test_the_cross_validation_equals_cv_glmnet(case):
    x, y, expected = case
    fold_of = np.array(expected["foldid"]) - 1
    lambdas = np.array(expected["lambda"])
    settings = LassoSettings(alpha=expected["alpha"], patience=None)
    fit = fit_lasso_logistic(x, y, settings, lambdas=lambdas, fold_of=fold_of)
    assert fit.validation.mean == pytest.approx(expected["cvm"], rel=1e-4)
    assert fit.validation.standard_error == pytest.approx(expected["cvsd"], rel=1e-3)
    assert fit.penalty == pytest.approx(expected["lambda_min"])
    largest = LassoSettings(alpha=expected["alpha"], patience=None, choice=LambdaChoice.ONE_STANDARD_ERROR)
    assert fit_lasso_logistic(x, y, largest, lambdas=lambdas, fold_of=fold_of).penalty == pytest.approx(
        expected["lambda_1se"]
    )


def test_every_solution_meets_the_optimality_conditions(case):
    x, y, expected = case
    lambdas, alpha = np.array(expected["lambda"]), expected["alpha"]
    path = logistic_problem(x, y, alpha).path(lambdas)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    for penalty, raw, intercept in zip(lambdas, path.coefficients, path.intercepts, strict=True):
        beta = raw * x.std(axis=0)
        chance = 1 / (1 + np.exp(-(x @ raw + intercept)))
        slope = z.T @ (y - chance) / len(y) - penalty * (1 - alpha) * beta
        active = beta != 0
        assert np.abs(slope[active] - alpha * penalty * np.sign(beta[active])).max(initial=0) < 2e-6 * penalty
        assert np.abs(slope[~active]).max(initial=0) <= alpha * penalty * (1 + 2e-6)
        assert abs((y - chance).mean()) < 2e-6 * penalty


@pytest.mark.parametrize(("n", "p", "seed"), [(70, 150, 3), (50, 15, 4), (120, 20, 5)])
def test_ending_early_chooses_the_same_penalty(n, p, seed):
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, p))
    y = (x[:, 0] + rng.standard_normal(n) > 0).astype(int)
    whole = fit_lasso_logistic(x, y, LassoSettings(patience=None))
    early = fit_lasso_logistic(x, y)
    assert len(early.path.lambdas) < len(whole.path.lambdas)
    assert early.penalty == whole.penalty
    assert np.array_equal(early.coefficients, whole.coefficients)


def test_scaling_a_feature_scales_its_coefficient_back():
    rng = np.random.default_rng(4)
    x = rng.standard_normal((60, 8))
    y = (x[:, 0] - x[:, 3] + rng.standard_normal(60) > 0).astype(int)
    factor = 10.0 ** np.arange(-4, 4)
    plain, scaled = (fit_lasso_logistic(values, y).coefficients for values in (x, x * factor))
    assert scaled * factor == pytest.approx(plain, abs=1e-5)


def test_a_constant_feature_gets_no_coefficient():
    rng = np.random.default_rng(5)
    x = np.column_stack([rng.standard_normal(40), np.full(40, 7.3)])
    assert fit_lasso_logistic(x, (x[:, 0] > 0).astype(int)).coefficients[1] == 0


def test_where_no_feature_is_chosen_the_first_place_with_one_is_found():
    rng = np.random.default_rng(6)
    x, y = rng.standard_normal((50, 30)), rng.permutation(np.arange(50) % 2)
    fit = fit_lasso_logistic(x, y)
    place = first_with_a_feature(fit.path, 0)
    assert place == 1
    assert (fit.path.coefficients[place] != 0).sum() >= 1


def test_features_that_all_are_constant_are_refused():
    with pytest.raises(ModelError, match="none of the 3 features varies"):
        fit_lasso_logistic(np.ones((20, 3)), np.arange(20) % 2)


def test_one_class_only_is_refused():
    with pytest.raises(ModelError, match="all 20 cases have outcome 1"):
        fit_lasso_logistic(np.random.default_rng(0).standard_normal((20, 3)), np.ones(20))


def test_a_class_of_two_cases_is_too_few_for_the_folds():
    y = np.r_[1, 1, np.zeros(18)]
    with pytest.raises(InputError, match="only 2 have outcome 1"):
        fit_lasso_logistic(np.random.default_rng(0).standard_normal((20, 3)), y)


@pytest.mark.parametrize(
    "wrong", [{"alpha": 0}, {"folds": 2}, {"lambda_count": 1}, {"smallest_ratio": 1.0}, {"patience": 0}]
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        LassoSettings(**wrong)


@pytest.mark.parametrize("seed", [5, 10, 38])
def test_features_that_all_but_depend_on_each_other_settle_at_the_optimum(seed):
    """Sixty features of three directions, half of them doubled: Newton's curvature has no solution but rounding."""
    rng = np.random.default_rng(seed)
    y = np.arange(32) % 2
    x = rng.standard_normal((32, 3)) @ rng.standard_normal((3, 60)) + 1e-8 * rng.standard_normal((32, 60))
    x[:, :30] = x[:, 30:]
    path = fit_lasso_logistic(x, y, LassoSettings(folds=5, patience=None)).path
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    for penalty, coefficients, intercept in zip(path.lambdas, path.coefficients, path.intercepts, strict=True):
        own = coefficients * x.std(axis=0)
        gradient = z.T @ (y - 1 / (1 + np.exp(-(x @ coefficients + intercept)))) / len(y)
        assert np.abs(gradient).max() <= penalty * (1 + 1e-5)
        assert gradient[own != 0] == pytest.approx(penalty * np.sign(own[own != 0]), rel=1e-4)
