"""Stepwise selection: what it keeps, what it tells, what it refuses. Paths against R: test_survival_against_r."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import Cancelled, InputError, ModelError
from SurvivalNomogramLib.models.stepwise import stepwise_cox
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table


@pytest.fixture
def table() -> SurvivalTable:
    rng = np.random.default_rng(8)
    n = 150
    frame = pd.DataFrame(rng.normal(size=(n, 4)), columns=list("abcd"))
    frame["grade"] = rng.choice(["I", "II", "III"], n)
    hazard = np.exp(1.2 * frame.a + 0.9 * (frame.grade == "III"))
    frame["t"], frame["e"] = rng.exponential(1 / hazard) + 0.01, rng.integers(0, 4, n) > 0
    return read_survival_table(frame, time="t", event="e")


def test_planted_covariates_stay_and_a_category_moves_as_a_whole(table: SurvivalTable) -> None:
    result = stepwise_cox(table)
    chosen = {term.name for term in result.model.terms}
    assert {"a", "grade"} <= chosen
    assert all(change.split()[1] in {"a", "b", "c", "d", "grade"} for change in result.path)


def test_the_criterion_is_the_aic_of_the_model_and_falls(table: SurvivalTable) -> None:
    result = stepwise_cox(table, direction="both")
    criteria = [step.criterion for step in result.steps]
    assert criteria == sorted(criteria, reverse=True)
    assert criteria[-1] == pytest.approx(result.model.aic, rel=1e-12)
    assert result.steps[-1].candidates[0].change == ""


def test_kept_covariates_never_leave(table: SurvivalTable) -> None:
    without = {term.name for term in stepwise_cox(table, penalty=50).model.terms}
    assert "d" not in without
    kept = stepwise_cox(table, penalty=50, keep=["d"])
    assert "d" in {term.name for term in kept.model.terms}
    assert "d" in kept.steps[0].terms


def test_a_high_price_leaves_the_null_model(table: SurvivalTable) -> None:
    result = stepwise_cox(table, direction="backward", penalty=1e4)
    assert result.model.terms == ()


def test_a_category_without_events_is_told_of(table: SurvivalTable) -> None:
    frame = table.frame.assign(t=table.time, e=table.event)
    frame["site"] = np.where((table.event == 0) & (np.arange(len(frame)) % 2 == 0), "other", "common")
    result = stepwise_cox(read_survival_table(frame, time="t", event="e"), ["a", "b", "site"], "backward", penalty=1e3)
    assert any("site" in line and "no maximum" in line for line in result.warnings)


def test_unusable_requests_are_refused(table: SurvivalTable) -> None:
    with pytest.raises(InputError, match="direction 'up' is unknown; choose one of backward, forward, both"):
        stepwise_cox(table, direction="up")
    with pytest.raises(InputError, match="keep names 'z'"):
        stepwise_cox(table, keep=["z"])
    with pytest.raises(InputError, match="penalty must be above zero"):
        stepwise_cox(table, penalty=0)
    twin = read_survival_table(
        table.frame.assign(twin=table.frame.a * 2, t=table.time, e=table.event), time="t", event="e"
    )
    with pytest.raises(ModelError, match="'twin' is collinear with 'a'"):
        stepwise_cox(twin)
    forward = stepwise_cox(twin, direction="forward").model.terms
    assert len({"a", "twin"} & {term.name for term in forward}) == 1


def test_a_selection_can_be_cancelled(table: SurvivalTable) -> None:
    def stop(fraction: float, message: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        stepwise_cox(table, progress=stop)
