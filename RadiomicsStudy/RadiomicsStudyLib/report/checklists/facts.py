"""What the program knows of a study, by the words that the checklists' tables name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..cohort import CohortView, endpoints_of
from ..folder import Stage, Study
from ..measures import Measured
from ..table import header_of, rows_of, shown

EXTRACTING = ("extract", "measure")
MODELLING = ("cox", "logistic", "pca", "fuse", "train")
DEEP = ("train", "deep_features")
_CALIBRATED = "calibration"


class Facts:
    """Sentences by word, made from the records; a word that nothing is known of is absent.

    Args:
        study: the study.
        cohort: what is known of its patients.
        measured: figures of its models.
        calculators: models that can be asked on the page.
    """

    def __init__(self, study: Study, cohort: CohortView, measured: Sequence[Measured], calculators: int) -> None:
        self._study, self._cohort, self._measured = study, cohort, measured
        self._calculators = calculators
        self.found: dict[str, str] = {}
        for part in (
            self._design,
            self._images,
            self._features,
            self._models,
            self._care,
            self._results,
            self._sharing,
        ):
            for word, text in part():
                if text and word not in self.found:
                    self.found[word] = text

    def answer(self, words: str) -> str:
        """The sentences of some words, separated by blanks; "" where nothing is known of any."""
        return " ".join(self.found[word] for word in words.split() if word in self.found)

    def _each(self, verbs: Sequence[str], *names: str) -> list[Any]:
        """A setting's values over the stages of some verbs, each once."""
        values = [stage.setting(*names) for stage in self._study.of(*verbs)]
        return list({str(value): value for value in values if value not in (None, [], {}, "")}.values())

    def _design(self) -> Iterator[tuple[str, str]]:
        study, cohort = self._study, self._cohort
        yield (
            "checklists",
            "CLEAR, METRICS, TRIPOD+AI, PROBAST+AI and IBSI are filled in this report as far as it knows.",
        )
        if study.stages:
            yield "pipeline", f"The stages in their order: {', '.join(stage.title for stage in study.stages)}."
        if cohort.centres:
            yield "centres", f"{len(cohort.centres)} centres: {_counted(cohort.centres)}."
        if cohort.parts:
            stage, *_ = cohort.parts[0]
            own = [
                f"{part}: {n} patients{f', {events} events' if events else ''}"
                for s, part, n, events in cohort.parts
                if s == stage
            ]
            text = "; ".join(own)
            yield "split", f"{text}. Only train is fitted; other parts are predicted."
            yield "size", f"By what was at hand: {text}. No sample size was calculated by the program."
            others = [part for s, part, *_ in cohort.parts if s == stage and "train" not in part.lower()]
            if others:
                yield "testing", f"Tested on patients who were not fitted: {', '.join(others)}."
                external = [part for part in others if "ext" in part.lower()]
                yield "external", f"External part: {', '.join(external)}." if external else ""
            else:
                yield "testing", "Internal only: cross-validation or bootstrap on the training patients."
        if cohort.flow:
            yield "flow", " → ".join(f"{box.title}: {box.count}" for box in cohort.flow) + "."
        if cohort.baseline:
            yield "baseline", "See the baseline table of this report."
        if endpoints := endpoints_of(study):
            yield (
                "outcome",
                f"End points, as columns of the cohort: {', '.join(endpoints)}; what they mean is the author's to say.",
            )
        clinical = sorted(
            {str(name) for names in self._each(MODELLING, "covariates") for name in names if "." not in str(name)}
        )
        if clinical:
            yield "clinical", f"Clinical covariates offered: {', '.join(clinical)}."

    def _images(self) -> Iterator[tuple[str, str]]:
        for stage in self._study.of(*EXTRACTING):
            yield from _of_extraction(stage)
        readings = self._each(MODELLING, "readings")
        if readings:
            limits = ", ".join(str(value) for value in self._each(MODELLING, "icc_above")) or "0.75"
            yield "reliability", f"Repeated readings were compared; features with an ICC above {limits} went on."
        quality = [stage for stage in self._study.stages if "regions" in stage.tables]
        if quality:
            yield (
                "quality",
                "Every region's voxels, retained fraction and grey levels are in regions.csv and in the case gallery.",
            )

    def _features(self) -> Iterator[tuple[str, str]]:
        for stage in self._study.of(*EXTRACTING, "deep_features"):
            path = stage.tables.get("features")
            if path is None:
                continue
            header = header_of(path)
            if header:
                yield "feature_number", f"{sum('.' in name for name in header)} features a case ({stage.title})."
            yield "feature_files", f"Features of every case are in {stage.name}/features.csv."

    def _models(self) -> Iterator[tuple[str, str]]:
        study = self._study
        verbs = [stage.verb for stage in study.of(*MODELLING)]
        if not verbs:
            return
        words = {
            "cox": "Cox regression (Efron's ties)",
            "logistic": "logistic regression",
            "pca": "principal components",
            "fuse": "signatures fused by logistic regression, and classifiers "
            + _listed(self._each(("fuse",), "classifiers")),
            "train": "neural networks " + _listed(self._each(("train",), "network")),
        }
        yield "algorithms", f"{'; '.join(dict.fromkeys(words[verb].strip() for verb in verbs))}."
        missing = self._each(MODELLING, "columns", "missing") + self._each(("fuse",), "missing")
        yield "missing", f"Missing values: {_listed(missing)}." if missing else ""
        folds = self._each(("fuse",), "cross_validation", "folds") + self._each(("cox",), "modelling", "folds")
        seeds = dict.fromkeys(
            map(str, self._each(MODELLING, "seed") + self._each(("fuse",), "cross_validation", "seed"))
        )
        told = f"Cross-validation with {_listed(folds)} folds; " if folds else ""
        yield "tuning", f"{told}seeds {_listed(seeds)}; every setting stands under Stages."
        yield "reduction", _reduction(study)
        if "fuse" in verbs or "lasso" in self._each(("cox",), "modelling", "selection"):
            yield "scaling", "Features are z-scored with mean and SD of the training patients, inside every fold."
        if any(stage.bundle.get("cutoff") for stage in study.stages):
            yield "output", "Linear predictor, survival or probability; risk groups by a cut-off locked on training."
        yield "imbalance", _imbalance(study)

    def _care(self) -> Iterator[tuple[str, str]]:
        """What was done against results that are too good."""
        study = self._study
        models = study.of(*MODELLING)
        if not models:
            return
        seen = [
            stage.title for stage in models if stage.setting("accept_seen") or stage.setting("fused_on") == "training"
        ]
        yield (
            "leakage",
            f"In-sample, as a paper did it, and too good for that: {', '.join(seen)}."
            if seen
            else "Every fitted step (scaling, selection, cut-off) uses training patients only; "
            "test parts are predicted by the locked model.",
        )
        resamples = self._each((*MODELLING, "validate"), "bootstrap")
        if resamples:
            yield (
                "optimism",
                f"Optimism by bootstrap, {_listed(resamples)} resamples, the selection done again in each; "
                "out-of-fold groups.",
            )
        if any(stage.bundle.get("competing") for stage in study.stages):
            yield (
                "competing",
                "Competing events are modelled (cause-specific and Fine–Gray); censoring by partial likelihood.",
            )
        elif study.of("cox"):
            yield "competing", "Censoring by the partial likelihood; no competing events were named."
        rare = [line for stage in study.stages for line in stage.lines("warnings") if "events per variable" in line]
        few = "No warning of too few events for the coefficients."
        yield "dimension", f"The program warns: {rare[0]}." if rare else few

    def _results(self) -> Iterator[tuple[str, str]]:
        if self._measured:
            names = list(dict.fromkeys(name for one in self._measured for name in one.values))
            yield "metrics", f"{', '.join(names)}."
            yield "performance", f"{len(self._measured)} rows of figures with intervals in the table of models."
            yield "uncertainty", "95 % intervals; what each is made by stands in the notes of its stage."
        tables = {name for stage in self._study.stages for name in stage.tables}
        if any(name.startswith(_CALIBRATED) for name in tables) or any(
            "calibration" in one for m in self._measured for one in m.values
        ):
            yield "calibration", "Calibration curves, slope and ICI are in this report."
        if any(name.startswith(("delong", "comparison")) for name in tables):
            yield "comparison", "Models are compared in pairs (DeLong, differences of C) in this report."
        titles = [stage.title for stage in self._study.of("cox", "logistic", "fuse")]
        if len(titles) > 1:
            yield "added_value", f"Models side by side: {', '.join(titles)}."
        yield (
            "classical",
            "Classical regression models stand beside the others." if self._study.of("cox", "logistic") else "",
        )
        explained = self._study.of("explain", "contributions", "correlation", "maps")
        if explained:
            yield "explanation", f"{', '.join(stage.title for stage in explained)}."
        yield "choice", _choice(self._study)
        if any(name in tables for name in ("selected_features", "coefficients", "selection")):
            yield "selected", "Kept features with shares, coefficients and single tests are listed in this report."
        count = sum(len(stage.lines("warnings")) for stage in self._study.stages)
        yield "warnings", f"The program gave {count} warnings; they are listed in this report." if count else ""

    def _sharing(self) -> Iterator[tuple[str, str]]:
        jobs = [stage.name for stage in self._study.stages if stage.job]
        if jobs:
            yield (
                "repeat",
                "Every stage's job.yaml repeats it (peritumoral run); versions, seeds and hashes are in study.json.",
            )
        bundles = [stage.name for stage in self._study.stages if stage.bundle]
        if bundles:
            yield "bundles", f"Model bundles with all numbers: {', '.join(f'{name}/model' for name in bundles)}."
        if self._calculators:
            yield "calculator", "The calculator of this report predicts new patients."


def _of_extraction(stage: Stage) -> Iterator[tuple[str, str]]:
    made = stage.record.get("made_with")
    made = made if isinstance(made, Mapping) else {}
    extraction = made.get("extraction")
    if isinstance(extraction, Mapping) and extraction:
        phase, values = next(iter(extraction.items()))
        values = values if isinstance(values, Mapping) else {}
        given = values.get("setting")
        setting: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
        yield "phases", f"Phases: {', '.join(map(str, extraction))}; the acquisition's parameters are the author's."
        yield from _of_settings(str(phase), values, setting)
        yield (
            "settings",
            f"All parameters stand under Stages ({stage.title}); preset {values.get('name') or 'of its own'}.",
        )
    units = stage.record.get("units")
    if isinstance(units, Mapping) and units:
        yield "units", f"Units: {_counted(units)}."
    rings = made.get("rings")
    if isinstance(rings, Mapping) and rings:
        first = next(iter(rings.values()))
        if isinstance(first, Mapping):
            yield "regions", f"Tumour masks as given; rings outside them: {_rings(first)}."
    engine = made.get("engine")
    versions = stage.record.get("versions")
    own = versions.get("peritumoral-radiomics", "") if isinstance(versions, Mapping) else ""
    if isinstance(engine, Mapping):
        yield (
            "software",
            f"peritumoral-radiomics {own}, engine {engine.get('name')} {engine.get('version')}; "
            "tested against the IBSI reference values and pyradiomics.",
        )


def _of_settings(phase: str, values: Mapping[str, Any], setting: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if setting.get("binCount"):
        yield "discretisation", f"{setting['binCount']} bins ({phase})."
    else:
        yield "discretisation", f"Fixed bin width {shown(setting.get('binWidth', 25))} ({phase})."
    spacing = setting.get("resampledPixelSpacing")
    method = setting.get("interpolator", "B-spline")
    yield (
        "resampling",
        f"Resampled to {_listed([spacing])} mm, {method}." if spacing else "No resampling: the image's own grid.",
    )
    yield (
        "mask_interpolation",
        f"Mask: {values.get('mask_interpolator', 'nearest')}." if spacing else "Masks were not resampled.",
    )
    steps = [words for name, words in (("normalize", "intensities normalised"),) if setting.get(name)]
    steps += [f"window {values['window']}"] if values.get("window") else []
    steps += [f"clipped to {values['clip']}"] if values.get("clip") else []
    yield "preprocessing", f"{', '.join(steps).capitalize() if steps else 'No normalisation, no window'} ({phase})."
    reach = setting.get("resegmentRange")
    yield "resegmentation", f"Re-segmentation to {reach}." if reach else "No re-segmentation."
    types = values.get("image_types")
    if isinstance(types, Mapping):
        yield "image_types", f"Image types: {', '.join(_image_type(name, more) for name, more in types.items())}."
    classes = values.get("feature_classes")
    if isinstance(classes, Mapping):
        yield "feature_classes", f"Feature classes: {', '.join(map(str, classes))}."
    yield (
        "texture",
        f"Distances {_listed([setting.get('distances', [1])])}; "
        f"matrices by the profile {values.get('profile', 'pyradiomics')}.",
    )


def _image_type(name: str, more: Any) -> str:
    return (
        f"{name} ({', '.join(f'{k} {v}' for k, v in more.items())})"
        if isinstance(more, Mapping) and more
        else str(name)
    )


def _rings(rings: Mapping[str, Any]) -> str:
    outer = _listed([rings.get("outer_mm") or []])
    fractions = _listed([rings.get("fractions") or []])
    sizes = f"{outer} mm" if outer else ""
    sizes += f"{' and ' if sizes and fractions else ''}{f'{fractions} of the mean radius' if fractions else ''}"
    return f"{sizes or 'none'}, {rings.get('layout', '')}, {rings.get('plane', '')}"


def _reduction(study: Study) -> str:
    from ..features import feature_choices

    steps = [f"{choice.title}: {'; '.join(choice.how)}" for choice in feature_choices(study) if choice.how]
    return f"{' | '.join(steps)}. Fitted on training patients only." if steps else ""


def _imbalance(study: Study) -> str:
    shares = [
        f"{row.get('part') or 'train'}: {row.get('with_outcome')} of {row.get('cases')}"
        for stage in study.stages
        for name in ("models", "models_other_parts")
        for row in rows_of(stage.tables.get(name))[:1]
        if row.get("with_outcome")
    ]
    return f"With the outcome: {', '.join(dict.fromkeys(shares))}. No resampling of classes." if shares else ""


def _choice(study: Study) -> str:
    lines = [
        line
        for stage in study.stages
        for line in stage.lines("notes")
        if "best mean AUC" in line or line.startswith("model: ")
    ]
    return f"{'; '.join(lines[:3])}." if lines else ""


def _counted(values: Mapping[Any, Any]) -> str:
    return ", ".join(f"{name} {count}" for name, count in values.items())


def _listed(values: Any) -> str:
    texts = []
    for value in values:
        parts = value if isinstance(value, list | tuple) else [value]
        texts += [f"{part:g}" if isinstance(part, float) else str(part) for part in parts]
    return ", ".join(texts)
