"""A survival model and one patient read from it, in Slicer's Python console or without a window.

Paste this into the console (View > Python Console), or run it:

    Slicer --no-splash --no-main-window --python-script Examples/08_survival_model_in_slicer.py

It works on sample patients that come with the module; with your own, give ``logic.fit`` a CSV or a table node. A fit
needs the packages of ``SurvivalNomogram/Resources/requirements.txt``, for which the panel asks at its button; reading a
patient needs none.
"""

import tempfile
from pathlib import Path

from SurvivalNomogram import SurvivalNomogramLogic
from SurvivalNomogramSlicerLib.logic.fit import FitRequest

logic = SurvivalNomogramLogic()
patients, sample_model = logic.loadSample()

# One patient of the table, and the same ten years older: points, survival with its interval, risk group.
patient = logic.cohort(patients).patient("sample_003")
for age in (float(patient["age"]), float(patient["age"]) + 10):
    reading = logic.readPatient(sample_model, {**patient, "age": age})
    for horizon in reading.horizons:
        interval = f"{horizon.lower:.0%} to {horizon.upper:.0%}"
        print(f"age {age:g}, {horizon.time:g} days: {horizon.probability:.0%} ({interval})")

# A model of your own; 200 resamples are usual, ten make the example quick. Without a stage its stand-in is read.
request = FitRequest(
    time="follow_up_days",
    event="death",
    covariates=("age", "stage", "ct.ring_0_3mm.original_glcm_JointEntropy"),
    horizons="365, 1095",
    bootstrap=10,
    stand_in_for=("stage",),
    name="Three covariates",
)
own_model = logic.fit(patients, request)
print(logic.readPatient(own_model, {**patient, "stage": ""}).notes)

# Both models' Kaplan-Meier curves in one chart, a page for the patient, the bundle for the command line.
chart = logic.compareModels([sample_model, own_model])
folder = Path(tempfile.mkdtemp())
page = logic.patientPage(folder / "patient.html", own_model, patient, "sample_003")
bundle = logic.saveModel(own_model, folder / "model")
print(chart.GetNumberOfPlotSeriesNodes(), "curves;", page.name, "and", bundle.name, "are in", folder)
