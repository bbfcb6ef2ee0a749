"""Pictures of contributions show the numbers that they are made of, with nothing cut off."""

from __future__ import annotations

import numpy as np
import pytest

from DeepRadiomicsFusionLib.explanation.shapley import shapley_values
from DeepRadiomicsFusionLib.explanation.shapley_figures import overall_figure, patient_figure
from RadiomicsCoreLib.errors import InputError

NAMES = ("ct.intratumour.signature", "ct.ring_0_3mm.wavelet-LLH_glcm_Idm_of_a_very_long_name_indeed", "cost$1$", "age")


@pytest.fixture(scope="module")
def contributions():
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(25, 4))
    weights = np.array([1.2, -0.8, 0.1, 0.4])
    ids = [f"STS_{n:03d}" for n in range(25)]
    return shapley_values(lambda x: 1 / (1 + np.exp(-x @ weights)), rows, rows, names=NAMES, case_ids=ids)


def test_overall_bars_are_the_mean_absolute_contributions_in_falling_order(contributions):
    bars = [bar.get_width() for bar in overall_figure(contributions).axes[0].patches]
    np.testing.assert_allclose(bars, np.sort(contributions.overall)[::-1])


def test_a_patients_bars_lead_from_the_base_to_the_prediction(contributions):
    axes = patient_figure(contributions, "STS_003").axes[0]
    ends = [bar.get_x() + bar.get_width() for bar in axes.patches]
    assert axes.patches[0].get_x() == pytest.approx(contributions.base)
    assert ends[-1] == pytest.approx(contributions.predictions[3])


def test_what_is_not_drawn_is_summed_up_in_one_bar(contributions):
    axes = patient_figure(contributions, "STS_003", most=2).axes[0]
    assert len(axes.patches) == 3
    assert axes.patches[-1].get_x() + axes.patches[-1].get_width() == pytest.approx(contributions.predictions[3])
    assert axes.get_yticklabels()[-1].get_text() == "2 others together"
    assert overall_figure(contributions, most=3).axes[0].get_yticklabels()[-1].get_text() == "1 others together"


def test_no_text_is_cut_off(contributions):
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    for figure in (overall_figure(contributions), patient_figure(contributions, "STS_000")):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        width, height = canvas.get_width_height()
        axes = figure.axes[0]
        for text in (*axes.get_yticklabels(), *axes.texts, axes.title, axes.xaxis.label):
            box = text.get_window_extent(canvas.get_renderer())
            assert box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height, text.get_text()


def test_an_unknown_patient_is_said(contributions):
    with pytest.raises(InputError, match="no contributions of case 'nobody'"):
        patient_figure(contributions, "nobody")
    with pytest.raises(InputError, match="most is 0"):
        overall_figure(contributions, most=0)
