"""Feature tables joined over the cases, with what is known of how they were made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from RadiomicsCoreLib.cohort.joined import JoinedCohort, join_tables
from RadiomicsCoreLib.cohort.seen_cases import SeenCases, seen_by_table
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.provenance import hash_settings, study_beside

from ..networks.training_record import TrainingRecord, record_of

if TYPE_CHECKING:
    import pandas as pd

    from RadiomicsCoreLib.cohort.joined import Source

IN_THE_COHORT = "cohort"
"""Name of the features that stand in the cohort table itself."""


@dataclass(frozen=True)
class FeatureTables:
    """One or more feature tables of the same cases.

    Attributes:
        joined: the cases that all tables (and the cohort, if there is one) have.
    """

    joined: JoinedCohort

    @classmethod
    def read(cls, sources: Mapping[str, Source], select: Sequence[str] = ()) -> FeatureTables:
        """Read tables that no cohort belongs to.

        Args:
            sources: name (``radiomics``, ``deep``, …) to a CSV file or data frame with ``case_id``.
            select: patterns of the features to use; none: all.

        Raises:
            InputError: as :func:`~RadiomicsCoreLib.cohort.joined.join_tables`.
        """
        return cls(join_tables(sources, select))

    def __post_init__(self) -> None:
        if not self.joined.features:
            raise InputError("no feature table is given, and the cohort has no features; add --features NAME=table.csv")

    @property
    def table(self) -> pd.DataFrame:
        """All features, index the case ids."""
        return self.joined.frame[list(self.joined.features)]

    @property
    def columns(self) -> dict[str, tuple[str, ...]]:
        """Source to its feature columns."""
        return dict(self.joined.tables) or {IN_THE_COHORT: self.joined.features}

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left out."""
        return self.joined.notes

    @cached_property
    def seen(self) -> dict[str, SeenCases]:
        """Source to whom the network behind it has learnt from."""
        return {name: seen_by_table(self._sources[name], columns) for name, columns in self.columns.items()}

    @cached_property
    def record(self) -> TrainingRecord:
        """Phases, regions, engine and preprocessing of the features."""
        paths = {name: source for name, source in self._sources.items() if isinstance(source, str | Path)}
        studies = {name: study_beside(path) for name, path in paths.items()}
        return record_of(self.joined.features, {name: study for name, study in studies.items() if study is not None})

    @cached_property
    def sha256(self) -> str:
        """Hash of the tables' contents."""
        hashes = self.joined.hashes
        return hash_settings({name: hashes[name if name in hashes else ""] for name in self._sources})

    @property
    def _sources(self) -> dict[str, Source]:
        sources = self.joined.sources
        return {name: sources[name if name in sources else ""] for name in self.columns}
