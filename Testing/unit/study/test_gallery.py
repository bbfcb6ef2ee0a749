"""Every kind of figure with crowded input: nothing is cut off, no text covers another or lies on the data."""

from __future__ import annotations

import numpy as np
import pytest
from gallery import GALLERY, LONG_NAMES, lasso, patients, scan
from readable import assert_data_are_free, assert_no_text_covers_another, assert_nothing_cut, common, drawn

from RadiomicsCoreLib.figures.ring_palette import TUMOUR_COLOUR, region_palette, ring_palette

WRITES_INSIDE = {
    "overlay",  # the scale bar
    "overlay_of_one_phase",
    "grad_cam",
    "nomogram",
    "forest",
    "delong",
    "correlation_of_few",  # the numbers of the strongest pairs
    "correlation_of_many",
    "contributions_of_a_patient",
}
MAY_TOUCH = {"nomogram"}  # a patient's points beside the mark, on a white ground


@pytest.fixture(scope="module")
def figures():
    return {draw.__name__: draw for draw in GALLERY}


@pytest.mark.slow
@pytest.mark.parametrize("draw", GALLERY, ids=lambda draw: draw.__name__)
def test_a_crowded_figure_is_readable(draw):
    name = draw.__name__
    figure = draw()
    assert_nothing_cut(figure)
    if name not in MAY_TOUCH:
        assert_no_text_covers_another(figure)
    if name not in WRITES_INSIDE:
        assert_data_are_free(figure)
    width, height = figure.get_size_inches()
    assert max(width, height) < 20


def colour_of(figure, name):
    from matplotlib.colors import to_rgb

    legend = figure.legends[0]
    return {
        text.get_text(): to_rgb(line.get_color())
        for text, line in zip(legend.get_texts(), legend.get_lines(), strict=True)
    }.get(name)


def test_a_ring_has_one_colour_in_every_picture_and_the_farther_out_the_bluer(figures):
    whole, one, cam = (figures[name]() for name in ("overlay", "overlay_of_one_phase", "grad_cam"))
    palette = region_palette(list(scan()[1]))
    for name in ("intratumour", "ring_4_6mm"):
        assert colour_of(whole, name) == colour_of(one, name) == colour_of(cam, name) == pytest.approx(palette[name])
    assert palette["intratumour"] == TUMOUR_COLOUR
    shuffled = ["ring_10_12mm", "ring_2_4mm", "ring_0_2mm", "ring_r3", "ring_1p5_2mm", "ring_f0p25", "ring_r1_r2"]
    graded = ring_palette(shuffled)
    by_distance = ["ring_0_2mm", "ring_1p5_2mm", "ring_2_4mm", "ring_10_12mm", "ring_f0p25", "ring_r1_r2", "ring_r3"]
    assert list(graded) == by_distance
    blue = [graded[name][2] for name in by_distance]
    assert (np.diff(blue) > 0).all()


def test_a_map_of_a_network_outlines_what_it_was_trained_on_and_nothing_else(figures):
    figure = figures["grad_cam"]()
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["intratumour", "ring_4_6mm"]
    assert [len(axes.collections) for axes in figure.axes[:2]] == [2, 2]


def test_the_path_is_drawn_per_standard_deviation():
    from SurvivalNomogramLib.models.lasso_cox import plot_path

    fit = lasso()
    figure = plot_path(fit, labelled=4)
    last = {line.get_label(): line.get_ydata()[-1] for line in figure.axes[0].lines if line.get_label() in LONG_NAMES}
    assert len(last) == 4
    for name, drawn_last in last.items():
        column = fit.columns.index(name)
        spread = np.std(patients()[name].to_numpy())
        assert drawn_last == pytest.approx(fit.path.coefficients[-1, column] * spread)
    everyone = np.abs(fit.path.coefficients[-1]) * patients()[list(fit.columns)].to_numpy().std(axis=0)
    assert set(last) == {fit.columns[k] for k in np.argsort(-everyone)[:4]}


def test_a_patients_values_stand_beside_the_bars(figures):
    figure = figures["contributions_of_a_patient"]()
    renderer = drawn(figure)
    axes = figure.axes[0]
    for text in axes.texts:
        for bar in axes.patches:
            wide, tall = common(text.get_window_extent(renderer), bar.get_window_extent(renderer))
            assert wide <= 1 or tall <= 1, text.get_text()


def test_a_legend_has_room_for_forty_entries_and_for_long_ones():
    from RadiomicsCoreLib.figures.legends import legend_below
    from RadiomicsCoreLib.figures.style import new_figure, plain_axes

    for names in ([f"m{k}" for k in range(40)], [f"{name} {name}" for name in LONG_NAMES[:9]]):
        figure = new_figure(4.4, 4.4)
        axes = plain_axes(figure, x_label="x", y_label="y", title="Title")
        for k, name in enumerate(names):
            axes.plot([0, 1], [0, k], label=name)
        axes.set_aspect("equal", adjustable="datalim")
        legend_below(figure, axes, title="models")
        assert_nothing_cut(figure)
        assert_data_are_free(figure)
        assert axes.get_window_extent().height > 2.5 * figure.dpi  # the legend takes room of its own, not the curves'
