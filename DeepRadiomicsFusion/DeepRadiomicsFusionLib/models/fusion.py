"""Fusion of signatures by logistic regression (wu2021): one number per source in, one probability out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.statistics.logistic_fit import fit_logistic

from ..tables.samples import Samples, matrix
from .workspace import Learner, Model, Workspace

if TYPE_CHECKING:
    import pandas as pd

RIDGE_IF_SEPARATED = 1.0


class SignatureSource(Enum):
    """On which predictions of the training cases the fusion is fitted."""

    OUT_OF_FOLD = "out-of-fold"
    """Each case's signatures come from models that did not see it; the fusion learns how far to trust each source."""
    TRAINING = "training"
    """The signatures of the very cases they were fitted on (wu2021); a source that overfits gets too much weight."""


@dataclass(frozen=True)
class LogisticFusion:
    """A fitted fusion: log odds = intercept + sum of coefficient x signature.

    Attributes:
        names: (m,) signatures.
        coefficients: (m,) log odds for one unit of the signature.
        intercept: log odds where all signatures are 0.
        standard_errors: (m,) of the coefficients.
        penalised: True if the signatures separated the classes and a ridge had to hold the coefficients.
    """

    names: tuple[str, ...]
    coefficients: np.ndarray
    intercept: float
    standard_errors: np.ndarray
    penalised: bool

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the signatures."""
        return self.names

    def predict(self, signatures: pd.DataFrame) -> np.ndarray:
        """Probability (n,) from signatures, one column a name."""
        from scipy.special import expit

        return expit(matrix(signatures, self.names) @ self.coefficients + self.intercept)

    def formula(self) -> str:
        """The fusion as text.

        Example:
            >>> LogisticFusion(("a", "b"), np.array([2.0, -1.0]), 0.5, np.ones(2), False).formula()
            'log odds = 0.5 + 2 × a - 1 × b'
        """
        parts = [f"log odds = {self.intercept:.6g}"]
        for name, value in zip(self.names, self.coefficients.tolist(), strict=True):
            parts.append(f"{'-' if value < 0 else '+'} {abs(value):.6g} × {name}")
        return " ".join(parts)


def fit_fusion(signatures: pd.DataFrame, outcome: np.ndarray) -> LogisticFusion:
    """Fit a logistic regression on signatures.

    Args:
        signatures: (n, m), one column a source, m well below n.
        outcome: (n,) 0 and 1.

    Raises:
        InputError: no signature.
        ModelError: signatures that depend on each other.
    """
    names = tuple(str(name) for name in signatures.columns)
    if not names:
        raise InputError("no signature to fuse; give at least one")
    values = matrix(signatures, names)
    # On one scale, so that a ridge, where it is needed, treats all alike.
    mean, spread = values.mean(axis=0), values.std(axis=0)
    if not (spread > 0).all():
        raise ModelError(f"signature {names[int(np.argmin(spread))]!r} is the same for all cases; leave it out")
    scaled, penalised = (values - mean) / spread, False
    try:
        fit = fit_logistic(scaled, outcome)
    except ModelError:
        fit, penalised = fit_logistic(scaled, outcome, ridge=RIDGE_IF_SEPARATED), True
    coefficients = fit.coefficients / spread
    return LogisticFusion(
        names, coefficients, fit.intercept - float(coefficients @ mean), fit.standard_errors[1:] / spread, penalised
    )


@dataclass(frozen=True)
class Source:
    """One source of a signature: a learner and the features it may see."""

    learner: Learner
    columns: tuple[str, ...]


@dataclass(frozen=True)
class ColumnLearner:
    """A learner that sees some of the features only."""

    source: Source

    def fit(self, samples: Samples, workspace: Workspace) -> Model:
        """Fit on the source's columns."""
        return workspace.fitted(self.source.learner, samples.columns(self.source.columns))


@dataclass(frozen=True)
class FusedModel:
    """Signatures and their fusion.

    Attributes:
        signatures: models by name.
        fusion: their fusion.
    """

    signatures: Mapping[str, Model]
    fusion: LogisticFusion

    @property
    def features(self) -> tuple[str, ...]:
        """Names of all features that any signature needs."""
        return tuple(dict.fromkeys(name for model in self.signatures.values() for name in model.features))

    def signature_table(self, table: pd.DataFrame) -> pd.DataFrame:
        """The signatures (n, m) of cases."""
        import pandas as pd

        values = {name: model.predict(table) for name, model in self.signatures.items()}
        return pd.DataFrame(values, index=table.index)

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """Probability (n,) of the outcome."""
        return self.fusion.predict(self.signature_table(table))


@dataclass(frozen=True)
class FusionLearner:
    """One signature from each source, then a logistic fusion; everything inside the training part.

    Args:
        sources: by name.
        fitted_on: which predictions of the training cases the fusion is fitted on.
        inner_folds: for out-of-fold signatures, at least 2.
    """

    sources: Mapping[str, ColumnLearner]
    fitted_on: SignatureSource = SignatureSource.OUT_OF_FOLD
    inner_folds: int = 5

    def __post_init__(self) -> None:
        object.__setattr__(self, "fitted_on", SignatureSource(self.fitted_on))
        if not self.sources:
            raise InputError("no signature to fuse; give at least one source")
        if self.inner_folds < 2:
            raise InputError(f"inner_folds must be at least 2, not {self.inner_folds}")

    def fit(self, samples: Samples, workspace: Workspace) -> FusedModel:
        """Fit the signatures on all training cases, and the fusion on their predictions.

        Raises:
            InputError, ModelError: as the learners and :func:`fit_fusion`.
        """
        import pandas as pd

        models = {name: workspace.fitted(source, samples) for name, source in self.sources.items()}
        if self.fitted_on is SignatureSource.TRAINING:
            values = {name: model.predict(samples.table) for name, model in models.items()}
        else:
            values = {
                name: workspace.inner_predictions(source, samples, self.inner_folds)
                for name, source in self.sources.items()
            }
        return FusedModel(models, fit_fusion(pd.DataFrame(values, index=samples.table.index), samples.outcome))


def column_sources(learner: Learner, columns: Mapping[str, Sequence[str]]) -> dict[str, ColumnLearner]:
    """The same learner for several groups of features."""
    empty = next((name for name, names in columns.items() if not len(names)), None)
    if empty is not None:
        raise InputError(f"source {empty!r} has no features; look at the names of the feature columns")
    return {name: ColumnLearner(Source(learner, tuple(names))) for name, names in columns.items()}
