"""The baseline table's tests against R's, and which test is chosen when."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.tables.baseline_table import baseline_table, categorical_test, is_normal, numeric_test


def samples(data, column, by):
    return [group.to_numpy(float) for _, group in data.groupby(by)[column]]


def counts(data, column, by):
    return pd.crosstab(data[column], data[by]).to_numpy()


def test_every_test_equals_rs(r_values):
    gbsg2, lung, case = data_of("gbsg2"), data_of("lung"), r_values["baseline"]
    age, size = samples(gbsg2, "age", "horTh"), samples(gbsg2, "tsize", "horTh")
    for result, truth in (
        (numeric_test(age, True), "t_age"),
        (numeric_test(size, False), "wilcox_tsize"),
        (numeric_test(samples(gbsg2, "tsize", "tgrade"), False), "kruskal"),
        (numeric_test(samples(gbsg2, "age", "tgrade"), True), "anova"),
        (categorical_test(counts(gbsg2, "tgrade", "horTh")), "chisq_tgrade"),
        (categorical_test(counts(gbsg2, "menostat", "horTh")), "chisq_menostat"),
        (categorical_test(np.array([[3, 2], [1, 9]])), "fisher_small"),
        (categorical_test(counts(lung, "ecog", "sex")), "fisher_3x2"),
    ):
        assert result.p_value == pytest.approx(case[truth], rel=1e-6), truth


def test_normality_decides_as_shapiro_wilk(r_values):
    gbsg2 = data_of("gbsg2")
    truth = [p > 0.05 for p in r_values["baseline"]["shapiro_age"]]
    assert [is_normal(sample) for sample in samples(gbsg2, "age", "horTh")] == truth
    assert is_normal(np.random.default_rng(0).normal(size=50))
    assert is_normal(np.random.default_rng(0).normal(size=6000))
    assert not is_normal(np.array([1.0, 1, 1]))


def test_the_test_that_fits_is_chosen_and_named():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "normal": rng.normal(60, 10, 80),
            "skewed": rng.exponential(5, 80),
            "common": rng.choice(["a", "b"], 80),
            "rare": ["x"] * 76 + ["y"] * 4,
        }
    )
    table = baseline_table(frame, ["train"] * 50 + ["test"] * 30, levels=["train", "test"])
    tests = {row["variable"]: row["test"] for _, row in table.iterrows() if row["test"]}  # "test" is a cohort too
    assert tests == {
        "normal": "Welch's t",
        "skewed": "Mann-Whitney",
        "common": "chi-square",
        "rare": "Fisher's exact",
    }
    heads = ["variable", "level", "overall (n = 80)", "train (n = 50)", "test (n = 30)"]
    assert list(table.columns[:5]) == heads


def test_counts_shares_and_missing_values_are_reported():
    frame = pd.DataFrame({"sex": ["m", "f", None, "f"], "age": [60.0, 50, 70, None]})
    table = baseline_table(frame, ["a", "a", "b", "b"]).set_index(["variable", "level"])
    assert table.loc[("sex", "f"), "overall (n = 4)"] == "2 (66.7%)"
    assert table.loc[("sex", "f"), "b (n = 2)"] == "1 (100.0%)"
    assert table.loc[("sex", "f"), "missing"] == 1
    assert table.loc[("age", "median [quartiles]"), "missing"] == 1


def test_tables_too_large_to_enumerate_are_drawn_with_a_fixed_seed_and_come_near_the_exact_p(monkeypatch):
    import SurvivalNomogramLib.tables.baseline_table as module

    table = np.array([[3, 1, 2], [0, 4, 3]])
    exact = categorical_test(table)
    assert exact.name == "Fisher's exact"
    monkeypatch.setattr(module, "LARGEST_EXACT_TABLES", 0)
    drawn = categorical_test(table)
    assert drawn.name == "Fisher's exact (simulated)"
    assert drawn.p_value == categorical_test(table).p_value == pytest.approx(exact.p_value, abs=0.01)


def test_a_constant_column_is_not_tested():
    table = baseline_table(pd.DataFrame({"age": [5.0, 5, 5, 5]}), ["a", "a", "b", "b"])
    assert table["test"].iloc[0] == "not tested"


def test_an_unknown_column_and_a_short_group_are_refused():
    frame = pd.DataFrame({"age": [1.0, 2]})
    with pytest.raises(InputError, match="'stage' is not in the table"):
        baseline_table(frame, ["a", "b"], ["stage"])
    with pytest.raises(InputError, match="1 values for 2 patients"):
        baseline_table(frame, ["a"])
