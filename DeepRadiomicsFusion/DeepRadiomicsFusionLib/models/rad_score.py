"""RadScore: a linear signature of selected radiomic features, with its formula in the features' own units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics.lasso_logistic import LassoSettings, first_with_a_feature, fit_lasso_logistic

from ..tables.samples import Samples, matrix
from .classifiers import scaled
from .selection_plan import SelectionPlan, SelectionSettings, Selector
from .workspace import Workspace, patient_folds

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class RadScore:
    """A fitted linear signature.

    Attributes:
        feature_names: (p,) features with a coefficient other than 0.
        coefficients: (p,) log odds for one unit of the feature.
        intercept: log odds where all features are 0.
        mean: (p,) mean of the training cases.
        scale: (p,) standard deviation of the training cases.
        penalty: the LASSO's lambda.
    """

    feature_names: tuple[str, ...]
    coefficients: np.ndarray
    intercept: float
    mean: np.ndarray
    scale: np.ndarray
    penalty: float

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the features that the signature needs."""
        return self.feature_names

    @property
    def standardised(self) -> np.ndarray:
        """(p,) log odds for one standard deviation of the feature."""
        return self.coefficients * self.scale

    def score(self, table: pd.DataFrame) -> np.ndarray:
        """RadScore (n,) of cases: intercept + sum of coefficient x feature, log odds.

        Raises:
            ModelError: features are missing or NaN.
        """
        return matrix(table, self.feature_names) @ self.coefficients + self.intercept

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """Probability (n,) of the outcome, the logistic function of the RadScore."""
        from scipy.special import expit

        return expit(self.score(table))

    def contributions(self, table: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the RadScore of each case, against the training cases' mean (n, p)."""
        import pandas as pd

        values = (matrix(table, self.feature_names) - self.mean) * self.coefficients
        return pd.DataFrame(values, index=table.index, columns=list(self.feature_names))

    def formula(self, name: str = "RadScore", digits: int = 6) -> str:
        """The signature as text, in the features' own units, the strongest feature first.

        Example:
            >>> RadScore(("ct.ring.a",), np.array([-0.5]), 2.0, np.zeros(1), np.ones(1), 0.1).formula()
            'RadScore = 2\\n  - 0.5 × ct.ring.a'
        """
        lines = [f"{name} = {self.intercept:.{digits}g}"]
        for place in np.argsort(-np.abs(self.standardised), kind="stable"):
            value = float(self.coefficients[place])
            sign = "-" if value < 0 else "+"
            lines.append(f"  {sign} {abs(value):.{digits}g} × {self.feature_names[place]}")
        return "\n".join(lines)

    def coefficient_table(self) -> pd.DataFrame:
        """Feature, coefficient in its own unit, standardised coefficient, training mean and spread."""
        import pandas as pd

        return pd.DataFrame(
            {
                "feature": ["(intercept)", *self.feature_names],
                "coefficient": [self.intercept, *self.coefficients],
                "standardised": [self.intercept + float(self.mean @ self.coefficients), *self.standardised],
                "training_mean": [float("nan"), *self.mean],
                "training_sd": [float("nan"), *self.scale],
            }
        )


def _filters_only() -> SelectionPlan:
    return SelectionSettings(selector=Selector.NONE).plan()


@dataclass(frozen=True)
class RadScoreLearner:
    """Filters, then a LASSO logistic model whose linear predictor is the RadScore.

    Args:
        plan: filters with a z-score and without a selector; default: z-score and correlation filter.
        lasso: penalty and its choice.
    """

    plan: SelectionPlan = field(default_factory=_filters_only)
    lasso: LassoSettings = field(default_factory=LassoSettings)

    def fit(self, samples: Samples, workspace: Workspace | None = None) -> RadScore:
        """Fit the signature.

        Raises:
            InputError: too few cases, one class only.
            ModelError: no feature carries anything.
        """
        workspace = workspace or Workspace(0)
        selected = workspace.selected(self.plan, samples)
        values = scaled(samples, selected)
        # The penalty, too, is judged by patients that its fold has not seen.
        fold_of = patient_folds(samples, self.lasso.folds, self.lasso.seed, smallest=3)
        fit = fit_lasso_logistic(values, samples.outcome, self.lasso, fold_of=fold_of)
        place = first_with_a_feature(fit.path, fit.place)
        kept = np.flatnonzero(fit.path.coefficients[place])
        if not len(kept):
            raise ModelError("the LASSO found no feature to take up; look at the features and the endpoint")
        own = fit.path.coefficients[place][kept] / selected.scale[kept]
        names = tuple(selected.features[k] for k in kept)
        raw = matrix(samples.table, names)
        intercept = float(fit.path.intercepts[place]) - float(own @ selected.centre[kept])
        return RadScore(
            names, own, intercept, raw.mean(axis=0), raw.std(axis=0, ddof=1), float(fit.path.lambdas[place])
        )


def rad_score_from_dict(data: dict[str, Any]) -> RadScore:
    """Rebuild a RadScore from plain values.

    Raises:
        InputError: parts are missing or do not fit together.
    """
    try:
        arrays = {name: np.asarray(data[name], float) for name in ("coefficients", "mean", "scale")}
        names = tuple(str(name) for name in data["feature_names"])
        numbers = float(data["intercept"]), float(data["penalty"])
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"this is not a RadScore: {error}") from None
    if any(array.shape != (len(names),) or not np.isfinite(array).all() for array in arrays.values()):
        raise InputError(f"a RadScore of {len(names)} features needs as many finite coefficients, means and scales")
    return RadScore(names, arrays["coefficients"], numbers[0], arrays["mean"], arrays["scale"], numbers[1])


def rad_score_to_dict(score: RadScore) -> dict[str, object]:
    """Plain values, as they stand in a bundle."""
    return {
        "feature_names": list(score.feature_names),
        "coefficients": score.coefficients.tolist(),
        "intercept": score.intercept,
        "mean": score.mean.tolist(),
        "scale": score.scale.tolist(),
        "penalty": score.penalty,
    }
