"""The jobs by verb. A verb's Lib is imported when it is asked for, so that none has to be installed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..settings.rules import check_known
from .job import Job
from .record import read_job_file

# Names only: this floor imports none of those above it until somebody asks for a verb.
_JOBS: dict[str, tuple[str, str]] = {
    "rings": ("PeritumoralRadiomicsLib.jobs.rings", "RingsJob"),
    "extract": ("PeritumoralRadiomicsLib.jobs.extract", "ExtractJob"),
    "measure": ("PeritumoralRadiomicsLib.jobs.measure", "MeasureJob"),
    "maps": ("PeritumoralRadiomicsLib.jobs.maps", "MapsJob"),
    "dicom": ("PeritumoralRadiomicsLib.jobs.dicom", "DicomJob"),
    "cox": ("SurvivalNomogramLib.jobs.cox", "CoxJob"),
    "logistic": ("SurvivalNomogramLib.jobs.logistic", "LogisticJob"),
    "pca": ("SurvivalNomogramLib.jobs.pca", "PcaJob"),
    "nomogram": ("SurvivalNomogramLib.jobs.nomogram", "NomogramJob"),
    "validate": ("SurvivalNomogramLib.jobs.validate", "ValidateJob"),
    "groups": ("SurvivalNomogramLib.jobs.groups", "GroupsJob"),
    "baseline": ("SurvivalNomogramLib.jobs.baseline", "BaselineJob"),
    "compare": ("SurvivalNomogramLib.jobs.compare", "CompareJob"),
    "predict": ("SurvivalNomogramLib.jobs.predict", "PredictJob"),
    "deep_features": ("DeepRadiomicsFusionLib.jobs.deep_features", "DeepFeaturesJob"),
    "train": ("DeepRadiomicsFusionLib.jobs.train", "TrainJob"),
    "explain": ("DeepRadiomicsFusionLib.jobs.explain", "ExplainJob"),
    "contributions": ("DeepRadiomicsFusionLib.jobs.contributions", "ContributionsJob"),
    "correlation": ("DeepRadiomicsFusionLib.jobs.correlation", "CorrelationJob"),
    "fuse": ("DeepRadiomicsFusionLib.jobs.fuse", "FuseJob"),
    "apply": ("DeepRadiomicsFusionLib.jobs.apply", "ApplyJob"),
    "split": ("RadiomicsStudyLib.jobs.split", "SplitJob"),
    "patient": ("RadiomicsStudyLib.jobs.patient", "PatientJob"),
    "join": ("RadiomicsStudyLib.jobs.join", "JoinJob"),
    "signature": ("RadiomicsStudyLib.jobs.signature", "SignatureJob"),
    "scores": ("RadiomicsStudyLib.jobs.scores", "ScoresJob"),
    "collect": ("RadiomicsStudyLib.jobs.collect", "CollectJob"),
    "study": ("RadiomicsStudyLib.jobs.study", "StudyJob"),
}


def verbs() -> tuple[str, ...]:
    """Return the verbs of all jobs.

    Example:
        >>> "extract" in verbs()
        True
    """
    return tuple(_JOBS)


def job_class(verb: str) -> type[Job]:
    """Return the job of a verb.

    Raises:
        InputError: no such verb; the message names the nearest one.
    """
    check_known("verb", verb, _JOBS)
    module, name = _JOBS[verb]
    return getattr(import_module(module), name)


def job_from(values: Mapping[str, Any], *, folder: Path | None = None) -> Job:
    """Build a job from plain values, the verb among them.

    Args:
        values: ``{"verb": "extract", "cohort": "cohort.csv", ...}``.
        folder: relative paths begin here; None: in the working folder.

    Raises:
        InputError: no or an unknown verb, or what :meth:`.job.Job.from_dict` refuses.

    Example:
        >>> job = job_from({"verb": "extract", "cohort": "cohort.csv", "rings": {"outer_mm": [3, 6]}})
        >>> job.rings.outer_mm
        (3.0, 6.0)
    """
    if not isinstance(values.get("verb"), str):
        raise InputError(f"a job names its verb, one of {', '.join(_JOBS)}")
    return job_class(values["verb"]).from_dict(values, folder=folder)


def load_job(path: Path | str) -> Job:
    """Read a job file, or the ``job.yaml`` of an output folder. Raises InputError.

    Example:
        >>> text = "verb: rings\\nimage: ct.nii\\nmask: tumour.nii\\nrings: {outer_mm: [3]}\\n"
        >>> _ = Path("job.yaml").write_text(text)
        >>> load_job("job.yaml").rings.outer_mm
        (3.0,)
    """
    values, folder = read_job_file(path)
    return job_from(values, folder=folder)
