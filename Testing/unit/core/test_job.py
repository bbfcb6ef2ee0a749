"""The contract of a job: strict plain values in, one result and a folder that repeats it out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.provenance import hash_files
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.jobs.record import job_text, read_job_file
from RadiomicsCoreLib.jobs.result import JobStatus
from RadiomicsCoreLib.progress import Progress
from RadiomicsCoreLib.settings.options import option


@dataclass(frozen=True)
class Scale:
    factor: float = option("factor", 2.0)
    table: Path | None = option("table of factors", None)


@dataclass(frozen=True, kw_only=True)
class SumJob(Job):
    """Adds numbers of a file: a job that needs nothing but this test."""

    verb = "sum"
    published: ClassVar[Mapping[str, Mapping[str, Any]]] = {"wu2021": {"scale": {"factor": 10}, "workers": 3}}

    numbers: Path = option("file of numbers", positional=True)
    others: Mapping[str, Path] = option("further files", factory=dict)
    scale: Scale = Scale()
    workers: int | None = option("processes", None)
    break_after: bool = option("fail when something is written", False)

    def work(self, output: JobOutput, progress: Progress) -> None:
        text = self.numbers.read_text() if self.numbers.is_file() else None
        if text is None:
            raise InputError(f"{self.numbers} does not exist")
        output.table("sum", [{"sum": self.scale.factor * sum(map(float, text.split()))}])
        if self.break_after:
            raise InputError("broken on purpose")
        output.notes.append("summed")
        output.attempt("a second sum", sum_of_nothing)
        output.record["mine"] = 1


def sum_of_nothing() -> float:
    raise InputError("there are no numbers")


@pytest.fixture
def numbers(tmp_path) -> Path:
    path = tmp_path / "in" / "numbers.txt"
    path.parent.mkdir()
    path.write_text("1 2 3")
    return path


def test_a_job_leaves_tables_notes_a_record_and_a_file_that_repeats_it(numbers, tmp_path):
    job = SumJob.from_dict({"numbers": str(numbers), "scale": {"factor": 4}})
    result = job.run(tmp_path / "out")
    assert (tmp_path / "out" / "sum.csv").read_text().split() == ["sum", "24.0"]
    assert (result.status, result.failures) == (JobStatus.PARTLY, ("a second sum: there are no numbers",))
    assert (tmp_path / "out" / "notes.txt").read_text() == "summed\nNOT DONE a second sum: there are no numbers\n"
    record = json.loads((tmp_path / "out" / "study.json").read_text())
    assert (record["job"], record["status"], record["mine"]) == ("sum", "partly", 1)
    assert record["inputs"] == {"numbers": {"path": "../in/numbers.txt", "sha256": hash_files([numbers])}}
    values, folder = read_job_file(tmp_path / "out")
    again = SumJob.from_dict(values, folder=folder)
    assert again.numbers.resolve() == numbers.resolve()
    again.run(tmp_path / "again")
    assert (tmp_path / "again" / "sum.csv").read_bytes() == (tmp_path / "out" / "sum.csv").read_bytes()


def test_settings_of_a_study_lie_under_those_of_the_user():
    assert SumJob.from_dict({"numbers": "n", "study": "wu2021"}).scale.factor == 10
    own = SumJob.from_dict({"numbers": "n", "study": "wu2021", "scale": {"factor": 1}})
    assert (own.scale.factor, own.workers, own.study) == (1, 3, "wu2021")
    with pytest.raises(InputError, match="did you mean 'wu2021'"):
        SumJob.from_dict({"numbers": "n", "study": "wu2012"})
    with pytest.raises(InputError, match="study"):
        SumJob.from_dict({"numbers": "n", "study": ["wu2021"]})


def test_the_hash_of_the_settings_tells_neither_folders_nor_worker_counts():
    one = SumJob(numbers=Path("a/n.txt"), others={"x": Path("a/x")}, scale=Scale(table=Path("a/t")), workers=1)
    other = SumJob(numbers=Path("b/n.txt"), others={"x": Path("b/x")}, scale=Scale(table=Path("b/t")), workers=2)
    assert one.decisive() == other.decisive()
    assert one.decisive() != SumJob(numbers=Path("a/m.txt"), others=one.others, scale=one.scale).decisive()


def test_a_job_that_can_do_nothing_leaves_no_folder_and_never_takes_away_what_is_there(numbers, tmp_path):
    with pytest.raises(InputError):
        SumJob(numbers=tmp_path / "missing").run(tmp_path / "out")
    assert not (tmp_path / "out").exists()
    with pytest.raises(InputError):
        SumJob(numbers=numbers, break_after=True).run(tmp_path / "half")
    assert [path.name for path in (tmp_path / "half").iterdir()] == ["sum.csv"]
    (tmp_path / "old").mkdir()
    with pytest.raises(InputError):
        SumJob(numbers=tmp_path / "missing").run(tmp_path / "old")
    assert (tmp_path / "old").is_dir()


def test_a_file_that_is_no_job_is_refused_in_one_line(tmp_path):
    for text, told in (
        ("", "names no verb"),
        ("- a", "names no verb"),
        ("verb: 3", "names no verb"),
        ("a: [", "parsed"),
    ):
        (tmp_path / "job.yaml").write_text(text)
        with pytest.raises(InputError, match=told):
            read_job_file(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        read_job_file(tmp_path / "none.yaml")


def test_a_job_file_holds_every_setting_and_names_no_folder_of_this_machine(numbers, tmp_path):
    text = job_text(SumJob(numbers=numbers), tmp_path)
    assert str(tmp_path) not in text
    assert all(f"{name}:" in text for name in ("verb", "study", "numbers", "others", "scale", "factor", "workers"))
