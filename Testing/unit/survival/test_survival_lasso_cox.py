"""LASSO-Cox: optimality by an independent oracle, hard inputs, choices. Against glmnet: test_survival_against_r."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import Cancelled, InputError, ModelError
from SurvivalNomogramLib.models.lasso_cox import LassoCoxSettings, fit_lasso_cox, plot_path, plot_validation
from SurvivalNomogramLib.models.penalised_cox import PenalisedCox
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table


def wide(n: int, p: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Radiomics-like: many correlated features, six of them with an effect, times with ties."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(n, max(p // 20, 1)))
    x = factors @ (rng.normal(size=(factors.shape[1], p)) * (rng.random((factors.shape[1], p)) < 0.1))
    x += rng.normal(size=(n, p))
    hazard = np.exp(x[:, :6] @ np.array([0.6, -0.6, 0.5, -0.5, 0.4, -0.4]))
    time, censored = rng.exponential(300 / hazard), rng.uniform(0, 600, n)
    return x, np.ceil(np.minimum(time, censored) / 5), (time <= censored).astype(int)


def table_of(x: np.ndarray, time: np.ndarray, event: np.ndarray) -> SurvivalTable:
    frame = pd.DataFrame(x, columns=[f"f{k}" for k in range(x.shape[1])]).assign(t=time, e=event)
    return read_survival_table(frame, time="t", event="e")


def slow_kkt_error(
    x: np.ndarray, time: np.ndarray, event: np.ndarray, beta: np.ndarray, penalty: float, alpha: float
) -> float:
    """Optimality conditions with a loop over the events, all from the definition."""
    spread = x.std(axis=0)
    standard = (x - x.mean(axis=0)) / spread
    scaled = beta * spread
    risk = np.exp(standard @ scaled)
    gradient = np.zeros(x.shape[1])
    for i in np.flatnonzero(event):
        at_risk = time >= time[i]
        gradient += standard[i] - risk[at_risk] @ standard[at_risk] / risk[at_risk].sum()
    gradient = gradient / len(x) - penalty * (1 - alpha) * scaled
    on = np.abs(gradient - penalty * alpha * np.sign(scaled))
    off = np.maximum(np.abs(gradient) - penalty * alpha, 0)
    return float(np.where(scaled != 0, on, off).max()) / penalty


@pytest.mark.parametrize("alpha", [1.0, 0.5, pytest.param(0.05, marks=pytest.mark.slow)])
def test_four_thousand_features_of_200_patients_reach_the_optimum_to_1e_5(alpha: float) -> None:
    x, time, event = wide(200, 4000)
    problem = PenalisedCox(x, time, event, alpha)
    path = problem.path(LassoCoxSettings(alpha=alpha).sequence(problem), stops_early=True)
    assert len(path.lambdas) == 100
    for k in (0, 10, 30, 60, 99):
        error = slow_kkt_error(x, time, event, path.coefficients[k], path.lambdas[k], alpha)
        assert error < 1e-5
        assert error == pytest.approx(path.kkt_error[k], abs=1e-9)


def test_the_path_starts_at_zero_just_where_the_first_feature_enters() -> None:
    x, time, event = wide(100, 50)
    problem = PenalisedCox(x, time, event)
    top = problem.largest_lambda
    path = problem.path(np.array([top * 1.0001, top * 0.999]))
    assert (path.coefficients[0] == 0).all()
    assert (path.coefficients[1] != 0).sum() == 1


def test_a_solution_does_not_depend_on_the_way_there() -> None:
    x, time, event = wide(150, 300)
    problem = PenalisedCox(x, time, event)
    goal = problem.largest_lambda * 0.1
    slowly = problem.path(np.geomspace(problem.largest_lambda, goal, 60)).coefficients[-1]
    at_once = problem.path(np.array([goal])).coefficients[-1]
    np.testing.assert_allclose(at_once, slowly, atol=1e-6)


def test_scale_and_shift_of_features_do_not_matter() -> None:
    x, time, event = wide(100, 40)
    scale = np.geomspace(1e-4, 1e6, 40)
    plain = PenalisedCox(x, time, event)
    moved = PenalisedCox(x * scale + 3 * scale, time, event)
    lambdas = np.geomspace(plain.largest_lambda, plain.largest_lambda / 50, 20)
    np.testing.assert_allclose(moved.path(lambdas).coefficients * scale, plain.path(lambdas).coefficients, atol=1e-6)


def test_a_nearly_unpenalised_model_is_the_cox_model_with_breslows_ties() -> None:
    x, time, event = wide(200, 6)
    time = np.argsort(np.argsort(time + np.random.default_rng(0).random(200))) + 1.0  # no ties
    from SurvivalNomogramLib.estimation.partial_likelihood import maximise

    problem = PenalisedCox(x, time, event)
    path = problem.path(problem.largest_lambda * np.geomspace(1, 1e-9, 30))
    np.testing.assert_allclose(path.coefficients[-1], maximise(x, time, event).coefficients, rtol=1e-6)


def test_doubled_constant_and_opposite_features_are_survived() -> None:
    x, time, event = wide(80, 30)
    doubled = np.hstack([x, x, -x[:, :5], np.full((80, 2), 3.0)])
    problem = PenalisedCox(doubled, time, event)
    lambdas = np.geomspace(problem.largest_lambda, problem.largest_lambda / 100, 40)
    path = problem.path(lambdas)
    alone = PenalisedCox(x, time, event).path(lambdas)
    joined = path.coefficients[:, :30] + path.coefficients[:, 30:60]
    joined[:, :5] -= path.coefficients[:, 60:65]
    np.testing.assert_allclose(joined, alone.coefficients, atol=1e-6)
    assert (path.coefficients[:, 65:] == 0).all()
    assert path.kkt_error.max() < 1e-5


def test_more_features_than_patients_near_saturation_settle() -> None:
    x, time, event = wide(40, 400)
    problem = PenalisedCox(x, time, event)
    path = problem.path(problem.largest_lambda * np.geomspace(1, 1e-4, 100), stops_early=True)
    assert path.kkt_error.max() < 1e-5
    assert path.deviance_ratio[-1] > 0.9


def test_features_that_rank_the_events_perfectly_end_the_path_or_are_told_of() -> None:
    x, _, event = wide(60, 6)
    problem = PenalisedCox(x, np.exp(-x[:, 0]), event)
    lambdas = problem.largest_lambda * np.geomspace(1, 1e-4, 60)
    path = problem.path(lambdas, stops_early=True)
    assert 5 < len(path.lambdas) < 60
    assert path.kkt_error.max() < 1e-5
    with pytest.raises(ModelError, match="rank the events perfectly"):
        problem.path(lambdas)


def test_planted_features_are_chosen_and_the_seed_fixes_the_folds() -> None:
    table = table_of(*wide(200, 100))
    first, again = (fit_lasso_cox(table, settings=LassoCoxSettings(folds=5, seed=3)) for _ in range(2))
    assert {f"f{k}" for k in range(4)} <= set(first.coefficients_at("min"))
    assert first.coefficients_at("min") == again.coefficients_at("min")
    assert first.lambda_at("1se") >= first.lambda_at("min")
    assert len(first.coefficients_at("1se")) <= len(first.coefficients_at("min"))


def test_noise_alone_chooses_nothing_at_one_standard_error() -> None:
    rng = np.random.default_rng(5)
    table = table_of(rng.normal(size=(120, 200)), rng.exponential(size=120) + 0.1, rng.integers(0, 2, 120))
    assert fit_lasso_cox(table, settings=LassoCoxSettings(folds=5)).coefficients_at("1se") == {}


def test_folds_share_the_events_evenly() -> None:
    table = table_of(*wide(103, 20))
    fit = fit_lasso_cox(table)
    assert fit.validation is not None
    events = np.bincount(fit.validation.fold_of, table.event)[1:]
    sizes = np.bincount(fit.validation.fold_of)[1:]
    assert np.ptp(events) <= 1
    assert np.ptp(sizes) <= 1


def test_only_training_patients_are_seen() -> None:
    x, time, event = wide(120, 20)
    frame = pd.DataFrame(x, columns=[f"f{k}" for k in range(20)]).assign(t=time, e=event)
    frame["part"] = ["train"] * 80 + ["test"] * 40
    split = fit_lasso_cox(read_survival_table(frame, time="t", event="e", split="part"))
    alone = fit_lasso_cox(read_survival_table(frame.head(80).drop(columns="part"), time="t", event="e"))
    np.testing.assert_array_equal(split.path.coefficients, alone.path.coefficients)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"alpha": 0.0}, "alpha must lie above 0"),
        ({"folds": 2}, "folds must be at least 3, not 2"),
        ({"lambda_count": 1}, "lambda_count must be at least 2"),
        ({"smallest_ratio": 1.5}, "smallest_ratio must lie between 0 and 1"),
        ({"lambdas": (0.1, 0.2)}, "lambdas must fall"),
        ({"lambdas": ()}, "lambdas must be positive"),
    ],
)
def test_settings_out_of_range_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        LassoCoxSettings(**changes)


def test_folds_that_do_not_fit_are_refused() -> None:
    table = table_of(*wide(60, 10))
    with pytest.raises(InputError, match=r"fold_of has shape \(3,\), but there are 60"):
        fit_lasso_cox(table, fold_of=np.array([1, 2, 3]))
    with pytest.raises(InputError, match="number at least 3 folds from 1 without gaps"):
        fit_lasso_cox(table, fold_of=np.arange(60) % 3)
    with pytest.raises(InputError, match="at least one covariate"):
        fit_lasso_cox(table, [])
    with pytest.raises(InputError, match='choose "min" or "1se"'):
        fit_lasso_cox(table).lambda_at("best")
    few = table.rows(np.concatenate((np.flatnonzero(table.event)[:5], np.flatnonzero(table.event == 0))))
    with pytest.raises(ModelError, match="5 events cannot fill 10 folds"):
        fit_lasso_cox(few)


def test_a_fit_can_be_cancelled_between_folds() -> None:
    def stop(fraction: float, message: str) -> None:
        if "fold 2" in message:
            raise Cancelled

    with pytest.raises(Cancelled):
        fit_lasso_cox(table_of(*wide(60, 10)), progress=stop)


def test_both_figures_are_drawn() -> None:
    fit = fit_lasso_cox(table_of(*wide(80, 15)))
    for figure in (plot_path(fit), plot_validation(fit)):
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg")
        assert b"lambda" in buffer.getvalue()


def test_the_names_of_the_path_stand_below_the_curves_and_cover_none() -> None:
    figure = plot_path(fit_lasso_cox(table_of(*wide(80, 15))))
    figure.savefig(io.BytesIO(), format="png")  # arranges the parts
    legend, axes = figure.legends[0].get_window_extent(), figure.axes[0].get_window_extent()
    assert legend.y1 < axes.y0
    assert legend.x0 >= 0 and legend.x1 <= figure.bbox.x1


def test_copies_of_a_patient_stay_in_one_fold_and_distinct_patients_are_dealt_as_ever() -> None:
    x, time, event = wide(80, 6)
    table = table_of(x, time, event)
    rows = np.random.default_rng(1).integers(0, 80, 80)
    settings = LassoCoxSettings(folds=5)
    folds = fit_lasso_cox(table.rows(rows), settings=settings).validation.fold_of
    assert all(len(set(folds[rows == row])) == 1 for row in set(rows))
    assert set(folds) == {1, 2, 3, 4, 5}
    # Without copies each fold holds a fifth of the patients and of the events.
    once = fit_lasso_cox(table, settings=settings).validation.fold_of
    assert np.ptp(np.bincount(once)[1:]) <= 1
    assert np.ptp(np.bincount(once, event)[1:]) <= 1
