"""``signature``: one number a patient from many features, for a binary end point; out of fold for training patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from DeepRadiomicsFusionLib.models.fusion import LogisticFusion, fit_fusion
from DeepRadiomicsFusionLib.models.fusion_parts import study_parts
from DeepRadiomicsFusionLib.models.rad_score import RadScore, RadScoreLearner
from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings, Selector
from DeepRadiomicsFusionLib.models.significant_rad_score import SignificantLearner
from DeepRadiomicsFusionLib.models.workspace import Workspace, patient_folds
from DeepRadiomicsFusionLib.tables.endpoints import read_endpoint
from DeepRadiomicsFusionLib.tables.feature_tables import FeatureTables
from DeepRadiomicsFusionLib.tables.missing_features import MissingFeatures, check_policies
from DeepRadiomicsFusionLib.tables.samples import Samples
from RadiomicsCoreLib.cohort.columns import CohortColumns, features_option, select_option
from RadiomicsCoreLib.cohort.joined import read_joined
from RadiomicsCoreLib.cohort.seen_cases import NOBODY, check_unseen, seen_record
from RadiomicsCoreLib.cohort.splits import TRAINING
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.statistics.roc import auc

if TYPE_CHECKING:
    import pandas as pd

SIGNATURES_FILE = "signatures"
Method = Literal["lasso", "logistic"]


@dataclass(frozen=True)
class _Logistic:
    """A plain logistic regression on all columns, for a few signatures (wu2021's fusion)."""

    def fit(self, samples: Samples, workspace: Workspace | None = None) -> LogisticFusion:
        return fit_fusion(samples.table, samples.outcome)


@dataclass(frozen=True, kw_only=True)
class SignatureJob(Job):
    """Fit a signature on the training patients, and give every patient its value.

    Writes ``signatures.csv``: of a training patient the value by a model of the other folds, of everybody else that of
    the model of all training patients, which has not seen them; so it may enter ``train``, ``fuse`` or ``signature``
    again as it is. ``coefficients.csv``, ``formula.txt`` and ``auc.csv`` (in-sample and out of fold beside one
    another, the difference is the optimism of the former).

    Attributes:
        cohort, endpoint, positive, columns: as in ``fuse``.
        features: name to feature table.
        select: patterns of the columns to use.
        name: of the signature; the column is ``<name>.signature``.
        method: LASSO, or a plain logistic regression on all columns.
        p_below: with the LASSO, only features significant in one model of all chosen ones stay; None: all.
        correlation_below: of two features that correlate as much, one goes first.
        scale: a score (log odds, a linear formula) or the probability.
        fitted_on: training patients' values by models of the other folds, or by the model that knows them (as in
            papers without folds; what is built on it looks too good).
        folds, seed: of the out-of-fold values.
        accept_seen: take tables of a network that was trained on these patients.
    """

    verb = "signature"

    cohort: Path = option("cohort table (CSV) with case_id, the end point and possibly split", positional=True)
    endpoint: str = option("column of 0 and 1, empty where the label is missing")
    features: Mapping[str, Path] = features_option()
    select: tuple[str, ...] = select_option()
    name: str = option("of the signature", "rad")
    positive: str | None = option("text of the end point that means the outcome", None)
    method: Method = option("how the features become one number", "lasso")
    p_below: float | None = option("with the LASSO: only features significant together stay (wu2021)", None)
    correlation_below: float | None = option("of two features that correlate as much, drop one", 0.9)
    scale: Literal["score", "probability"] = option("log odds, or the probability", "score")
    fitted_on: Literal["out-of-fold", "training"] = option("whose model gives training patients' values", "out-of-fold")
    folds: int = option("of the out-of-fold values", 5)
    seed: int = option("of the folds", 0)
    columns: CohortColumns = CohortColumns()
    accept_seen: bool = option("take tables of a network that was trained on these patients", False)

    def __post_init__(self) -> None:
        check_policies(self.columns.missing)
        if self.folds < 2:
            raise InputError(f"folds is {self.folds}; give a whole number of 2 or more")
        if self.p_below is not None:
            SignificantLearner(self.p_below)
        if self.p_below is not None and self.method == "logistic":
            raise InputError("p_below chooses among the LASSO's features; leave it out with method logistic")

    @property
    def column(self) -> str:
        """Name of the signature's column."""
        return f"{self.name}.signature"

    def learner(self) -> Any:
        """What is fitted."""
        if self.method == "logistic":
            return _Logistic()
        plan = SelectionSettings(selector=Selector.NONE, correlation_below=self.correlation_below).plan()
        lasso = RadScoreLearner(plan)
        return lasso if self.p_below is None else SignificantLearner(self.p_below, lasso)

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Fit and write."""
        joined = read_joined(self.cohort, self.columns, self.features, self.select)
        endpoint = read_endpoint(joined, self.endpoint, positive=self.positive)
        tables = FeatureTables(joined)
        parts, missing, notes = study_parts(joined, endpoint, self.columns.missing)
        patient_of = dict(zip(joined.ids, map(str, joined.patients), strict=True))
        notes += check_unseen(tables.seen, joined.ids, patient_of, accept=self.accept_seen)
        output.notes += [*tables.notes, *notes]
        training = parts[TRAINING]
        progress(0.1, f"{len(training.table.columns)} features of {len(training)} cases")
        learner = self.learner()
        model = learner.fit(training, Workspace(self.seed))
        inside = self._values(model, training.table)
        held_out, fold_of = self._out_of_fold(learner, training, output)
        shown = held_out if self.fitted_on == "out-of-fold" else inside
        known = zip(shown, fold_of, strict=True)
        self._write(output, model, missing, tables.table, dict(zip(training.table.index, known, strict=True)))
        rows = [_area("train", "in-sample", training, inside), _area("train", "out of fold", training, held_out)]
        for name, samples in parts.items():
            if name != TRAINING:
                rows.append(_area(name, "not seen", samples, self._values(model, samples.table)))
        rows[0]["optimism"] = rows[0]["auc"] - rows[1]["auc"]
        output.table("auc", rows)
        output.notes.append(
            f"{self.column}: {len(model.features)} features; AUC of the training {rows[0]['auc']:.3f} in-sample and "
            f"{rows[1]['auc']:.3f} out of fold, an optimism of {rows[0]['optimism']:.3f}"
        )
        if self.fitted_on == "training":
            output.warnings.append(f"{self.column}: training patients' values know their outcome, as in the paper")
        output.record |= seen_record({f"{SIGNATURES_FILE}.csv": NOBODY})
        progress(1.0, output.notes[-1])

    def _values(self, model: Any, table: pd.DataFrame) -> np.ndarray:
        """Values of the signature (n,); NaN where a feature is missing."""
        needed = table[list(model.features)]
        known = np.isfinite(needed.to_numpy(float)).all(axis=1)
        values = np.full(len(table), np.nan)
        if known.any():
            rows = needed[known]
            if self.scale == "score" and isinstance(model, RadScore):
                values[known] = model.score(rows)
            else:
                chance = np.clip(model.predict(rows), 1e-12, 1 - 1e-12)
                values[known] = np.log(chance / (1 - chance)) if self.scale == "score" else chance
        return values

    def _out_of_fold(self, learner: Any, training: Samples, output: JobOutput) -> tuple[np.ndarray, np.ndarray]:
        fold_of = patient_folds(training, self.folds, self.seed, smallest=2)
        values = np.full(len(training), np.nan)
        for fold in np.unique(fold_of):
            own, others = np.flatnonzero(fold_of == fold), np.flatnonzero(fold_of != fold)
            model = learner.fit(training.rows(others), Workspace(self.seed))
            values[own] = self._values(model, training.table.iloc[own])
        return values, fold_of + 1

    def _write(
        self, output: JobOutput, model: Any, missing: MissingFeatures, table: pd.DataFrame, known: Mapping[Any, Any]
    ) -> None:
        whole, _ = missing.complete(table)
        final = dict(zip(whole.index, self._values(model, whole), strict=True))
        rows = []
        for case in table.index:
            value, fold = known.get(case, (final.get(case), None))
            rows.append({"case_id": case, "fold": fold, self.column: value})
        output.files["signatures"] = output.table(SIGNATURES_FILE, rows)
        if isinstance(model, RadScore):
            output.table("coefficients", model.coefficient_table())
            output.text("formula", model.formula(self.column))
        else:
            pairs = zip(model.names, model.coefficients.tolist(), strict=True)
            output.table("coefficients", [{"feature": name, "coefficient": value} for name, value in pairs])
            output.text("formula", model.formula())


def _area(part: str, how: str, samples: Samples, values: np.ndarray) -> dict[str, Any]:
    known = np.isfinite(values)
    found = auc(samples.outcome[known], values[known])
    row: dict[str, Any] = {"part": part, "how": how, "n": int(known.sum()), "events": int(samples.outcome[known].sum())}
    return row | {"auc": found.value, "auc_lower": found.lower, "auc_upper": found.upper}
