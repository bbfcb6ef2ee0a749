"""One folder, one run: a second one is refused, and a killed one leaves nothing that keeps others out."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.folder_lock import LOCK_FILE, only_run_in

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys, time
from RadiomicsCoreLib.jobs.folder_lock import only_run_in
with only_run_in(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_run_is_refused_while_the_first_is_at_work(tmp_path):
    with only_run_in(tmp_path):
        refused = pytest.raises(InputError, match=r"another run is writing into .*; wait for its end")
        with refused, only_run_in(tmp_path):
            pass
        assert (tmp_path / LOCK_FILE).exists()
    with only_run_in(tmp_path):
        pass


def test_nothing_is_left_behind_even_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), only_run_in(tmp_path):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_lets_go_of_its_folder(tmp_path):
    words = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT / "PeritumoralRadiomics")}
    ) as process:
        assert process.stdout.readline() == "held\n"
        with pytest.raises(InputError), only_run_in(tmp_path):
            pass
        process.kill()
        process.wait()
    started = time.monotonic()
    with only_run_in(tmp_path):
        assert time.monotonic() - started < 1
