"""``patient``: one new patient's image and mask through a model: a JSON file, and a page to look at."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from DeepRadiomicsFusionLib.networks.network_bundle import bundle_phase, is_network_bundle
from RadiomicsCoreLib.cohort.columns import ID_COLUMN
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_csv, write_csv, write_json
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.jobs.record import read_job_file
from RadiomicsCoreLib.jobs.registry import job_from
from RadiomicsCoreLib.jobs.result import JobResult
from RadiomicsCoreLib.progress import Progress, part_of
from RadiomicsCoreLib.settings.options import option

from ..patient_page.page import patient_page

PATIENT_FILE, PAGE = "patient.json", "patient"


def _assigned(text: str) -> tuple[str, Any]:
    """Read ``age=61``; a number where it is one."""
    name, sign, value = (part.strip() for part in text.partition("="))
    if not sign or not name:
        raise InputError(f"{text!r} is not of the form NAME=VALUE")
    try:
        return name, float(value)
    except ValueError:
        return name, value


@dataclass(frozen=True, kw_only=True)
class PatientJob(Job):
    """Predict one patient with a bundle of ``train``, ``fuse``, ``cox`` or ``logistic``, from image and mask.

    A network reads the image itself. Other models need the features that they were made of: they are extracted as in
    ``extraction``, the folder of the study's ``extract``.

    Writes ``patient.json`` (what the model says, and what a reader should know), ``figures/patient`` (one page: the
    tumour with its regions, and what the model says), and the folders of the steps.

    Attributes:
        bundle: the model's folder or zip.
        image, mask: of the patient.
        extraction: output folder of the ``extract`` whose features the model takes; None: it takes none.
        phase: of the image; None: that of the network, or the only one of the extraction.
        values: clinical values that the model needs.
        name: of the patient, on the page and in the file; "patient" unless you say.
        formats: of the page.
    """

    verb = "patient"

    bundle: Path = option("model folder or zip, as written by train, fuse, cox or logistic", positional=True)
    image: Path = option("image file or DICOM folder", positional=True)
    mask: Path = option("mask file of the tumour, on the image's grid", positional=True)
    extraction: Path | None = option("output folder of the extract whose features the model takes", None)
    phase: str | None = option("phase of the image (default: that of the model)", None)
    values: Mapping[str, Any] = option(
        "a clinical value that the model needs (repeatable)",
        factory=dict,
        word="--value",
        read=_assigned,
        metavar="NAME=VALUE",
        repeated=True,
    )
    name: str = option("of the patient, on the page and in the file", "patient")
    formats: tuple[str, ...] = option("of the page", ("png",), choices=("svg", "pdf", "png"))

    def work(self, output: JobOutput, progress: Progress) -> None:
        """Predict, write and draw."""
        is_network = is_network_bundle(self.bundle)
        phase = self.phase or (bundle_phase(self.bundle) if is_network else self._phase())
        table = output.folder / "patient.csv"
        row = {ID_COLUMN: self.name, f"{phase}_image": self.image.absolute(), f"{phase}_mask": self.mask.absolute()}
        write_csv(table, [{**{k: str(v) for k, v in row.items()}, **self.values}])
        picture, features = None, None
        if self.extraction is not None:
            found = self._extract(output, table, phase, part_of(progress, 0.0, 0.6))
            features = found.tables["features"]
            picture = next(iter(sorted(found.folder.rglob("overlay.png"))), None)
        predicted = self._predict(output, table, features, part_of(progress, 0.6, 0.95))
        if picture is None:
            picture = next(iter(sorted(predicted.folder.rglob("seen.png"))), None)
        said = _first_row(predicted)
        notes = [*predicted.notes, *predicted.warnings]
        path = output.folder / PATIENT_FILE
        write_json(path, {"patient": self.name, "model": self.bundle.name, "says": said, "notes": notes})
        output.files["patient"] = path
        output.notes += predicted.notes
        output.warnings += predicted.warnings
        output.figure(PAGE, patient_page, self.name, said, picture, notes)
        progress(1.0, ", ".join(f"{name} {value}" for name, value in list(said.items())[:2]))

    def _phase(self) -> str:
        if self.extraction is None:
            return "ct"
        phases = read_job_file(self.extraction)[0].get("phases") or []
        if len(phases) > 1:
            raise InputError(f"the features are of the phases {', '.join(phases)}; a model of several needs a table")
        return phases[0] if phases else "ct"

    def _extract(self, output: JobOutput, table: Path, phase: str, progress: Progress) -> JobResult:
        assert self.extraction is not None
        values, folder = read_job_file(self.extraction)
        if values["verb"] != "extract":
            raise InputError(f"{self.extraction.name} is the folder of {values['verb']!r}; name that of an extract")
        values = {**values, "cohort": str(table.absolute()), "phases": [phase], "workers": 1, "overlays": True}
        return job_from(values, folder=folder).run(output.folder / "features", progress)

    def _predict(self, output: JobOutput, table: Path, features: Path | None, progress: Progress) -> JobResult:
        tables = {} if features is None else {"features": str(features)}
        bundle = str(self.bundle)
        if is_network_bundle(self.bundle):
            values = {"verb": "apply", "bundle": bundle, "cohort": str(table), "workers": 1, "formats": []}
        elif (self.bundle / "model.json").is_file() and not any(self.bundle.glob("*.skops")):
            values = {"verb": "predict", "bundle": bundle, "cohort": str(table), "features": tables}
        else:
            values = {"verb": "apply", "bundle": bundle, "features": tables, "formats": []}
        return job_from(values).run(output.folder / "prediction", progress)


def _first_row(result: JobResult) -> dict[str, Any]:
    """What the model says of the patient. Raises InputError with the reason where it says nothing."""
    frame = read_csv(result.folder / "predictions.csv")
    row = {str(name): value for name, value in frame.iloc[0].items()}
    reason = row.pop("reason", None)
    if isinstance(reason, str) and reason.strip():
        raise InputError(f"the patient has no prediction: {reason}")
    return {name: _plain(value) for name, value in row.items() if value == value and name != ID_COLUMN}


def _plain(value: Any) -> Any:
    """A value for JSON: an endless time is one that was not reached."""
    return "not reached" if isinstance(value, float) and not math.isfinite(value) else value
