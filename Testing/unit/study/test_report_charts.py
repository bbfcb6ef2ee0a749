"""The report's charts and figures of models: equal to the tables, and to scikit-learn where a curve is computed."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from RadiomicsCoreLib.files.tables import write_csv
from RadiomicsStudyLib.report.charts import charts_of, roc_points
from RadiomicsStudyLib.report.folder import read_study
from RadiomicsStudyLib.report.measures import measures, model_tables
from RadiomicsStudyLib.report.table import MOST_ROWS, table_of

SCORES = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1)), min_size=2, max_size=40)


@given(SCORES)
def test_the_area_below_a_roc_curve_is_that_of_scikit_learn(scored):
    from sklearn.metrics import auc, roc_auc_score

    points = roc_points(scored)
    outcomes = [outcome for _, outcome in scored]
    if len(set(outcomes)) < 2:
        assert points == []
        return
    x, y = np.array(points).T
    assert auc(x, y) == pytest.approx(roc_auc_score(outcomes, [score for score, _ in scored]))


def written(folder, verb="validate", **tables):
    (folder / "job.yaml").write_text(f"verb: {verb}\n", encoding="utf-8")
    for name, rows in tables.items():
        write_csv(folder / f"{name}.csv", rows)
    return read_study(folder)


def test_a_curve_of_a_chart_is_that_of_the_table(tmp_path):
    rows = [
        {"group": group, "time": time, "at_risk": 9, "survival": survival, "lower": "", "upper": ""}
        for group, time, survival in (("low risk", 10, 0.9), ("low risk", 20, 0.8), ("high risk", 5, 0.5))
    ]
    study = written(tmp_path, kaplan_meier_test=rows)
    (chart,) = charts_of(study, [])
    curves = {trace["name"]: (trace["x"], trace["y"]) for trace in chart.traces}
    assert curves == {"low risk": ([0, 10, 20], [1, 0.9, 0.8]), "high risk": ([0, 5], [1, 0.5])}
    assert (chart.kind, chart.cohort) == ("Survival by risk group", "test")
    json.dumps(chart.to_dict(), allow_nan=False)


def test_figures_of_one_model_in_several_tables_are_one_row_and_kinds_stand_apart(tmp_path):
    study = written(
        tmp_path,
        auc_test=[{"horizon": 365, "auc": 0.7, "lower": 0.6, "upper": 0.8, "cases": 5, "controls": 7}],
        calibration_summary_test=[{"horizon": 365, "slope": 0.9, "slope_lower": 0.5, "slope_upper": 1.3}],
        concordance=[{"cohort": "test", "n": 12, "events": 5, "harrell": 0.65}],
        models=[{"model": "lr", "part": "train", "mean_auc": 0.6, "mean_auc_lower": 0.4, "mean_auc_upper": 0.8}],
    )
    found = {group.title: group for group in model_tables(measures(study))}
    assert set(found) == {"At a horizon", "Survival: concordance", "Classification"}
    (at_year,) = found["At a horizon"].rows
    assert at_year.values == {"AUC": "0.700 (0.600 to 0.800)", "Calibration slope": "0.900 (0.500 to 1.300)"}
    (survival,) = found["Survival: concordance"].rows
    assert survival.values == {"C (Harrell)": "0.650"} and math.isnan(survival.numbers["C (Harrell)"][1])


def test_a_long_table_says_what_it_leaves_out():
    table = table_of("long", [{"a": k} for k in range(MOST_ROWS + 5)])
    assert table is not None and len(table.rows) == MOST_ROWS and table.left_out == "5 more rows in long.csv"
