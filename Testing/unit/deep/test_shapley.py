"""Shapley values against the definition by permutations, closed forms, and the axioms."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from DeepRadiomicsFusionLib.explanation.shapley import MOST_EXACT_INPUTS, ShapleyMethod, shapley_values
from RadiomicsCoreLib.errors import InputError, ModelError


def wavy(rows: np.ndarray) -> np.ndarray:
    """A model with interactions of every order and no symmetry."""
    weights = np.arange(1, rows.shape[1] + 1)
    return np.tanh(rows @ weights / 4) + rows.prod(axis=1) + np.sin(rows[:, 0] * rows[:, -1])


def by_permutations(predict, row: np.ndarray, background: np.ndarray) -> np.ndarray:
    """The definition: an input's mean step over all orders in which inputs can join, slow and obvious."""
    count = len(row)

    def value(members) -> float:
        mixed = background.copy()
        mixed[:, list(members)] = row[list(members)]
        return float(predict(mixed).mean())

    total = np.zeros(count)
    for order in itertools.permutations(range(count)):
        for place, joining in enumerate(order):
            total[joining] += value(order[: place + 1]) - value(order[:place])
    return total / math.factorial(count)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_exact_values_are_those_of_the_definition_by_permutations(count):
    rng = np.random.default_rng(count)
    rows, background = rng.normal(size=(3, count)), rng.normal(size=(7, count))
    found = shapley_values(wavy, rows, background)
    expected = [by_permutations(wavy, row, background) for row in rows]
    np.testing.assert_allclose(found.values, expected, atol=1e-12)
    assert found.method is ShapleyMethod.EXACT


def test_a_linear_model_has_its_closed_form():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=10)
    rows, background = rng.normal(size=(4, 10)), rng.normal(size=(34, 10))
    found = shapley_values(lambda x: x @ weights + 2.0, rows, background)
    np.testing.assert_allclose(found.values, (rows - background.mean(axis=0)) * weights, atol=1e-12)
    assert found.base == pytest.approx(background.mean(axis=0) @ weights + 2.0)


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 7), others=st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_a_patients_contributions_sum_to_prediction_minus_base(seed, count, others):
    rng = np.random.default_rng(seed)
    found = shapley_values(wavy, rng.normal(size=(2, count)), rng.normal(size=(others, count)))
    np.testing.assert_allclose(found.values.sum(axis=1), found.predictions - found.base, atol=1e-10)


def test_inputs_that_play_the_same_part_get_the_same_and_an_unused_one_gets_nothing():
    def predict(rows):
        return np.exp(rows[:, 0] * rows[:, 1]) + rows[:, 2] ** 2

    rng = np.random.default_rng(5)
    background = rng.normal(size=(9, 4))
    background[:, 1] = background[:, 0]
    found = shapley_values(predict, np.array([[0.7, 0.7, -1.0, 3.0]]), background).values[0]
    assert found[0] == pytest.approx(found[1], abs=1e-12)
    assert found[3] == pytest.approx(0.0, abs=1e-12)


def test_the_values_of_a_sum_of_models_are_the_sum_of_their_values():
    rng = np.random.default_rng(6)
    rows, background = rng.normal(size=(2, 4)), rng.normal(size=(5, 4))
    other = lambda x: x[:, 0] * x[:, 3]  # noqa: E731
    both = shapley_values(lambda x: wavy(x) + other(x), rows, background).values
    each = [shapley_values(model, rows, background).values for model in (wavy, other)]
    np.testing.assert_allclose(both, sum(each), atol=1e-12)


def test_twelve_inputs_are_exact_and_more_are_sampled():
    pytest.importorskip("captum")
    assert MOST_EXACT_INPUTS == 12
    for count, method in ((12, ShapleyMethod.EXACT), (13, ShapleyMethod.SAMPLED)):
        found = shapley_values(lambda x: x.sum(axis=1), np.ones((1, count)), np.zeros((2, count)), samples=2)
        assert found.method is method
        np.testing.assert_allclose(found.values, 1.0, atol=1e-9)


def test_sampled_values_come_near_the_exact_ones_and_sum_up():
    pytest.importorskip("captum")
    rng = np.random.default_rng(8)
    rows, background = rng.normal(size=(2, 4)), rng.normal(size=(5, 4))
    exact = shapley_values(wavy, rows, background)
    errors = []
    for samples in (20, 2000):
        sampled = shapley_values(wavy, rows, background, method="sampled", samples=samples, seed=3)
        errors.append(np.abs(sampled.values - exact.values).max() / np.abs(exact.values).max())
        # captum adds up in single precision
        np.testing.assert_allclose(sampled.values.sum(axis=1), sampled.predictions - sampled.base, atol=1e-5)
    assert errors[1] < 0.05 and errors[1] < errors[0] / 3


def test_the_same_seed_samples_the_same_and_leaves_torchs_generator_alone():
    torch = pytest.importorskip("torch")
    pytest.importorskip("captum")
    rows, background = np.ones((1, 15)), np.zeros((3, 15))
    before = torch.random.get_rng_state()
    first, again, other = (shapley_values(wavy, rows, background, samples=3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(before, torch.random.get_rng_state())
    np.testing.assert_array_equal(first.values, again.values)
    assert (first.values != other.values).any()


def test_a_classifier_of_scikit_learn_is_explained_with_one_background_row():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(3)
    table = rng.normal(size=(60, 3))
    model = LogisticRegression().fit(table, table[:, 0] + 0.3 * rng.normal(size=60) > 0)
    mean = table.mean(axis=0, keepdims=True)
    found = shapley_values(model.decision_function, table[:5], mean, names=["a", "b", "c"], case_ids=list("vwxyz"))
    np.testing.assert_allclose(found.values, (table[:5] - mean) * model.coef_[0], atol=1e-10)
    assert found.overall_rows()[0]["input"] == "a"
    assert found.overall_rows()[0]["mean_absolute"] == pytest.approx(np.abs(found.values[:, 0]).mean())
    assert found.rows()[4] == {
        "case_id": "z",
        "prediction": found.predictions[4],
        "base": found.base,
        "a": found.values[4, 0],
        "b": found.values[4, 1],
        "c": found.values[4, 2],
    }


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"inputs": np.array([[1.0, np.nan]])}, InputError, "inputs hold nan in row 1, column 2"),
        ({"inputs": np.ones(2)}, InputError, "one row a patient"),
        ({"background": np.ones((3, 5))}, InputError, "2 inputs, the background 5"),
        ({"method": "guess"}, InputError, "choose from auto, exact, sampled"),
        ({"names": ["a"]}, InputError, "1 names for 2"),
        ({"samples": 0}, InputError, "samples is 0"),
        ({"predict": lambda x: np.full(len(x), np.nan)}, ModelError, "NaN or infinity"),
        ({"predict": lambda x: np.ones((len(x), 2))}, ModelError, "predictions for"),
        (
            {"inputs": np.ones((1, 13)), "background": np.ones((1, 13)), "method": "exact"},
            InputError,
            "13 inputs have too many coalitions",
        ),
    ],
)
def test_bad_input_ends_in_one_clear_line(change, error, message):
    arguments = {"predict": wavy, "inputs": np.ones((1, 2)), "background": np.ones((1, 2))} | change
    with pytest.raises(error, match=message):
        shapley_values(**arguments)
