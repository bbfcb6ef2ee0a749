"""``predict``: points, survival, risk group or components of new patients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.joined import JoinedCohort
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option

from ..bundles.bundle import ModelBundle, load_bundle
from ..bundles.fitted_patients import Recognised, recognise
from ..bundles.new_patients import NewPatients, read_new_patients
from ..models.cox import CoxModel
from ..models.pca_signature import PrincipalComponents
from ..nomogram.points import check_horizons
from ..report.applying import notes_of_training, outcome_of, read_as_trained
from ..report.competing_report import incidence_table
from ..report.predicted_survival import with_intervals
from ..settings.inputs import FittedModel, Patients

if TYPE_CHECKING:
    import pandas as pd

FITTED, NEW = "fitted", "new"
"""Whether the model was fitted on a patient."""


@dataclass(frozen=True, kw_only=True)
class PredictJob(Patients, FittedModel, Job):
    """Predict patients with a bundle's model; no outcome is needed.

    Writes ``predictions.csv``: a row a patient with total points, linear predictor, survival at the horizons with its
    log-log interval and median survival (or the probability; with competing events the cumulative incidence of the
    cause-specific models combined, and Fine and Gray's beside it), risk group, whether the model was fitted on the
    patient, and, where there is no prediction, the reason. The bundle of ``pca`` writes ``components.csv`` instead,
    which ``--features`` of other verbs takes.

    Attributes:
        horizons: times; those of the bundle when empty.
    """

    verb = "predict"

    horizons: tuple[float, ...] = option("times to predict at: 365,1095 (default: those of the model)", ())

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Predict and write."""
        bundle = load_bundle(self.bundle)
        joined = read_as_trained(self, bundle)
        patients = read_new_patients(joined, bundle)
        output.warnings += notes_of_training(bundle)
        output.notes += patients.report
        found = _recognised(bundle, joined, patients)
        output.warnings += found.warnings()
        usable = patients.frame[patients.usable]
        if isinstance(bundle.model, PrincipalComponents):
            self._refuse_horizons()
            name, predictions = "components", bundle.model.transform(usable)
        else:
            name, predictions = "predictions", _predictions(bundle, usable, tuple(float(h) for h in self.horizons))
        if bundle.cutoff is not None:
            predictions["risk_group"] = bundle.cutoff.groups(predictions["linear_predictor"].to_numpy())
        frame = predictions.reindex(patients.frame.index)
        frame.insert(0, joined.columns.id or "patient", patients.ids)
        if name == "predictions":
            frame["model_knows"] = _known_labels(found, patients.usable)
            frame["reason"] = patients.problems
        output.files[name] = output.table(name, frame)
        output.record["patients"] = {
            "predicted": int(patients.usable.sum()),
            "not_predicted": int((~patients.usable).sum()),
            "fitted": int(found.fitted.sum()),
        }
        for patient, problem in zip(patients.ids[~patients.usable], patients.problems[~patients.usable], strict=True):
            output.failures.append(f"patient {patient}: {problem}")
        progress(1.0, f"{int(patients.usable.sum())} of {len(frame)} patients predicted")

    def _refuse_horizons(self) -> None:
        if self.horizons:
            raise InputError("the bundle holds principal components, which have no survival at a horizon")


def _recognised(bundle: ModelBundle, joined: JoinedCohort, patients: NewPatients) -> Recognised:
    usable = patients.usable
    found = recognise(
        bundle.fitted,
        patients.ids[usable].tolist(),
        patients.frame[usable],
        bundle.model.terms,
        outcome_of(bundle, joined.rows(usable)),
        has_ids=joined.columns.id is not None,
    )
    everyone = np.zeros((2, len(usable)), bool)
    everyone[:, usable] = found.fitted, found.namesakes
    return replace(found, fitted=everyone[0], namesakes=everyone[1])


def _known_labels(found: Recognised, usable: np.ndarray) -> np.ndarray:
    labels = np.where(found.fitted, FITTED, NEW).astype(object)
    labels[~usable | (not found.is_known)] = ""
    return labels


def _predictions(bundle: ModelBundle, frame: pd.DataFrame, horizons: tuple[float, ...]) -> pd.DataFrame:
    if isinstance(bundle.model, CoxModel) and bundle.competing is not None:
        return _competing_predictions(bundle, bundle.model, frame, horizons)
    if bundle.nomogram is not None:
        nomogram = replace(bundle.nomogram, horizons=horizons) if horizons else bundle.nomogram
        predictions = nomogram.predict_table(frame)
        if isinstance(bundle.model, CoxModel):
            return with_intervals(predictions, bundle.model, frame, nomogram.horizons)
        return predictions
    import pandas as pd

    model = bundle.model
    assert not isinstance(model, PrincipalComponents)
    predictions = pd.DataFrame({"linear_predictor": model.linear_predictor(frame)}, index=frame.index)
    if isinstance(model, CoxModel):
        check_horizons(model, horizons)
        for horizon in horizons:
            predictions[f"survival_{horizon:g}"] = model.survival_at(frame, horizon)[:, 0]
        predictions = with_intervals(predictions, model, frame, horizons)
        predictions["median_survival"] = model.median_survival(frame)
    else:
        predictions["probability"] = model.predict_probability(frame)
    return predictions


def _competing_predictions(
    bundle: ModelBundle, model: CoxModel, frame: pd.DataFrame, horizons: tuple[float, ...]
) -> pd.DataFrame:
    """Points and linear predictor, and for the horizons the incidence; no survival, which would forget the others."""
    import pandas as pd

    assert bundle.competing is not None
    chosen = horizons or (bundle.nomogram.horizons if bundle.nomogram is not None else ())
    check_horizons(model, chosen)
    if bundle.nomogram is not None:
        known = replace(bundle.nomogram, horizons=()).predict_table(frame)[["total_points", "linear_predictor"]]
    else:
        known = pd.DataFrame({"linear_predictor": model.linear_predictor(frame)}, index=frame.index)
    return pd.concat([known, incidence_table(model, bundle.competing, frame, chosen)], axis=1)
