"""The bootstrap: same result for any number of processes, true optimism, honest about failures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import Cancelled, InputError, ModelError
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.tables.survival_table import read_survival_table
from SurvivalNomogramLib.validation.bootstrap import (
    BootstrapSettings,
    CoxRefit,
    bootstrap_interval,
    cross_partitions,
    optimism,
    optimism_corrected_c,
)
from SurvivalNomogramLib.validation.concordance import harrell_c


@pytest.fixture(scope="module")
def patients():
    data = data_of("gbsg2")[:500]
    names = ["horTh", "age", "tsize", "tgrade", "pnodes", "progrec"]
    x = pd.get_dummies(data[names], drop_first=True).to_numpy(float)
    return data, x, data["time"].to_numpy(float), data["event"].to_numpy()


def mean_of(rows, prediction):
    return prediction.mean()


def test_the_fast_refit_equals_the_cox_model(patients):
    data, x, time, event = patients
    table = read_survival_table(
        data, time="time", event="event", covariates=["horTh", "age", "tsize", "tgrade", "pnodes", "progrec"]
    )
    model = fit_cox(table)
    everyone = np.arange(len(x))
    np.testing.assert_allclose(
        CoxRefit(x, time, event, (500.0, 1500.0))(everyone), model.survival_at(table.frame, [500, 1500]), atol=1e-9
    )
    own = CoxRefit(x, time, event)(everyone)
    np.testing.assert_allclose(own - own.mean(), model.linear_predictor(table.frame), atol=1e-8)


@pytest.mark.slow
def test_the_corrected_c_agrees_with_rms_within_monte_carlo_error(r_values, patients):
    _, x, time, event = patients
    own = optimism_corrected_c(time, event, CoxRefit(x, time, event), BootstrapSettings(1000, 3, 2))
    case = r_values["validate"]
    assert own.apparent == pytest.approx(case["c"], abs=1e-4)  # cph stops its iterations at 1e-4
    # One resample's optimism has a spread of about 0.02.
    assert own.optimism == pytest.approx(case["optimism"], abs=3 * 0.02 * np.sqrt(2 / 1000))


def test_the_result_depends_on_the_seed_and_not_on_the_number_of_processes(patients):
    _, x, time, event = patients
    refit = CoxRefit(x, time, event)
    alone = optimism_corrected_c(time, event, refit, BootstrapSettings(12, 5, 1))
    together = optimism_corrected_c(time, event, refit, BootstrapSettings(12, 5, 2))
    other = optimism_corrected_c(time, event, refit, BootstrapSettings(12, 6, 1))
    assert alone.corrected == together.corrected != other.corrected


def test_noise_that_looks_predictive_is_found_out():
    rng = np.random.default_rng(0)
    n = 100
    x, time, event = rng.normal(size=(n, 10)), rng.exponential(1, n), np.ones(n, int)
    own = optimism_corrected_c(time, event, CoxRefit(x, time, event), BootstrapSettings(100, 1))
    assert own.apparent > 0.57
    assert own.optimism > 0.03
    assert own.corrected == pytest.approx(0.5, abs=0.06)


def test_selection_inside_the_resample_is_more_optimistic_than_a_refit_of_what_was_selected():
    rng = np.random.default_rng(4)
    n, p = 120, 60
    x, time, event = rng.normal(size=(n, p)), rng.exponential(1, n), np.ones(n, int)

    def best_five(rows):
        strength = np.abs(np.array([np.corrcoef(x[rows, k], np.log(time[rows]))[0, 1] for k in range(p)]))
        return np.argsort(-strength)[:5]

    def whole_step(rows):
        chosen = best_five(rows)
        return CoxRefit(x[:, chosen], time, event)(rows)

    settings = BootstrapSettings(60, 1)
    honest = optimism_corrected_c(time, event, whole_step, settings)
    chosen = best_five(np.arange(n))
    naive = optimism_corrected_c(time, event, CoxRefit(x[:, chosen], time, event), settings)
    assert honest.apparent == pytest.approx(float(naive.apparent), abs=1e-9)
    assert honest.optimism > naive.optimism + 0.03
    assert honest.corrected < 0.56


def test_with_folds_the_corrected_c_is_that_of_predictions_by_the_other_folds(patients):
    _, x, time, event = patients
    refit, settings = CoxRefit(x, time, event), BootstrapSettings(40, 3)
    partitions = cross_partitions(event, settings)
    assert len(partitions) == 1 and np.ptp(np.bincount(partitions[0], event)) <= 1
    risk = np.empty(len(time))
    for fold in range(10):
        mine = partitions[0] == fold
        risk[mine] = refit(np.flatnonzero(~mine))[mine]
    own = optimism_corrected_c(time, event, refit, settings, partitions=partitions)
    assert own.corrected == pytest.approx(harrell_c(time, event, risk).index, abs=1e-12)
    assert own.optimism == pytest.approx(float(own.apparent - own.corrected), abs=1e-12)


def test_a_fold_without_a_model_leaves_its_patients_out():
    partitions = (np.arange(20) % 2,)

    def first_fold_fails(rows):
        if len(rows) == 10 and rows[0] == 1:
            raise ModelError("a resample has no event")
        return np.arange(20.0)

    def mean_row(rows, prediction):
        return prediction.mean()

    own = optimism(first_fold_fails, mean_row, 20, BootstrapSettings(4), partitions=partitions)
    assert own.corrected == np.arange(1.0, 20, 2).mean()


def test_the_interval_of_a_c_is_wider_where_the_correction_moves_it_towards_one_half(patients):
    _, x, time, event = patients
    refit = CoxRefit(x[:60, 3:6], time[:60], event[:60])
    own = optimism_corrected_c(time[:60], event[:60], refit, BootstrapSettings(200, 1))
    apparent = harrell_c(time[:60], event[:60], refit(np.arange(60)))
    assert own.lower < own.corrected < own.upper
    assert own.upper - own.lower > np.ptp(apparent.interval())


def test_the_interval_covers_the_mean_in_95_of_100_samples():
    rng = np.random.default_rng(1)
    hits = 0
    for k in range(200):
        sample = rng.normal(size=60)
        own = bootstrap_interval(lambda rows, s=sample: s[rows].mean(), 60, BootstrapSettings(200, k))
        hits += own.lower <= 0 <= own.upper
    assert 0.91 <= hits / 200 <= 0.98


def test_resamples_without_a_model_are_counted_with_their_reason():
    calls = iter(range(100))

    def sometimes(rows):
        if next(calls) % 4 == 3:
            raise ModelError("a resample has no event")
        return np.ones(10)

    own = optimism(sometimes, mean_of, 10, BootstrapSettings(20))
    assert own.used == 15
    assert own.failures == {"a resample has no event": 5}


def test_a_model_that_can_hardly_ever_be_fitted_is_an_error_and_not_a_number():
    def first_only(rows):
        if len(np.unique(rows)) < 10:
            raise ModelError("the partial likelihood has no maximum in a resample")
        return np.ones(10)

    with pytest.raises(ModelError, match=r"fitted on 0 of 20 resamples only \(the partial likelihood"):
        optimism(first_only, mean_of, 10, BootstrapSettings(20))


def test_progress_can_stop_it(patients):
    _, x, time, event = patients

    def stop(fraction, message):
        raise Cancelled("enough")

    with pytest.raises(Cancelled):
        optimism_corrected_c(time, event, CoxRefit(x, time, event), BootstrapSettings(8), stop)


@pytest.mark.parametrize("name", ["repeats", "workers"])
def test_fewer_than_one_resample_or_process_is_refused(name):
    with pytest.raises(InputError, match=f"{name} is 0"):
        BootstrapSettings(**{name: 0})
