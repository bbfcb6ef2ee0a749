"""Who was fitted, kept in a model's bundle without names: hashes by which the patients are known again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError

# An id such as P001 can be guessed by trying; rounds make that slower, and 500 patients still take half a second.
_ROUNDS = 1000
_DIGITS = 9
_CHARACTERS = 24


@dataclass(frozen=True)
class KnownPatients:
    """Hashes of the ids and of the values of the patients that a model was fitted on.

    Ids alone do not make a patient known: another hospital's table may hold a ``P001`` too. Whoever has the same
    values (covariates and, where there is one, outcome) is the same patient, whatever the id, the file or the order of
    the rows; whoever has a known id and other values is told apart and told of.

    Attributes:
        salt: of the hashes; another one for every training table.
        ids: hashes of the ids; empty where the training table had no column of ids.
        rows: hashes of the values with the outcome.
        inputs: hashes of the values without the outcome, for tables that have none; empty where they do not tell
            patients apart.
        patients: how many were fitted; more than there are ``rows`` where two have the same values.
    """

    salt: str = ""
    ids: frozenset[str] = frozenset()
    rows: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    patients: int = 0

    @property
    def are_told_apart(self) -> bool:
        """Whether no two fitted patients have the same values and outcome."""
        return len(self.rows) == self.patients

    def by_values(self, values: Sequence[Sequence[object]], *, with_outcome: bool) -> np.ndarray:
        """Return which patients (n,) have the values of a fitted one.

        Args:
            values: (n) of the model's covariates, in its order, then, ``with_outcome``, those of the outcome.
            with_outcome: whether the outcome stands behind them.
        """
        known = self.rows if with_outcome else self.inputs
        if not known:
            return np.zeros(len(values), bool)
        return np.array([_hash(self.salt, _row_text(row)) in known for row in values], dtype=bool)

    def by_id(self, ids: Iterable[str]) -> np.ndarray:
        """Return which ids (n,) are those of a fitted patient."""
        return np.array([bool(self.ids) and _hash(self.salt, str(name)) in self.ids for name in ids], dtype=bool)

    def to_dict(self) -> dict[str, object]:
        """Return plain values, as they stand in a bundle."""
        hashes = {"ids": self.ids, "rows": self.rows, "inputs": self.inputs}
        return {"salt": self.salt, "patients": self.patients, **{name: sorted(all) for name, all in hashes.items()}}

    @classmethod
    def from_dict(cls, data: Any) -> KnownPatients:
        """Undo :meth:`to_dict`.

        Raises:
            InputError: a part is missing or of the wrong kind.
        """
        names = ("ids", "rows", "inputs")
        is_sound = isinstance(data, Mapping) and isinstance(data.get("salt"), str)
        if not is_sound or not isinstance(data.get("patients"), int) or isinstance(data["patients"], bool):
            raise InputError("the record of the fitted patients is damaged")
        for name in names:
            if not isinstance(data.get(name), list) or not all(isinstance(item, str) for item in data[name]):
                raise InputError(f"the record of the fitted patients is damaged: {name} must be a list of hashes")
        ids, rows, inputs = (frozenset(data[name]) for name in names)
        return cls(data["salt"], ids, rows, inputs, data["patients"])


NOBODY_KNOWN = KnownPatients()


def known_patients(
    salt: str, ids: Sequence[str] | None, inputs: Sequence[Sequence[object]], outcomes: Sequence[Sequence[object]]
) -> KnownPatients:
    """Return the hashes of the fitted patients.

    Args:
        salt: any text that belongs to this training alone, such as the hash of its table.
        ids: (n) names; None where they are row numbers only, which would be found in every table.
        inputs: (n) values of the model's covariates.
        outcomes: (n) values of the outcome.

    Example:
        >>> known = known_patients("salt", ["a", "b"], [[61.5], [17.2]], [[501, 0], [90, 1]])
        >>> known.by_values([[17.2, 90, 1], [17.2, 91, 1]], with_outcome=True).tolist()
        [True, False]
    """
    rows = [[*values, *outcome] for values, outcome in zip(inputs, outcomes, strict=True)]
    texts = [_row_text(values) for values in inputs]
    # Age and stage are the same in many patients: without an outcome they name nobody.
    tells_apart = len(set(texts)) == len(texts) and _has_fractions(inputs)
    return KnownPatients(
        salt,
        frozenset() if ids is None else frozenset(_hash(salt, str(name)) for name in ids),
        frozenset(_hash(salt, _row_text(row)) for row in rows),
        frozenset(_hash(salt, text) for text in texts) if tells_apart else frozenset(),
        len(rows),
    )


def _has_fractions(rows: Sequence[Sequence[object]]) -> bool:
    """Whether every patient has a value that is not whole, as measured features have and codes have not."""
    return all(any(isinstance(v, float | np.floating) and not float(v).is_integer() for v in row) for row in rows)


def _row_text(row: Sequence[object]) -> str:
    return "\x1f".join(_text(value) for value in row)


def _text(value: object) -> str:
    """A value as it is compared: nine digits, so that a table may have been written by a program that rounds."""
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, int | float | np.integer | np.floating):
        return f"{float(value):.{_DIGITS}g}"
    return str(value).strip()


def _hash(salt: str, text: str) -> str:
    digest = hashlib.pbkdf2_hmac("sha256", text.encode("utf-8", "surrogateescape"), salt.encode(), _ROUNDS)
    return digest.hex()[:_CHARACTERS]
