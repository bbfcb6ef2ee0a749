"""Every figure is drawn, and no text of it is cut off or covers another text."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from readable import assert_readable, texts_of
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.calibration_figure import calibration_figure
from RadiomicsCoreLib.figures.roc_figure import roc_figure
from RadiomicsCoreLib.figures.style import new_figure, p_text, plain_axes, save_figure
from RadiomicsCoreLib.figures.text_width import text_width_in, wrapped
from SurvivalNomogramLib.estimation.competing_risks import cumulative_incidence
from SurvivalNomogramLib.estimation.kaplan_meier import compare_groups, kaplan_meier
from SurvivalNomogramLib.groups.group_figures import (
    cumulative_incidence_figure,
    forest_figure,
    kaplan_meier_figure,
    risk_box_figure,
)
from SurvivalNomogramLib.groups.subgroups import subgroup_analysis
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.nomogram.nomogram_figure import nomogram_figure
from SurvivalNomogramLib.nomogram.points import make_nomogram
from SurvivalNomogramLib.tables.survival_table import read_survival_table
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings, CoxRefit
from SurvivalNomogramLib.validation.brier import brier_table
from SurvivalNomogramLib.validation.calibration import calibrate, calibrate_with_optimism
from SurvivalNomogramLib.validation.decision_curve import corrected_decision_curve, decision_curve_survival
from SurvivalNomogramLib.validation.time_dependent_roc import auc_table, time_dependent_roc
from SurvivalNomogramLib.validation.validation_figures import (
    auc_over_time_figure,
    brier_figure,
    decision_curve_figure,
    survival_calibration_panel,
)


@pytest.fixture(scope="module")
def gbsg2():
    data = data_of("gbsg2")
    x = pd.get_dummies(data[["horTh", "age", "tsize", "tgrade", "pnodes"]], drop_first=True).to_numpy(float)
    return data, x, data["time"].to_numpy(float), data["event"].to_numpy()


@pytest.fixture(scope="module")
def twelve():
    """A nomogram of 12 variables with long names, many levels and crowded axes."""
    rng = np.random.default_rng(0)
    data = data_of("gbsg2").drop(columns="lp")
    n = len(data)
    data["ct.ring_0_6mm.wavelet-LLH_glcm_Idm"] = rng.normal(size=n)
    data["pet.intratumour.original_firstorder_90Percentile"] = rng.normal(size=n)
    data["treatment"] = rng.choice(
        ["Radiotherapy + Surgery", "Surgery alone", "Radiotherapy + Surgery + Chemotherapy", "Chemotherapy"], n
    )
    data["mskcc_type"] = rng.choice(["MFH", "Leiomyosarcoma", "Liposarcoma", "Synovial sarcoma", "Other"], n)
    table = read_survival_table(data, time="time", event="event")
    assert len(table.terms) == 12
    return make_nomogram(fit_cox(table), table.frame, [365, 1095, 1825]), table.frame


def test_a_nomogram_with_12_variables_is_readable(twelve):
    nomogram, _ = twelve
    assert_readable(nomogram_figure(nomogram))


def test_a_patient_on_the_nomogram_is_not_cut_off(twelve):
    nomogram, frame = twelve
    assert_readable(nomogram_figure(nomogram, patient=frame.iloc[5].to_dict()), overlaps=False)


def test_labels_replace_names_of_columns_and_levels(twelve):
    nomogram, _ = twelve
    figure = nomogram_figure(nomogram, labels={"pnodes": "Positive nodes", "horTh=yes": "hormones"})
    words = {text for text, _ in texts_of(figure)}
    assert {"Positive nodes", "hormones"} <= words and not {"pnodes"} & words


@pytest.mark.parametrize("seed", range(5))
def test_nomograms_of_random_models_are_readable(seed):
    rng = np.random.default_rng(seed)
    n = 300
    data = pd.DataFrame({f"feature {k}": rng.normal(rng.normal(), 10.0 ** rng.integers(-3, 4), n) for k in range(4)})
    for k in range(3):
        levels = [f"level {'x' * rng.integers(0, 20)} {j}" for j in range(rng.integers(2, 7))]
        data[f"category {k}"] = rng.choice(levels, n)
    data["time"], data["event"] = rng.exponential(900, n) + 1, rng.integers(0, 2, n)
    table = read_survival_table(data, time="time", event="event")
    assert_readable(nomogram_figure(make_nomogram(fit_cox(table), table.frame, [300, 900])))


def test_all_levels_of_a_category_are_written_however_close_they_stand(twelve):
    nomogram, _ = twelve
    words = {text for text, _ in texts_of(nomogram_figure(nomogram))}
    for axis in nomogram.axes:
        if axis.term.is_categorical:
            assert set(axis.values) <= words


def test_dollar_signs_in_names_are_not_taken_for_formulas():
    data = data_of("lung")
    data["cost"] = np.where(data["age"] > 60, "$5_{k}$", "$1k")
    table = read_survival_table(data, time="time", event="event", covariates=["cost", "ecog"])
    figure = nomogram_figure(make_nomogram(fit_cox(table), table.frame, [365]))
    assert_readable(figure)
    groups = compare_groups(data["time"], data["event"], data["cost"])
    assert_readable(kaplan_meier_figure(groups))


def test_kaplan_meier_figures_are_readable(gbsg2):
    _, _, time, event = gbsg2
    data = gbsg2[0]
    assert_readable(kaplan_meier_figure(compare_groups(time, event, data["tgrade"]), title="Training cohort"))
    names = np.where(data["age"] > 55, "high risk, radiotherapy and chemotherapy", "low risk")
    assert_readable(kaplan_meier_figure(compare_groups(time, event, names)))
    assert_readable(kaplan_meier_figure({"all patients": kaplan_meier(time, event)}))


def test_a_forest_plot_is_readable_with_long_names_and_lines_without_a_ratio():
    data = data_of("colon")
    data["a column with a name that is much too long for its place in the figure"] = data["sex"]
    data["site"] = np.where(np.arange(len(data)) < 3, "rare", "common")
    arm = (data["rx"] == "Lev+5FU").astype(float)
    columns = ["sex", "node4", "age", "extent", "site", data.columns[-2]]
    rows = subgroup_analysis(data["time"], data["event"], arm, data, columns, cuts={"age": 65})
    assert_readable(forest_figure(rows, title="Subgroups"))


def test_other_figures_of_groups_are_readable(gbsg2):
    data, _, _, event = gbsg2
    pbc = data_of("pbc")
    risks = cumulative_incidence(pbc["time"], pbc["state"], names={1: "transplant", 2: "death"})
    assert_readable(cumulative_incidence_figure(risks, title="Competing risks"))
    halves = {"train": np.arange(len(event)) % 2 == 0, "external cohort": np.arange(len(event)) % 2 == 1}
    boxes = {
        f"{name} {what}": inside & (event == value)
        for name, inside in halves.items()
        for value, what in ((0, "no event"), (1, "event"))
    }
    assert_readable(risk_box_figure(data["lp"], boxes, cutoff=0.5, p_value=0.01))


def test_validation_figures_are_readable(gbsg2):
    data, x, time, event = gbsg2
    horizons = [365.0, 1095.0]
    curves = {f"{h:g} days": time_dependent_roc(time, event, data["lp"], h) for h in horizons}
    assert_readable(roc_figure(curves, title="Training"))
    grid = np.linspace(300, 2000, 6)
    assert_readable(auc_over_time_figure({"model": auc_table(time, event, data["lp"], grid)}))
    survival = CoxRefit(x, time, event, tuple(grid))(np.arange(len(x)))
    assert_readable(brier_figure({"model": brier_table(time, event, 1 - survival, grid.tolist())}))
    settings = BootstrapSettings(5, 0)
    calibrations = [
        calibrate_with_optimism(time, event, CoxRefit(x, time, event, (h,)), h, settings=settings) for h in horizons
    ]
    assert_readable(calibration_figure([survival_calibration_panel(found) for found in calibrations], title="Training"))
    assert_readable(calibration_figure([survival_calibration_panel(calibrate(time, event, survival[:, 2], grid[2]))]))
    refit = CoxRefit(x, time, event, (1095.0,))
    corrected = corrected_decision_curve(
        time, event, lambda rows: 1 - refit(rows)[:, 0], 1095.0, settings=BootstrapSettings(3, 0)
    )
    assert_readable(decision_curve_figure(corrected.curve, corrected=corrected, title="Training"))
    two = decision_curve_survival(time, event, {"a": 1 - survival[:, 1], "b": 1 - survival[:, 2]}, 700)
    assert_readable(decision_curve_figure(two))


def test_a_figure_is_saved_in_three_formats_and_the_same_each_time(tmp_path):
    def drawn(name):
        figure = new_figure(3, 2)
        plain_axes(figure, x_label="time", title="$5").plot([0, 1], [1, 0])
        return save_figure(figure, tmp_path / name)

    first, second = drawn("a.b"), drawn("c")
    assert [path.name for path in first] == ["a.b.svg", "a.b.pdf", "a.b.png"]
    assert first[0].read_bytes().startswith(b"<?xml") and first[1].read_bytes().startswith(b"%PDF")
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes() == b.read_bytes()


def test_saving_leaves_no_global_state(tmp_path):
    import sys

    import matplotlib

    before = dict(matplotlib.rcParams)
    had_pyplot = "matplotlib.pyplot" in sys.modules
    save_figure(new_figure(1, 1), tmp_path / "x", ["svg"])
    assert dict(matplotlib.rcParams) == before
    assert ("matplotlib.pyplot" in sys.modules) == had_pyplot


def test_an_unknown_format_a_missing_folder_and_nothing_to_draw_are_refused(tmp_path):
    with pytest.raises(InputError, match="'gif' is unknown"):
        save_figure(new_figure(1, 1), tmp_path / "x", ["gif"])
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(new_figure(1, 1), tmp_path / "absent" / "x", ["png"])
    for draw in (lambda: roc_figure({}), lambda: forest_figure([]), lambda: kaplan_meier_figure({})):
        with pytest.raises(InputError, match="to draw"):
            draw()


def test_long_names_are_broken_into_lines_that_fit():
    lines = wrapped("pet.intratumour.original_firstorder_90Percentile", 2.0).split("\n")
    assert len(lines) > 1 and all(text_width_in(line) <= 2.0 for line in lines)
    assert "".join(lines) == "pet.intratumour.original_firstorder_90Percentile"
    assert p_text(float("nan")) == "p not available"
