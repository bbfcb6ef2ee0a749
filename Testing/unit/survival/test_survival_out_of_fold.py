"""Groups of training patients by models that have not seen them: true where the signal is, nothing in noise."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import ModelError
from SurvivalNomogramLib.estimation.kaplan_meier import log_rank
from SurvivalNomogramLib.groups.out_of_fold import out_of_fold
from SurvivalNomogramLib.groups.risk_groups import RiskCutoff, median_cutoff
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table
from SurvivalNomogramLib.validation.cox_modelling import CoxModelling


def patients(strength: float, n: int = 120, covariates: int = 15) -> SurvivalTable:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.normal(size=(n, covariates)), columns=[f"x{k}" for k in range(covariates)])
    frame["days"] = rng.exponential(300 / np.exp(strength * frame["x0"])) + 1
    frame["dead"] = rng.integers(0, 3, n) > 0
    return read_survival_table(frame, time="days", event="dead")


def test_noise_makes_groups_that_differ_on_the_fitted_patients_and_not_out_of_fold():
    table = patients(0.0)
    risk = fit_cox(table).linear_predictor(table.frame)
    cutoff = median_cutoff(risk)
    own = out_of_fold(table, CoxModelling(), cutoff)
    assert log_rank(table.time, table.event, cutoff.is_high(risk).astype(int))[1] < 0.05
    assert log_rank(table.time, table.event, own.is_high.astype(int))[1] > 0.05
    assert own.known.all() and not own.reasons


def test_each_patient_is_predicted_by_a_model_of_the_others_with_their_cut_off():
    table = patients(1.0, n=20, covariates=1)
    cutoff = median_cutoff(fit_cox(table).linear_predictor(table.frame))
    own = out_of_fold(table, CoxModelling(), cutoff, folds=100)
    assert own.folds == table.events  # as many folds as events: each holds one of them
    for row in np.flatnonzero(table.event):
        others = [fold for fold in range(20) if np.isclose(own.risk[row], _risk_without(table, row, fold))]
        assert others, row
    given = RiskCutoff(0.25)
    again = out_of_fold(table, CoxModelling(), given)
    np.testing.assert_array_equal(again.is_high, again.risk >= 0.25)


def _risk_without(table: SurvivalTable, row: int, other: int) -> float:
    """Linear predictor of a patient by a model without that patient and at most one other."""
    kept = ~np.isin(np.arange(len(table)), [row, other])
    return float(fit_cox(table.rows(kept)).linear_predictor(table.rows(np.array([row])).frame)[0])


def test_folds_without_a_model_are_told_and_their_patients_left_out():
    table = patients(0.0, n=60, covariates=2)
    modelling = CoxModelling(univariable_p=0.25)
    own = out_of_fold(table, modelling, RiskCutoff(0.0))
    if own.reasons:
        assert f"{len(own.reasons)} folds gave no model" in own.note()
    assert (~own.known).sum() == np.isnan(own.risk).sum()
    with pytest.raises(ModelError, match="no fold has a model: no covariate has a univariable p below 1e-09"):
        out_of_fold(table, CoxModelling(univariable_p=1e-9), RiskCutoff(0.0))
