"""``nomogram``: draw the nomogram of a bundle, and read it for a patient."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option

from ..bundles.bundle import load_bundle
from ..models.cox import CoxModel
from ..nomogram.nomogram_figure import nomogram_figure
from ..report.applying import notes_of_training
from ..report.competing_report import incidence_table
from ..report.predicted_survival import with_intervals
from ..settings.inputs import Figures, FittedModel


@dataclass(frozen=True, kw_only=True)
class NomogramJob(Figures, FittedModel, Job):
    """Draw a bundle's nomogram and write its points.

    Writes ``nomogram_points.csv``, ``figures/nomogram.*`` and, for a patient, ``patient.csv``.

    Attributes:
        horizons: times of the survival axes; those of the bundle when empty.
        patient: covariate to value; marked in the figure.
        labels: column, or ``column=level``, to the text to print instead.
    """

    verb = "nomogram"

    horizons: tuple[float, ...] = option("times of the survival axes: 365,1095 (default: those of the model)", ())
    patient: Mapping[str, float | str] = option(
        "value of a covariate, to read the nomogram for a patient",
        factory=dict,
        metavar="COVARIATE=VALUE",
        repeated=True,
    )
    labels: Mapping[str, str] = option(
        "text to print for a column", factory=dict, word="--label", metavar="COLUMN=TEXT", repeated=True
    )

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Draw and write."""
        bundle = load_bundle(self.bundle)
        if bundle.nomogram is None:
            raise InputError("the bundle holds no nomogram; write it again with `peritumoral cox`")
        nomogram = bundle.nomogram
        if self.horizons:
            nomogram = replace(nomogram, horizons=tuple(float(h) for h in self.horizons))
        output.warnings += notes_of_training(bundle)
        progress(0.3, "drawing the nomogram")
        patient = {name: _number_or_text(value) for name, value in self.patient.items()} or None
        output.table("nomogram_points", nomogram.points_table())
        output.figure("nomogram", partial(nomogram_figure, nomogram, labels=self.labels or None, patient=patient))
        if patient is not None:
            import pandas as pd

            prediction = nomogram.predict(patient)
            rows = [{"what": f"points of {name}", "value": points} for name, points in prediction.points.items()]
            outcome = nomogram.predict_table(pd.DataFrame([patient]))
            if isinstance(bundle.model, CoxModel) and bundle.competing is not None:
                # One minus the survival axis would be the risk in a world without the competing events.
                frame = pd.DataFrame([patient])
                outcome = outcome[["total_points", "linear_predictor"]].join(
                    incidence_table(bundle.model, bundle.competing, frame, nomogram.horizons)
                )
            elif isinstance(bundle.model, CoxModel):
                outcome = with_intervals(outcome, bundle.model, pd.DataFrame([patient]), nomogram.horizons)
            rows += [{"what": name, "value": float(outcome[name].iloc[0])} for name in outcome.columns]
            output.table("patient", rows)
            output.warnings += [
                f"{name} lies outside the axis: the model is extrapolated" for name in prediction.outside
            ]
        progress(1.0, "nomogram done")


def _number_or_text(value: float | str) -> float | str:
    """A word of the command line as a number where it is one."""
    try:
        return float(value)
    except ValueError:
        return value
