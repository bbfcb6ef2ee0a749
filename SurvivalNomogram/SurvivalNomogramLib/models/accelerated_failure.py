"""Accelerated failure time models beside a Cox model: does a parametric form fit as well, and rank as well?

lifelines fits them; their log-likelihoods equal R's ``survreg`` to 2e-4. A covariate stretches or shrinks the time to
the event (time ratios) instead of raising the hazard.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import ModelError

from ..tables.covariates import DesignMatrix, ModelOfTerms, Term
from .cox import chosen_terms

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.survival_table import SurvivalTable

DISTRIBUTIONS = {
    "weibull": ("WeibullAFTFitter", "lambda_", "rho_"),
    "log-normal": ("LogNormalAFTFitter", "mu_", "sigma_"),
    "log-logistic": ("LogLogisticAFTFitter", "alpha_", "beta_"),
}
"""Distribution of the time to the event; lifelines' class, its parameter that covariates move, and the other."""


@dataclass(frozen=True)
class AcceleratedFailureModel(ModelOfTerms):
    """A fitted model of log time = intercept + x' coefficients + scale * error.

    Args:
        terms: covariates with their levels.
        distribution: of DISTRIBUTIONS.
        coefficients: (p,) log time ratios of one unit, one for each of ``columns``.
        intercept: log time at x = 0.
        scale: of the error, R's ``survreg`` scale; of the log-logistic and Weibull model 1 / shape.
        log_likelihood: of the fit, on the scale of the times.
    """

    terms: tuple[Term, ...]
    distribution: str
    coefficients: np.ndarray
    intercept: float
    scale: float
    log_likelihood: float

    @property
    def aic(self) -> float:
        """Akaike's criterion; comparable among these models, not with a Cox model's partial likelihood."""
        return 2 * (len(self.coefficients) + 2) - 2 * self.log_likelihood

    def risk(self, frame: pd.DataFrame) -> np.ndarray:
        """Return minus the expected log time (n,): higher means an earlier event.

        Raises:
            InputError: a column or value is missing, or a category was not seen in training.
        """
        return -(self.intercept + self.design.transform(frame) @ self.coefficients)


def fit_accelerated_failure(
    table: SurvivalTable, distribution: str = "weibull", covariates: Sequence[str | Term] | None = None
) -> AcceleratedFailureModel:
    """Fit an accelerated failure time model on the training patients.

    Args:
        table: patients; where there is a split, those labelled "train" are used.
        distribution: weibull, log-normal or log-logistic.
        covariates: names or terms to enter; all of the table's terms when None.

    Raises:
        ModelError: no event, or lifelines finds no maximum.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> frame = pd.DataFrame({"t": [5.0, 8, 9, 12, 14, 20], "e": [1, 1, 0, 1, 0, 1],
        ...                       "age": [70.0, 52, 66, 58, 61, 49]})
        >>> model = fit_accelerated_failure(read_survival_table(frame, time="t", event="e"))
        >>> model.columns, bool(model.coefficients[0] < 0)  # the older, the earlier
        (('age',), True)

    Reference:
        Collett D. Modelling Survival Data in Medical Research, 2015, chapter 6. R: ``survreg``.
    """
    training = table.training
    if not training.events:
        raise ModelError("no training patient has the event: nothing can be fitted")
    terms = chosen_terms(training, covariates)
    x = DesignMatrix(terms).transform(training.frame)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    spread = np.where(np.ptp(x, axis=0) > 0, spread, 1.0)
    values, likelihood = _lifelines_fit((x - mean) / spread, training.time, training.event, distribution)
    slopes = values[: x.shape[1]] / spread
    scale = float(np.exp(values[-1] if distribution == "log-normal" else -values[-1]))
    intercept = float(values[-2] - slopes @ mean)
    return AcceleratedFailureModel(terms, distribution, slopes, intercept, scale, likelihood)


def _lifelines_fit(x: np.ndarray, time: np.ndarray, event: np.ndarray, distribution: str) -> tuple[np.ndarray, float]:
    """Slopes, intercept and log of the ancillary parameter (p + 2,), and the log-likelihood."""
    import lifelines
    import pandas as pd
    from lifelines.exceptions import ConvergenceError, ConvergenceWarning

    frame = pd.DataFrame(x, columns=[f"x{k}" for k in range(x.shape[1])]).assign(T=time, E=event)
    name, main, other = DISTRIBUTIONS[distribution]
    fitter = getattr(lifelines, name)()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ConvergenceWarning)
            fitter.fit(frame, "T", "E")
    except (ConvergenceError, ConvergenceWarning) as error:
        told = str(error).strip().splitlines()
        raise ModelError(f"the {distribution} model has no maximum: {told[0] if told else 'no reason given'}") from None
    order = [(main, column) for column in [*frame.columns[:-2], "Intercept"]] + [(other, "Intercept")]
    return fitter.params_.loc[order].to_numpy(float), float(fitter.log_likelihood_)
