"""The bundle of a fitted model: one readable ``model.json`` with all that a prediction needs, and no code.

Loading reads JSON and checks every part, so a bundle from a stranger can do no harm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from RadiomicsCoreLib.cohort.known_patients import NOBODY_KNOWN, KnownPatients
from RadiomicsCoreLib.errors import InputError, ModelError, RadiomicsError
from RadiomicsCoreLib.files.bundle_files import MODEL_FILE, BundleFiles, check_format
from RadiomicsCoreLib.files.tables import write_json

from ..groups.risk_groups import RiskCutoff
from ..models.competing_causes import CompetingCauses
from ..models.cox import CoxModel
from ..models.fine_gray import FineGrayModel
from ..models.logistic import LogisticModel
from ..models.pca_signature import PrincipalComponents
from ..nomogram.points import Nomogram
from ..tables.missing_values import MissingValues

FORMAT = "peritumoral survival model"
VERSION, WRITER = 1, "cox"
Model = CoxModel | LogisticModel | PrincipalComponents
KINDS: Mapping[str, type[CoxModel] | type[LogisticModel] | type[PrincipalComponents]] = {
    "cox": CoxModel,
    "logistic": LogisticModel,
    "pca": PrincipalComponents,
}


@dataclass(frozen=True)
class ModelBundle:
    """A model with all that applying it to new patients needs.

    Attributes:
        model: Cox model with its baseline survival, logistic model, or principal components.
        nomogram: axes and horizons of the nomogram; None if none was made.
        cutoff: locked cut-off of the risk groups; None if none was made.
        missing: how missing covariates of new patients are filled.
        settings: how the model was made, e.g. the names of the columns; plain values.
        provenance: versions, time, hash of the training data; plain values.
        fitted: hashes of the patients that the model was fitted on, by which they are known again.
        competing: models of the events that compete with the Cox model's; None where there are none. With them a
            prediction is a cumulative incidence, and never one minus the Cox model's survival.
    """

    model: Model
    nomogram: Nomogram | None = None
    cutoff: RiskCutoff | None = None
    missing: MissingValues = field(default_factory=MissingValues)
    settings: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, object] = field(default_factory=dict)
    fitted: KnownPatients = NOBODY_KNOWN
    competing: CompetingCauses | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain values, as they stand in the file."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "model": self.model.to_dict(),
            "nomogram": None if self.nomogram is None else self.nomogram.to_dict(),
            "cutoff": None if self.cutoff is None else self.cutoff.to_dict(),
            "missing": self.missing.to_dict(),
            "settings": dict(self.settings),
            "provenance": dict(self.provenance),
            "fitted": self.fitted.to_dict(),
            "competing": None if self.competing is None else self.competing.to_dict(),
        }


def save_bundle(bundle: ModelBundle, folder: Path | str) -> Path:
    """Write ``folder/model.json`` whole or not at all, and return its path.

    Raises:
        InputError: the folder cannot be written.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> frame = pd.DataFrame({"t": [5.0, 8, 9, 12, 14, 20], "e": [1, 1, 0, 1, 0, 1],
        ...                       "age": [70.0, 52, 66, 58, 61, 49]})
        >>> table = read_survival_table(frame, time="t", event="e")
        >>> from SurvivalNomogramLib.models.cox import fit_cox
        >>> save_bundle(ModelBundle(fit_cox(table)), "model").name
        'model.json'
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"folder {str(folder)!r} cannot be made: {error.strerror}") from None
    path = folder / MODEL_FILE
    write_json(path, bundle.to_dict())
    return path


def load_bundle(path: Path | str) -> ModelBundle:
    """Read a bundle.

    Args:
        path: the folder, its ``model.json``, or a zip that holds it.

    Raises:
        InputError: one line that says what is missing or wrong.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> frame = pd.DataFrame({"t": [5.0, 8, 9, 12, 14, 20], "e": [1, 1, 0, 1, 0, 1],
        ...                       "age": [70.0, 52, 66, 58, 61, 49]})
        >>> table = read_survival_table(frame, time="t", event="e")
        >>> from SurvivalNomogramLib.models.cox import fit_cox
        >>> _ = save_bundle(ModelBundle(fit_cox(table)), "model")
        >>> load_bundle("model").model.columns == fit_cox(table).columns
        True
    """
    try:
        return _bundle_of(BundleFiles(path).record(FORMAT, VERSION, WRITER))
    except RadiomicsError as error:
        raise InputError(f"bundle {str(path)!r}: {error}") from None


def bundle_from_dict(data: Mapping[str, Any]) -> ModelBundle:
    """Rebuild a bundle from :meth:`ModelBundle.to_dict`, checking every part."""
    try:
        return _bundle_of(check_format(data, FORMAT, VERSION, WRITER))
    except ModelError as error:
        raise InputError(str(error)) from None


def _bundle_of(data: Mapping[str, Any]) -> ModelBundle:
    try:
        model = _model(data.get("model"))
        _check_numbers(model)
        nomogram = data.get("nomogram")
        cutoff = data.get("cutoff")
        return ModelBundle(
            model,
            None if nomogram is None else Nomogram.from_dict(nomogram, _with_outcome(model)),
            None if cutoff is None else RiskCutoff.from_dict(cutoff),
            MissingValues.from_dict(data["missing"]) if data.get("missing") else MissingValues(),
            dict(data.get("settings") or {}),
            dict(data.get("provenance") or {}),
            KnownPatients.from_dict(data["fitted"]) if data.get("fitted") else NOBODY_KNOWN,
            _competing(data.get("competing"), model),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"a part is missing or has the wrong form ({type(error).__name__}: {error})") from None


def _model(data: object) -> Model:
    if not isinstance(data, Mapping):
        raise InputError("it holds no model")
    kind = KINDS.get(str(data.get("kind")))
    if kind is None:
        raise InputError(f"model kind {data.get('kind')!r} is unknown; known are {', '.join(KINDS)}")
    return kind.from_dict(data)


def _competing(data: Any, model: Model) -> CompetingCauses | None:
    if data is None:
        return None
    if not isinstance(model, CoxModel):
        raise InputError("competing events stand beside a model that is no Cox model")
    competing = CompetingCauses.from_dict(data)
    for other in competing.models.values():
        _check_numbers(other)
    if competing.fine_gray is not None:
        _check_baseline(competing.fine_gray)
    return competing


def _with_outcome(model: Model) -> CoxModel | LogisticModel:
    if isinstance(model, PrincipalComponents):
        raise InputError("principal components have no nomogram")
    return model


def _check_numbers(model: Model) -> None:
    if isinstance(model, PrincipalComponents):
        model.check()
        return
    if not np.isfinite(model.coefficients).all():
        raise InputError("a coefficient is no finite number")
    if not isinstance(model, CoxModel):
        if not np.isfinite(model.intercept):
            raise InputError("the intercept is no finite number")
        return
    _check_baseline(model)


def _check_baseline(model: CoxModel | FineGrayModel) -> None:
    if not np.isfinite(model.coefficients).all():
        raise InputError("a coefficient is no finite number")
    if model.center.shape != model.coefficients.shape or not np.isfinite(model.center).all():
        raise InputError(f"{len(model.center)} centres stand for {len(model.coefficients)} coefficients")
    times, hazard = model.baseline.times, model.baseline.cumulative_hazard
    if len(times) == 0 or len(times) != len(hazard):
        raise InputError(f"the baseline survival has {len(times)} times and {len(hazard)} values")
    rising = (np.diff(times) > 0).all() and (np.diff(hazard) >= 0).all()
    if not (rising and hazard[0] >= 0 and times[0] > 0 and np.isfinite(hazard).all() and np.isfinite(times).all()):
        raise InputError("the baseline survival does not fall over rising times")
    if not model.baseline.last_time >= times[-1]:
        raise InputError("the baseline survival runs beyond the follow-up")
