"""The contract of every job: plain values in, files and one result out.

A panel, the console, a recipe and the command line all build the same record from plain values and run it. Defaults
and choices stand in its fields and nowhere else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

from ..errors import RadiomicsError
from ..progress import Progress, no_progress
from ..settings.options import option
from ..settings.records import merged, plain_values, record_from, relative_to
from ..settings.rules import check_known
from .output import JobOutput
from .result import JobResult


@dataclass(frozen=True, kw_only=True)
class Job(ABC):
    """What is asked for. A verb's job is a frozen, keyword-only dataclass that inherits this and does :meth:`work`.

    Attributes:
        study: published study whose settings lie under the user's; None: none.

    Example:
        A job comes from plain values (:meth:`from_dict`) and goes into a folder (:meth:`run`)::

            job = job_from({"verb": "extract", "cohort": "cohort.csv", "rings": {"outer_mm": [3, 6]}})
            result = job.run("out")
    """

    verb: ClassVar[str]
    published: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Name of a study -> the settings it takes, as plain values. Those that the user names go before them."""
    result_free: ClassVar[frozenset[str]] = frozenset({"workers", "formats"})
    """Settings that change no number: they are left out of hashes."""

    study: str | None = option("a published study, whose settings lie under yours", None)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], *, folder: Path | None = None) -> Self:
        """Build the job from plain values, strictly.

        Args:
            values: setting -> plain value, records as mappings; ``verb`` may be among them.
            folder: relative paths begin here; None: in the working folder.

        Raises:
            InputError: an unknown name (with the near one), a wrong value (with what is allowed), or one missing.
        """
        given: Mapping[str, Any] = {name: value for name, value in values.items() if name != "verb"}
        study = given.get("study")
        if study is not None:
            check_known(f"study of {cls.verb}", study, cls.studies())
            given = cls.with_study(str(study), given, folder)
        return record_from(cls, given, cls.verb, folder=folder)

    @classmethod
    def studies(cls) -> tuple[str, ...]:
        """Names of the published studies whose settings this job knows."""
        return tuple(cls.published)

    @classmethod
    def study_settings(cls, name: str) -> Mapping[str, Any]:
        """Return the settings of a published study as plain values."""
        return cls.published[name]

    @classmethod
    def with_study(cls, name: str, given: Mapping[str, Any], folder: Path | None) -> Mapping[str, Any]:
        """Lay the settings of a published study under those that the user names.

        Args:
            name: of the study.
            given: plain values of the user's.
            folder: relative paths begin here.
        """
        return merged(cls.study_settings(name), given)

    def to_dict(self, *, folder: Path | None = None) -> dict[str, object]:
        """Return every setting as plain values, which :meth:`from_dict` takes.

        Args:
            folder: paths are written relative to it; None: as they are.
        """
        return plain_values(self, relative_to(folder)) if folder else plain_values(self)

    def decisive(self) -> dict[str, object]:
        """Return the settings that decide the numbers: without paths' folders, worker counts and figure formats."""
        # Every path by its file name: the same files under another folder are the same job.
        plain = plain_values(self, lambda path: path.name)
        return {name: value for name, value in plain.items() if name not in self.result_free}

    def run(self, out: Path | str, progress: Progress = no_progress) -> JobResult:
        """Do the job and write its folder: tables, figures, ``notes.txt``, ``study.json``, ``job.yaml``.

        Args:
            out: output folder, made if it is not there.
            progress: told on the way; a raised :class:`~RadiomicsCoreLib.errors.Cancelled` stops cleanly.

        Raises:
            RadiomicsError: nothing could be done; one line says why.
        """
        self.check()
        output = JobOutput(out, getattr(self, "formats", ()))
        try:
            self.work(output, progress)
        except RadiomicsError:
            output.leave_nothing_empty()
            raise
        return output.finish(self)

    def check(self) -> None:  # noqa: B027  (most jobs have nothing to check)
        """Refuse what can be seen before anything is written: raises InputError. Jobs with such checks override it."""

    @abstractmethod
    def work(self, output: JobOutput, progress: Progress) -> None:
        """Do it: write through ``output``, note what a reader should know."""
