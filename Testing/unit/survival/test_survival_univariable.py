"""Univariable Cox: the bulk fit equals single fits, and separating columns carry their reason."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import ModelError
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.models.univariable import significant, univariable_cox, univariable_frame
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table


@pytest.fixture
def table() -> SurvivalTable:
    rng = np.random.default_rng(4)
    n = 80
    frame = pd.DataFrame(rng.normal(size=(n, 6)), columns=[f"x{k}" for k in range(6)])
    frame["x1"] = 1000 + 1e-3 * frame["x1"]
    frame["grade"] = rng.choice(["I", "II", "III"], n)
    frame["t"] = np.ceil(rng.exponential(30 * np.exp(-frame.x0)))
    frame["e"] = rng.integers(0, 2, n)
    frame["marker"] = np.where(frame.e == 1, 1.0, 0.0)
    names = [name for name in frame.columns if name not in ("t", "e")]
    return read_survival_table(frame, time="t", event="e", covariates=names)


def test_bulk_fits_equal_single_models(table: SurvivalTable) -> None:
    lines = univariable_cox(table, ["x0", "x1", "x5", "grade"])
    for line in lines:
        model = fit_cox(table, [line.term])
        for ours, single in zip(line.coefficients, model.summary(), strict=True):
            assert ours.column == single.column
            assert ours.coefficient == pytest.approx(single.coefficient, rel=1e-8)
            assert ours.standard_error == pytest.approx(single.standard_error, rel=1e-8)
        gained = 2 * (model.log_likelihood - model.null_log_likelihood)
        assert line.chi_square == pytest.approx(gained, rel=1e-8, abs=1e-9)


def test_a_separating_covariate_has_a_reason_instead_of_a_coefficient(table: SurvivalTable) -> None:
    (line,) = univariable_cox(table, ["marker"])
    assert line.coefficients == ()
    assert line.reason.startswith("'marker' separates the events")
    assert line.p < 1e-6
    frame = univariable_frame([line])
    assert frame.loc[0, "reason"] == line.reason
    assert np.isnan(frame.loc[0, "coefficient"])


def test_the_table_has_a_row_for_each_level_and_the_test_of_the_whole(table: SurvivalTable) -> None:
    frame = univariable_frame(univariable_cox(table, ["x0", "grade"]))
    assert frame.column.tolist() == ["x0", "grade=II", "grade=III"]
    assert frame.lr_p[1] == frame.lr_p[2]


def test_the_planted_covariate_is_found(table: SurvivalTable) -> None:
    found = significant(univariable_cox(table, [f"x{k}" for k in range(6)]), 0.001)
    assert found == ["x0"]


def test_progress_reaches_the_end(table: SurvivalTable) -> None:
    seen: list[float] = []
    univariable_cox(table, progress=lambda fraction, message: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_a_cohort_without_events_is_refused(table: SurvivalTable) -> None:
    with pytest.raises(ModelError, match="no training patient has the event"):
        univariable_cox(table.rows(table.event == 0))
