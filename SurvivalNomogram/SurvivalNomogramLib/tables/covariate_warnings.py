"""What a careful statistician would say of covariates before a fit: codes taken for numbers, collinearity, losses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from .covariates import DesignMatrix, Term

if TYPE_CHECKING:
    import pandas as pd

CODE_NAMES = re.compile(
    r"^[cpy]{0,2}[tnm]$|(^|[_\W])([tnm]*stage|grade|grading|ecog|who|asa|figo|ajcc|uicc)($|[_\W])", re.IGNORECASE
)
MOST_CODES = 7
LARGEST_VIF = 10.0
NAMED = 5


def code_warnings(frame: pd.DataFrame, terms: Sequence[Term]) -> list[str]:
    """Warn of numeric columns that look like codes of a stage or grade and enter as one straight line.

    Args:
        frame: covariates of the patients.
        terms: what they are.

    Example:
        >>> import pandas as pd
        >>> told = code_warnings(pd.DataFrame({"grade": [1.0, 2, 3, 2], "age": [50.0, 60, 61, 70]}),
        ...                      [Term("grade"), Term("age")])
        >>> len(told), told[0][:41]
        (1, "'grade' holds 3 codes (1, 2, 3) and enter")
    """
    told = []
    for term in terms:
        if term.is_categorical or not CODE_NAMES.search(term.name):
            continue
        values = np.unique(frame[term.name].to_numpy(float))
        if 2 < len(values) <= MOST_CODES and (values == np.round(values)).all():
            codes = ", ".join(f"{value:g}" for value in values)
            told.append(
                f"{term.name!r} holds {len(values)} codes ({codes}) and enters as a number: each step is taken to "
                f"multiply the hazard by the same factor; --categorical {term.name} lets every code speak for itself"
            )
    return told


def inflation_factors(x: np.ndarray) -> np.ndarray:
    """Variance inflation factors (p,) of design columns (n, p); infinite for a combination of others.

    Reference:
        Belsley DA, Kuh E, Welsch RE. Regression Diagnostics (1980); the diagonal of the inverse correlation matrix.
    """
    if x.shape[1] < 2:
        return np.ones(x.shape[1])
    centred = (x - x.mean(axis=0)) / x.std(axis=0)
    factors = np.empty(x.shape[1])
    for k in range(x.shape[1]):
        others = np.delete(centred, k, axis=1)
        left = centred[:, k] - others @ np.linalg.lstsq(others, centred[:, k], rcond=None)[0]
        unexplained = float((left**2).mean())
        factors[k] = 1 / unexplained if unexplained > 1e-12 else np.inf
    return factors


def collinearity_warnings(frame: pd.DataFrame, terms: Sequence[Term]) -> list[str]:
    """Warn of a model's columns whose coefficients the other columns make unstable.

    Args:
        frame: covariates of the patients of the fit.
        terms: of the model.
    """
    design = DesignMatrix(tuple(terms))
    x = design.transform(frame)
    if x.shape[1] < 2 or x.shape[1] >= len(x):
        return []
    factors = inflation_factors(x)
    worst = [int(k) for k in np.argsort(-factors) if factors[k] > LARGEST_VIF]
    if not worst:
        return []
    named = ", ".join(f"{design.columns[k]!r} {factors[k]:.3g}" for k in worst[:NAMED])
    more = f" and {len(worst) - NAMED} more" if len(worst) > NAMED else ""
    return [
        f"collinear covariates, variance inflation factor above {LARGEST_VIF:g}: {named}{more}; their coefficients and "
        "intervals say little one by one, keep one of them or select"
    ]


def lost_warning(kept: int, left_out: Mapping[str, int]) -> list[str]:
    """Warn of the total of patients lost to missing values.

    Example:
        >>> lost_warning(60, {"without 'days'": 3, "without a value of a covariate": 17})[0][:52]
        '20 of 80 patients (25 %) are lost to missing values '
        >>> lost_warning(60, {})
        []
    """
    lost = sum(left_out.values())
    if not lost:
        return []
    share = f"{lost} of {kept + lost} patients ({lost / (kept + lost):.0%})".replace("%", " %")
    reasons = ", ".join(f"{count} {why}" for why, count in left_out.items())
    return [
        f"{share} are lost to missing values ({reasons}); if they differ from the others, so do the results "
        "(--missing median or level keeps those without a covariate)"
    ]
