#!/usr/bin/env python3
"""From a fresh machine to rings and features, or to a tested work tree, in one command.

    python3 quickstart.py demo     make a sample cohort, draw rings, extract features
    python3 quickstart.py test     run every test that needs no large download; further words go to pytest
    python3 quickstart.py install  only make .venv and install

Needs Python 3.11 or newer and nothing else. Everything goes into .venv beside this file; a second run installs
nothing again. This file uses the standard library only, and starts on Python 3.8 to be able to say so.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT / "Testing" / "tools"))

import machine_checks  # noqa: E402  (lies beside the tests; standard library only, as this file)
import pip_words  # noqa: E402

MINIMUM_PYTHON = (3, 11)
STAMP_NAME = "quickstart.json"
LOG_NAME = "quickstart.log"
STARTED = time.monotonic()

# What each verb installs (extras of pyproject.toml), and what it runs then with the Python of the environment.
VERBS = {
    "demo": ((), ["-m", "RadiomicsStudyLib.sample.demo", "demo_output"]),
    "test": (("dev", "slicer"), ["Testing/tools/run_tests.py"]),
    "install": (("dev",), []),
}


class QuickstartError(Exception):
    """Something that the user can mend; the message is one line and holds the remedy."""


def say(message: str) -> None:
    """Print a line with the time since the start."""
    minutes, seconds = divmod(int(time.monotonic() - STARTED), 60)
    print(f"[{minutes:2d}:{seconds:02d}] {message}", flush=True)


def check_python(version: tuple, executable: str) -> None:
    """Refuse a Python that is too old, and say how to start with a newer one."""
    if tuple(version[:2]) < MINIMUM_PYTHON:
        raise QuickstartError(
            f"needs Python 3.11 or newer, this is {version[0]}.{version[1]}: {executable}; "
            "install a newer one and run 'python3.12 quickstart.py ...'"
        )


class Environment:
    """The virtual environment beside this file, and the note of what was installed in it."""

    def __init__(self, folder: Path, windows: bool = os.name == "nt"):
        self.folder = folder
        self._bin = folder / ("Scripts" if windows else "bin")
        self._suffix = ".exe" if windows else ""

    @property
    def log(self) -> Path:
        return self.folder / LOG_NAME

    def program(self, name: str) -> Path:
        """Path of a program in the environment, on any system."""
        return self._bin / (name + self._suffix)

    def works(self) -> bool:
        """Whether its Python starts (it does not once the folder moved or its base Python is gone)."""
        try:
            run = subprocess.run([str(self.program("python")), "-c", "import sys, pip"], capture_output=True)
        except OSError:
            return False
        return run.returncode == 0

    def key(self) -> str:
        """Hash of all that an installation depends on, but for the extras."""
        parts = [(ROOT / "pyproject.toml").read_bytes(), str(self.folder).encode(), sys.version.encode()]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    def installed_extras(self) -> set[str] | None:
        """Extras that are installed and up to date; None where nothing is."""
        try:
            stamp = json.loads((self.folder / STAMP_NAME).read_text(encoding="utf-8"))
            return set(stamp["extras"]) if stamp["key"] == self.key() else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def note_installed(self, extras: set[str]) -> None:
        """Remember what is installed."""
        stamp = {"key": self.key(), "extras": sorted(extras)}
        (self.folder / STAMP_NAME).write_text(json.dumps(stamp), encoding="utf-8")

    def is_ours(self) -> bool:
        """Whether this file made it, so that it may be made anew."""
        return (self.folder / STAMP_NAME).is_file() or (self.folder / LOG_NAME).is_file()


def prepare(environment: Environment, extras: tuple, say=say, install=None) -> None:
    """Make the environment and install into it, unless that was done before."""
    usable = environment.works()
    present = environment.installed_extras() if usable else None
    if present is not None and set(extras) <= present:
        return
    problem = machine_checks.first_problem(environment.folder.parent, extras)
    if problem:
        raise QuickstartError(problem)
    if not usable:
        make_environment(environment, say)
    wanted = set(extras) | (present or set())
    (install or pip_install)(environment, wanted, say)
    environment.note_installed(wanted)


def make_environment(environment: Environment, say=say) -> None:
    """Make the virtual environment; leave nothing behind if that fails."""
    folder = environment.folder
    if folder.exists():
        if not environment.is_ours():
            raise QuickstartError(f"{folder} exists but its Python does not start: delete it and run again")
        say(f"{folder.name} no longer works, making it anew")
        shutil.rmtree(folder)
    say(f"Making {folder.name} with Python {sys.version.split()[0]}")
    run = subprocess.run([sys.executable, "-m", "venv", str(folder)], capture_output=True, text=True)
    if run.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        detail = (run.stdout + run.stderr).strip().splitlines() or ["no message"]
        raise QuickstartError(
            f"the virtual environment could not be made ({detail[-1].strip()}): "
            "on Debian or Ubuntu run 'sudo apt install python3-venv', then run again"
        )


def pip_install(environment: Environment, extras: set[str], say=say) -> None:
    """Install this folder with its extras; pip's own words go to the log."""
    say(f"Installing, a few minutes the first time (details: {environment.log})")
    target = f"{ROOT}[{','.join(sorted(extras))}]" if extras else str(ROOT)
    command = [str(environment.program("python")), "-m", "pip", "install", "--progress-bar", "off", "-e", target]
    with environment.log.open("w", encoding="utf-8") as log:
        code = pip_words.follow_command(command, log, say)
    if code:
        raise QuickstartError(
            pip_words.explain_pip_failure(environment.log.read_text(encoding="utf-8"), environment.log)
        )


def run_verb(verb: str, environment: Environment, more: list, run=subprocess.run) -> int:
    """Do what is left once the environment stands; return the exit code."""
    words = VERBS[verb][1]
    if more and verb != "test":
        raise QuickstartError(f"{verb} takes no further words, got {' '.join(more)}")
    if not words:
        say(f"Installed in {environment.folder}")
        return 0
    return run([str(environment.program("python")), *words, *more], cwd=ROOT).returncode


def main(arguments: list | None = None, prepare=prepare, run_verb=run_verb) -> int:
    """Run one verb; return its exit code, 2 with one line on the error stream if something is missing."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("verb", choices=sorted(VERBS))
    parser.add_argument("--venv", default=".venv", help="folder of the virtual environment (default: .venv)")
    parser.add_argument(
        "--with", dest="further", default="", metavar="EXTRAS", help="further extras of pyproject.toml, such as deep"
    )
    options, more = parser.parse_known_args(arguments)
    extras = VERBS[options.verb][0] + tuple(extra for extra in options.further.split(",") if extra)
    try:
        check_python(sys.version_info, sys.executable)
        environment = Environment(ROOT / options.venv)
        prepare(environment, extras)
        return run_verb(options.verb, environment, more)
    except QuickstartError as error:
        print(f"quickstart: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("quickstart: stopped; run the same command again to go on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
