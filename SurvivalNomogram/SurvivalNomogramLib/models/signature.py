"""A signature: one number a patient, a linear combination of features whose formula can be printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError

from ..tables.covariates import DesignMatrix, Term
from .cox import check_parts, check_shape

if TYPE_CHECKING:
    import pandas as pd

    from RadiomicsCoreLib.statistics.penalised_path import LambdaChoice

    from ..tables.cohort_table import CohortTable
    from .lasso_cox import LassoCoxFit


@dataclass(frozen=True)
class Signature:
    """``sum of weight x (column - mean) / spread``: a linear combination of z-scores.

    Args:
        name: of the signature, e.g. "tumour".
        terms: covariates it is made of.
        weights: (p,) one for each design column; zero for a level that does not count.
        mean, spread: (p,) z-score of each design column, of the training patients.

    Example:
        >>> tumour = Signature("tumour", (Term("a"),), np.array([0.5]), np.array([10.0]), np.array([2.0]))
        >>> tumour.formula()
        'tumour.signature = +0.5 x (a - 10) / 2'
    """

    name: str
    terms: tuple[Term, ...]
    weights: np.ndarray
    mean: np.ndarray
    spread: np.ndarray

    @property
    def column(self) -> str:
        """Name of the signature's column in tables."""
        return f"{self.name}.signature"

    def values(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the signature (n,) of the patients in ``frame``.

        Raises:
            InputError: a feature is absent or is not a number.
        """
        return (DesignMatrix(self.terms).transform(frame) - self.mean) / self.spread @ self.weights

    def formula(self, digits: int = 6) -> str:
        """Return the formula in one line a term, as it can be printed in a paper."""
        columns = DesignMatrix(self.terms).columns
        parts = [
            f"{weight:+.{digits}g} x ({column} {'+' if mean < 0 else '-'} {abs(mean):.{digits}g}) / {spread:.{digits}g}"
            for column, weight, mean, spread in zip(columns, self.weights, self.mean, self.spread, strict=True)
            if weight
        ]
        return f"{self.column} = " + "\n    ".join(parts)

    def to_dict(self) -> dict[str, object]:
        """Return the signature as numbers, texts and lists that JSON holds without loss."""
        return {
            "kind": "signature",
            "name": self.name,
            "terms": [term.to_dict() for term in self.terms],
            "weights": self.weights.tolist(),
            "mean": self.mean.tolist(),
            "spread": self.spread.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Signature:
        """Rebuild a signature from :meth:`to_dict`; InputError where a part is missing."""
        check_parts(data, ("name", "terms", "weights", "mean", "spread"))
        terms = tuple(Term.from_dict(term) for term in data["terms"])
        arrays = [np.array(data[name], float) for name in ("weights", "mean", "spread")]
        for values in arrays:
            check_shape(terms, values)
        return cls(str(data["name"]), terms, *arrays)


def fit_signature(name: str, table: CohortTable, coefficients: Mapping[str, float]) -> Signature:
    """Make a signature from coefficients on the columns' own scale; the z-scores are fitted on training.

    Args:
        name: of the signature.
        table: patients; where there is a split, those labelled "train" give means and spreads (n - 1).
        coefficients: design column (feature, or ``feature=level``) -> coefficient, at least one.

    Raises:
        InputError: there are no coefficients, or a column is not in the table or does not vary.
    """
    if not coefficients:
        raise InputError(f"signature {name!r} has no feature: choose a smaller lambda (min instead of 1se)")
    training = table.training
    terms = tuple(term for term in training.terms if set(term.columns) & set(coefficients))
    design = DesignMatrix(terms)
    unknown = sorted(set(coefficients) - set(design.columns))
    if unknown:
        raise InputError(f"signature {name!r} needs column {unknown[0]!r}, which the table does not have")
    x = design.transform(training.frame)
    spread = x.std(axis=0, ddof=1)
    if not spread.all():
        guilty = design.columns[int(np.argmin(spread))]
        raise InputError(f"column {guilty!r} of signature {name!r} has the same value in all training patients")
    natural = np.array([coefficients.get(column, 0.0) for column in design.columns])
    return Signature(name, terms, natural * spread, x.mean(axis=0), spread)


def signature_of_lasso(
    name: str, fit: LassoCoxFit, table: CohortTable, choice: LambdaChoice | str = "min"
) -> Signature:
    """Make a signature from a LASSO-Cox fit at the chosen penalty.

    Args:
        name: of the signature.
        fit: from :func:`SurvivalNomogramLib.models.lasso_cox.fit_lasso_cox` on the same table.
        table: the patients of the fit.
        choice: "min" or "1se".

    Raises:
        InputError: no feature is left at this penalty.
    """
    return fit_signature(name, table, fit.coefficients_at(choice))
