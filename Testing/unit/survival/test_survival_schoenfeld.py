"""Proportional hazards: planted drift is found. Numbers against R: test_survival_against_r."""

from __future__ import annotations

import io
import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from RadiomicsCoreLib.errors import InputError, ModelError
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.models.schoenfeld import TRANSFORMS, plot_schoenfeld, schoenfeld_test
from SurvivalNomogramLib.tables.survival_table import SurvivalTable, read_survival_table


@pytest.fixture
def table() -> SurvivalTable:
    """ "drift" acts before t = 1 alone, "steady" acts all the time."""
    rng = np.random.default_rng(2)
    n = 600
    frame = pd.DataFrame({"drift": rng.integers(0, 2, n), "steady": rng.normal(size=n)})
    common = np.exp(0.5 * frame.steady)
    early = rng.exponential(1 / (0.7 * common * np.exp(1.5 * frame.drift - 0.7)))
    frame["t"] = np.where(early < 1, early, 1 + rng.exponential(1 / common))
    frame["e"] = rng.random(n) < 0.8
    frame["grade"] = rng.choice(["I", "II", "III"], n)
    return read_survival_table(frame, time="t", event="e")


@pytest.mark.parametrize("transform", sorted(TRANSFORMS))
def test_a_planted_drift_is_found_and_a_steady_effect_is_not(table: SurvivalTable, transform: str) -> None:
    test = schoenfeld_test(fit_cox(table), table, transform)
    assert [line.term for line in test.lines[:-1] if line.p < 0.01] == ["drift"]
    assert test.lines[-1].term == "GLOBAL"
    assert test.lines[-1].degrees_of_freedom == 4


def test_the_residuals_average_to_the_coefficient(table: SurvivalTable) -> None:
    model = fit_cox(table)
    test = schoenfeld_test(model, table)
    np.testing.assert_allclose(test.residuals.mean(axis=0)[:2], model.coefficients[:2], atol=1e-8)
    assert test.residuals.mean(axis=0)[2] == pytest.approx(1.0, abs=1e-8)


def test_the_figure_has_a_panel_for_each_factor(table: SurvivalTable) -> None:
    test = schoenfeld_test(fit_cox(table), table)
    figure = plot_schoenfeld(test)
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_visible()]
    assert [title.split(":")[0] for title in titles] == ["drift", "steady", "grade"]
    assert {axes.get_xlabel() for axes in figure.axes if axes.get_visible()} == {f"Time ({table.time_unit})"}
    single = plot_schoenfeld(test, "drift")
    single.savefig(io.BytesIO(), format="svg")
    assert len(single.axes) == 1
    with pytest.raises(InputError, match="'age' is not a factor of the test"):
        plot_schoenfeld(test, "age")


def test_panels_of_features_with_long_names_do_not_reach_into_each_other(table: SurvivalTable) -> None:
    feature = "ct.ring_0_3mm.log-sigma-3-mm-3D_gldm_SmallDependence"
    names = {"drift": "ct.ring_0_3mm.wavelet-LLH_glcm_Idm", "steady": feature}
    renamed = pd.concat(
        [table.frame.rename(columns=names), table.frame[[]].assign(t=table.time, e=table.event)], axis=1
    )
    long = read_survival_table(renamed, time="t", event="e")
    figure = plot_schoenfeld(schoenfeld_test(fit_cox(long), long))
    figure.savefig(io.BytesIO(), format="png")  # arranges the panels
    panels = [axes for axes in figure.axes if axes.get_visible()]
    for left, right in itertools.pairwise(panels):
        title = next(text for text in left.findobj(Text) if text.get_text() == left.get_title(loc="left"))
        assert title.get_window_extent().x1 < right.get_tightbbox().x0


def test_the_smooth_curve_is_the_natural_spline_fit(table: SurvivalTable) -> None:
    """Natural: linear beyond the knots, so a straight line is met exactly."""
    from SurvivalNomogramLib.models.schoenfeld import _smooth

    x = np.linspace(0, 1, 50)
    curve, error = _smooth(x, 3 - 2 * x, np.array([0.1, 0.5, 0.9]))
    np.testing.assert_allclose(curve, [2.8, 2.0, 1.2], atol=1e-10)
    assert (error > 0).all()


def test_unusable_requests_are_refused(table: SurvivalTable) -> None:
    model = fit_cox(table)
    with pytest.raises(InputError, match="transform 'sqrt' is unknown"):
        schoenfeld_test(model, table, "sqrt")
    with pytest.raises(InputError, match="the model was fitted on 600 patients"):
        schoenfeld_test(model, table.rows(np.arange(300)))
    with pytest.raises(ModelError, match="without covariates"):
        schoenfeld_test(fit_cox(table, []), table)
