"""Rubin's rules: one estimate and its uncertainty from several completed tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class PooledEstimates:
    """Coefficients of a model pooled over imputations.

    Attributes:
        columns: (p,) their names.
        estimate: (p,) mean over the imputations.
        covariance: (p, p) total: within plus (1 + 1/m) between.
        within, between: (p, p) mean covariance of the fits, and covariance of the estimates.
        degrees: (p,) Barnard and Rubin's degrees of freedom of the t intervals.
        missing_information: (p,) fraction of missing information.
        imputations: m.
    """

    columns: tuple[str, ...]
    estimate: np.ndarray
    covariance: np.ndarray
    within: np.ndarray
    between: np.ndarray
    degrees: np.ndarray
    missing_information: np.ndarray
    imputations: int

    def table(self, confidence: float = 0.95) -> pd.DataFrame:
        """One row a coefficient: estimate, standard error, t interval, p and fraction of missing information."""
        import pandas as pd
        from scipy.stats import t

        error = np.sqrt(np.diag(self.covariance))
        half = t.ppf(0.5 + confidence / 2, self.degrees) * error
        return pd.DataFrame(
            {
                "column": self.columns,
                "coefficient": self.estimate,
                "standard_error": error,
                "ratio": np.exp(self.estimate),
                "lower": np.exp(self.estimate - half),
                "upper": np.exp(self.estimate + half),
                "degrees": self.degrees,
                "p": 2 * t.sf(np.abs(self.estimate / error), self.degrees),
                "missing_information": self.missing_information,
            }
        )


def pool(
    columns: Sequence[str], estimates: np.ndarray, covariances: np.ndarray, complete_degrees: float
) -> PooledEstimates:
    """Pool the fits of m completed tables.

    Args:
        columns: (p,) names of the coefficients.
        estimates: (m, p).
        covariances: (m, p, p).
        complete_degrees: degrees of freedom that a complete table would leave: patients less coefficients, events
            less coefficients in a Cox model (as mice).

    Raises:
        InputError: fewer than two imputations, or shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> pooled = pool(["age"], np.array([[1.0], [3.0]]), np.array([[[1.0]], [[1.0]]]), 100)
        >>> pooled.estimate.tolist(), pooled.covariance.tolist()
        ([2.0], [[4.0]])

    Reference:
        Rubin DB. Multiple Imputation for Nonresponse in Surveys, 1987, eq. 3.1.2-3.1.5; Barnard J, Rubin DB.
        Biometrika 1999;86:948.
    """
    estimates, covariances = np.asarray(estimates, float), np.asarray(covariances, float)
    m, p = estimates.shape
    if m < 2 or covariances.shape != (m, p, p) or len(columns) != p:
        raise InputError(
            f"{m} imputations of {p} coefficients with covariances {covariances.shape} and {len(columns)} names "
            "cannot be pooled"
        )
    within = covariances.mean(axis=0)
    between = np.cov(estimates, rowvar=False, ddof=1).reshape(p, p)
    total = within + (1 + 1 / m) * between
    share = (1 + 1 / m) * np.diag(between) / np.diag(total)
    degrees = _degrees(share, m, complete_degrees)
    relative = share / (1 - share)
    missing = (relative + 2 / (degrees + 3)) / (1 + relative)
    return PooledEstimates(tuple(columns), estimates.mean(axis=0), total, within, between, degrees, missing, m)


def _degrees(share: np.ndarray, m: int, complete: float) -> np.ndarray:
    """Barnard and Rubin's small-sample degrees of freedom; ``share`` of the variance that is between."""
    with np.errstate(divide="ignore"):
        old = np.where(share > 1e-8, (m - 1) / np.maximum(share, 1e-8) ** 2, np.inf)
    observed = (complete + 1) / (complete + 3) * complete * (1 - share)
    return np.where(np.isinf(old), observed, 1 / (1 / old + 1 / observed))
