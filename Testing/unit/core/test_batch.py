"""A batch of cases: atomic, resumable, and no case stops the others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import cloudpickle
import pytest

from RadiomicsCoreLib.errors import Cancelled, InputError, RegionError
from RadiomicsCoreLib.jobs.batch import (
    CaseStatus,
    CaseTask,
    CaseWork,
    case_folder,
    duration_text,
    run_batch,
    usable_jobs,
)

# pytest imports this file under a name that worker processes cannot import: send its functions whole.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def write_number(number: int, folder: Path) -> CaseWork:
    (folder / "number.txt").write_text(str(number))
    return CaseWork()


def fail_with_region_error(folder: Path) -> CaseWork:
    (folder / "half.txt").write_text("half")
    raise RegionError("tumour mask is empty; draw a tumour")


def fail_with_a_bug(folder: Path) -> CaseWork:
    raise ZeroDivisionError("a bug")


def die(folder: Path) -> CaseWork:
    os.kill(os.getpid(), signal.SIGKILL)
    return CaseWork()


def fixed(text: str) -> str:
    return text


def task(case_id: str, work=None, fingerprint: str = "f") -> CaseTask:
    return CaseTask(case_id, partial(fixed, fingerprint), work or partial(write_number, 7))


@pytest.mark.parametrize("jobs", [1, 2])
def test_every_case_is_written_and_a_failing_one_does_not_stop_the_others(tmp_path, jobs):
    tasks = [task("a"), task("b", fail_with_region_error), task("c", fail_with_a_bug), task("d")]
    outcomes = run_batch(tasks, tmp_path, jobs=jobs)
    assert [outcome.case_id for outcome in outcomes] == ["a", "b", "c", "d"]
    assert [outcome.status.value for outcome in outcomes] == ["done", "failed", "failed", "done"]
    assert outcomes[1].reason == "tumour mask is empty; draw a tumour"
    assert "ZeroDivisionError" in outcomes[2].reason and "\n" not in outcomes[2].reason
    assert "a bug" in (case_folder(tmp_path, "c") / "traceback.txt").read_text()
    assert (case_folder(tmp_path, "d") / "number.txt").read_text() == "7"
    assert json.loads((case_folder(tmp_path, "b") / "status.json").read_text())["status"] == "failed"
    assert not list((tmp_path / "cases").glob(".*"))


def test_a_second_run_reuses_done_cases_and_tries_failed_ones_again(tmp_path):
    run_batch([task("a"), task("b", fail_with_region_error)], tmp_path, jobs=1)
    outcomes = run_batch([task("a", fail_with_a_bug), task("b")], tmp_path, jobs=1)
    assert [(outcome.status, outcome.reused) for outcome in outcomes] == [
        (CaseStatus.DONE, True),
        (CaseStatus.DONE, False),
    ]


def test_changed_inputs_or_settings_are_computed_again(tmp_path):
    run_batch([task("a", partial(write_number, 1), "old")], tmp_path, jobs=1)
    outcomes = run_batch([task("a", partial(write_number, 2), "new")], tmp_path, jobs=1)
    assert not outcomes[0].reused
    assert (case_folder(tmp_path, "a") / "number.txt").read_text() == "2"


def test_a_case_whose_process_dies_is_named_and_the_others_are_done(tmp_path):
    tasks = [task("a"), task("killer", die), *(task(f"case {n}") for n in range(4))]
    outcomes = {outcome.case_id: outcome for outcome in run_batch(tasks, tmp_path, jobs=2)}
    assert outcomes["killer"].status is CaseStatus.FAILED
    assert "process died" in outcomes["killer"].reason
    assert all(outcome.status is CaseStatus.DONE for name, outcome in outcomes.items() if name != "killer")


def test_a_torn_status_file_counts_as_not_done(tmp_path):
    run_batch([task("a")], tmp_path, jobs=1)
    (case_folder(tmp_path, "a") / "status.json").write_text('{"case_id": "a", "sta')
    assert not run_batch([task("a")], tmp_path, jobs=1)[0].reused


def test_what_a_power_cut_left_is_cleared_away(tmp_path):
    left = tmp_path / "cases" / ".a.partial-1234"
    left.mkdir(parents=True)
    (left / "half.txt").write_text("half")
    run_batch([task("a")], tmp_path, jobs=1)
    assert not left.exists()


def test_cancel_keeps_what_is_finished(tmp_path):
    def stop_after_first(fraction: float, message: str) -> None:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        run_batch([task("a"), task("b")], tmp_path, jobs=1, progress=stop_after_first)
    assert run_batch([task("a")], tmp_path, jobs=1)[0].reused


def test_progress_tells_the_case_its_reason_and_the_time_left(tmp_path):
    lines: list[str] = []
    run_batch(
        [task("a", fail_with_region_error), task("b")], tmp_path, jobs=1, progress=lambda _, line: lines.append(line)
    )
    assert lines[0].startswith("1/2 a failed: tumour mask is empty") and lines[0].endswith("left")
    assert lines[1] == "2/2 b done"


def test_ids_that_leave_the_folder_are_kept_inside(tmp_path):
    out = tmp_path / "out"
    run_batch([task("../x"), task("a/b"), task("..")], out, jobs=1)
    assert {path.name for path in tmp_path.iterdir()} == {"out"}
    assert len(list((out / "cases").iterdir())) == 3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda out: run_batch([task("a"), task("a")], out), "'a' stands twice"),
        (lambda out: usable_jobs(0), "jobs is 0"),
    ],
)
def test_bad_calls_get_one_clear_line(tmp_path, call, message):
    with pytest.raises(InputError, match=message):
        call(tmp_path)


def test_a_file_in_place_of_the_output_folder_is_said(tmp_path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(InputError, match="cannot be written"):
        run_batch([task("a")], tmp_path / "out")


def test_the_log_tells_every_run_with_reasons_and_warnings(tmp_path):
    run_batch([task("a"), task("b", fail_with_region_error)], tmp_path, jobs=1)
    run_batch([task("a")], tmp_path, jobs=1)
    lines = (tmp_path / "log.txt").read_text().splitlines()
    assert [" ".join(line.split()[1:3]) for line in lines] == ["a done", "b failed", "a reused"]
    assert lines[1].endswith("tumour mask is empty; draw a tumour")


def test_duration_text_reads_like_speech():
    assert [duration_text(s) for s in (5, 65, 3725)] == ["5 s", "1 min 05 s", "1 h 02 min"]


SLOW_BATCH = """
import signal, sys, time
from functools import partial
from pathlib import Path
from RadiomicsCoreLib.jobs.batch import CaseTask, CaseWork, run_batch
from RadiomicsCoreLib.errors import Cancelled

def work(seconds, folder):
    time.sleep(seconds)
    (folder / "done.txt").write_text("done")
    return CaseWork()

# As in a terminal; a shell that runs the tests in the background lets its children ignore it.
signal.signal(signal.SIGINT, signal.default_int_handler)

def tell(fraction, line):
    print(line, flush=True)

tasks = [CaseTask(f"case{n}", partial(str, "f"), partial(work, 0.1 if n < 2 else 30)) for n in range(6)]
try:
    run_batch(tasks, Path(sys.argv[1]), jobs=2, progress=tell)
except Cancelled as stop:
    print("stopped:", stop)
    sys.exit(130)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="sends SIGINT to a process group")
def test_ctrl_c_stops_cleanly_and_finished_cases_stay(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_BATCH, str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    lines = [process.stdout.readline(), process.stdout.readline()]
    os.killpg(process.pid, signal.SIGINT)
    started = time.monotonic()
    rest, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert time.monotonic() - started < 20
    assert "stopped after 2 of 6 cases; run again to go on" in rest
    assert "Traceback" not in errors
    assert sorted(line.split()[1] for line in lines) == ["case0", "case1"]
    assert {path.name for path in (tmp_path / "cases").iterdir()} == {"case0", "case1"}
