"""A study's output folder as the report reads it: stages with their records, tables, figures and bundles.

Nothing here fails because something is absent or torn: what cannot be read is told in ``Study.problems``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsCoreLib.files.provenance import STUDY_FILE
from RadiomicsCoreLib.files.tables import read_json
from RadiomicsCoreLib.jobs.record import JOB_FILE
from RadiomicsCoreLib.settings.text import read_values

STAGES_FILE, RECIPE_FILE = "stages.json", "recipe.yaml"
PICTURES = (".png", ".svg")
MODEL = Path("model") / "model.json"


@dataclass(frozen=True)
class Stage:
    """One stage: a job's folder, and what the study says of it.

    Attributes:
        name: of the folder and of links.
        verb: of its job; "" where nothing says it.
        title: for people.
        folder: where its files lie; it may be absent.
        state: done, failed, skipped, reused or running.
        why: of a stage that failed or was skipped.
        seconds: it took; None where nobody measured.
        needs: names of the stages whose files it reads.
        paper: what of a paper it stands for.
        record: its ``study.json``.
        job: its ``job.yaml``.
        tables: name to CSV file, in the order of their names.
        figures: name to picture, PNG before SVG.
        bundle: its ``model.json``; empty where there is none.
    """

    name: str
    verb: str
    title: str
    folder: Path
    state: str = "done"
    why: str = ""
    seconds: float | None = None
    needs: tuple[str, ...] = ()
    paper: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)
    job: Mapping[str, Any] = field(default_factory=dict)
    tables: Mapping[str, Path] = field(default_factory=dict)
    figures: Mapping[str, Path] = field(default_factory=dict)
    bundle: Mapping[str, Any] = field(default_factory=dict)

    @property
    def settings(self) -> Mapping[str, Any]:
        """The job's settings, from its record or its job file."""
        found = self.record.get("settings")
        return found if isinstance(found, Mapping) else {k: v for k, v in self.job.items() if k != "verb"}

    def lines(self, kind: str) -> list[str]:
        """Notes, warnings or failures of the record."""
        found = self.record.get(kind)
        return [str(line) for line in found] if isinstance(found, list) else []

    def setting(self, *path: str) -> Any:
        """A setting by the names that lead to it; None where it is not there."""
        value: Any = self.settings
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        return value


@dataclass(frozen=True)
class Study:
    """A study, or one job as a study of one stage.

    Attributes:
        folder: the output folder.
        name: of the recipe, or of the folder.
        stages: in their order.
        record: the study's own ``study.json``.
        job: the study's own ``job.yaml``.
        recipe: text of ``recipe.yaml``; "" where there is none.
        problems: what could not be read, a line each.
    """

    folder: Path
    name: str
    stages: tuple[Stage, ...]
    record: Mapping[str, Any] = field(default_factory=dict)
    job: Mapping[str, Any] = field(default_factory=dict)
    recipe: str = ""
    problems: tuple[str, ...] = ()

    def of(self, *verbs: str) -> list[Stage]:
        """The stages of some verbs."""
        return [stage for stage in self.stages if stage.verb in verbs]


class Reader:
    """Reads files that may be absent or torn, and remembers what was wrong with them.

    Args:
        root: names in messages are relative to it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.problems: list[str] = []

    def mapping(self, path: Path) -> Mapping[str, Any]:
        """A JSON or YAML file that holds names and values; empty where it does not."""
        if not path.is_file():
            return {}
        try:
            found = read_json(path) if path.suffix == ".json" else read_values(path, "file")
        except RadiomicsError as error:
            return self._told(path, str(error))
        return found if isinstance(found, Mapping) else self._told(path, "it holds no names and values")

    def rows(self, path: Path) -> list[Mapping[str, Any]]:
        """A JSON file that holds a list of such values."""
        if not path.is_file():
            return []
        try:
            found = read_json(path)
        except RadiomicsError as error:
            self._told(path, str(error))
            return []
        return [row for row in found if isinstance(row, Mapping)] if isinstance(found, list) else []

    def text(self, path: Path) -> str:
        """A text file."""
        try:
            return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        except OSError as error:
            self._told(path, str(error.strerror))
            return ""

    def _told(self, path: Path, why: str) -> Mapping[str, Any]:
        place = path.relative_to(self.root) if path.is_relative_to(self.root) else Path(path.name)
        self.problems.append(f"{place.as_posix()} cannot be read: {why.replace(str(path), place.name)}")
        return {}


def read_study(out: Path) -> Study:
    """Read a study's folder, or a single job's.

    Args:
        out: a folder with ``stages.json``, with folders of jobs in it, or a job's own.

    Example:
        >>> Path("empty").mkdir()
        >>> study = read_study(Path("empty"))
        >>> study.name, [stage.name for stage in study.stages]
        ('empty', [])
    """
    reader = Reader(out)
    record, job = reader.mapping(out / STUDY_FILE), reader.mapping(out / JOB_FILE)
    listed = reader.rows(out / STAGES_FILE)
    if listed:
        stages = [_stage(reader, out, row) for row in listed]
    elif _is_study(record, job):
        stages = [_stage(reader, out, {"name": path.name}) for path in _job_folders(out)]
    elif record or job:
        stages = [_stage(reader, out, {"name": out.resolve().name, "folder": "."})]
    else:
        stages = [_stage(reader, out, {"name": path.name}) for path in _job_folders(out)]
    recipe = reader.text(out / RECIPE_FILE)
    name = str(job.get("recipe") or job.get("study") or out.resolve().name)
    return Study(out, Path(name).stem, tuple(stages), record, job, recipe, tuple(reader.problems))


def _is_study(record: Mapping[str, Any], job: Mapping[str, Any]) -> bool:
    return "study" in (record.get("job"), job.get("verb"))


def _job_folders(out: Path) -> list[Path]:
    """Folders of jobs that lie in a folder, the first that was made first."""
    found = [path for path in out.iterdir() if (path / STUDY_FILE).is_file() or (path / JOB_FILE).is_file()]
    return sorted(found, key=lambda path: (path / JOB_FILE).stat().st_mtime if (path / JOB_FILE).is_file() else 0.0)


def _stage(reader: Reader, out: Path, row: Mapping[str, Any]) -> Stage:
    name = str(row.get("name") or "stage")
    folder = _inside(out, str(row.get("folder") or name))
    record, job = reader.mapping(folder / STUDY_FILE), reader.mapping(folder / JOB_FILE)
    seconds, needs = row.get("seconds"), row.get("needs")
    return Stage(
        name=name,
        verb=str(row.get("verb") or record.get("job") or job.get("verb") or ""),
        title=str(row.get("title") or name.replace("_", " ")),
        folder=folder,
        state=str(row.get("state") or _state(record)),
        why=str(row.get("why") or ""),
        seconds=float(seconds) if isinstance(seconds, int | float) else None,
        needs=tuple(str(need) for need in needs) if isinstance(needs, list) else (),
        paper=str(row.get("paper") or ""),
        record=record,
        job=job,
        tables={path.stem: path for path in sorted(folder.glob("*.csv"))},
        figures=_figures(folder),
        bundle=reader.mapping(folder / MODEL),
    )


def _inside(out: Path, name: str) -> Path:
    """A folder of the study; a name that leads out of it is taken for none, so that nothing else is shown."""
    folder = out / name
    return folder if folder.resolve().is_relative_to(out.resolve()) else out / Path(name).name


def _state(record: Mapping[str, Any]) -> str:
    status = record.get("status")
    return {"done": "done", "partly": "done", "nothing": "failed"}.get(str(status), "done" if record else "skipped")


def _figures(folder: Path) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for ending in PICTURES:
        for path in sorted((folder / "figures").glob(f"*{ending}")):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))
