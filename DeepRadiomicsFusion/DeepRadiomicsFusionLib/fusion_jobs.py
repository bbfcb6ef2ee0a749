"""What ``peritumoral fuse`` and ``peritumoral apply`` do: tables in; tables, figures and a bundle out.

The panel in Slicer and the command line call the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figure_style import FORMATS, save_figure
from RadiomicsCoreLib.progress import Progress, no_progress, part_of
from RadiomicsCoreLib.provenance import environment_record
from RadiomicsCoreLib.selection.readings import Readings
from RadiomicsCoreLib.selection.volume_filter import RegionVolumes
from RadiomicsCoreLib.tables import read_csv, write_csv, write_json

from .classifier_bundle import ClassifierBundle, load_bundle, save_bundle
from .classifiers import CLASSIFIERS, BestOfClassifiers, tuned_classifiers
from .cross_validation import (
    CrossValidationResult,
    CrossValidationSettings,
    LearnerResult,
    cross_validate,
    fit_once,
)
from .endpoints import Endpoint, read_endpoint
from .evaluation import Evaluation, EvaluationSettings, delong_table, evaluate, permutation_test
from .feature_tables import FeatureTables
from .figures import calibration_figure, delong_figure, roc_figure, sweep_figure
from .fusion import ColumnLearner, FusionLearner, SignatureSource, column_sources
from .rad_score import RadScore, RadScoreLearner
from .ring_sweep import ring_sweep, sweep_sources
from .samples import MissingFeatures, Samples, join_endpoint, refuse_shared_patients
from .selection_plan import SelectionPlan, SelectionSettings
from .training_record import check_compatible, record_of
from .workspace import Learner

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

TRAINING = "train"
FUSION, BEST = "fusion", "best classifier"


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


@dataclass(frozen=True)
class JobResult:
    """What a job left behind.

    Attributes:
        files: everything written.
        notes: what a reader should know.
    """

    files: tuple[Path, ...]
    notes: tuple[str, ...]


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
    ``signatures.txt`` with the formulas, with ``sweep`` also ``ring_sweep.csv``; ``figures/``; the bundle
    ``model/``; ``study.json`` and ``notes.txt``. Cases whose split is ``train`` (all, without that column) are
    cross-validated; every other part is predicted by the mean of the fold models, at the training's threshold.

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
        InputError: tables, columns or settings cannot be used; too few cases; a patient in two parts.
        ModelError: a model cannot be fitted.
    """
    settings = settings or FuseSettings()
    tables = FeatureTables(features)
    cohort = read_csv(cohort) if isinstance(cohort, str | Path) else cohort
    parts, notes = _parts(tables, cohort, read_endpoint(cohort, endpoint, positive=positive), split, patient, settings)
    output = _Output(out, settings.formats)
    output.notes += [*tables.notes, *notes]
    training = parts.pop(TRAINING)
    columns = _signature_columns(tables, training, settings)
    plan, filters = _plans(tables, settings, readings)
    learners = _learners(columns, plan, filters, settings)
    if settings.deployed not in (None, *learners):
        raise InputError(f"model {settings.deployed!r} is unknown; choose from {', '.join(learners)}")
    progress(0.02, f"{len(learners)} models on {len(training)} cases")
    end = 0.5 if settings.sweep else 0.85
    result = cross_validate(learners, training, settings.cross_validation, progress=part_of(progress, 0.02, end))
    deployed = _deployed(result, settings, output)
    _write_training(output, result, settings)
    _write_other_parts(output, result, parts, settings)
    _write_signatures(output, learners, training, settings)
    if settings.sweep:
        _write_sweep(output, tables, training, filters, settings, part_of(progress, end, 0.9))
    if settings.permutations:
        step = part_of(progress, 0.9, 0.98)
        test = permutation_test(
            learners[deployed], training, settings.cross_validation, settings.permutations, progress=step
        )
        output.notes.append(
            f"{deployed}: {settings.permutations} permutations of the labels through the whole procedure, AUC "
            f"{test.observed:.3f} against a mean of {test.null.mean():.3f}, p = {test.p:.4g}"
        )
    bundle = _bundle(endpoint, deployed, result, learners, training, tables, settings)
    output.files += save_bundle(bundle, output.folder / "model")
    progress(1.0, f"{deployed} in {output.folder}")
    return output.finish(bundle.provenance, settings)


def apply_job(
    bundle: ClassifierBundle | Path | str,
    features: Mapping[str, pd.DataFrame | Path | str],
    out: Path | str,
    *,
    cohort: pd.DataFrame | Path | str | None = None,
    positive: str | None = None,
    evaluation: EvaluationSettings | None = None,
    formats: Sequence[str] = FORMATS,
    progress: Progress = no_progress,
) -> JobResult:
    """Apply a bundle to new cases, and evaluate it where their outcome is known.

    Writes ``predictions.csv`` (``case_id``, ``probability``, ``positive``, ``reason``: a case whose features are
    NaN gets no probability and a reason), with outcomes also ``evaluation.csv`` and figures, and ``notes.txt``.

    Args:
        bundle: loaded, or the path of its folder or zip.
        features: name to feature table, under the names of the training.
        out: output folder.
        cohort: table with ``case_id`` and the endpoint's column, to evaluate; None only predicts.
        positive: text of the endpoint that means the outcome.
        evaluation: bootstrap and permutations.
        formats: of the figures.
        progress: told on the way.

    Raises:
        InputError: tables or bundle cannot be used.
        ModelError: the features were made otherwise than those of the training, or are missing.
    """
    bundle = bundle if isinstance(bundle, ClassifierBundle) else load_bundle(bundle)
    tables = FeatureTables(features)
    output = _Output(out, formats)
    output.notes += [*tables.notes, *check_compatible(bundle.trained_on, tables.record)]
    progress(0.2, f"{len(tables.table)} cases")
    chance, reasons = _predict_each(bundle, tables.table)
    called = [None if np.isnan(value) else int(value >= bundle.threshold) for value in chance]
    rows = zip(tables.table.index, chance.tolist(), called, reasons, strict=True)
    output.rows(
        "predictions", [dict(zip(("case_id", "probability", "positive", "reason"), r, strict=True)) for r in rows]
    )
    failed = sum(bool(reason) for reason in reasons)
    if failed:
        output.notes.append(f"{failed} of {len(reasons)} cases have no prediction; predictions.csv says why")
    if cohort is not None:
        table = read_csv(cohort) if isinstance(cohort, str | Path) else cohort
        known = read_endpoint(table, bundle.endpoint, positive=positive)
        _evaluate_new(output, bundle, known, dict(zip(tables.table.index, chance, strict=True)), evaluation)
    progress(1.0, f"predictions in {output.folder}")
    return output.finish(bundle.provenance, None)


# --- cases and models --------------------------------------------------------------------------------------


def _parts(
    tables: FeatureTables,
    cohort: pd.DataFrame,
    endpoint: Endpoint,
    split: str | None,
    patient: str | None,
    settings: FuseSettings,
) -> tuple[dict[str, Samples], list[str]]:
    """The training part and the others, no patient in two of them."""
    if patient is not None and patient not in cohort.columns:
        raise InputError(f"the cohort table has no column {patient!r} of patients")
    ids = [str(case) for case in cohort["case_id"]]
    patients = dict(zip(ids, map(str, cohort[patient]), strict=True)) if patient else {}
    label = dict.fromkeys(ids, TRAINING)
    if split and split in cohort.columns:
        blank = [case for case, empty in zip(ids, cohort[split].isna(), strict=True) if empty]
        if blank:
            raise InputError(f"{len(blank)} cases have no {split!r}, the first is {blank[0]!r}; write train, test, …")
        label = dict(zip(ids, (str(value).strip().lower() for value in cohort[split]), strict=True))
    if TRAINING not in label.values():
        raise InputError(
            f"no case has the split {TRAINING!r}; column {split!r} holds {', '.join(sorted(set(label.values())))}"
        )
    parts: dict[str, Samples] = {}
    notes: list[str] = []
    kept = settings.missing
    for name in sorted(set(label.values()), key=lambda value: (value != TRAINING, value)):
        places = [k for k, case in enumerate(endpoint.case_ids) if label[case] == name]
        own = Endpoint(endpoint.name, tuple(endpoint.case_ids[k] for k in places), endpoint.outcome[places], ())
        source = tables.table if name == TRAINING else tables.table[list(parts[TRAINING].table.columns)]
        if not places:
            notes.append(f"{name}: no case has a label; the part is left out")
            continue
        if name != TRAINING and len(set(own.outcome.tolist())) < 2:
            notes.append(f"{name}: all {len(places)} labelled cases have the same outcome; the part is left out")
            continue
        # Which features are left is decided by the training cases alone.
        missing = MissingFeatures.DROP_CASES if name != TRAINING and kept is MissingFeatures.DROP_FEATURES else kept
        parts[name], found = join_endpoint(source, own, patients=patients, missing=missing)
        notes += [f"{name}: {note}" for note in found]
        if name != TRAINING:
            refuse_shared_patients(parts[TRAINING], parts[name], name)
    if endpoint.unlabelled:
        notes.append(f"{len(endpoint.unlabelled)} cases have no label of {endpoint.name} and take no part")
    return parts, notes


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


def _plans(
    tables: FeatureTables, settings: FuseSettings, readings: Sequence[Any]
) -> tuple[SelectionPlan, SelectionPlan]:
    """The steps before a classifier, and those before a RadScore (which brings a LASSO of its own)."""
    repeated = None
    if readings:
        first = next(iter(tables.columns.values()))
        others = [FeatureTables({f"reading {k}": table}).table for k, table in enumerate(readings, start=2)]
        repeated = Readings([tables.table[list(first)], *others])
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


def _deployed(result: CrossValidationResult, settings: FuseSettings, output: _Output) -> str:
    if settings.deployed is not None:
        return settings.deployed
    best = result.best()
    if len(result.learners) > 1:
        output.notes.append(
            f"{best} has the best mean AUC of {len(result.learners)} models and is in the bundle; the AUC of the best "
            f"of several is too high by the choice" + (f", that of {BEST!r} is not" if BEST in result.learners else "")
        )
    return best


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
            }
        ),
    )


def _predict_each(bundle: ClassifierBundle, table: pd.DataFrame) -> tuple[np.ndarray, list[str]]:
    """Probabilities (n,), NaN with a reason for cases whose features are not finite."""
    needed = list(bundle.model.features)
    absent = [name for name in needed if name not in table.columns]
    if absent:
        bundle.predict(table)  # says which are missing
    finite = np.isfinite(np.asarray(table[needed], float))
    whole = finite.all(axis=1)
    chance = np.full(len(table), np.nan)
    if whole.any():
        chance[whole] = bundle.predict(table[whole])
    reasons = [
        "" if row.all() else f"{int((~row).sum())} features are NaN, the first is {needed[int(np.argmin(row))]}"
        for row in finite
    ]
    return chance, reasons


# --- output ------------------------------------------------------------------------------------------------


class _Output:
    """Collects what a job writes into its folder."""

    def __init__(self, out: Path | str, formats: Sequence[str]) -> None:
        self.folder, self.formats = Path(out), tuple(formats)
        self.files: list[Path] = []
        self.notes: list[str] = []
        try:
            (self.folder / "figures").mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"output folder {str(out)!r} cannot be made: {error.strerror}") from None

    def rows(self, name: str, rows: Any) -> None:
        self.files.append(self.folder / f"{name}.csv")
        write_csv(self.files[-1], rows)

    def text(self, name: str, text: str) -> None:
        self.files.append(self.folder / f"{name}.txt")
        self.files[-1].write_text(text, encoding="utf-8")

    def figure(self, name: str, draw: Callable[..., Figure], *arguments: Any) -> None:
        if self.formats:
            self.files += save_figure(draw(*arguments), self.folder / "figures" / name, self.formats)

    def finish(self, provenance: Mapping[str, Any], settings: FuseSettings | None) -> JobResult:
        self.text("notes", "".join(f"{note}\n" for note in self.notes))
        record = dict(provenance) if settings is None else {**provenance, "settings": _plain(settings)}
        self.files.append(self.folder / "study.json")
        write_json(self.files[-1], {"job": "apply" if settings is None else "fuse", **record})
        return JobResult(tuple(self.files), tuple(self.notes))


def _write_training(output: _Output, result: CrossValidationResult, settings: FuseSettings) -> None:
    rows = []
    for name, found in result.learners.items():
        mean = found.mean_auc
        evaluation = evaluate(result.outcome, found.pooled, found.threshold, settings.evaluation)
        rows.append(
            {
                "model": name,
                "part": TRAINING,
                "mean_auc": mean.value,
                "mean_auc_lower": mean.lower,
                "mean_auc_upper": mean.upper,
                **evaluation.row(),
            }
        )
        output.figure(f"calibration_{_stem(name)}", calibration_figure, evaluation.calibration, name)
    output.rows("models", rows)
    pooled = {name: found.pooled for name, found in result.learners.items()}
    output.rows("predictions", _prediction_rows(TRAINING, result.case_ids, result.outcome, pooled))
    _write_comparison(output, TRAINING, result.outcome, pooled)
    output.rows("selected_features", _selected_rows(result.learners))
    output.notes.append(
        f"{TRAINING}: probabilities are out-of-fold, the mean over {result.settings.repeats} repeats of "
        f"{result.settings.folds} folds; mean AUC with Nadeau and Bengio's interval, AUC of the pooled probabilities "
        "with DeLong's; F1 and Brier score with bootstrap intervals, other rates with Clopper and Pearson's; the "
        "threshold has the best Youden index of the pooled probabilities"
    )


def _write_other_parts(
    output: _Output, result: CrossValidationResult, parts: Mapping[str, Samples], settings: FuseSettings
) -> None:
    rows, predictions = [], []
    for part, samples in parts.items():
        chances = {name: found.ensemble.predict(samples.table) for name, found in result.learners.items()}
        for name, chance in chances.items():
            threshold = result.learners[name].threshold
            row = evaluate(samples.outcome, chance, threshold, settings.evaluation).row()
            rows.append({"model": name, "part": part, **row})
        predictions += _prediction_rows(part, [str(c) for c in samples.table.index], samples.outcome, chances)
        _write_comparison(output, part, samples.outcome, chances)
    if rows:
        output.rows("models_other_parts", rows)
        output.rows("predictions_other_parts", predictions)


def _write_comparison(output: _Output, part: str, outcome: np.ndarray, chances: Mapping[str, np.ndarray]) -> None:
    output.figure(f"roc_{_stem(part)}", roc_figure, outcome, chances, part)
    if len(chances) > 1:
        table = delong_table(outcome, chances)
        output.rows(f"delong_{_stem(part)}", table.rename_axis("model").reset_index())
        output.figure(f"delong_{_stem(part)}", delong_figure, table, f"DeLong's test, {part}")


def _write_signatures(
    output: _Output, learners: Mapping[str, Learner], training: Samples, settings: FuseSettings
) -> None:
    """Formulas of the signatures, refitted on all training cases."""
    texts, rows = [], []
    for name, learner in learners.items():
        if not isinstance(learner, ColumnLearner):
            continue
        score = fit_once(learner, training, settings.cross_validation.seed)
        if isinstance(score, RadScore):
            texts.append(score.formula(name))
            rows += [{"signature": name, **row} for row in score.coefficient_table().to_dict("records")]
    if FUSION in learners:
        texts.append(
            f"{FUSION}: {fit_once(learners[FUSION], training, settings.cross_validation.seed).fusion.formula()}"
        )
    output.text("signatures", "\n\n".join(texts) + "\n")
    output.rows("signatures", rows)


def _write_sweep(
    output: _Output,
    tables: FeatureTables,
    training: Samples,
    filters: SelectionPlan,
    settings: FuseSettings,
    progress: Progress,
) -> None:
    left = set(training.table.columns)
    families = {column: name for name, columns in tables.columns.items() for column in columns if column in left}
    sweep = ring_sweep(
        training,
        sweep_sources(families, families=families),
        RadScoreLearner(filters),
        settings.cross_validation,
        inner_folds=settings.inner_folds,
        progress=progress,
    )
    output.rows("ring_sweep", sweep.table())
    output.figure("ring_sweep", sweep_figure, sweep)
    output.notes += [choice.summary for choice in sweep.honest]


def _evaluate_new(
    output: _Output,
    bundle: ClassifierBundle,
    known: Endpoint,
    chance: Mapping[str, float],
    settings: EvaluationSettings | None,
) -> None:
    both = [
        (y, chance[c])
        for c, y in zip(known.case_ids, known.outcome, strict=True)
        if not np.isnan(chance.get(c, np.nan))
    ]
    if not both:
        raise InputError(f"no case has both a prediction and a label of {known.name!r}; compare the case_id columns")
    outcome, values = np.array([y for y, _ in both]), np.array([value for _, value in both])
    found: Evaluation = evaluate(outcome, values, bundle.threshold, settings)
    output.rows("evaluation", [found.row()])
    output.figure("roc", roc_figure, outcome, {known.name: values}, known.name)
    output.figure("calibration", calibration_figure, found.calibration, known.name)
    output.notes.append(known.summary)


def _prediction_rows(
    part: str, cases: Sequence[str], outcome: np.ndarray, chances: Mapping[str, np.ndarray]
) -> list[dict[str, Any]]:
    return [
        {
            "case_id": case,
            "part": part,
            "outcome": int(outcome[k]),
            **{name: float(chance[k]) for name, chance in chances.items()},
        }
        for k, case in enumerate(cases)
    ]


def _selected_rows(learners: Mapping[str, LearnerResult]) -> list[dict[str, Any]]:
    """How often each feature stands in a fold's model."""
    rows = []
    for name, found in learners.items():
        counts: dict[str, int] = {}
        for model in found.models:
            for feature in model.features:
                counts[feature] = counts.get(feature, 0) + 1
        for feature, count in sorted(counts.items(), key=lambda item: -item[1]):
            rows.append(
                {"model": name, "feature": feature, "folds": count, "share_of_folds": count / len(found.models)}
            )
    return rows


def _plain(settings: FuseSettings) -> dict[str, Any]:
    return {name: value for name, value in asdict(settings).items() if name != "formats"}


def _stem(name: str) -> str:
    kept = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in name)
    return kept[:60] or "part"
