"""Multiple imputation by chained equations: each missing covariate is drawn given the others and the outcome.

Own code: statsmodels' MICE takes numbers alone, draws from numpy's global generator and cannot keep to the training
patients; miceforest imputes with boosted trees, not by the models that R's mice has by default; scikit-learn's
IterativeImputer knows neither predictive mean matching nor categories.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..tables.covariates import Term, level_texts
from .conditional_draws import DONORS, draw_levels, draw_numbers

if TYPE_CHECKING:
    import pandas as pd

FEWEST_KNOWN = 10
"""Observed values below which a covariate cannot be imputed from the others."""


@dataclass(frozen=True)
class ImputationSettings:
    """How missing covariates are imputed.

    Args:
        count: completed tables; as many as percents of patients with a missing value (White 2011), 20 at least.
        iterations: rounds through the covariates before a table is taken.
        donors: of predictive mean matching.
        seed: of the random numbers.

    Reference:
        White IR, Royston P, Wood AM. Stat Med 2011;30:377.
    """

    count: int = 20
    iterations: int = 10
    donors: int = DONORS
    seed: int = 1

    def __post_init__(self) -> None:
        for name, least in (("count", 2), ("iterations", 1), ("donors", 1)):
            if getattr(self, name) < least:
                raise InputError(f"{name} of the imputations is {getattr(self, name)}; it must be {least} or more")


def survival_outcome(time: np.ndarray, state: np.ndarray) -> np.ndarray:
    """What imputation models know of a survival outcome, (n, 2 c): event and cumulative hazard of every cause.

    Leaving the outcome out would draw its associations towards zero; log time in its stead would bias them.

    Args:
        time: (n,) follow-up.
        state: (n,) 0 censored, 1, 2, ... the events; 0 and 1 without competing events.

    Reference:
        White IR, Royston P. Stat Med 2009;28:1982: Nelson-Aalen and the event indicator.
    """
    from lifelines import NelsonAalenFitter

    columns = []
    for cause in sorted({int(s) for s in state if s != 0}):
        event = (state == cause).astype(int)
        fitted = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(time, event)
        columns += [event.astype(float), fitted.cumulative_hazard_at_times(time).to_numpy(float)]
    return np.column_stack(columns)


def impute(
    frame: pd.DataFrame,
    terms: Sequence[Term],
    outcome: np.ndarray,
    settings: ImputationSettings | None = None,
    progress: Progress = no_progress,
) -> list[pd.DataFrame]:
    """Complete the covariates of the training patients several times.

    Args:
        frame: (n rows) covariates with gaps; training patients alone, for what they show is what is imputed.
        terms: which columns are numbers, and which categories with which levels.
        outcome: (n, q) columns of the outcome (:func:`survival_outcome`, or a binary event as one column).
        settings: how many and how.
        progress: told after every table.

    Returns:
        As many tables as asked for, with the terms' columns and the index of ``frame``.

    Raises:
        InputError: a covariate has too few values to be imputed.

    Example:
        >>> import pandas as pd
        >>> frame = pd.DataFrame({"a": [float(k) for k in range(12)], "b": [1.0, None] + [float(k) for k in range(10)]})
        >>> tables = impute(frame, (Term("a"), Term("b")), np.zeros((12, 0)), ImputationSettings(count=2, iterations=2))
        >>> len(tables), int(tables[0].isna().sum().sum()), tables[0]["b"].iloc[0].item()
        (2, 0, 1.0)

    Reference:
        van Buuren S, Groothuis-Oudshoorn K. J Stat Softw 2011;45(3).
    """
    settings = settings or ImputationSettings()
    columns = [_Column.of(frame, term) for term in terms]
    seeds = np.random.SeedSequence(settings.seed).spawn(settings.count)
    tables = []
    for k, seed in enumerate(seeds):
        values = _chain(columns, np.asarray(outcome, float), settings, np.random.default_rng(seed))
        tables.append(_table(frame, columns, values))
        progress((k + 1) / settings.count, f"imputation {k + 1} of {settings.count}")
    return tables


@dataclass(frozen=True)
class _Column:
    """One covariate: its values, levels as their numbers, and where they are missing."""

    term: Term
    values: np.ndarray
    missing: np.ndarray

    @classmethod
    def of(cls, frame: pd.DataFrame, term: Term) -> _Column:
        import pandas as pd

        column = frame[term.name]
        missing = column.isna().to_numpy()
        if missing.any() and (~missing).sum() < FEWEST_KNOWN:
            raise InputError(
                f"column {term.name!r} has {int((~missing).sum())} values in {len(column)} training patients; "
                f"{FEWEST_KNOWN} or more are needed to impute it: leave it out"
            )
        if not term.is_categorical:
            return cls(term, pd.to_numeric(column).to_numpy(float), missing)
        number = {level: float(k) for k, level in enumerate(term.levels)}
        return cls(term, level_texts(column).map(number).to_numpy(float), missing)

    def design(self, values: np.ndarray) -> np.ndarray:
        """(n, columns) of the values: numbers as they are, a column for each level but the first."""
        if not self.term.is_categorical:
            return values[:, np.newaxis]
        return (values[:, np.newaxis] == np.arange(1, len(self.term.levels))).astype(float)


def _chain(
    columns: Sequence[_Column], outcome: np.ndarray, settings: ImputationSettings, rng: np.random.Generator
) -> list[np.ndarray]:
    values = [column.values.copy() for column in columns]
    gaps = [k for k, column in enumerate(columns) if column.missing.any()]
    for k in gaps:  # start from values of random patients
        missing = columns[k].missing
        values[k][missing] = rng.choice(values[k][~missing], int(missing.sum()))
    for _ in range(settings.iterations):
        for k in gaps:
            others = [columns[j].design(values[j]) for j in range(len(columns)) if j != k]
            x = np.column_stack([*others, outcome])
            values[k][columns[k].missing] = _draw(columns[k], x, settings, rng)
    return values


def _draw(column: _Column, x: np.ndarray, settings: ImputationSettings, rng: np.random.Generator) -> np.ndarray:
    missing = column.missing
    known, x_known, x_missing = column.values[~missing], x[~missing], x[missing]
    if column.term.is_categorical:
        return draw_levels(known.astype(int), len(column.term.levels), x_known, x_missing, rng).astype(float)
    return draw_numbers(known, x_known, x_missing, rng, settings.donors)


def _table(frame: pd.DataFrame, columns: Sequence[_Column], values: Sequence[np.ndarray]) -> pd.DataFrame:
    import pandas as pd

    data = {}
    for column, numbers in zip(columns, values, strict=True):
        if column.term.is_categorical:
            data[column.term.name] = np.array(column.term.levels, dtype=object)[numbers.astype(int)]
        else:
            data[column.term.name] = numbers
    return pd.DataFrame(data, index=frame.index)
