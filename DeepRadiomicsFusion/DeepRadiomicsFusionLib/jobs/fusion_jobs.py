"""What ``peritumoral fuse`` does: feature tables in; tables, figures and a bundle out.

The panel in Slicer and the command line call the same function.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from RadiomicsCoreLib.cohort.seen_cases import check_unseen
from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.figures.style import FORMATS
from RadiomicsCoreLib.files.provenance import environment_record
from RadiomicsCoreLib.files.tables import read_csv
from RadiomicsCoreLib.progress import Progress, no_progress, part_of
from RadiomicsCoreLib.selection.readings import Readings
from RadiomicsCoreLib.selection.volume_filter import RegionVolumes

from ..evaluation.figures import sweep_figure
from ..evaluation.metrics import EvaluationSettings, permutation_test
from ..models.classifier_bundle import ClassifierBundle, require_skops, save_bundle
from ..models.classifiers import CLASSIFIERS, BestOfClassifiers, tuned_classifiers
from ..models.cross_validation import CrossValidationResult, CrossValidationSettings, cross_validate, fit_once
from ..models.fusion import FusionLearner, SignatureSource, column_sources
from ..models.fusion_parts import TRAINING, patients_of, study_parts
from ..models.rad_score import RadScoreLearner
from ..models.ring_sweep import SweepSource, ring_sweep, sweep_sources
from ..models.selection_plan import SelectionPlan, SelectionSettings
from ..models.workspace import Learner
from ..networks.training_record import record_of
from ..tables.endpoints import read_endpoint
from ..tables.feature_tables import FeatureTables
from ..tables.samples import MissingFeatures, Samples
from .fusion_tables import FUSION, write_other_parts, write_reliability, write_signatures, write_training
from .job_output import JobOutput, JobResult

if TYPE_CHECKING:
    import pandas as pd

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


@dataclass(frozen=True)
class FuseSettings:
    """How a fusion study is made.

    Args:
        selection: filters and selector before the classifiers; the filters also come before each RadScore.
        cross_validation: outer folds, repeats, seed, processes.
        classifiers: keys of ``CLASSIFIERS``; empty leaves signatures and fusion only.
        inner_folds: for tuning and for out-of-fold signatures.
        signature_for: what gets a signature of its own.
        fused_on: predictions of the training cases that the fusion is fitted on.
        missing: what to do with NaN features.
        deployed: model of the bundle; None takes the one with the best mean AUC.
        bundled: what the bundle holds.
        sweep: also compare all ring sizes.
        permutations: of the labels, through the whole procedure of the deployed model; 0 for none.
        evaluation: bootstrap and quick permutations.
        formats: of the figures; empty draws none.
        accept_seen: take tables whose network was trained on cases of the study, as published in-sample fusions did
            (wu2021, zhang2024), with a warning that the cross-validated figures are too high.
    """

    selection: SelectionSettings = field(default_factory=SelectionSettings)
    cross_validation: CrossValidationSettings = field(default_factory=CrossValidationSettings)
    classifiers: tuple[str, ...] = tuple(CLASSIFIERS)
    inner_folds: int = 5
    signature_for: SignatureFor = SignatureFor.TABLE
    fused_on: SignatureSource = SignatureSource.OUT_OF_FOLD
    missing: MissingFeatures = MissingFeatures.ERROR
    deployed: str | None = None
    bundled: BundledModel = BundledModel.FOLDS
    sweep: bool = False
    permutations: int = 0
    evaluation: EvaluationSettings = field(default_factory=EvaluationSettings)
    formats: tuple[str, ...] = FORMATS
    accept_seen: bool = False

    def __post_init__(self) -> None:
        kinds: dict[str, type[Enum]] = {
            "signature_for": SignatureFor,
            "fused_on": SignatureSource,
            "missing": MissingFeatures,
            "bundled": BundledModel,
        }
        for name, kind in kinds.items():
            value = getattr(self, name)
            try:
                object.__setattr__(self, name, kind(value))
            except ValueError:
                choices = ", ".join(str(item.value) for item in kind)
                raise InputError(f"{name} {value!r} is unknown; choose from {choices}") from None
        unknown = [name for name in self.classifiers if name not in CLASSIFIERS]
        if unknown:
            raise InputError(f"classifier {unknown[0]!r} is unknown; choose from {', '.join(CLASSIFIERS)}")
        if self.permutations and self.permutations < 19:
            raise InputError(f"permutations must be 0 or at least 19 (a p value of 0.05), not {self.permutations}")


def fuse_job(
    features: Mapping[str, pd.DataFrame | Path | str],
    cohort: pd.DataFrame | Path | str,
    endpoint: str,
    out: Path | str,
    settings: FuseSettings | None = None,
    *,
    positive: str | None = None,
    split: str | None = "split",
    patient: str | None = None,
    readings: Sequence[pd.DataFrame | Path | str] = (),
    progress: Progress = no_progress,
) -> JobResult:
    """Signatures, their fusion and seven classifiers: cross-validated, compared, applied to other parts, bundled.

    Writes ``models.csv`` (mean AUC of the folds with Nadeau and Bengio's interval; figures of the pooled
    out-of-fold probabilities), ``predictions.csv``, ``selected_features.csv``, ``delong_<part>.csv``,
    ``signatures.txt`` with the formulas, with readings ``icc.csv``, with ``sweep`` also ``ring_sweep.csv``;
    ``figures/``; the bundle ``model/``; ``study.json`` and ``notes.txt``. Cases whose split is ``train`` (all,
    without that column) are cross-validated; every other part is predicted by the mean of the fold models, at the
    training's threshold. A model that cannot be fitted is left out with its reason.

    Args:
        features: name to feature table: CSV with ``case_id``, or data frame. A ``study.json`` beside a CSV tells
            how it was made.
        cohort: table with ``case_id``, the endpoint and possibly the split.
        endpoint: column of 0 and 1, empty where the label is missing.
        out: output folder.
        settings: how.
        positive: text of the endpoint that means the outcome.
        split: column that tells training from other parts; ignored if the table has none.
        patient: column of patients, where a patient has several cases.
        readings: repeated tables of the first feature table, for the ICC filter.
        progress: told on the way.

    Raises:
        InputError: tables, columns or settings cannot be used; too few cases; a patient in two parts; the network
            behind a table was trained on a case of the study.
        ModelError: no model can be fitted, or the one to deploy cannot.
        DependencyError: skops is not installed.
    """
    settings = settings or FuseSettings()
    tables = FeatureTables(features)
    cohort = read_csv(cohort) if isinstance(cohort, str | Path) else cohort
    parts, notes = study_parts(
        tables.table, cohort, read_endpoint(cohort, endpoint, positive=positive), split, patient, settings.missing
    )
    cases = [str(case) for samples in parts.values() for case in samples.table.index]
    notes += check_unseen(tables.seen, cases, patients_of(cohort, patient), accept=settings.accept_seen)
    output = JobOutput(out, settings.formats)
    output.notes += [*tables.notes, *notes]
    training = parts.pop(TRAINING)
    columns = _signature_columns(tables, training, settings)
    repeated = _readings(tables, readings)
    if repeated is not None:
        write_reliability(output, repeated, training, settings.selection)
    plan, filters = _plans(tables, settings, repeated)
    require_skops()  # said before the hours of the cross-validation, not after them
    learners = _learners(columns, plan, filters, settings)
    if settings.deployed not in (None, *learners):
        raise InputError(f"model {settings.deployed!r} is unknown; choose from {', '.join(learners)}")
    progress(0.02, f"{len(learners)} models on {len(training)} cases")
    end = 0.5 if settings.sweep else 0.85
    result = cross_validate(learners, training, settings.cross_validation, progress=part_of(progress, 0.02, end))
    output.notes += [f"{name} was left out: {reason}" for name, reason in result.failed.items()]
    deployed = _deployed(result, settings, output)
    write_training(output, result, settings.evaluation)
    write_other_parts(output, result, parts, settings.evaluation)
    write_signatures(output, learners, training, settings.cross_validation.seed)
    if settings.sweep:
        _write_sweep(output, tables, training, filters, settings, part_of(progress, end, 0.9))
    if settings.permutations:
        _test_by_permutation(output, deployed, learners[deployed], training, settings, part_of(progress, 0.9, 0.98))
    bundle = _bundle(endpoint, deployed, result, learners, training, tables, settings)
    output.files += save_bundle(bundle, output.folder / "model")
    progress(1.0, f"{deployed} in {output.folder}")
    return output.finish("fuse", {**bundle.provenance, "settings": _plain(settings)})


# --- cases and models --------------------------------------------------------------------------------------


def _signature_columns(tables: FeatureTables, training: Samples, settings: FuseSettings) -> dict[str, list[str]]:
    """Signature name to the features that it may use."""
    left = set(training.table.columns)
    found: dict[str, list[str]] = {}
    for source, columns in tables.columns.items():
        for column in columns:
            parts = column.split(".", 2)
            by_region = settings.signature_for is SignatureFor.REGION and len(parts) == 3
            name = f"{source}.{parts[0]}.{parts[1]}" if by_region else source
            if column in left:
                found.setdefault(f"{name}.signature", []).append(column)
    return found


def _readings(tables: FeatureTables, readings: Sequence[Any]) -> Readings | None:
    """The first feature table and its repetitions; None without any."""
    if not readings:
        return None
    first = next(iter(tables.columns.values()))
    others = [FeatureTables({f"reading {k}": table}).table for k, table in enumerate(readings, start=2)]
    return Readings([tables.table[list(first)], *others])


def _plans(
    tables: FeatureTables, settings: FuseSettings, repeated: Readings | None
) -> tuple[SelectionPlan, SelectionPlan]:
    """The steps before a classifier, and those before a RadScore (which brings a LASSO of its own)."""
    volumes = None if settings.selection.volume_correlation_below is None else RegionVolumes(tables.table)
    filters = SelectionPlan(tuple(settings.selection.filters(repeated, volumes)))
    return settings.selection.plan(repeated, volumes), filters


def _learners(
    columns: Mapping[str, Sequence[str]], plan: SelectionPlan, filters: SelectionPlan, settings: FuseSettings
) -> dict[str, Learner]:
    signatures = column_sources(RadScoreLearner(filters), columns)
    learners: dict[str, Learner] = dict(signatures)
    if len(signatures) > 1:
        learners[FUSION] = FusionLearner(signatures, settings.fused_on, settings.inner_folds)
    classifiers = tuned_classifiers(plan, settings.classifiers, settings.inner_folds)
    learners |= classifiers
    if len(classifiers) > 1:
        learners[BEST] = BestOfClassifiers(tuple(classifiers.values()))
    return learners


def _deployed(result: CrossValidationResult, settings: FuseSettings, output: JobOutput) -> str:
    chosen = settings.deployed
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


def _write_sweep(
    output: JobOutput,
    tables: FeatureTables,
    training: Samples,
    filters: SelectionPlan,
    settings: FuseSettings,
    progress: Progress,
) -> None:
    try:
        sweep = ring_sweep(
            training,
            _sweep_sources(tables, training),
            RadScoreLearner(filters),
            settings.cross_validation,
            inner_folds=settings.inner_folds,
            progress=progress,
        )
    except (InputError, ModelError) as error:
        output.notes.append(f"there is no ring sweep: {error}")
        return
    output.rows("ring_sweep", sweep.table())
    output.figure("ring_sweep", sweep_figure, sweep)
    output.notes += [choice.summary for choice in sweep.honest]


def _test_by_permutation(
    output: JobOutput, name: str, learner: Learner, training: Samples, settings: FuseSettings, progress: Progress
) -> None:
    count = settings.permutations
    try:
        test = permutation_test(learner, training, settings.cross_validation, count, progress=progress)
    except (InputError, ModelError) as error:
        output.notes.append(f"{name} was not tested by permutation: {error}")
        return
    output.notes.append(
        f"{name}: {count} permutations of the labels through the whole procedure, AUC {test.observed:.3f} against a "
        f"mean of {test.null.mean():.3f}, p = {test.p:.4g}"
    )


def _bundle(
    endpoint: str,
    deployed: str,
    result: CrossValidationResult,
    learners: Mapping[str, Learner],
    training: Samples,
    tables: FeatureTables,
    settings: FuseSettings,
) -> ClassifierBundle:
    found = result.learners[deployed]
    if settings.bundled is BundledModel.FOLDS:
        model: Any = found.ensemble
    else:
        model = fit_once(learners[deployed], training, settings.cross_validation.seed)
    needed = record_of(model.features)
    sources = {name for name, columns in tables.columns.items() if set(columns) & set(model.features)}
    kept = {name: value for name, value in tables.record.preprocessing.items() if name in sources}
    trained_on = type(needed)(needed.phases, needed.regions, tables.record.engine, tables.record.engine_version, kept)
    mean = found.mean_auc
    return ClassifierBundle(
        model,
        endpoint,
        found.threshold,
        trained_on,
        {**_plain(settings), "deployed": deployed},
        {"mean_auc": mean.value, "mean_auc_lower": mean.lower, "mean_auc_upper": mean.upper},
        environment_record(
            {
                "training_data_sha256": tables.sha256,
                "cases": len(training),
                "with_outcome": int(training.outcome.sum()),
                "training_cases": [str(case) for case in training.table.index],
                "training_patients": sorted(set(training.patients)),
                "seen_by_networks": {name: seen.to_dict() for name, seen in tables.seen.items() if name in sources},
            }
        ),
    )


def _plain(settings: FuseSettings) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if name != "formats"}
