"""The bundle of a fitted classifier, signature or fusion: readable JSON, and classifiers that cannot run code.

Everything but the inside of a scikit-learn classifier stands in ``model.json``: features, scaling, coefficients,
threshold, and what the model was trained on. Classifiers are stored by skops and loaded with a fixed list of
trusted types; each is checked before it is asked anything.
"""

from __future__ import annotations

import hashlib
import io
import math
import warnings
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError, RadiomicsError
from RadiomicsCoreLib.files.broken_zip import BROKEN_ZIP
from RadiomicsCoreLib.files.bundle_files import MODEL_FILE, BundleFiles, check_hash
from RadiomicsCoreLib.files.tables import write_json
from RadiomicsCoreLib.settings.rules import is_number

from ..networks.training_record import TrainingRecord, record_from_dict
from .classifiers import CLASSIFIERS, ClassifierModel, class_scores
from .cross_validation import MeanOfModels
from .fusion import FusedModel, LogisticFusion
from .rad_score import RadScore, rad_score_from_dict, rad_score_to_dict
from .ring_sweep import ChosenModel
from .selection_plan import Selected
from .workspace import Model

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.base import ClassifierMixin
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.svm import SVC
    from sklearn.tree import DecisionTreeClassifier

FORMAT = "peritumoral classifier"
VERSION = 1
FOLDER = "classifiers"
TRUSTED_TYPES = ("sklearn.tree._tree.Tree",)
"""Beyond the plain numpy and scikit-learn types that skops knows to run no code."""
LARGEST_BYTES = 200 * 1024 * 1024
PROBE_CASES = 8
MOST_FILES = 2000
DEEPEST = 6


@dataclass(frozen=True)
class ClassifierBundle:
    """A model with all that applying it to new patients needs.

    Attributes:
        model: what predicts.
        endpoint: name of the outcome.
        threshold: probability from which a case is called positive, fixed on the training cases.
        trained_on: phases, regions, engine and preprocessing of the features.
        settings: how the model was made; plain values.
        performance: figures of the cross-validation; plain values.
        provenance: versions, time, hash of the training data; plain values.
        medians: feature to what a gap of a new case is filled with; empty: such a case has no prediction.
    """

    model: Model
    endpoint: str
    threshold: float
    trained_on: TrainingRecord
    settings: Mapping[str, object] = field(default_factory=dict)
    performance: Mapping[str, object] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)
    medians: Mapping[str, float] = field(default_factory=dict)

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """Probability (n,) of the outcome."""
        return self.model.predict(table)


def save_bundle(bundle: ClassifierBundle, folder: Path | str) -> list[Path]:
    """Write ``model.json`` and ``classifiers/*.skops``; return the files.

    Raises:
        InputError: the folder cannot be written, or the model is of no kind that a bundle can hold.
        DependencyError: skops is not installed.
    """
    folder = Path(folder)
    writer = _Writer()
    model = writer.node(bundle.model)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if writer.files:
            (folder / FOLDER).mkdir(exist_ok=True)
        for old in (folder / FOLDER).glob("*.skops"):
            old.unlink()
        for name, content in writer.files.items():
            (folder / name).write_bytes(content)
    except OSError as error:
        raise InputError(f"bundle folder {str(folder)!r} cannot be written: {error.strerror}") from None
    write_json(
        folder / MODEL_FILE,
        {
            "format": FORMAT,
            "version": VERSION,
            "endpoint": bundle.endpoint,
            "threshold": bundle.threshold,
            "features": list(bundle.model.features),
            "trained_on": bundle.trained_on.to_dict(),
            "model": model,
            "settings": dict(bundle.settings),
            "performance": dict(bundle.performance),
            "provenance": dict(bundle.provenance),
            "medians": {name: bundle.medians[name] for name in bundle.model.features if name in bundle.medians},
        },
    )
    return [folder / MODEL_FILE, *(folder / name for name in writer.files)]


def load_bundle(path: Path | str) -> ClassifierBundle:
    """Read a bundle; nothing in it is ever executed.

    Args:
        path: the folder, its ``model.json``, or a zip of the folder.

    Raises:
        ModelError: it cannot be read, is no such bundle, or a part is damaged, of the wrong shape, or of a type that
            could run code.
        DependencyError: skops is not installed.
    """
    try:
        files = BundleFiles(path)
        return _bundle(files.record(FORMAT, VERSION, "fuse"), files.read)
    except DependencyError:
        raise
    except RadiomicsError as error:
        raise ModelError(f"bundle {str(path)!r}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise ModelError(f"bundle {str(path)!r} is damaged: {type(error).__name__}: {error}") from None


def _bundle(data: Mapping[str, Any], files: Callable[[str], bytes]) -> ClassifierBundle:
    threshold = data["threshold"]
    if not isinstance(threshold, (int, float)) or not math.isfinite(threshold):
        raise ModelError(f"the threshold is {threshold!r}; it must be a number")
    groups = {name: data.get(name) or {} for name in ("settings", "performance", "provenance")}
    if any(not isinstance(group, Mapping) for group in groups.values()):
        raise ModelError("settings, performance and provenance must be groups of values")
    medians = data.get("medians") or {}
    if not isinstance(medians, Mapping) or not all(is_number(value) for value in medians.values()):
        raise ModelError("the medians of the training cases must be numbers by feature")
    return ClassifierBundle(
        _model(data["model"], files, 0),
        str(data["endpoint"]),
        float(threshold),
        record_from_dict(data["trained_on"]),
        **groups,
        medians={str(name): float(value) for name, value in medians.items()},
    )


# --- writing -----------------------------------------------------------------------------------------------


class _Writer:
    """Turns models into plain values, and collects the classifiers' files."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def node(self, model: Model) -> dict[str, object]:
        for kind, write in self._writers().items():
            if isinstance(model, kind):
                return write(model)
        raise InputError(f"a bundle cannot hold a {type(model).__name__}")

    def _writers(self) -> dict[type, Callable[[Any], dict[str, object]]]:
        return {
            RadScore: lambda model: {"type": "rad_score", **rad_score_to_dict(model)},
            ClassifierModel: self._classifier,
            FusedModel: self._fusion,
            ChosenModel: lambda m: {"type": "chosen", "name": m.name, "model": self.node(m.model)},
            MeanOfModels: lambda m: {"type": "mean", "models": [self.node(part) for part in m.models]},
        }

    def _classifier(self, model: ClassifierModel) -> dict[str, object]:
        name = f"{FOLDER}/{len(self.files):03d}_{model.kind}.skops"
        content = require_skops().dumps(model.classifier, compression=zipfile.ZIP_DEFLATED)
        self.files[name] = content
        return {
            "type": "classifier",
            "kind": model.kind,
            "features": list(model.selected.features),
            "centre": model.selected.centre.tolist(),
            "scale": model.selected.scale.tolist(),
            "left": [list(step) for step in model.selected.left],
            "parameters": dict(model.parameters),
            "platt": None if model.platt is None else list(model.platt),
            "inner_auc": model.inner_auc,
            "probe": _probe(model.classifier, len(model.selected.features)).tolist(),
            "file": name,
            "sha256": hashlib.sha256(content).hexdigest(),
        }

    def _fusion(self, model: FusedModel) -> dict[str, object]:
        fusion = model.fusion
        return {
            "type": "fusion",
            "signatures": {name: self.node(part) for name, part in model.signatures.items()},
            "names": list(fusion.names),
            "coefficients": fusion.coefficients.tolist(),
            "intercept": fusion.intercept,
            "standard_errors": fusion.standard_errors.tolist(),
            "penalised": fusion.penalised,
        }


# --- reading -----------------------------------------------------------------------------------------------


def _model(data: object, files: Callable[[str], bytes], depth: int) -> Model:
    if not isinstance(data, Mapping) or depth > DEEPEST:
        raise ModelError("the model is not a group of values, or is nested too deep")
    kind = data.get("type")
    if kind == "rad_score":
        return rad_score_from_dict(dict(data))
    if kind == "classifier":
        return _classifier(data, files)
    if kind == "fusion":
        return _fusion(data, files, depth)
    if kind == "chosen":
        return ChosenModel(str(data["name"]), _model(data["model"], files, depth + 1))
    if kind == "mean":
        if not data["models"] or len(data["models"]) > MOST_FILES:
            raise ModelError(f"a mean of {len(data['models'])} models cannot be used")
        return MeanOfModels(tuple(_model(part, files, depth + 1) for part in data["models"]))
    raise ModelError(f"model type {kind!r} is unknown; update the program")


def _fusion(data: Mapping[str, Any], files: Callable[[str], bytes], depth: int) -> FusedModel:
    signatures = {str(name): _model(part, files, depth + 1) for name, part in data["signatures"].items()}
    names = tuple(str(name) for name in data["names"])
    coefficients, errors = (_finite(data, name, len(names)) for name in ("coefficients", "standard_errors"))
    if set(names) != set(signatures) or not math.isfinite(float(data["intercept"])):
        raise ModelError("the fusion's signatures and coefficients do not fit together")
    fusion = LogisticFusion(names, coefficients, float(data["intercept"]), errors, bool(data["penalised"]))
    return FusedModel(signatures, fusion)


def _classifier(data: Mapping[str, Any], files: Callable[[str], bytes]) -> ClassifierModel:
    features = tuple(str(name) for name in data["features"])
    centre, scale = _finite(data, "centre", len(features)), _finite(data, "scale", len(features))
    if data["kind"] not in CLASSIFIERS or not features or not (scale > 0).all():
        raise ModelError(f"classifier {data['kind']!r} with {len(features)} features and its scaling cannot be used")
    content = files(str(data["file"]))
    check_hash(str(data["file"]), content, data["sha256"])
    platt = None if data["platt"] is None else tuple(float(value) for value in data["platt"])
    if platt is not None and (len(platt) != 2 or not np.isfinite(platt).all()):
        raise ModelError("Platt's scaling must be two numbers")
    classifier = load_classifier(content, data["kind"], len(features), name=str(data["file"]))
    expected = _finite(data, "probe", PROBE_CASES)
    if not np.allclose(_probe(classifier, len(features)), expected, rtol=1e-6, atol=1e-9):
        import sklearn

        raise ModelError(
            f"{data['file']} predicts otherwise than when it was saved: it is damaged, or scikit-learn "
            f"{sklearn.__version__} reads it differently; use the version in {MODEL_FILE}"
        )
    if (platt is None) != hasattr(classifier, "predict_proba"):
        raise ModelError(f"{data['file']}: probabilities and Platt's scaling do not fit together")
    left = tuple((str(name), int(count)) for name, count in data.get("left", ()))
    return ClassifierModel(
        data["kind"],
        Selected(features, centre, scale, left),
        classifier,
        dict(data["parameters"]),
        (platt[0], platt[1]) if platt else None,
        float(data["inner_auc"] if data["inner_auc"] is not None else "nan"),
    )


def load_classifier(content: bytes, kind: str, features: int, *, name: str = "classifier") -> ClassifierMixin:
    """Load one classifier from skops' format, with the fixed list of trusted types.

    Args:
        content: of the file.
        kind: key of ``CLASSIFIERS``.
        features: number of features it must take.
        name: how messages call it.

    Raises:
        ModelError: damaged, of a type that is not trusted, or of another kind or shape.
        DependencyError: skops is not installed.
    """
    from sklearn.exceptions import InconsistentVersionWarning

    sio = require_skops()
    _check_archive(content, name)
    try:
        untrusted = sorted(set(sio.get_untrusted_types(data=content)) - set(TRUSTED_TYPES))
    except Exception as error:  # skops raises whatever a broken schema leads to
        raise ModelError(f"{name} is damaged: {type(error).__name__}: {error}") from None
    if untrusted:
        raise ModelError(f"{name} holds {untrusted[0]!r}, which is not trusted and could run code; it was not loaded")
    try:
        with warnings.catch_warnings():
            # scikit-learn warns of another version; whether it matters is seen from the stored predictions.
            warnings.simplefilter("ignore", InconsistentVersionWarning)
            classifier = sio.loads(content, trusted=list(TRUSTED_TYPES))
    except Exception as error:  # as above
        line = str(error).splitlines()[0] if str(error) else ""
        raise ModelError(f"{name} cannot be loaded: {type(error).__name__}: {line}") from None
    _check_classifier(classifier, kind, features, name)
    return classifier


def _probe(classifier: ClassifierMixin, features: int) -> np.ndarray:
    """Scores of a few made-up cases, by which a loaded classifier is known to be the one that was saved."""
    return class_scores(classifier, np.random.default_rng(0).standard_normal((PROBE_CASES, features)))


def _check_archive(content: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            count = len(archive.infolist())
    except BROKEN_ZIP:
        raise ModelError(f"{name} is not a classifier file; the bundle is damaged") from None
    if size > LARGEST_BYTES or count > 100 * MOST_FILES:
        raise ModelError(f"{name} unpacks to {size / 2**20:.0f} MB in {count} parts; that is no classifier of ours")


def _check_classifier(classifier: ClassifierMixin, kind: str, features: int, name: str) -> None:
    """Refuse what would crash or hang scikit-learn's compiled code when it predicts."""
    expected = type(CLASSIFIERS[kind].make(0, **next(CLASSIFIERS[kind].points())))
    if type(classifier) is not expected:
        raise ModelError(f"{name} holds a {type(classifier).__name__}, not a {expected.__name__}")
    try:
        fits = int(classifier.n_features_in_) == features and list(classifier.classes_) == [0, 1]
        fits = fits and _SHAPE_CHECKS.get(kind, lambda _: True)(classifier)
        probe = classifier.predict(np.zeros((1, features))) if fits else np.empty(0)
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise ModelError(f"{name} is damaged: {type(error).__name__}: {error}") from None
    if not fits or probe.shape != (1,):
        raise ModelError(f"{name} does not fit its {features} features and two classes; the bundle is damaged")


def _svm_is_sound(model: SVC) -> bool:
    vectors = len(model.support_)
    shapes = model.support_vectors_.shape == (vectors, model.n_features_in_) and model.dual_coef_.shape == (1, vectors)
    counts = np.asarray(model._n_support)
    return bool(shapes and counts.shape == (2,) and (counts >= 0).all() and counts.sum() == vectors)


def _forest_is_sound(model: RandomForestClassifier) -> bool:
    return len(model.estimators_) > 0 and all(_tree_is_sound(tree, model) for tree in model.estimators_)


def _tree_is_sound(estimator: DecisionTreeClassifier, forest: RandomForestClassifier) -> bool:
    tree = estimator.tree_
    places = np.arange(tree.node_count)
    left, right = tree.children_left, tree.children_right
    leaf = left == -1
    if not np.array_equal(leaf, right == -1) or tree.n_features != forest.n_features_in_:
        return False
    # A child stands behind its parent: no way through the tree ends in a circle or outside.
    inner = ~leaf
    children = np.concatenate([left[inner], right[inner]])
    ahead = children > np.concatenate([places[inner], places[inner]])
    features = tree.feature[inner]
    return bool(
        ahead.all()
        and (children < tree.node_count).all()
        and ((features >= 0) & (features < tree.n_features)).all()
        and tree.value.shape == (tree.node_count, 1, 2)
    )


_SHAPE_CHECKS: Mapping[str, Callable[[Any], bool]] = {"svm": _svm_is_sound, "rf": _forest_is_sound}


def _finite(data: Mapping[str, Any], name: str, count: int) -> np.ndarray:
    values = np.asarray(data[name], float)
    if values.shape != (count,) or not np.isfinite(values).all():
        raise ModelError(f"{name} must be {count} finite numbers")
    return values


def require_skops() -> ModuleType:
    """Return ``skops.io``, which stores classifiers without code.

    Raises:
        DependencyError: it is not installed.
    """
    try:
        import skops.io
    except ImportError:
        raise DependencyError(
            "classifiers are stored with the package skops, which is not installed; install peritumoral-radiomics[deep]"
        ) from None
    return skops.io
