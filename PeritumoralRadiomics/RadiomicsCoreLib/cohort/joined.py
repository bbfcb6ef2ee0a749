"""The one reader of cohorts and feature tables: a table, or several joined on the id of the cases."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from ..errors import InputError
from ..files.provenance import hash_files, hash_settings
from ..files.safe_names import one_line
from ..files.tables import read_cells, text_column, typed_column, unguard_text
from .columns import ID_COLUMN, CaseColumns, CohortColumns
from .splits import TRAINING, split_labels
from .table import MISSING_CELLS, file_columns

if TYPE_CHECKING:
    import pandas as pd

    Source: TypeAlias = pd.DataFrame | Path | str

SEPARATORS = ",;\t"
SIGNATURE = ".signature"
# What the tables of a network say of a case beside its features: the part, and the fold that predicted it.
_NO_FEATURES = ("split", "fold")
_SHOWN = 6


@dataclass(frozen=True)
class JoinedCohort:
    """A cohort with the features that belong to it.

    Attributes:
        frame: (n rows) the cohort's columns, then those of the tables; index the ids, as texts.
        columns: which columns are id, split, patient and centre; None where there is none.
        tables: name of a joined table to its feature columns; empty where none was joined.
        files: columns of the cohort that name images and masks.
        notes: cases and columns that were left out, one line each.
        sources: name to what was read, the cohort under ``""``; for hashes and records beside the tables.
    """

    frame: pd.DataFrame
    columns: CohortColumns
    tables: Mapping[str, tuple[str, ...]]
    files: tuple[str, ...]
    notes: tuple[str, ...]
    sources: Mapping[str, Source]

    @property
    def ids(self) -> list[str]:
        """Ids of the cases."""
        return [str(name) for name in self.frame.index]

    @property
    def features(self) -> tuple[str, ...]:
        """The feature columns: those of the joined tables, or, without any, those that are named like features."""
        if self.tables:
            return tuple(name for columns in self.tables.values() for name in columns)
        return tuple(name for name in self.frame.columns if is_feature(name))

    @property
    def clinical(self) -> tuple[str, ...]:
        """Columns of the cohort that are no id, split, patient, centre, file or feature."""
        taken = {*self.columns.named.values(), *self.files, *self.features}
        return tuple(name for name in self.frame.columns if name not in taken)

    def table_of(self, column: str) -> str | None:
        """Return the table that a column came from; None for a column of the cohort itself."""
        return self._table_of.get(column)

    @cached_property
    def _table_of(self) -> dict[str, str]:
        return {column: table for table, columns in self.tables.items() for column in columns}

    def rows(self, chosen: np.ndarray) -> JoinedCohort:
        """Return the chosen cases: a mask (n,) or positions."""
        chosen = np.asarray(chosen)
        return replace(self, frame=self.frame.iloc[np.flatnonzero(chosen) if chosen.dtype == bool else chosen])

    @property
    def split(self) -> np.ndarray | None:
        """(n,) labels of the parts, ``train`` spelt so; None where a cell is empty. None without a split column."""
        if self.columns.split is None:
            return None
        return np.array(split_labels(_texts(self.frame[self.columns.split])), dtype=object)

    @property
    def training(self) -> np.ndarray:
        """(n,) bool: the cases that may be fitted; all where there is no split column."""
        split = self.split
        return np.ones(len(self.frame), bool) if split is None else split == TRAINING

    @property
    def patients(self) -> np.ndarray:
        """(n,) patient of each case; the case itself where there is no column of patients.

        Raises:
            InputError: a cell of the column of patients is empty.
        """
        name = self.columns.patient
        if name is None:
            return np.array(self.ids, dtype=object)
        found = _texts(self.frame[name])
        for case, patient in zip(self.ids, found, strict=True):
            if patient is None:
                raise InputError(f"case {case!r} has no patient: its cell of column {name!r} is empty")
        return np.array(found, dtype=object)

    @cached_property
    def hashes(self) -> dict[str, str]:
        """Name of what was read, the cohort under ``""``, to the SHA-256 of its content."""
        return {name: source_hash(source) for name, source in self.sources.items()}


def read_joined(
    cohort: Source,
    columns: CaseColumns | None = None,
    features: Mapping[str, Source] | None = None,
    select: Sequence[str] = (),
    *,
    usual: Mapping[str, str] | None = None,
) -> JoinedCohort:
    """Read a cohort, or any table with a row a case, and join feature tables to it.

    Args:
        cohort: CSV file (comma, semicolon or tab) or data frame.
        columns: which columns are what; None: those of the usual names.
        features: name to feature table, joined on the id (``case_id``, or the cohort's own id column). Their columns
            ``split``, ``fold`` and those of the cohort's roles are no features. Signatures of one name in several
            tables get their table's name.
        select: patterns of the feature columns to use, as of file names; none: all.
        usual: role to column that is looked for before that of the usual name, as in a model's training.

    Returns:
        The cases that stand in the cohort and in all tables, in the cohort's order.

    Raises:
        InputError: one line: a table that cannot be read or has no id, an id that stands twice, no case in common, a
            column that stands in two tables, a pattern that fits no feature.

    Example:
        >>> import pandas as pd
        >>> cohort = pd.DataFrame({"case_id": ["a", "b"], "death": [0, 1]})
        >>> rings = pd.DataFrame({"case_id": ["b", "a"], "ct.ring_0_3mm.x": [2.0, 1.0]})
        >>> read_joined(cohort, features={"rings": rings}).frame["ct.ring_0_3mm.x"].tolist()
        [1.0, 2.0]
    """
    import pandas as pd

    known: dict[str, pd.DataFrame] = {}
    asked = columns if isinstance(columns, CohortColumns) else _with_missing(columns or CaseColumns())
    own_id = asked.id or (usual or {}).get("id", ID_COLUMN)
    frame = _read(cohort, own_id, known)
    found = asked.found_in([str(name) for name in frame.columns], usual)
    if features and found.id is None:
        raise InputError(
            f"the cohort has no column {ID_COLUMN!r} to join the tables {', '.join(features)} by; name its ids by --id"
        )
    frame = frame.set_axis(_ids(frame, found.id, "the cohort"), axis=0)
    roles = {*found.named.values(), *_NO_FEATURES}
    joined = {
        name: _features(f"the table {name}", _read(source, found.id or ID_COLUMN, known), found.id or ID_COLUMN, roles)
        for name, source in (features or {}).items()
    }
    joined = _apart(joined)
    _check_owners(list(frame.columns), joined)
    shared, notes = _shared("the cohort", list(frame.index), joined)
    parts = [frame.loc[shared], *(table.loc[shared] for table in joined.values())]
    whole = pd.concat(parts, axis=1) if joined else frame
    result = JoinedCohort(
        whole,
        found,
        {name: tuple(table.columns) for name, table in joined.items()},
        file_columns(list(frame.columns)),
        tuple(notes),
        {"": cohort, **(features or {})},
    )
    return _selected(result, select) if select else result


def join_tables(features: Mapping[str, Source], select: Sequence[str] = ()) -> JoinedCohort:
    """Join feature tables where no cohort says whose they are.

    Args:
        features: name to feature table, joined on ``case_id``.
        select: patterns of the feature columns to use, as of file names; none: all.

    Returns:
        The cases that all tables have, in the order of the first.

    Raises:
        InputError: as :func:`read_joined`, or there is no table.

    Example:
        >>> import pandas as pd
        >>> tumour = pd.DataFrame({"case_id": ["b", "a"], "ct.intratumour.x": [2.0, 1.0]})
        >>> join_tables({"tumour": tumour}).ids
        ['b', 'a']
    """
    import pandas as pd

    if not features:
        raise InputError("no feature table is given; give at least one by --features NAME=table.csv")
    known: dict[str, pd.DataFrame] = {}
    roles = set(_NO_FEATURES)
    joined = {
        name: _features(f"the table {name}", _read(source, ID_COLUMN, known), ID_COLUMN, roles)
        for name, source in features.items()
    }
    joined = _apart(joined)
    _check_owners((), joined)
    name, first = next(iter(joined.items()))
    shared, notes = _shared(f"the table {name}", list(first.index), joined)
    result = JoinedCohort(
        pd.concat([table.loc[shared] for table in joined.values()], axis=1),
        CohortColumns(id=ID_COLUMN),
        {name: tuple(table.columns) for name, table in joined.items()},
        (),
        tuple(notes),
        dict(features),
    )
    return _selected(result, select) if select else result


def _with_missing(columns: CaseColumns) -> CohortColumns:
    return CohortColumns(id=columns.id, split=columns.split, patient=columns.patient, centre=columns.centre)


def read_features(what: str, source: Source, id_column: str = ID_COLUMN) -> pd.DataFrame:
    """Return the feature columns of one table, index the ids: those of ``id_column``, or of ``case_id``.

    Args:
        what: what the table is, for messages: "reading 2".
        source: CSV file or data frame.
        id_column: column of the cases' names.

    Raises:
        InputError: as :func:`read_joined`.
    """
    return _features(what, _read(source, id_column, {}), id_column, set(_NO_FEATURES))


def is_feature(column: str) -> bool:
    """Tell whether a column is named like a feature, ``<phase>.<region>.<name>``, or a signature.

    Example:
        >>> is_feature("ct.ring_0_3mm.original_glcm_Idm"), is_feature("deep.signature"), is_feature("age")
        (True, True, False)
    """
    return column.endswith(SIGNATURE) or (all(column.split(".", 2)) and column.count(".") >= 2)


def source_hash(source: Source) -> str:
    """Return the SHA-256 of a table's content: of the file, or of a frame's values."""
    if isinstance(source, str | Path):
        return hash_files([Path(source)])
    return hash_settings(source.astype(object).where(source.notna(), None).to_dict("list"))


def listed(names: Iterable[object], shown: int = _SHOWN) -> str:
    """Return some names for a message, and how many there are more.

    Example:
        >>> listed("abcdefgh", 3)
        'a, b, c and 5 more'
    """
    every = [one_line(str(name)) for name in names]
    more = f" and {len(every) - shown} more" if len(every) > shown else ""
    return ", ".join(every[:shown]) + more


# --- one table -------------------------------------------------------------------------------------------------


def _read(source: Source, id_column: str, known: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Read a table once, however many names it has."""
    import pandas as pd

    if isinstance(source, pd.DataFrame):
        frame = source if all(isinstance(name, str) for name in source.columns) else source.rename(columns=str)
        if not frame.columns.is_unique:
            raise InputError(f"column {frame.columns[frame.columns.duplicated()][0]!r} stands twice; rename one")
        if id_column not in frame.columns and frame.index.name == id_column:
            frame = frame.reset_index()
        if frame.empty:
            raise InputError("the table has no rows")
        return frame
    path = Path(source).expanduser()
    key = str(path.resolve())
    if key not in known:
        known[key] = _read_file(path, id_column)
    return known[key]


def _read_file(path: Path, id_column: str) -> pd.DataFrame:
    import pandas as pd

    header, cells = read_cells(path, separators=SEPARATORS)
    if not cells:
        raise InputError(f"{path} names no case: there is a header but no row below it")
    columns: dict[str, Any] = {}
    for name, column in zip(header, zip(*cells, strict=True), strict=True):
        stripped = [cell.strip() for cell in column]
        if name in (id_column, ID_COLUMN):
            columns[name] = text_column(stripped)  # an id is text, whatever it says: 001, NA
            continue
        blank = ["" if cell in MISSING_CELLS else cell for cell in stripped]
        columns[name] = typed_column(blank)
    return pd.DataFrame(columns, columns=header)


def _ids(frame: pd.DataFrame, id_column: str | None, what: str) -> list[str]:
    """The ids as texts, each once; row numbers where there is no column of ids."""
    if id_column is None:
        return [str(number) for number in range(1, len(frame) + 1)]
    ids: list[str] = []
    for number, text in enumerate(_texts(frame[id_column]), start=1):
        if text is None:
            raise InputError(f"{what} has no name in row {number} of the column {id_column!r}; give every case one")
        ids.append(unicodedata.normalize("NFC", text))
    if len(set(ids)) < len(ids):
        twice = next(name for k, name in enumerate(ids) if name in ids[:k])
        raise InputError(f"{what} has {twice!r} twice in its column {id_column!r}; keep one row a case")
    return ids


def _texts(column: pd.Series) -> list[str | None]:
    """Cells as texts, 1.0 as "1"; None where empty."""

    def text(value: object) -> str | None:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return None
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return unguard_text(str(value).strip()) or None

    return [text(value) for value in column.astype(object).where(column.notna(), None).tolist()]


# --- joining ---------------------------------------------------------------------------------------------------


def _features(what: str, frame: pd.DataFrame, id_column: str, roles: set[str]) -> pd.DataFrame:
    """The feature columns of a table, index the ids."""
    own = id_column if id_column in frame.columns else ID_COLUMN
    if own not in frame.columns:
        wanted = repr(ID_COLUMN) if id_column == ID_COLUMN else f"{id_column!r} or {ID_COLUMN!r}"
        raise InputError(f"{what} has no column {wanted} to join it by; it has {listed(frame.columns)}")
    table = frame.set_axis(_ids(frame, own, what), axis=0)
    table = table[[column for column in table.columns if column not in {own, *roles}]]
    if not len(table.columns):
        raise InputError(f"{what} has no feature column; it has {listed(frame.columns)}")
    return table


def _apart(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Signatures that stand in several tables, as of networks of two regions, get their tables' names."""
    count: dict[str, int] = {}
    for table in tables.values():
        for column in table.columns:
            count[column] = count.get(column, 0) + 1
    twice = {column for column, times in count.items() if times > 1 and column.endswith(SIGNATURE)}
    if not twice:
        return tables
    return {name: t.rename(columns={column: f"{name}.{column}" for column in twice}) for name, t in tables.items()}


def _check_owners(cohort: Sequence[str], tables: Mapping[str, pd.DataFrame]) -> None:
    owner = dict.fromkeys(cohort, "the cohort")
    for name, table in tables.items():
        for column in table.columns:
            if column in owner:
                raise InputError(
                    f"column {column!r} stands in {owner[column]} and in the table {name}; rename it in one, or give "
                    "the table once"
                )
            owner[column] = f"the table {name}"


def _shared(first: str, ids: list[str], tables: Mapping[str, pd.DataFrame]) -> tuple[list[str], list[str]]:
    """Those of the ids of the first that all tables have, and notes on the others."""
    notes, shared = [], ids
    for name, table in tables.items():
        there = set(table.index)
        absent = [case for case in ids if case not in there]
        if len(absent) == len(ids):
            raise InputError(
                f"{first} and the table {name} have no case in common: the former has {listed(ids, 3)}, the latter "
                f"{listed(table.index, 3)}"
            )
        if absent:
            notes.append(
                f"{len(absent)} of {len(ids)} cases have no row in the table {name} and are left out: {listed(absent)}"
            )
        strangers = sorted(there - set(ids))
        if strangers:
            notes.append(f"{len(strangers)} rows of the table {name} belong to no case here: {listed(strangers)}")
        shared = [case for case in shared if case in there]
    if not shared:
        raise InputError(f"no case of {first} stands in each of the tables {', '.join(tables)}")
    return shared, notes


def _selected(joined: JoinedCohort, patterns: Sequence[str]) -> JoinedCohort:
    features = joined.features
    kept: set[str] = set()
    for pattern in patterns:
        matching = [name for name in features if fnmatchcase(name, pattern)]
        if not matching:
            raise InputError(
                f"no feature column fits the pattern {pattern!r}; there are {len(features)}: {listed(features, 3)}"
            )
        kept.update(matching)
    gone = set(features) - kept
    tables = {name: tuple(column for column in columns if column in kept) for name, columns in joined.tables.items()}
    return replace(
        joined,
        frame=joined.frame[[name for name in joined.frame.columns if name not in gone]],
        tables={name: columns for name, columns in tables.items() if columns},
        notes=(*joined.notes, f"{len(kept)} of {len(features)} features fit {', '.join(patterns)}"),
    )
