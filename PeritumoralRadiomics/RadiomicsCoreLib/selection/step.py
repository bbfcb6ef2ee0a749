"""What all selection steps share: a scikit-learn transformer without importing scikit-learn.

scikit-learn asks no estimator for its base class: ``clone``, ``Pipeline`` and ``GridSearchCV`` call
``get_params``, ``set_params``, ``fit``, ``transform`` and ``__sklearn_tags__``. Importing this file stays cheap.
"""

from __future__ import annotations

import inspect
from typing import Any, TypeVar

import numpy as np

from ..errors import InputError, ModelError
from ..statistics.binary_outcome import binary_outcome

Self = TypeVar("Self", bound="Step")


class Step:
    """A transformer of tables (cases as rows, features as columns); subclasses set settings in ``__init__`` only.

    After ``fit``: ``feature_names_in_`` (p,), the names of the columns (``x0``, ``x1``, … for arrays),
    ``n_features_in_``, and ``kept_``, the places of the columns that are left, ascending.
    """

    needs_outcome = False
    feature_names_in_: np.ndarray
    n_features_in_: int
    kept_: np.ndarray

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Settings by name, as scikit-learn asks for them."""
        return {name: getattr(self, name) for name in _setting_names(type(self))}

    def set_params(self: Self, **params: Any) -> Self:
        """Change settings by name.

        Raises:
            ValueError: an unknown name (scikit-learn's own rule).
        """
        known = _setting_names(type(self))
        for name, value in params.items():
            if name not in known:
                raise ValueError(f"{type(self).__name__} has no setting {name!r}; it has {', '.join(known)}")
            setattr(self, name, value)
        return self

    def fit(self: Self, X: Any, y: Any = None) -> Self:
        """Learn from training data.

        Args:
            X: data frame or array (n, p) of finite numbers.
            y: (n,) outcome of 0 and 1, for steps that look at it.

        Raises:
            InputError: values or settings that cannot be used.
        """
        table = TableView(X)
        table.check_finite()
        outcome = None
        if self.needs_outcome:
            if y is None:
                raise InputError(f"{type(self).__name__} needs the outcome: call fit(X, y)")
            outcome = binary_outcome(y)
            if len(outcome) != len(table.values):
                raise InputError(f"{len(table.values)} cases have features and {len(outcome)} an outcome")
        self.feature_names_in_ = np.array(table.names, dtype=object)
        self.n_features_in_ = len(table.names)
        self.kept_ = np.flatnonzero(self._choose(table, outcome))
        return self

    def transform(self, X: Any) -> Any:
        """Return the columns that are left, as a data frame if ``X`` is one.

        Raises:
            ModelError: the step is not fitted, or columns are missing.
        """
        table = self._matched(X)
        return table.with_values(self._values(table.values), self.get_feature_names_out())

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit and transform the same data."""
        return self.fit(X, y).transform(X)

    def get_support(self, indices: bool = False) -> np.ndarray:
        """Which columns are left: truths (p,), or places."""
        self._check_fitted()
        if indices:
            return self.kept_
        return np.isin(np.arange(self.n_features_in_), self.kept_)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:
        """Names of the columns that are left."""
        self._check_fitted()
        return self.feature_names_in_[self.kept_]

    def unfitted(self: Self) -> Self:
        """A fresh step with the same settings."""
        return type(self)(**self.get_params())

    def _choose(self, table: TableView, outcome: np.ndarray | None) -> np.ndarray:
        """Truths (p,): which columns to keep; learns whatever ``_values`` needs."""
        raise NotImplementedError

    def _values(self, values: np.ndarray) -> np.ndarray:
        return values[:, self.kept_]

    def _matched(self, X: Any) -> TableView:
        self._check_fitted()
        table = TableView(X)
        if table.is_frame:
            return table.columns(self.feature_names_in_.tolist())
        if len(table.names) != self.n_features_in_:
            raise ModelError(f"{len(table.names)} columns were given; this step was fitted on {self.n_features_in_}")
        return table

    def _check_fitted(self) -> None:
        if not self.__sklearn_is_fitted__():
            raise ModelError(f"{type(self).__name__} is not fitted; call fit first")

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "kept_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import Tags, TargetTags, TransformerTags

        return Tags(
            estimator_type=None,
            target_tags=TargetTags(required=self.needs_outcome),
            transformer_tags=TransformerTags(preserves_dtype=[]),
        )

    def __repr__(self) -> str:
        settings = ", ".join(f"{name}={value!r}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({settings})"


class TableView:
    """A data frame or array as numbers, names and (for a frame) case ids."""

    def __init__(self, source: Any) -> None:
        self.is_frame = hasattr(source, "iloc")
        self.source = source
        try:
            self.values = np.asarray(source, dtype=float)
        except (TypeError, ValueError):
            raise InputError(f"a feature column holds text: {_text_column(source)}; give numbers only") from None
        if self.values.ndim != 2 or not self.values.size:
            raise InputError(f"features have shape {self.values.shape}; give a table of cases and features")
        if self.is_frame:
            self.names = [str(name) for name in source.columns]
        else:
            self.names = [f"x{place}" for place in range(self.values.shape[1])]

    @property
    def case_ids(self) -> list[Any] | None:
        """The frame's index; None for an array."""
        return list(self.source.index) if self.is_frame else None

    def check_finite(self) -> None:
        """Refuse NaN and infinite values with the first column that has one."""
        bad = ~np.isfinite(self.values)
        if bad.any():
            columns = np.flatnonzero(bad.any(axis=0))
            raise InputError(
                f"{int(bad.sum())} feature values are NaN or infinite, in {len(columns)} features, the first "
                f"{self.names[columns[0]]!r}; leave those cases or features out"
            )

    def columns(self, names: list[str]) -> TableView:
        """The columns of these names, in this order."""
        if self.names == names:
            return self
        missing = [name for name in names if name not in set(self.names)]
        if missing:
            raise ModelError(f"{len(missing)} of {len(names)} features are missing, the first {missing[0]!r}")
        return TableView(self.source[names])

    def with_values(self, values: np.ndarray, names: np.ndarray) -> Any:
        """A table of the same kind and cases."""
        if not self.is_frame:
            return values
        import pandas as pd

        return pd.DataFrame(values, index=self.source.index, columns=list(names))


def at_least_one(keep: np.ndarray, rank: np.ndarray) -> tuple[np.ndarray, bool]:
    """Keep the column of the lowest rank where nothing else is left; the second value says that this was needed."""
    if keep.any():
        return keep, False
    keep = np.zeros(len(keep), bool)
    keep[int(np.argmin(rank))] = True
    return keep, True


def _setting_names(cls: type) -> list[str]:
    return [name for name in inspect.signature(cls.__init__).parameters if name != "self"]  # type: ignore[misc]


def _text_column(source: Any) -> str:
    if not hasattr(source, "iloc"):
        return "an array of objects"
    for name in source.columns:
        try:
            np.asarray(source[name], float)
        except (TypeError, ValueError):
            return f"{str(name)!r}"
    return "unknown"
