"""Principal components of many features that keep a stated share of their variance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.figures.style import literal, new_figure
from RadiomicsCoreLib.figures.text_width import shortened

from ..tables.covariates import DesignMatrix, Term
from .cox import check_parts

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from ..tables.cohort_table import CohortTable


@dataclass(frozen=True)
class PrincipalComponents:
    """Components of z-scored features.

    Args:
        features: (p,) names.
        mean, spread: (p,) of the training patients; spread with n - 1.
        loadings: (k, p) orthonormal rows; the largest entry of each is positive.
        explained: (k,) share of the variance of each component.
    """

    features: tuple[str, ...]
    mean: np.ndarray
    spread: np.ndarray
    loadings: np.ndarray
    explained: np.ndarray

    @property
    def names(self) -> tuple[str, ...]:
        """PC1, PC2, ..."""
        return tuple(f"PC{k + 1}" for k in range(len(self.explained)))

    @property
    def terms(self) -> tuple[Term, ...]:
        """The features as terms of a model."""
        return tuple(Term(name) for name in self.features)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Nothing makes components wrong."""
        return ()

    def check(self) -> None:
        """Raise InputError where the parts do not fit each other, as in a damaged file."""
        k, p = len(self.explained), len(self.features)
        if self.loadings.shape != (k, p) or self.mean.shape != (p,) or self.spread.shape != (p,) or not k:
            raise InputError(f"{self.loadings.shape} loadings stand for {k} components of {p} features")
        if not all(np.isfinite(a).all() for a in (self.loadings, self.mean, self.spread, self.explained)):
            raise InputError("a loading, mean or spread is no finite number")
        if not (self.spread > 0).all():
            raise InputError("the spread of a feature is not above zero")

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the components (n, k) of the patients in ``frame``, with its index.

        Raises:
            InputError: a feature is absent or is not a number.
        """
        import pandas as pd

        x = DesignMatrix(tuple(Term(name) for name in self.features)).transform(frame)
        values = (x - self.mean) / self.spread @ self.loadings.T
        return pd.DataFrame(values, index=frame.index, columns=list(self.names))

    def to_dict(self) -> dict[str, object]:
        """Return the components as numbers, texts and lists that JSON holds without loss."""
        arrays = ("mean", "spread", "loadings", "explained")
        return {"kind": "pca", "features": list(self.features)} | {
            name: getattr(self, name).tolist() for name in arrays
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PrincipalComponents:
        """Rebuild components from :meth:`to_dict`; InputError where a part is missing."""
        check_parts(data, ("features", "mean", "spread", "loadings", "explained"))
        arrays = (np.array(data[name], float) for name in ("mean", "spread", "loadings", "explained"))
        return cls(tuple(data["features"]), *arrays)


def fit_components(
    table: CohortTable, features: Sequence[str] | None = None, *, share: float = 0.95
) -> PrincipalComponents:
    """Fit the fewest principal components that keep a share of the features' variance.

    Args:
        table: patients; where there is a split, those labelled "train" are used.
        features: numeric columns; all numeric covariates of the table when None.
        share: of the variance of the z-scored features to keep, in (0, 1].

    Raises:
        InputError: the share is out of range, or a feature is absent or categorical.
        ModelError: a feature is constant among the training patients.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.binary_table import read_binary_table
        >>> frame = pd.DataFrame({"a": [1.0, 2, 3, 4], "b": [2.0, 4, 6, 8.1], "y": [0, 1, 0, 1]})
        >>> fit_components(read_binary_table(frame, event="y")).names
        ('PC1',)
    """
    from sklearn.decomposition import PCA

    if not 0 < share <= 1:
        raise InputError(f"share must lie above 0 and up to 1, not {share:g}")
    training = table.training
    names = _numeric_names(training, features)
    x = DesignMatrix(tuple(Term(name) for name in names)).transform(training.frame)
    spread = x.std(axis=0, ddof=1)
    if (spread <= 1e-12 * np.abs(x).max(axis=0)).any():
        guilty = names[int(np.argmax(spread <= 1e-12 * np.abs(x).max(axis=0)))]
        raise ModelError(f"feature {guilty!r} has the same value in all training patients: remove it")
    mean = x.mean(axis=0)
    fitted = PCA(svd_solver="full").fit((x - mean) / spread)
    # A hair below the share, so that rounding does not ask for one component more than is needed.
    count = int(np.searchsorted(np.cumsum(fitted.explained_variance_ratio_), share - 1e-12)) + 1
    count = min(count, int(np.linalg.matrix_rank((x - mean) / spread)))
    loadings = fitted.components_[:count]
    largest = loadings[np.arange(count), np.abs(loadings).argmax(axis=1)]
    loadings = loadings * np.sign(largest)[:, np.newaxis]
    return PrincipalComponents(tuple(names), mean, spread, loadings, fitted.explained_variance_ratio_[:count].copy())


def _numeric_names(table: CohortTable, features: Sequence[str] | None) -> list[str]:
    numeric = [term.name for term in table.terms if not term.is_categorical]
    if features is None:
        if not numeric:
            raise InputError("the table has no numeric covariate to take components of")
        return numeric
    for name in features:
        if name not in numeric:
            raise InputError(f"{name!r} is not a numeric covariate of the table, so it cannot enter a component")
    return list(features)


def plot_loadings(components: PrincipalComponents, *, most: int = 40) -> Figure:
    """Draw the loadings as a heat map, features down and components across.

    Args:
        components: from :func:`fit_components`.
        most: features shown, those with the largest loading of any component first chosen.
    """
    weight = np.abs(components.loadings).max(axis=0)
    shown = np.sort(np.argsort(-weight, kind="stable")[:most])
    values = components.loadings[:, shown].T
    limit = float(np.abs(values).max())
    height, width = 1.4 + 0.2 * len(shown), 3.6 + 0.42 * values.shape[1]
    figure = new_figure(width, height)
    axes = figure.add_subplot()
    image = axes.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit, aspect="auto")
    axes.set_yticks(range(len(shown)), [literal(shortened(components.features[k], 60)) for k in shown], fontsize=7)
    labels = [f"{name} ({part:.0%})" for name, part in zip(components.names, components.explained, strict=True)]
    axes.set_xticks(range(len(labels)), labels, rotation=90, fontsize=7)
    figure.colorbar(image, ax=axes, label="loading", shrink=0.7)
    return figure
