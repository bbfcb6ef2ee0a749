"""``contributions``: what each signature or feature contributed to a classifier's answer, patient by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.columns import ID_COLUMN, CaseColumns, features_option
from RadiomicsCoreLib.cohort.joined import read_joined
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import save_figure
from RadiomicsCoreLib.files.safe_names import safe_folder_name
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option

from ..explanation.contributions import explain_model
from ..explanation.shapley import Contributions
from ..explanation.shapley_figures import overall_figure, patient_figure
from ..models.classifier_bundle import load_bundle
from ..models.training_range import training_scale
from ..models.workspace import Model
from ..networks.training_record import check_compatible
from ..tables.feature_tables import FeatureTables
from ..tables.missing_features import fill_medians
from ..tables.samples import numbers_of
from .table_options import figure_formats_option

if TYPE_CHECKING:
    import pandas as pd

MEAN_PATIENT = "mean of the training"


@dataclass(frozen=True, kw_only=True)
class ContributionsJob(Job):
    """Explain a bundle of ``fuse`` on feature tables, and write tables and pictures.

    Writes ``contributions.csv`` (one row a patient, summing to probability minus base), ``overall.csv``,
    ``figures/overall`` and ``patients/<case_id>`` as pictures.

    Attributes:
        bundle: the model's folder or zip.
        features: name to feature table, under the names of the training.
        cohort: table whose training patients "without this input" is averaged over; None: those that the bundle was
            trained on. Those that are not in the tables are left out; without any, all in the tables count, and for a
            single patient one whose features are the training's means.
        columns: of the cohort; without a split those of the bundle count as training.
        cases: ids of the patients to explain; None: all whose features are whole.
        most_background: of more background patients, this many are drawn.
        seed: of the draw, and of sampling.
        formats: of the pictures.

    Raises:
        InputError: no background patient is allowed.
    """

    verb = "contributions"

    bundle: Path = option("model folder or zip that fuse wrote", positional=True)
    features: Mapping[str, Path] = features_option()
    cohort: Path | None = option("cohort table that tells the training patients (default: those of the model)", None)
    columns: CaseColumns = CaseColumns()
    cases: tuple[str, ...] | None = option("patients to explain (default: all)", None)
    most_background: int = option("training patients that an input's absence is averaged over", 20, word="--background")
    seed: int = option("of the draw, and of sampling", 0)
    formats: tuple[str, ...] = figure_formats_option(("png", "svg"))

    def __post_init__(self) -> None:
        if self.most_background < 1:
            raise InputError(f"most_background is {self.most_background}; give 1 or more")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Explain every patient."""
        bundle = load_bundle(self.bundle)
        background = self._training_cases() or bundle.provenance.get("training_cases")
        tables = FeatureTables.read(self.features)
        check_compatible(bundle.trained_on, tables.record)
        table, told = fill_medians(tables.table, bundle.medians)
        output.notes += told
        asked, around = _rows(table, self.cases), _background(table, background, bundle.model)
        if around.index.tolist() == [MEAN_PATIENT]:
            output.notes.append(
                "the tables hold no training patient: contributions are against one whose features are the training's "
                "means, as the model holds them"
            )
        patients, others = (_whole(part, bundle.model) for part in (asked, around))
        drawn = _drawn(others, self.most_background, self.seed)
        step = part_of(progress, 0.0, 0.9)
        found = explain_model(bundle.model, patients, drawn, seed=self.seed, progress=step)
        progress(0.9, "drawing")
        _write(output, found)

    def _training_cases(self) -> list[str]:
        """Ids of the cohort's training patients; none where no cohort or split tells them."""
        if self.cohort is None:
            return []
        cohort = read_joined(self.cohort, self.columns)
        if cohort.columns.id is None:
            raise InputError(f"{self.cohort} has no column {ID_COLUMN}; name its ids by --id")
        return [] if cohort.columns.split is None else cohort.rows(cohort.training).ids


def _rows(table: pd.DataFrame, ids: Sequence[str] | None) -> pd.DataFrame:
    if ids is None:
        return table
    missing = [case for case in ids if case not in table.index]
    if missing:
        raise InputError(f"the feature tables have no case {missing[0]!r}; check the ids")
    return table.loc[list(dict.fromkeys(ids))]


def _background(table: pd.DataFrame, ids: object, model: Model) -> pd.DataFrame:
    """The training patients that the tables hold; without any all, but for a single patient the training's mean."""
    named = {str(case) for case in ids} if isinstance(ids, Sequence) else set()  # a bundle may say anything
    kept = table.loc[[case in named for case in table.index]]
    if len(kept):
        return kept
    mean = {name: centre for name, (centre, _) in training_scale(model).items()}
    if len(table) > 1 or not set(model.features) <= set(mean):
        return table
    return type(table)([{name: mean[name] for name in model.features}], index=[MEAN_PATIENT])


def _whole(table: pd.DataFrame, model: Model) -> pd.DataFrame:
    """The patients whose features the model can use."""
    needed = [name for name in model.features if name in table.columns]
    kept = table[np.isfinite(numbers_of(table[needed]).to_numpy()).all(axis=1)]
    if not len(kept):
        raise InputError(f"none of the {len(table)} cases has all features of the model; look for NaN in the tables")
    return kept


def _drawn(table: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    if len(table) <= most:
        return table
    return table.iloc[np.sort(np.random.default_rng(seed).permutation(len(table))[:most])]


def _write(output: JobOutput, found: Contributions) -> None:
    rows: list[dict[str, object]] = [row | {"method": found.method.value} for row in found.rows()]
    output.files["contributions"] = output.table("contributions", rows)
    output.files["overall"] = output.table("overall", found.overall_rows())
    output.figure("overall", overall_figure, found)
    if not output.formats:
        return
    patients = output.folder / "patients"
    patients.mkdir(exist_ok=True)
    for case_id in found.case_ids:
        save_figure(patient_figure(found, case_id), patients / safe_folder_name(case_id), output.formats)
    output.files["pictures of patients"] = patients
