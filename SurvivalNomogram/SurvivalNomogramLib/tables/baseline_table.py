"""Baseline table: characteristics of the patients by cohort or risk group, each with the test that fits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError

from .covariates import is_numeric, level_texts

if TYPE_CHECKING:
    import pandas as pd

NORMALITY_P = 0.05
SMALLEST_EXPECTED = 5.0
LARGEST_SHAPIRO = 5000
LARGEST_EXACT_TABLES = 1_000_000
SIMULATED_TABLES = 20_000


@dataclass(frozen=True)
class TestResult:
    """A test by name and its p; NaN with a reason in the name where nothing can be tested."""

    __test__ = False  # not a test class, whatever pytest makes of the name

    name: str
    p_value: float


def baseline_table(
    frame: pd.DataFrame,
    group: Sequence[object] | np.ndarray,
    columns: Sequence[str] | None = None,
    *,
    categorical: Sequence[str] = (),
    levels: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Describe columns by group.

    Numeric columns: mean ± SD with Welch's t (two groups) or Welch's ANOVA if Shapiro-Wilk does not reject
    normality (p > 0.05) in every group, otherwise median [quartiles] with Mann-Whitney or Kruskal-Wallis.
    Categories: n (%) with chi-square, or Fisher's exact test if an expected count is below 5.

    Args:
        frame: one row a patient.
        group: (n,) cohort or risk group of each patient.
        columns: columns to describe; all when None.
        categorical: numeric columns that hold codes of categories.
        levels: order of the groups; sorted when None.

    Returns:
        One row for each numeric column and each level of a categorical one; columns: variable, level,
        "overall (n = ...)", one such for each group, test, p_value, missing.

    Raises:
        InputError: an unknown column, or a group of another length than the frame.
    """
    import pandas as pd

    labels = np.asarray([str(value) for value in group])
    if len(labels) != len(frame):
        raise InputError(f"group has {len(labels)} values for {len(frame)} patients")
    order = [str(level) for level in levels] if levels is not None else sorted(set(labels))
    rows = []
    for name in frame.columns if columns is None else columns:
        if name not in frame.columns:
            raise InputError(f"column {name!r} is not in the table; it has {', '.join(map(str, frame.columns))}")
        is_category = name in categorical or not is_numeric(frame[name])
        describe = _categorical_rows if is_category else _numeric_rows
        rows += describe(frame[name], labels, order)
    sizes = [len(frame), *(int((labels == level).sum()) for level in order)]
    heads = [f"{name} (n = {size})" for name, size in zip(["overall", *order], sizes, strict=True)]
    return pd.DataFrame(rows, columns=["variable", "level", *heads, "test", "p_value", "missing"])


def _numeric_rows(column: pd.Series, labels: np.ndarray, order: Sequence[str]) -> list[list[object]]:
    import pandas as pd

    values = pd.to_numeric(column).to_numpy(float)
    known = np.isfinite(values)
    samples = [values[known & (labels == level)] for level in order]
    normal = all(is_normal(sample) for sample in samples)
    result = numeric_test(samples, normal)
    cells = [_summary(sample, normal) for sample in (values[known], *samples)]
    level = "mean ± SD" if normal else "median [quartiles]"
    return [[str(column.name), level, *cells, result.name, result.p_value, int((~known).sum())]]


def _summary(sample: np.ndarray, normal: bool) -> str:
    if not len(sample):
        return "-"
    if normal:
        return f"{sample.mean():.4g} ± {sample.std(ddof=1):.3g}"
    low, middle, high = np.quantile(sample, [0.25, 0.5, 0.75])
    return f"{middle:.4g} [{low:.4g}, {high:.4g}]"


def is_normal(sample: np.ndarray) -> bool:
    """Shapiro-Wilk does not reject normality; beyond 5000 values D'Agostino's test, which has no such limit."""
    from scipy import stats

    if len(sample) < 3 or np.ptp(sample) == 0:
        return False
    test = stats.shapiro if len(sample) <= LARGEST_SHAPIRO else stats.normaltest
    return bool(test(sample).pvalue > NORMALITY_P)


def numeric_test(samples: Sequence[np.ndarray], normal: bool) -> TestResult:
    """Welch's t or ANOVA for normal samples, Mann-Whitney or Kruskal-Wallis for others."""
    from scipy import stats

    samples = [sample for sample in samples if len(sample) > 1]
    if len(samples) < 2 or np.ptp(np.concatenate(samples)) == 0:
        return TestResult("not tested", float("nan"))
    if normal:
        name = "Welch's t" if len(samples) == 2 else "Welch's ANOVA"
        return TestResult(name, _welch(samples))
    if len(samples) == 2:
        result = stats.mannwhitneyu(*samples, use_continuity=True, method="asymptotic")
        return TestResult("Mann-Whitney", float(result.pvalue))
    return TestResult("Kruskal-Wallis", float(stats.kruskal(*samples).pvalue))


def _welch(samples: Sequence[np.ndarray]) -> float:
    """Welch's ANOVA, which for two samples is Welch's t test (scipy has the latter alone)."""
    from scipy.stats import f

    k = len(samples)
    n = np.array([len(sample) for sample in samples], float)
    mean = np.array([sample.mean() for sample in samples])
    weight = n / np.array([sample.var(ddof=1) for sample in samples])
    centre = (weight * mean).sum() / weight.sum()
    spread = (((1 - weight / weight.sum()) ** 2) / (n - 1)).sum()
    between = (weight * (mean - centre) ** 2).sum() / (k - 1)
    statistic = between / (1 + 2 * (k - 2) * spread / (k**2 - 1))
    return float(f.sf(statistic, k - 1, (k**2 - 1) / (3 * spread)))


def _categorical_rows(column: pd.Series, labels: np.ndarray, order: Sequence[str]) -> list[list[object]]:
    texts = level_texts(column)
    known = texts.notna().to_numpy()
    names = sorted(texts.dropna().unique())
    values = texts.to_numpy()
    counts = np.array(
        [[int((known & (values == name) & (labels == level)).sum()) for level in order] for name in names]
    ).reshape(len(names), len(order))
    result = categorical_test(counts)
    rows: list[list[object]] = []
    totals = [counts.sum(), *counts.sum(axis=0)]
    for k, name in enumerate(names):
        cells = [_share(n, total) for n, total in zip([counts[k].sum(), *counts[k]], totals, strict=True)]
        # The test is of the whole variable: it stands in its first row.
        tail = [result.name, result.p_value, int((~known).sum())] if k == 0 else ["", np.nan, 0]
        rows.append([str(column.name), name, *cells, *tail])
    return rows


def _share(count: int, total: int) -> str:
    return f"{count} ({100 * count / total:.1f}%)" if total else "0"


def categorical_test(counts: np.ndarray) -> TestResult:
    """Chi-square without correction, or Fisher's exact test if an expected count is below 5.

    Args:
        counts: (levels, groups).
    """
    from scipy import stats

    counts = np.asarray(counts)
    counts = counts[counts.sum(axis=1) > 0][:, counts.sum(axis=0) > 0]
    if counts.ndim != 2 or min(counts.shape) < 2:
        return TestResult("not tested", float("nan"))
    result = stats.chi2_contingency(counts, correction=False)
    if result.expected_freq.min() >= SMALLEST_EXPECTED:
        return TestResult("chi-square", float(result.pvalue))
    if counts.shape == (2, 2):
        return TestResult("Fisher's exact", float(stats.fisher_exact(counts).pvalue))
    return _fisher_larger(counts)


def _fisher_larger(counts: np.ndarray) -> TestResult:
    """Fisher-Freeman-Halton: sum of the probabilities of all tables as unlikely as this one or more.

    Tables with two columns (or rows) are enumerated if there are few enough, others are drawn at random
    (20,000 tables, fixed seed), as R does with ``simulate.p.value``.
    """
    from scipy.stats import random_table

    if counts.shape[0] == 2 and counts.shape[1] > 2:
        counts = counts.T
    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    if counts.shape[1] == 2 and np.prod(rows[:-1] + 1.0) <= LARGEST_EXACT_TABLES:
        return TestResult("Fisher's exact", _fisher_two_columns(counts, rows, columns))
    tables = random_table(rows, columns)
    observed = tables.logpmf(counts)
    drawn = tables.logpmf(tables.rvs(size=SIMULATED_TABLES, random_state=np.random.default_rng(0)))
    extreme = int((drawn <= observed + 1e-7).sum())
    return TestResult("Fisher's exact (simulated)", (extreme + 1) / (SIMULATED_TABLES + 1))


def _fisher_two_columns(counts: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> float:
    from scipy.special import gammaln

    def log_choose(n: np.ndarray | float, k: np.ndarray) -> np.ndarray:
        return gammaln(np.asarray(n) + 1.0) - gammaln(k + 1.0) - gammaln(np.asarray(n) - k + 1.0)

    grid = np.meshgrid(*[np.arange(r + 1) for r in rows[:-1]], indexing="ij")
    cells = np.stack([g.ravel() for g in grid])
    last = columns[0] - cells.sum(axis=0)
    is_possible = (last >= 0) & (last <= rows[-1])
    cells = np.vstack((cells, last))[:, is_possible]
    total = log_choose(float(rows.sum()), np.asarray(float(columns[0])))
    logs = log_choose(rows[:, np.newaxis].astype(float), cells).sum(axis=0) - total
    observed = log_choose(rows.astype(float), counts[:, 0]).sum() - total
    return float(min(1.0, np.exp(logs[logs <= observed + 1e-7]).sum()))
