"""A RadScore of which only the features that are significant together stay (wu2021)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics.logistic_fit import LogisticFit, fit_logistic

from ..tables.samples import Samples, matrix
from .rad_score import RadScore, RadScoreLearner
from .workspace import Workspace


@dataclass(frozen=True)
class SignificantLearner:
    """The LASSO's features in one logistic model; those significant in it are fitted once more, without a penalty.

    Where that model cannot be fitted (more features than events bear, separated classes), the LASSO's own stays. Where
    no feature is significant, the one with the smallest p value stays, so that there is a signature to compare.

    Args:
        p_below: limit of the p values in the model of all features, in (0, 1].
        lasso: chooses the features.

    Raises:
        InputError: a limit out of bounds.

    Reference: Wu et al., Med Phys 2021, doi 10.1002/mp.14767 (multivariable analysis after the LASSO).
    """

    p_below: float = 0.05
    lasso: RadScoreLearner = field(default_factory=RadScoreLearner)

    def __post_init__(self) -> None:
        if not 0 < self.p_below <= 1:
            raise InputError(f"p_below is {self.p_below:g}; give a limit in (0, 1]")

    def fit(self, samples: Samples, workspace: Workspace | None = None) -> RadScore:
        """Fit. Raises what the LASSO raises."""
        chosen = self.lasso.fit(samples, workspace)
        values = (matrix(samples.table, chosen.feature_names) - chosen.mean) / chosen.scale
        try:
            together = fit_logistic(values, samples.outcome)
            p = p_values(together)
            kept = np.flatnonzero(p < self.p_below)
            kept = kept if len(kept) else np.array([int(np.argmin(p))])
            final = fit_logistic(values[:, kept], samples.outcome)
        except ModelError:
            return chosen
        own = final.coefficients / chosen.scale[kept]
        names = tuple(chosen.feature_names[k] for k in kept)
        intercept = final.intercept - float(own @ chosen.mean[kept])
        return RadScore(names, own, intercept, chosen.mean[kept], chosen.scale[kept], 0.0)


def p_values(fit: LogisticFit) -> np.ndarray:
    """Wald's two-sided p value of every coefficient (p,), the intercept aside.

    Example:
        >>> fit = fit_logistic([[0.0], [0.0], [1.0], [1.0]], [0, 1, 0, 1])
        >>> p_values(fit).round(3).tolist()
        [1.0]
    """
    from scipy.special import ndtr

    return 2 * ndtr(-np.abs(fit.coefficients / fit.standard_errors[1:]))
