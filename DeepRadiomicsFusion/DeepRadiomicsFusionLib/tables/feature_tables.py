"""Feature tables on disk, joined over the cases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.cohort.seen_cases import seen_by_table
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.provenance import hash_files, hash_settings, study_beside
from RadiomicsCoreLib.files.tables import read_csv

from ..networks.training_record import TrainingRecord, record_of

if TYPE_CHECKING:
    import pandas as pd

NO_FEATURES = ("split", "fold")
"""Columns of a network's tables that say which case was predicted by which network."""


class FeatureTables:
    """One or more feature tables of the same cases.

    Args:
        sources: name (``radiomics``, ``deep``, …) to a CSV file or data frame with ``case_id``.

    Raises:
        InputError: no table, no case in common, repeated cases, or a feature that stands in two tables. Signatures of
            one name, as of networks of two regions, are no error: each gets the name of its table before its own.

    Attributes:
        table: data frame with the case ids as index: the cases that all tables have, all features.
        columns: source to its feature columns.
        record: phases, regions, engine and preprocessing of the features.
        notes: what was left out.
        seen: source to whom the network behind it has learnt from.
        sha256: hash of the contents.
    """

    def __init__(self, sources: Mapping[str, pd.DataFrame | Path | str]) -> None:
        import pandas as pd

        if not sources:
            raise InputError("no feature table is given; give at least one")
        frames = _apart({name: _indexed(name, source) for name, source in sources.items()})
        self._check_columns(frames)
        first = next(iter(frames.values()))
        shared = [case for case in first.index if all(case in frame.index for frame in frames.values())]
        if not shared:
            raise InputError(f"the feature tables {', '.join(frames)} have no case in common; compare their case_id")
        every = {case for frame in frames.values() for case in frame.index}
        self.notes: tuple[str, ...] = ()
        if len(every) > len(shared):
            absent = sorted(every - set(shared))
            shown = ", ".join(absent[:6]) + (" …" if len(absent) > 6 else "")
            self.notes = (f"{len(absent)} cases are not in every feature table and were left out: {shown}",)
        self.columns = {name: tuple(map(str, frame.columns)) for name, frame in frames.items()}
        self.table = pd.concat([frame.loc[shared] for frame in frames.values()], axis=1)
        self.seen = {name: seen_by_table(source, self.columns[name]) for name, source in sources.items()}
        self.record = _record(sources, list(self.table.columns))
        self.sha256 = _hash(sources)

    @staticmethod
    def _check_columns(frames: Mapping[str, pd.DataFrame]) -> None:
        owner: dict[str, str] = {}
        for name, frame in frames.items():
            for column in map(str, frame.columns):
                if column in owner:
                    raise InputError(f"feature {column!r} stands in the tables {owner[column]!r} and {name!r}")
                owner[column] = name


def _apart(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Signatures that stand in several tables get their tables' names."""
    every = [column for frame in frames.values() for column in frame.columns]
    twice = {column for column in every if column.endswith(".signature") and every.count(column) > 1}
    return {
        name: frame.rename(columns={column: f"{name}.{column}" for column in twice}) for name, frame in frames.items()
    }


def _indexed(name: str, source: Any) -> pd.DataFrame:
    frame = read_csv(source) if isinstance(source, str | Path) else source
    if "case_id" in frame.columns:
        frame = frame.set_index("case_id")
    elif isinstance(source, str | Path):
        raise InputError(f"feature table {str(source)!r} has no column case_id")
    frame = frame.rename(index=str, columns=str)
    frame = frame.drop(columns=[name for name in NO_FEATURES if name in frame.columns])
    if not frame.index.is_unique:
        raise InputError(f"case {frame.index[frame.index.duplicated()][0]!r} stands twice in the {name} table")
    if not len(frame.columns) or not len(frame):
        raise InputError(f"the {name} table has {len(frame)} cases and {len(frame.columns)} features")
    return frame


def _record(sources: Mapping[str, Any], columns: list[str]) -> TrainingRecord:
    studies = {name: study_beside(source) for name, source in sources.items() if isinstance(source, str | Path)}
    return record_of(columns, {name: study for name, study in studies.items() if study is not None})


def _hash(sources: Mapping[str, Any]) -> str:
    hashes = {
        name: hash_files([Path(source)])
        if isinstance(source, str | Path)
        else hash_settings(source.astype(object).where(source.notna(), None).to_dict("list"))
        for name, source in sources.items()
    }
    return hash_settings(hashes)
