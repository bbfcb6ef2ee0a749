"""Figures of classification: what stands in them."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.evaluation.calibration import calibration
from DeepRadiomicsFusionLib.evaluation.figures import (
    classifier_calibration_figure,
    classifier_roc_figure,
    p_value_figure,
    sweep_figure,
)
from DeepRadiomicsFusionLib.evaluation.metrics import delong_table
from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings
from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner
from DeepRadiomicsFusionLib.models.ring_sweep import ring_sweep, sweep_sources
from DeepRadiomicsFusionLib.tables.samples import make_samples
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import p_text, save_figure
from RadiomicsCoreLib.statistics.lasso_logistic import LassoSettings
from RadiomicsCoreLib.statistics.roc import auc


@pytest.fixture(scope="module")
def predicted():
    rng = np.random.default_rng(0)
    outcome = np.arange(80) % 2
    good = 1 / (1 + np.exp(-(2.0 * outcome - 1 + rng.standard_normal(80))))
    return outcome, {"good": good, "a $price$ model": rng.random(80)}


@pytest.fixture(scope="module")
def sweep():
    rng = np.random.default_rng(1)
    regions = ["intratumour", "ring_0_3mm", "ring_0_6mm", "ring_r1", "ring_r2"]
    columns = [f"ct.{region}.original_glcm_F{k}" for region in regions for k in range(2)]
    table = pd.DataFrame(rng.standard_normal((40, 10)), columns=columns)
    samples = make_samples(table, (table.iloc[:, 2] + rng.standard_normal(40) > 0).astype(int))
    learner = RadScoreLearner(lasso=LassoSettings(folds=3, lambda_count=5, smallest_ratio=0.2))
    return ring_sweep(samples, sweep_sources(columns), learner, CrossValidationSettings(3, 1), inner_folds=2)


def test_the_roc_legend_has_each_auc_with_its_interval_best_first(predicted):
    outcome, chances = predicted
    figure = classifier_roc_figure(outcome, chances, "train")
    texts = [text.get_text() for text in figure.legends[0].get_texts()]
    found = auc(outcome, chances["good"])
    assert texts[0] == f"good: {found.value:.3f} ({found.lower:.3f}-{found.upper:.3f})"
    assert r"a \$price\$ model" in texts[1]


def test_the_calibration_curve_shows_the_groups_and_the_slope(predicted):
    outcome, chances = predicted
    found = calibration(outcome, chances["good"])
    axes = classifier_calibration_figure(found).axes[0]
    line = next(line for line in axes.lines if len(line.get_xdata()) == 5)
    assert line.get_xdata() == pytest.approx([group.predicted for group in found.curve])
    assert f"slope {found.slope.value:.2f}" in axes.get_title(loc="left")


def test_the_sweep_has_three_panels_for_each_unit_with_bands_and_the_tumours_level(sweep):
    figure = sweep_figure(sweep)
    panels = figure.axes
    assert [panel.get_ylabel() for panel in panels] == ["AUC", "Sensitivity", "Specificity"] * 2
    assert panels[0].get_xlabel() == "Ring size (mm)"
    assert "mean tumour radius" in panels[3].get_xlabel()
    assert [round(tick, 3) for tick in panels[3].get_xticks()] == [0.167, 0.333]
    lines = {line.get_label(): line for line in panels[0].lines}
    by_name = {row.source.region.name: row for row in sweep.rows}
    expected = [by_name[name].auc.value for name in ("ring_0_3mm", "ring_0_6mm")]
    assert list(lines["peritumour"].get_ydata()) == expected
    assert lines["intratumour"].get_ydata()[0] == by_name["intratumour"].auc.value
    assert lines["size chosen inside"].get_ydata()[0] == sweep.honest[0].auc.value
    assert len(panels[0].collections) == 2  # the bands of ring and union


def test_the_comparison_shows_each_pair_once(predicted):
    table = delong_table(*predicted)
    axes = p_value_figure(table).axes[0]
    assert [text.get_text() for text in axes.texts] == [p_text(table.iloc[1, 0]).removeprefix("p ").removeprefix("= ")]


def test_figures_are_saved_in_every_format_and_are_the_same_each_time(predicted, tmp_path):
    first, again = (
        [path.read_bytes() for path in save_figure(classifier_roc_figure(*predicted), tmp_path / name)]
        for name in ("a", "b")
    )
    assert first == again
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".pdf", ".pdf", ".png", ".png", ".svg", ".svg"]
    with pytest.raises(InputError, match="figure format 'bmp' is unknown"):
        save_figure(classifier_roc_figure(*predicted), tmp_path / "c", ["bmp"])
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(classifier_roc_figure(*predicted), tmp_path / "none" / "c", ["png"])
