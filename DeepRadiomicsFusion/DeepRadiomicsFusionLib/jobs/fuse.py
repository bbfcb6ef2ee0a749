"""``fuse``: feature tables in; tables, figures and a bundle out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from RadiomicsCoreLib.cohort.columns import ID_COLUMN, CohortColumns, features_option, select_option
from RadiomicsCoreLib.cohort.joined import read_features, read_joined
from RadiomicsCoreLib.cohort.seen_cases import check_unseen
from RadiomicsCoreLib.cohort.splits import TRAINING
from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.files.provenance import environment_record
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.selection.readings import Readings
from RadiomicsCoreLib.selection.volume_filter import RegionVolumes
from RadiomicsCoreLib.settings.checks import check_whole, choose
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.settings.rules import check_known

from ..evaluation.figures import sweep_figure
from ..evaluation.metrics import EvaluationSettings, permutation_test
from ..models.classifier_bundle import ClassifierBundle, require_skops, save_bundle
from ..models.classifiers import CLASSIFIERS, BestOfClassifiers, tuned_classifiers
from ..models.cross_validation import CrossValidationResult, CrossValidationSettings, cross_validate, fit_once
from ..models.fusion import FusionLearner, SignatureSource, column_sources
from ..models.fusion_parts import study_parts
from ..models.rad_score import RadScoreLearner
from ..models.ring_sweep import SweepSource, ring_sweep, sweep_sources
from ..models.selection_plan import GROUP, SelectionPlan, SelectionSettings
from ..models.workspace import Learner, Model
from ..networks.training_record import record_of
from ..tables.endpoints import read_endpoint
from ..tables.feature_tables import FeatureTables
from ..tables.missing_features import MissingFeatures, check_policies
from ..tables.samples import Samples
from .fusion_tables import FUSION, write_other_parts, write_reliability, write_signatures, write_training
from .table_options import figure_formats_option

BEST = "best classifier"


class SignatureFor(Enum):
    """What gets a signature of its own."""

    TABLE = "table"
    """Every feature table, for example radiomics and deep (wu2021)."""
    REGION = "region"
    """Every region of every table, for example tumour and ring (zhang2024)."""


class BundledModel(Enum):
    """What the bundle holds."""

    FOLDS = "folds"
    """All models of the cross-validation; a new patient gets their mean (song2021)."""
    REFIT = "refit"
    """One model, fitted on all training cases."""


@dataclass(frozen=True, kw_only=True)
class FuseJob(Job):
    """Signatures, their fusion and seven classifiers: cross-validated, compared, applied to other parts, bundled.

    Writes ``models.csv`` (AUC as the mean of the folds with Nadeau and Bengio's interval; other figures of the pooled
    out-of-fold probabilities), ``predictions.csv``, ``selected_features.csv``, ``p_values_train.csv``,
    ``comparison.csv`` (every two models: fold by fold in training, DeLong's test in other parts), of the other parts
    ``models_other_parts.csv``, ``predictions_other_parts.csv`` and ``delong_<part>.csv``, ``signatures.txt`` with the
    formulas, with readings ``icc.csv``, with ``sweep`` also ``ring_sweep.csv``; ``figures/`` and the bundle ``model/``.
    Cases whose split is ``train`` (all, without that column) are cross-validated; every other part is predicted by the
    mean of the fold models, at the training's threshold. A model that cannot be fitted is left out with its reason.

    Attributes:
        cohort: table with ``case_id``, the end point and possibly the split.
        endpoint: column of 0 and 1, empty where the label is missing.
        positive: text of the end point that means the outcome.
        features: name to feature table. A ``study.json`` beside it tells how it was made.
        readings: repeated tables of the first feature table, for the ICC filter.
        select: patterns of the feature columns to use.
        columns: id, split, patient, centre, and what is done with missing features.
        accept_seen: take tables whose network was trained on cases of the study, as published in-sample fusions did
            (wu2021, zhang2024), with a warning that the cross-validated figures are too high.
        selection: filters and selector before the classifiers; the filters also come before each RadScore.
        cross_validation: outer folds, repeats, seed.
        classifiers: keys of ``CLASSIFIERS``; empty leaves signatures and fusion only.
        inner_folds: for tuning and for out-of-fold signatures.
        signature_for: what gets a signature of its own.
        fused_on: predictions of the training cases that the fusion is fitted on.
        deployed: model of the bundle; None takes the one with the best mean AUC.
        bundled: what the bundle holds.
        sweep: also compare all ring sizes.
        permutations: of the labels, through the whole procedure of the deployed model; 0 for none.
        evaluation: bootstrap and quick permutations.
        workers: processes at a time.
        formats: of the figures; empty draws none.

    Raises:
        InputError: a value that cannot be used.
    """

    verb = "fuse"

    cohort: Path = option("cohort table (CSV) with case_id, the end point and possibly split", positional=True)
    endpoint: str = option("column of 0 and 1, empty where the label is missing")
    features: Mapping[str, Path] = features_option()
    positive: str | None = option("text of the end point that means the outcome", None)
    readings: tuple[Path, ...] = option(
        "second readings of the first table, for the ICC filter", (), many=True, metavar="CSV"
    )
    select: tuple[str, ...] = select_option()
    columns: CohortColumns = CohortColumns()
    accept_seen: bool = option(
        "take tables of a network that was trained on these cases, as published in-sample fusions did; their "
        "cross-validated figures are too high",
        False,
    )
    selection: SelectionSettings = SelectionSettings()
    classifiers: tuple[str, ...] = option(
        "lr,svm,knn,rf,nb,lda,mlp (default: all)", tuple(CLASSIFIERS), choices=tuple(CLASSIFIERS), group=GROUP
    )
    signature_for: SignatureFor = option("what gets a signature of its own", SignatureFor.TABLE, group=GROUP)
    fused_on: SignatureSource = option(
        "signatures of the training cases that the fusion is fitted on; training: those of the very cases that they "
        "were fitted on, as in wu2021",
        SignatureSource.OUT_OF_FOLD,
        group=GROUP,
    )
    cross_validation: CrossValidationSettings = CrossValidationSettings()
    inner_folds: int = option("of tuning and out-of-fold signatures", 5, group=GROUP)
    workers: int = option("processes at a time", 1)
    sweep: bool = option("compare all ring sizes, and choose one inside the folds", False, group=GROUP)
    deployed: str | None = option(
        "model of the bundle, as models.csv calls it (default: the best mean AUC)",
        None,
        word="--deploy",
        metavar="MODEL",
        group=GROUP,
    )
    bundled: BundledModel = option(
        "all models of the cross-validation, whose mean predicts (song2021), or one fitted on all training cases",
        BundledModel.FOLDS,
        word="--bundle",
        group=GROUP,
    )
    permutations: int = option("of the labels, through the whole procedure", 0, group=GROUP)
    evaluation: EvaluationSettings = EvaluationSettings()
    formats: tuple[str, ...] = figure_formats_option()

    def __post_init__(self) -> None:
        choose(self, signature_for=SignatureFor, fused_on=SignatureSource, bundled=BundledModel)
        check_policies(self.columns.missing)
        for name in self.classifiers:
            check_known("classifier", name, CLASSIFIERS)
        check_whole("inner_folds", self.inner_folds, 2)
        check_whole("workers", self.workers, 1)
        if self.permutations and self.permutations < 19:
            raise InputError(f"permutations must be 0 or at least 19 (a p value of 0.05), not {self.permutations}")

    def how(self) -> dict[str, object]:
        """Return how the models are made, as plain values that stand in the bundle."""
        left_out = {"study", "cohort", "features", "readings", "endpoint", "formats", "workers"}
        return {name: value for name, value in self.to_dict().items() if name not in left_out}

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Fit, compare, bundle and report."""
        tables, parts, missing = self._read(output)
        training = parts.pop(TRAINING)
        columns = _signature_columns(tables, training, self.signature_for)
        repeated = _readings(tables, self.readings)
        if repeated is not None:
            write_reliability(output, repeated, training, self.selection)
        plan, filters = _plans(tables, self.selection, repeated)
        require_skops()  # said before the hours of the cross-validation, not after them
        learners = self._learners(columns, plan, filters)
        progress(0.02, f"{len(learners)} models on {len(training)} cases")
        end = 0.5 if self.sweep else 0.85
        step = part_of(progress, 0.02, end)
        result = cross_validate(learners, training, self.cross_validation, workers=self.workers, progress=step)
        output.notes += [f"{name} was left out: {reason}" for name, reason in result.failed.items()]
        deployed = _deployed(result, self.deployed, output)
        write_training(output, result, self.evaluation)
        write_other_parts(output, result, parts, self.evaluation)
        write_signatures(output, learners, training, self.cross_validation.seed)
        if self.sweep:
            self._sweep(output, tables, training, filters, part_of(progress, end, 0.9))
        if self.permutations:
            self._permute(output, deployed, learners[deployed], training, part_of(progress, 0.9, 0.98))
        bundle = replace(self._bundle(deployed, result, learners, training, tables), medians=missing.medians)
        output.files["model"] = save_bundle(bundle, output.folder / "model")[0]
        output.record |= {**bundle.provenance, "seed": self.cross_validation.seed}
        progress(1.0, f"{deployed} in {output.folder}")

    def _read(self, output: JobOutput) -> tuple[FeatureTables, dict[str, Samples], MissingFeatures]:
        """The feature tables, the parts of the cohort that have features and labels, and how gaps were treated."""
        joined = read_joined(self.cohort, self.columns, self.features, self.select)
        endpoint = read_endpoint(joined, self.endpoint, positive=self.positive)
        tables = FeatureTables(joined)
        parts, missing, notes = study_parts(joined, endpoint, self.columns.missing)
        cases = [str(case) for samples in parts.values() for case in samples.table.index]
        patient_of = dict(zip(joined.ids, joined.patients, strict=True))
        notes += check_unseen(tables.seen, cases, patient_of, accept=self.accept_seen)
        output.notes += [*tables.notes, *notes]
        return tables, parts, missing

    def _learners(
        self, columns: Mapping[str, Sequence[str]], plan: SelectionPlan, filters: SelectionPlan
    ) -> dict[str, Learner]:
        signatures = column_sources(RadScoreLearner(filters), columns)
        learners: dict[str, Learner] = dict(signatures)
        if len(signatures) > 1:
            learners[FUSION] = FusionLearner(signatures, self.fused_on, self.inner_folds)
        classifiers = tuned_classifiers(plan, self.classifiers, self.inner_folds)
        learners |= classifiers
        if len(classifiers) > 1:
            learners[BEST] = BestOfClassifiers(tuple(classifiers.values()))
        if self.deployed not in (None, *learners):
            raise InputError(f"model {self.deployed!r} is unknown; choose from {', '.join(learners)}")
        return learners

    def _sweep(
        self,
        output: JobOutput,
        tables: FeatureTables,
        training: Samples,
        filters: SelectionPlan,
        progress: Progress,
    ) -> None:
        try:
            sweep = ring_sweep(
                training,
                _sweep_sources(tables, training),
                RadScoreLearner(filters),
                self.cross_validation,
                inner_folds=self.inner_folds,
                workers=self.workers,
                progress=progress,
            )
        except (InputError, ModelError) as error:
            output.notes.append(f"there is no ring sweep: {error}")
            return
        output.table("ring_sweep", sweep.table())
        output.figure("ring_sweep", sweep_figure, sweep)
        output.notes += [choice.summary for choice in sweep.honest]

    def _permute(self, output: JobOutput, name: str, learner: Learner, training: Samples, progress: Progress) -> None:
        try:
            test = permutation_test(
                learner,
                training,
                self.cross_validation,
                self.permutations,
                workers=self.workers,
                progress=progress,
            )
        except (InputError, ModelError) as error:
            output.notes.append(f"{name} was not tested by permutation: {error}")
            return
        output.notes.append(
            f"{name}: {self.permutations} permutations of the labels through the whole procedure, AUC "
            f"{test.observed:.3f} against a mean of {test.null.mean():.3f}, p = {test.p:.4g}"
        )

    def _bundle(
        self,
        deployed: str,
        result: CrossValidationResult,
        learners: Mapping[str, Learner],
        training: Samples,
        tables: FeatureTables,
    ) -> ClassifierBundle:
        found = result.learners[deployed]
        if self.bundled is BundledModel.FOLDS:
            model: Model = found.ensemble
        else:
            model = fit_once(learners[deployed], training, self.cross_validation.seed)
        needed = record_of(model.features)
        sources = {name for name, columns in tables.columns.items() if set(columns) & set(model.features)}
        kept = {name: value for name, value in tables.record.preprocessing.items() if name in sources}
        trained_on = replace(
            needed, engine=tables.record.engine, engine_version=tables.record.engine_version, preprocessing=kept
        )
        mean = found.mean_auc
        return ClassifierBundle(
            model,
            self.endpoint,
            found.threshold,
            trained_on,
            {**self.how(), "deployed": deployed},
            {"mean_auc": mean.value, "mean_auc_lower": mean.lower, "mean_auc_upper": mean.upper},
            environment_record(
                {
                    "training_data_sha256": tables.sha256,
                    "cases": len(training),
                    "with_outcome": int(training.outcome.sum()),
                    "training_cases": [str(case) for case in training.table.index],
                    "training_patients": sorted(set(training.patients)),
                    "seen_by_networks": {n: seen.to_dict() for n, seen in tables.seen.items() if n in sources},
                }
            ),
        )


# --- cases and models --------------------------------------------------------------------------------------


def _signature_columns(tables: FeatureTables, training: Samples, per: SignatureFor) -> dict[str, list[str]]:
    """Signature name to the features that it may use."""
    left = set(training.table.columns)
    found: dict[str, list[str]] = {}
    for source, columns in tables.columns.items():
        for column in columns:
            parts = column.split(".", 2)
            by_region = per is SignatureFor.REGION and len(parts) == 3
            name = f"{source}.{parts[0]}.{parts[1]}" if by_region else source
            if column in left:
                found.setdefault(f"{name}.signature", []).append(column)
    return found


def _readings(tables: FeatureTables, readings: Sequence[Path]) -> Readings | None:
    """The first feature table and its repetitions; None without any."""
    if not readings:
        return None
    first = next(iter(tables.columns.values()))
    id_column = tables.joined.columns.id or ID_COLUMN
    others = [read_features(f"reading {k}", table, id_column) for k, table in enumerate(readings, start=2)]
    return Readings([tables.table[list(first)], *others])


def _plans(
    tables: FeatureTables, settings: SelectionSettings, repeated: Readings | None
) -> tuple[SelectionPlan, SelectionPlan]:
    """The steps before a classifier, and those before a RadScore (which brings a LASSO of its own)."""
    volumes = None if settings.volume_correlation_below is None else RegionVolumes(tables.table)
    filters = SelectionPlan(tuple(settings.filters(repeated, volumes)))
    return settings.plan(repeated, volumes), filters


def _deployed(result: CrossValidationResult, chosen: str | None, output: JobOutput) -> str:
    if chosen is not None and chosen in result.failed:
        raise ModelError(f"{chosen}, the model to deploy, cannot be fitted: {result.failed[chosen]}")
    if chosen is not None:
        return chosen
    best = result.best()
    if len(result.learners) > 1:
        output.notes.append(
            f"{best} has the best mean AUC of {len(result.learners)} models and is in the bundle; the AUC of the best "
            f"of several is too high by the choice" + (f", that of {BEST!r} is not" if BEST in result.learners else "")
        )
    return best


def _sweep_sources(tables: FeatureTables, training: Samples) -> tuple[SweepSource, ...]:
    left = set(training.table.columns)
    families = {column: name for name, columns in tables.columns.items() for column in columns if column in left}
    return sweep_sources(families, families=families)
