"""A plan of selection steps comes to named features, shifted and scaled."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.models.selection_plan import SelectionPlan, SelectionSettings
from DeepRadiomicsFusionLib.tables.samples import make_samples
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.selection.readings import Readings
from RadiomicsCoreLib.selection.z_score import ZScore


@pytest.fixture
def samples():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((50, 20)) * 10.0 ** rng.integers(-3, 4, 20) + 5
    table = pd.DataFrame(values, index=[f"c{k}" for k in range(50)], columns=[f"ct.r.f{k}" for k in range(20)])
    score = (values[:, 0] - values[:, 0].mean()) / values[:, 0].std()
    return make_samples(table, (score + rng.standard_normal(50) > 0).astype(int))


def test_a_fitted_plan_says_the_same_as_its_steps_in_turn(samples):
    plan = SelectionSettings(difference_p_below=0.5, largest=4).plan()
    selected = plan.fit(samples)
    table = samples.table
    for step in plan.steps:
        table = step.unfitted().fit_transform(table, samples.outcome)
    scaled = (samples.table[list(selected.features)] - selected.centre) / selected.scale
    assert list(table.columns) == list(selected.features)
    assert scaled.to_numpy() == pytest.approx(table.to_numpy(), abs=1e-9)
    assert [name for name, _ in selected.left] == [type(step).__name__ for step in plan.steps]


def test_scaling_twice_is_put_together(samples):
    selected = SelectionPlan((ZScore(), ZScore())).fit(samples)
    once = SelectionPlan((ZScore(),)).fit(samples)
    assert selected.scale == pytest.approx(once.scale)
    assert selected.centre == pytest.approx(once.centre)


def test_fitting_leaves_the_plan_as_it_was(samples):
    plan = SelectionSettings().plan()
    plan.fit(samples)
    assert not any(hasattr(step, "kept_") for step in plan.steps)


def test_every_filter_asked_for_stands_in_the_plan(samples):
    readings = Readings([samples.table, samples.table])
    settings = SelectionSettings(
        volume_correlation_below=0.9, difference_p_below=0.05, correlation_below=0.8, selector="mrmr", largest=7
    )
    steps = settings.plan(readings).steps
    assert [type(step).__name__ for step in steps] == [
        "IccFilter",
        "VolumeCorrelationFilter",
        "ZScore",
        "ClassDifferenceFilter",
        "CorrelationFilter",
        "MrmrSelector",
    ]
    assert steps[-1].get_params()["count"] == 7


@pytest.mark.parametrize(
    "wrong",
    [{"selector": "boruta"}, {"correlation_below": 0}, {"icc_above": 1}, {"largest": 0}, {"difference_test": "anova"}],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        SelectionSettings(**wrong)
