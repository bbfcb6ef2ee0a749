"""The Shapiro-Wilk test of many columns against scipy's of one."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import shapiro

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.normality import shapiro_wilk


@pytest.mark.parametrize("n", [3, 4, 5, 6, 7, 11, 12, 20, 80, 600])
def test_statistic_and_p_value_equal_scipy(n):
    rng = np.random.default_rng(n)
    values = np.column_stack(
        [rng.standard_normal((n, 8)), rng.exponential(size=(n, 8)), np.round(rng.standard_normal((n, 4)), 1)]
    )
    statistic, p = shapiro_wilk(values)
    expected = [shapiro(column) for column in values.T]
    assert statistic == pytest.approx([test.statistic for test in expected], abs=1e-8)
    assert p == pytest.approx([test.pvalue for test in expected], abs=1e-6)


def test_a_constant_column_is_not_called_abnormal():
    assert shapiro_wilk(np.ones((10, 1)))[1][0] == 1


def test_two_values_are_too_few():
    with pytest.raises(InputError, match="takes 3 to 5000 values, not 2"):
        shapiro_wilk(np.ones((2, 1)))
