"""ROC areas, DeLong's tests and thresholds, against pROC in R (Testing/reference/roc) and a slow definition."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import trapezoid

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.roc import (
    auc,
    compare_aucs,
    delong_matrix,
    error_rates,
    rate,
    roc_curve,
    youden_threshold,
)

FOLDER = Path(__file__).resolve().parents[2] / "reference" / "roc"
REFERENCE = json.loads((FOLDER / "reference.json").read_text())


@pytest.fixture(scope="module")
def asah() -> dict[str, np.ndarray]:
    table = np.genfromtxt(FOLDER / "asah.csv", delimiter=",", names=True)
    return {name.strip('"'): table[name] for name in table.dtype.names}


@pytest.mark.parametrize("expected", REFERENCE["areas"], ids=lambda each: each["name"])
def test_area_interval_and_youden_threshold_equal_proc(asah, expected):
    area = auc(asah["outcome"], asah[expected["name"]])
    assert area.value == pytest.approx(expected["auc"], abs=1e-12)
    assert area.standard_error**2 == pytest.approx(expected["variance"], rel=1e-10)
    assert (area.lower, area.upper) == pytest.approx((expected["lower"], expected["upper"]), abs=1e-10)
    assert youden_threshold(asah["outcome"], asah[expected["name"]]) == pytest.approx(expected["youden"])


@pytest.mark.parametrize("expected", REFERENCE["tests"], ids=lambda each: f"{each['first']}-{each['second']}")
def test_delong_test_equals_proc(asah, expected):
    test = compare_aucs(asah["outcome"], asah[expected["first"]], asah[expected["second"]])
    assert test.z == pytest.approx(expected["z"], rel=1e-10)
    assert test.p == pytest.approx(expected["p"], rel=1e-10)
    assert (test.lower, test.upper) == pytest.approx((expected["lower"], expected["upper"]), abs=1e-10)


@pytest.mark.parametrize("expected", REFERENCE["exact"])
def test_exact_intervals_equal_binom_test(expected):
    share = rate(expected["count"], expected["total"])
    assert (share.lower, share.upper) == pytest.approx(expected["interval"], abs=1e-10)


labelled_scores = st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=30).filter(
    lambda cases: len({outcome for outcome, _ in cases}) == 2
)


@given(labelled_scores)
def test_area_is_the_share_of_pairs_in_the_right_order_and_below_the_curve(cases):
    outcome, score = (np.array(column) for column in zip(*cases, strict=True))
    pairs = [(p > n) + 0.5 * (p == n) for p in score[outcome] for n in score[~outcome]]
    assert auc(outcome, score).value == pytest.approx(np.mean(pairs))
    curve = roc_curve(outcome, score)
    assert trapezoid(curve.sensitivity, curve.false_positive_rate) == pytest.approx(np.mean(pairs))


@given(labelled_scores)
def test_youden_threshold_is_the_best_of_all(cases):
    outcome, score = (np.array(column) for column in zip(*cases, strict=True))

    def index(threshold: float) -> float:
        rates = error_rates(outcome, score, threshold)
        return rates["sensitivity"].value + rates["specificity"].value

    assert index(youden_threshold(outcome, score)) == pytest.approx(max(index(t) for t in np.arange(-0.5, 7)))


def test_coverage_of_the_interval_is_near_its_level():
    rng = np.random.default_rng(5)
    truth = 0.7602499389  # Phi(1 / sqrt(2)), two normal classes one standard deviation apart
    hits = 0
    for _ in range(400):
        outcome = np.arange(120) < 50
        area = auc(outcome, rng.normal(outcome.astype(float), 1.0))
        hits += area.lower <= truth <= area.upper
    assert 0.92 <= hits / 400 <= 0.98


def test_matrix_is_symmetric_with_ones_on_the_diagonal(asah):
    names, p = delong_matrix(asah["outcome"], {name: asah[name] for name in ("s100b", "ndka", "wfns")})
    assert names == ["s100b", "ndka", "wfns"]
    np.testing.assert_array_equal(p, p.T)
    np.testing.assert_array_equal(np.diag(p), 1)
    assert p[2, 1] == pytest.approx(REFERENCE["tests"][2]["p"])


def test_the_same_score_twice_is_no_different():
    test = compare_aucs([0, 1, 0, 1], [1, 2, 3, 4], [1, 2, 3, 4])
    assert (test.difference, test.z, test.p) == (0, 0, 1)


def test_a_class_of_one_case_has_an_area():
    assert auc([0, 0, 1], [1.0, 2.0, 3.0]).value == 1


def test_no_positive_call_has_an_undefined_ppv():
    rates = error_rates([0, 1], [0.1, 0.2], threshold=5)
    assert np.isnan(rates["ppv"].value) and rates["ppv"].total == 0


@pytest.mark.parametrize(
    ("outcome", "score", "message"),
    [
        ([1, 1], [0.1, 0.2], "2 cases have outcome 1 and 0 have 0"),
        ([0, 2], [0.1, 0.2], "outcome holds 2"),
        ([0, 1], [0.1, float("nan")], "NaN for 1 cases"),
        ([0, 1, 1], [0.1, 0.2], r"shape \(3,\)"),
    ],
)
def test_unusable_input_is_said_in_one_line(outcome, score, message):
    with pytest.raises(InputError, match=message):
        auc(outcome, score)
