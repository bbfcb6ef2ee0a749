"""Terms of a model: which columns enter, numeric or categorical, and the matrix that they span."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError

if TYPE_CHECKING:
    import pandas as pd

LARGEST_NUMBER = 1e100
"""Largest covariate: the squares of thousands of such numbers are still numbers."""
MISSING_LEVEL = "missing"
"""Name of the level that stands for "not recorded" when the user chooses it."""


@dataclass(frozen=True)
class Term:
    """One covariate of a model.

    Args:
        name: column of the table.
        levels: all levels of a categorical covariate, the reference first; empty for a numeric one.

    Example:
        >>> Term("sex", ("female", "male")).columns
        ('sex=male',)
        >>> Term("age").columns
        ('age',)
    """

    name: str
    levels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.levels) == 1:
            raise InputError(
                f"column {self.name!r} has the single level {self.levels[0]!r}: it tells no patients apart, remove it"
            )
        if len(set(self.levels)) != len(self.levels):
            raise InputError(f"the levels of column {self.name!r} repeat: {', '.join(self.levels)}")

    @property
    def is_categorical(self) -> bool:
        return bool(self.levels)

    @property
    def reference(self) -> str | None:
        """The level that all others are compared with; None for a numeric term."""
        return self.levels[0] if self.levels else None

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the term's columns in the design matrix."""
        if not self.levels:
            return (self.name,)
        return tuple(f"{self.name}={level}" for level in self.levels[1:])

    def to_dict(self) -> dict[str, object]:
        return {"name": self.name, "levels": list(self.levels)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Term:
        return cls(str(data["name"]), tuple(str(level) for level in data.get("levels", ())))


@dataclass(frozen=True)
class DesignMatrix:
    """Turns a frame of covariates into the numbers that a model multiplies with its coefficients.

    Args:
        terms: the terms in the order of the model.

    Example:
        >>> import pandas as pd
        >>> design = DesignMatrix((Term("age"), Term("sex", ("female", "male"))))
        >>> design.transform(pd.DataFrame({"age": [61, 17], "sex": ["male", "female"]})).tolist()
        [[61.0, 1.0], [17.0, 0.0]]
    """

    terms: tuple[Term, ...]

    def __post_init__(self) -> None:
        names = [term.name for term in self.terms]
        if len(set(names)) < len(names):
            repeated = min(name for name, count in Counter(names).items() if count > 1)
            raise InputError(f"column {repeated!r} is named twice among the covariates")

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(column for term in self.terms for column in term.columns)

    def slices(self) -> dict[str, slice]:
        """Where each term's columns lie in the matrix."""
        places, start = {}, 0
        for term in self.terms:
            places[term.name] = slice(start, start + len(term.columns))
            start += len(term.columns)
        return places

    def transform(self, frame: pd.DataFrame) -> np.ndarray:
        """Return the design matrix, float64 (n, p).

        Args:
            frame: one row a patient, with at least the columns of the terms, nothing missing.

        Raises:
            InputError: a column is absent, a value is missing or not a number, or a category was not seen
                when the model was fitted.
        """
        numbers = self._all_numbers(frame)
        if numbers is not None:
            return numbers
        matrix = np.empty((len(frame), len(self.columns)))
        for term, place in zip(self.terms, self.slices().values(), strict=True):
            matrix[:, place] = _block(frame, term)
        return matrix

    def _all_numbers(self, frame: pd.DataFrame) -> np.ndarray | None:
        """Thousands of finite numeric columns at once; None where each has to be looked at by itself."""
        names = [term.name for term in self.terms]
        if any(term.is_categorical for term in self.terms) or not set(names) <= set(frame.columns):
            return None
        chosen = frame[names]
        if not all(dtype.kind in "fiu" for dtype in set(chosen.dtypes)):
            return None
        values = chosen.to_numpy(dtype=float)
        return values if (np.abs(values) <= LARGEST_NUMBER).all() else None


class ModelOfTerms:
    """What every model of covariates has: its design matrix and that matrix's columns."""

    terms: tuple[Term, ...]

    @property
    def design(self) -> DesignMatrix:
        return DesignMatrix(self.terms)

    @property
    def columns(self) -> tuple[str, ...]:
        return self.design.columns


def _block(frame: pd.DataFrame, term: Term) -> np.ndarray:
    if term.name not in frame.columns:
        raise InputError(f"the table has no column {term.name!r}, which the model needs")
    column = frame[term.name]
    if column.isna().any():
        row = frame.index[int(np.argmax(column.isna().to_numpy()))]
        raise InputError(f"column {term.name!r} has no value in row {row}: fill it or drop the patient")
    return _dummies(column, term) if term.is_categorical else _numbers(column)[:, np.newaxis]


def _numbers(column: pd.Series) -> np.ndarray:
    import pandas as pd

    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    if not np.isfinite(values).all():
        at = int(np.argmin(np.isfinite(values)))
        raise InputError(
            f"column {column.name!r} must hold finite numbers, but row {column.index[at]} has {_shown(column.iloc[at])}"
        )
    _check_magnitude(column, values)
    return values


def check_magnitudes(frame: pd.DataFrame, names: Sequence[str]) -> None:
    """Refuse numbers that no sum of squares holds, before anything is computed of the columns.

    Args:
        frame: one row a patient.
        names: columns to look at; texts and missing values pass.

    Raises:
        InputError: a column holds a number beyond 1e100; one line with column, number and row.
    """
    numbers = frame[list(dict.fromkeys(names))].select_dtypes("number")
    # Infinite numbers are told by those who read the column, in words of their own.
    values = np.where(np.isinf(array := numbers.to_numpy(dtype=float, na_value=np.nan)), np.nan, array)
    beyond = (np.abs(values) > LARGEST_NUMBER).any(axis=0)
    if beyond.any():
        at = int(np.argmax(beyond))
        _check_magnitude(numbers.iloc[:, at], np.nan_to_num(values[:, at]))


def _check_magnitude(column: pd.Series, values: np.ndarray) -> None:
    if not (np.abs(values) <= LARGEST_NUMBER).all():
        at = int(np.argmax(np.abs(values)))
        raise InputError(
            f"column {column.name!r} has {_shown(column.iloc[at])} in row {column.index[at]}; numbers up to "
            f"{LARGEST_NUMBER:g} can be squared and summed: correct it or give the column in another unit"
        )


def _shown(value: object) -> str:
    """A cell as a message shows it: numbers without numpy's name."""
    return f"{value:g}" if isinstance(value, float | np.floating) else repr(value)


def _dummies(column: pd.Series, term: Term) -> np.ndarray:
    texts = level_texts(column)
    unseen = sorted(set(texts) - set(term.levels))
    if unseen:
        raise InputError(
            f"column {term.name!r} has the category {unseen[0]!r}, which the training data do not; "
            f"known are {', '.join(term.levels)}"
        )
    return (texts.to_numpy()[:, np.newaxis] == np.array(term.levels[1:], dtype=object)).astype(float)


def level_texts(column: pd.Series) -> pd.Series:
    """Return the column's values as the texts that name levels; 1.0 and 1 are the same level.

    Missing values stay missing.
    """

    def text(value: object) -> str:
        if isinstance(value, float | np.floating) and float(value).is_integer():
            return str(int(value))
        return str(value).strip()

    return column.astype(object).map(text, na_action="ignore")


def terms_of(
    frame: pd.DataFrame,
    covariates: Sequence[str] | None = None,
    *,
    categorical: Iterable[str] = (),
    references: Mapping[str, str] | None = None,
) -> tuple[Term, ...]:
    """Read the terms from a frame: text, boolean and named columns are categorical, the others numeric.

    Args:
        frame: one row a patient.
        covariates: columns to use, in this order; all columns when None.
        categorical: numeric columns that hold codes of categories (stage 1 to 4).
        references: reference level of categorical columns; otherwise the first in sorted order, or the first
            of a pandas Categorical.

    Raises:
        InputError: a column is absent, an interaction is asked for, a numeric column holds text, or a
            reference is not among the levels.
    """
    names = list(frame.columns) if covariates is None else list(covariates)
    references = dict(references or {})
    named = set(categorical) | set(references)
    for name in [*names, *named]:
        check_column(frame, name)
    return tuple(_term(frame[name], name in named, references.get(name)) for name in names)


def check_column(frame: pd.DataFrame, name: str) -> None:
    """Raise InputError if the frame has no such column; interactions get a reason of their own."""
    if name in frame.columns:
        return
    if any(sign in str(name) for sign in (":", "*")):
        raise InputError(
            f"{name!r} asks for an interaction, which a nomogram's single axes cannot show: "
            "add the product as a column of its own, or leave it out"
        )
    near = ", ".join(str(column) for column in list(frame.columns)[:12])
    raise InputError(f"the table has no column {name!r}; it has {near}")


def is_numeric(column: pd.Series) -> bool:
    """Tell whether a column is numeric: numbers, or texts that all read as numbers.

    Raises:
        InputError: most values are numbers and some are text, so that neither reading is safe.
    """
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype) or pd.api.types.is_bool_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        return True
    present = column.dropna()
    if present.map(lambda value: isinstance(value, bool | np.bool_)).any():
        return False
    bad = pd.to_numeric(present, errors="coerce").isna().to_numpy()
    if bad.any() and bad.mean() < 0.5:
        at = int(np.argmax(bad))
        raise InputError(
            f"column {column.name!r} mixes numbers and text: row {present.index[at]} has "
            f"{present.iloc[at]!r}; leave the cell empty or name the column as categorical"
        )
    return not bad.any() and len(present) > 0


def _term(column: pd.Series, is_named_categorical: bool, reference: str | None) -> Term:
    import pandas as pd

    if not is_named_categorical and is_numeric(column):
        return Term(str(column.name))
    texts = level_texts(column).dropna()
    if isinstance(column.dtype, pd.CategoricalDtype):
        known = level_texts(pd.Series(column.cat.categories))
        levels = [level for level in known if (texts == level).any()]
    else:
        levels = sorted(texts.unique(), key=_natural)
    if not levels:
        raise InputError(f"column {column.name!r} is empty: remove it")
    if len(levels) > 20 and len(levels) > len(texts) / 3:
        raise InputError(
            f"column {column.name!r} has {len(levels)} different texts in {len(texts)} rows: if it names "
            "patients or files, leave it out of the covariates"
        )
    return Term(str(column.name), _reference_first(str(column.name), levels, reference))


def _natural(level: str) -> tuple[bool, float, str]:
    """Sort key: numbers by value before texts, "missing" after all others."""
    try:
        return (False, float(level), level)
    except ValueError:
        return (True, float(level == MISSING_LEVEL), level)


def _reference_first(name: str, levels: list[str], reference: str | None) -> tuple[str, ...]:
    if reference is None:
        return tuple(levels)
    if str(reference) not in levels:
        raise InputError(
            f"column {name!r} has no level {reference!r} to serve as the reference; it has {', '.join(levels)}"
        )
    return (str(reference), *(level for level in levels if level != str(reference)))


def check_full_rank(matrix: np.ndarray, columns: Sequence[str]) -> None:
    """Raise ModelError if a column is constant or a combination of others; the message names them.

    Args:
        matrix: design matrix (n, p) without an intercept.
        columns: names of its columns.
    """
    if not matrix.shape[1]:
        return
    spread = matrix.std(axis=0)
    scale = np.abs(matrix).max(axis=0)
    constant = spread <= 1e-12 * np.maximum(scale, np.finfo(float).tiny)
    if constant.any():
        at = int(np.argmax(constant))
        raise ModelError(f"column {columns[at]!r} has the same value ({matrix[0, at]:g}) in all patients: remove it")
    dependent = _first_dependent((matrix - matrix.mean(axis=0)) / spread)
    if dependent is not None:
        at, partners = dependent
        named = " and ".join(repr(columns[k]) for k in partners)
        raise ModelError(
            f"column {columns[at]!r} is collinear with {named}: the model cannot tell them apart, remove one"
        )


def _first_dependent(standard: np.ndarray) -> tuple[int, list[int]] | None:
    """First column that the ones before it explain up to 1e-7 of its spread, and those that explain it."""
    r = np.linalg.qr(standard, mode="r")
    own = np.abs(np.diag(r)) / np.sqrt(len(standard))
    if len(own) == standard.shape[1] and (own > 1e-7).all():
        return None
    at = int(np.argmax(own <= 1e-7)) if (own <= 1e-7).any() else len(own)
    weights = np.linalg.lstsq(standard[:, :at], standard[:, at], rcond=None)[0]
    return at, [int(k) for k in np.flatnonzero(np.abs(weights) > 1e-6)]
