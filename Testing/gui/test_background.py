"""A process in the background: its lines, its end, and the end of its whole tree."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from RadiomicsSlicerLib.background import BackgroundProcess, python_program

TREE = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(60)
"""


class Listener:
    def __init__(self):
        self.lines = []
        self.codes = []

    def start(self, code):
        return BackgroundProcess([sys.executable, "-c", code], self.lines.append, self.codes.append)


@pytest.fixture
def listener(window):
    return Listener()


def is_alive(pid):
    """A process that has ended and waits for its parent to notice is not alive."""
    try:
        with open(f"/proc/{pid}/stat") as stream:
            return stream.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


needs_proc = pytest.mark.skipif(not os.path.isdir("/proc"), reason="asks /proc who is alive")


def test_lines_come_in_order_before_the_end(listener, wait_until):
    listener.start("import sys\nfor n in range(300): print(n)\nsys.exit(3)")
    wait_until(lambda: listener.codes)
    assert listener.lines == [str(n) for n in range(300)]
    assert listener.codes == [3]


def test_errors_are_lines_too_and_any_byte_is_let_pass(listener, wait_until):
    listener.start("import sys; sys.stderr.write('wrong\\n'); sys.stderr.flush(); sys.stdout.buffer.write(b'\\xff\\n')")
    wait_until(lambda: listener.codes)
    assert listener.lines == ["wrong", "\N{REPLACEMENT CHARACTER}"]


def test_lines_come_while_the_process_runs(listener, wait_until):
    process = listener.start("import time; print('begun', flush=True); time.sleep(60)")
    wait_until(lambda: listener.lines == ["begun"])
    process.cancel()
    assert listener.codes == []


@needs_proc
def test_cancel_ends_the_whole_tree_of_processes(listener, wait_until):
    process = listener.start(TREE)
    wait_until(lambda: listener.lines)
    child = int(listener.lines[0])
    assert is_alive(process.pid) and is_alive(child)
    process.cancel()
    wait_until(lambda: not is_alive(child), seconds=3)
    assert not is_alive(process.pid)


@needs_proc
def test_a_child_that_outlived_its_parent_is_ended_too(listener, wait_until):
    process = listener.start(TREE)
    wait_until(lambda: listener.lines)
    child = int(listener.lines[0])
    os.kill(process.pid, signal.SIGKILL)
    process.cancel()
    wait_until(lambda: not is_alive(child), seconds=3)


@needs_proc
def test_a_process_that_will_not_end_is_killed(listener, wait_until):
    process = listener.start(STUBBORN)
    wait_until(lambda: listener.lines)
    started = time.monotonic()
    process.cancel()
    assert not is_alive(process.pid)
    assert time.monotonic() - started < 5


def test_nothing_is_told_after_cancel(listener, wait_until):
    process = listener.start("import time\nwhile True: print('more', flush=True); time.sleep(0.01)")
    wait_until(lambda: listener.lines)
    process.cancel()
    seen = len(listener.lines)
    end = time.monotonic() + 0.4
    wait_until(lambda: time.monotonic() > end)
    assert len(listener.lines) == seen
    assert listener.codes == []


def test_one_core_stays_free(listener, wait_until):
    listener.start("import os; print(os.environ['ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS'])")
    wait_until(lambda: listener.codes)
    assert listener.lines == [str(max(1, os.cpu_count() - 1))]


def test_a_program_that_is_not_there_is_an_error_at_once(window):
    with pytest.raises(OSError, match=r"no such program|No such file"):
        BackgroundProcess(["/no such program"], print, print)


def test_slicers_python_is_preferred(tmp_path, monkeypatch):
    assert python_program() == sys.executable
    program = tmp_path / ("PythonSlicer.exe" if os.name == "nt" else "PythonSlicer")
    program.write_text("")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert python_program() == str(program)
