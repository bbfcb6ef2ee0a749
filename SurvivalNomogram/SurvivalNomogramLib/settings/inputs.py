"""What several jobs ask for: patients, covariates, repeated readings, a model, resamples. Jobs inherit them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from RadiomicsCoreLib.cohort.columns import CohortColumns, features_option, select_option
from RadiomicsCoreLib.cohort.joined import JoinedCohort, read_joined
from RadiomicsCoreLib.cohort.seen_cases import check_unseen, seen_by_table
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import FORMATS
from RadiomicsCoreLib.selection.icc_filter import ICC_ABOVE
from RadiomicsCoreLib.settings.options import option

from ..bundles.signature_beside import fitted_behind
from ..tables.reading_filter import ReadingFilter
from ..validation.bootstrap import BootstrapSettings


@dataclass(frozen=True, kw_only=True)
class Patients:
    """A cohort and the feature tables that are joined to it.

    Attributes:
        cohort: table with a row a patient.
        features: name to feature table.
        select: patterns of the feature columns that are used.
        columns: id, split, patient, centre, missing values.
    """

    cohort: Path = option("cohort table, or any table with a row a patient (CSV)", positional=True)
    features: Mapping[str, Path] = features_option()
    select: tuple[str, ...] = select_option()
    columns: CohortColumns = CohortColumns()

    def joined(self, usual: Mapping[str, str] | None = None) -> JoinedCohort:
        """Read the cohort with its features; ``usual`` as in :func:`read_joined`. Raises InputError."""
        return read_joined(self.cohort, self.columns, self.features, self.select, usual=usual)


@dataclass(frozen=True, kw_only=True)
class FittedPatients(Patients):
    """Patients that a model is fitted on: those whose split is train, or all where there is no split.

    Attributes:
        accept_seen: take tables of a network that was trained on these patients.
    """

    accept_seen: bool = option(
        "take tables of a network that was trained on these patients; the figures are then too high", False
    )

    def notes_on_networks(self, joined: JoinedCohort) -> tuple[str, ...]:
        """Look at whom the networks and signatures behind the tables have seen.

        Returns:
            What could not be checked, and the warning where seen patients are accepted, or stand behind a signature.

        Raises:
            InputError: a network has learnt from these patients and that is not accepted.
        """
        tables = {"cohort": (self.cohort, joined.features if not joined.tables else ())}
        tables |= {name: (self.features[name], columns) for name, columns in joined.tables.items()}
        signatures = {name: fitted_behind(path, joined.ids) for name, (path, _) in tables.items()}
        told = [f"table {name or 'cohort'}: {line}" for name, lines in signatures.items() for line in lines or ()]
        seen = {
            name: seen_by_table(path, columns)
            for name, (path, columns) in tables.items()
            if columns and signatures[name] is None
        }
        patient_of = dict(zip(joined.ids, map(str, joined.patients), strict=True))
        return (*told, *check_unseen(seen, joined.ids, patient_of, accept=self.accept_seen))


@dataclass(frozen=True, kw_only=True)
class CovariateWords:
    """Which columns may enter a model, and how they are read.

    Attributes:
        covariates: columns; None: those of the feature tables or, without any, all that have no other role and do
            not look like an outcome.
        categorical: columns of numbers that are codes.
        references: column to its reference level.
    """

    covariates: tuple[str, ...] | None = option(
        "columns to choose from (default: those of the feature tables; without any, all but outcomes)",
        None,
        group="covariates",
    )
    categorical: tuple[str, ...] = option("columns of numbers that are codes", (), group="covariates")
    references: Mapping[str, str] = option(
        "reference level of a category",
        factory=dict,
        word="--reference",
        metavar="COLUMN=LEVEL",
        repeated=True,
        group="covariates",
    )


@dataclass(frozen=True, kw_only=True)
class ReadingWords:
    """Repeated readings of the features, for the filter by intraclass correlation.

    Attributes:
        readings: feature tables of a second reader or of perturbed masks.
        icc_above: ICC that a feature must exceed.
    """

    readings: tuple[Path, ...] = option(
        "feature tables of a second reader or of perturbed masks, of all or some patients (matched by the id)",
        (),
        many=True,
        metavar="CSV",
        group="repeated readings",
    )
    icc_above: float = option("only features whose ICC exceeds this go on", ICC_ABOVE, group="repeated readings")

    def reading_filter(self) -> ReadingFilter | None:
        """Return the filter; None without readings. Raises InputError for a threshold without readings."""
        if self.readings:
            return ReadingFilter(self.readings, self.icc_above)
        if self.icc_above != ICC_ABOVE:
            raise InputError("icc_above needs the tables of a second reading; add --readings second/features.csv")
        return None


@dataclass(frozen=True, kw_only=True)
class Resampling:
    """Resamples, for intervals and optimism; every value depends on the seed alone.

    Attributes:
        bootstrap: number of resamples.
        seed: of the resampling and of random folds.
        workers: processes at a time.
    """

    bootstrap: int = option("resamples", 200, metavar="N", group="resampling")
    seed: int = option("of resamples and folds", 0, group="resampling")
    workers: int = option("processes at a time", 1, group="resampling")

    @property
    def resamples(self) -> BootstrapSettings:
        """The settings of the bootstrap. Raises InputError where one is out of bounds."""
        return BootstrapSettings(self.bootstrap, self.seed, self.workers)


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Attributes: formats: of the figures; none: no figures."""

    formats: tuple[str, ...] = option("of the figures", FORMATS, choices=FORMATS)


@dataclass(frozen=True, kw_only=True)
class FittedModel:
    """Attributes: bundle: a model that was fitted."""

    bundle: Path = option("model folder, model.json or zip, as written by cox, logistic or pca", positional=True)
