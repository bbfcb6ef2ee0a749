"""``scores``: several models of one binary end point side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from DeepRadiomicsFusionLib.evaluation.figures import classifier_roc_figure, p_value_figure
from DeepRadiomicsFusionLib.tables.endpoints import read_endpoint
from RadiomicsCoreLib.cohort.columns import ID_COLUMN, features_option, named_table
from RadiomicsCoreLib.cohort.joined import SIGNATURE, read_features
from RadiomicsCoreLib.cohort.splits import TRAINING, split_labels
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import FORMATS
from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput, file_stem
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known

from ..side_by_side.figures import area_figure
from ..side_by_side.score_tables import pair_rows, parts_of, score_rows
from ..side_by_side.size_figure import has_sizes, size_figure

if TYPE_CHECKING:
    import pandas as pd

BEST = "best of classifiers"
_NOT_A_MODEL = (ID_COLUMN, "part", "outcome")
_MOST_DELONG = 15


@dataclass(frozen=True, kw_only=True)
class ScoresJob(Job):
    """Compare scores of several models on the cases that all of them score, part by part; nothing is fitted.

    Writes ``scores.csv`` (AUC, its test against chance and against one model, sensitivity, specificity and accuracy at
    Youden's threshold of the training), ``pairs.csv`` (DeLong's test of every pair), ``scores_by_case.csv``, figures
    of AUCs, ROC curves, p values and, where the models are named after rings, the AUC over ring size.

    Attributes:
        cohort, endpoint, positive, split: as in ``fuse``.
        features: name to a table of signatures; a table with one is a model of that name.
        runs: name to the output folder of a ``fuse``, whose out-of-fold probabilities are taken.
        model: which model of the runs; None: their best of the classifiers, or their only one.
        against: name of the model that the others are tested against; None: the first.
        formats: of the figures.
    """

    verb = "scores"

    cohort: Path = option("cohort table (CSV) with case_id, the end point and possibly split", positional=True)
    endpoint: str = option("column of 0 and 1, empty where the label is missing")
    features: Mapping[str, Path] = features_option()
    runs: Mapping[str, Path] = option(
        "output folder of a fuse (repeatable)",
        factory=dict,
        word="--fused",
        read=named_table,
        metavar="NAME=FOLDER",
        repeated=True,
    )
    model: str | None = option("which model of the runs, as models.csv calls it", None)
    positive: str | None = option("text of the end point that means the outcome", None)
    split: str = option("column that tells train from other parts", "split")
    against: str | None = option("model that the others are tested against (default: the first)", None, metavar="NAME")
    formats: tuple[str, ...] = option("of the figures", FORMATS, choices=FORMATS)

    def __post_init__(self) -> None:
        if not self.features and not self.runs:
            raise InputError("there is no model; name tables of signatures (--features), or runs of fuse (--fused)")

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Compare and write."""
        cohort = read_csv(self.cohort)
        endpoint = read_endpoint(cohort, self.endpoint, positive=self.positive)
        ids = [str(case) for case in cohort[ID_COLUMN]]
        cells = [str(c) for c in cohort[self.split]] if self.split in cohort.columns else [TRAINING] * len(ids)
        part_of = dict(zip(ids, (label or "" for label in split_labels(cells)), strict=True))
        table = self._scores()
        table = table.loc[[case for case in table.index if case in part_of]]
        outcome = dict(zip(endpoint.case_ids, (int(value) for value in endpoint.outcome), strict=True))
        parts, notes = parts_of(table, outcome, part_of)
        against = self.against or str(table.columns[0])
        check_known("model", against, parts[0].scores)
        progress(0.3, f"{len(table.columns)} models, {len(table)} cases")
        rows = score_rows(parts, against)
        output.files["scores"] = output.table("scores", rows)
        output.table("pairs", pair_rows(parts))
        by_case = table.rename(columns=lambda name: f"{name}{SIGNATURE}").reset_index(names=ID_COLUMN)
        output.table("scores_by_case", by_case)
        output.figure("auc", area_figure, rows, endpoint.name)
        for part in parts:
            stem = file_stem(part.part)
            if 1 < len(part.scores) <= _MOST_DELONG:
                output.figure(f"roc_{stem}", classifier_roc_figure, part.outcome, part.scores, part.part)
                output.figure(f"delong_{stem}", p_value_figure, _matrix(part.outcome, part.scores), part.part)
        if has_sizes(rows):
            output.figure("ring_sizes", size_figure, rows, endpoint.name)
        output.notes += [endpoint.summary, *notes, f"p values are against {against}; none is corrected for many tests"]
        progress(1.0, f"{len(table.columns)} models in {len(parts)} parts")

    def _scores(self) -> pd.DataFrame:
        """Case ids as index, a column a model."""
        import pandas as pd

        columns = {}
        for name, path in self.features.items():
            frame = read_features(f"the table {name}", path)
            for column in frame.columns:
                called = name if len(frame.columns) == 1 else f"{name}.{column.removesuffix(SIGNATURE)}"
                columns[called] = frame[column]
        for name, folder in self.runs.items():
            columns[name] = _predictions(folder, self.model)
        return pd.concat(columns, axis=1, join="outer")


def _predictions(folder: Path, model: str | None) -> pd.Series:
    """The probabilities of a run of ``fuse``, of training out of fold. Raises InputError."""
    import pandas as pd

    files = [folder / name for name in ("predictions.csv", "predictions_other_parts.csv")]
    if not files[0].is_file():
        raise InputError(f"{folder.name} is no output folder of fuse: there is no predictions.csv")
    frame = pd.concat([read_csv(path) for path in files if path.is_file()], ignore_index=True)
    models = [name for name in frame.columns if name not in _NOT_A_MODEL]
    chosen = model or (BEST if BEST in models else models[0])
    check_known(f"model of {folder.name}", chosen, models)
    return frame.set_index(frame[ID_COLUMN].astype(str))[chosen]


def _matrix(outcome: object, scores: Mapping[str, object]) -> pd.DataFrame:
    from DeepRadiomicsFusionLib.evaluation.metrics import delong_table

    return delong_table(outcome, scores)  # type: ignore[arg-type]
