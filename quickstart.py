#!/usr/bin/env python3
"""From a fresh machine to rings and features, or to a tested work tree, in one command.

    python3 quickstart.py demo     make a sample cohort, draw rings, extract features
    python3 quickstart.py test     run every test; further words go to pytest
    python3 quickstart.py install  only make .venv and install

Needs Python 3.11 or newer and nothing else. Everything goes into .venv beside this file; a second run installs
nothing again. This file uses the standard library only, and starts on Python 3.8 to be able to say so.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
MINIMUM_PYTHON = (3, 11)
STAMP_NAME = "quickstart.json"
LOG_NAME = "quickstart.log"
SECONDS_BETWEEN_LINES = 10.0

# What each verb installs (extras of pyproject.toml), what it needs on the machine, and its disk space.
EXTRAS = {"demo": (), "test": ("dev",), "install": ("dev",)}
EXTRAS_THAT_COMPILE = {"pyradiomics", "dev"}
FREE_GB = 2.0
FURTHER_GB = {"deep": 6.0}  # PyTorch with its CUDA libraries, as Linux gets it by default

# What pip's log says, and what to tell the user; the first match counts.
PIP_FAILURES = (
    (
        r"No space left on device|Disk quota exceeded",
        "the disk is full: free about 2 GB and run again",
    ),
    (
        r"Python\.h: No such file",
        "Python's headers are missing: on Debian or Ubuntu run 'sudo apt install python3-dev'",
    ),
    (
        r"Microsoft Visual C\+\+ .*is required|command '\S*(gcc|cc|clang)\S*' failed|unable to execute '\S+'",
        "pyradiomics could not be compiled: install a C compiler "
        "(Debian or Ubuntu: 'sudo apt install build-essential python3-dev'; macOS: 'xcode-select --install'; "
        "Windows: Visual Studio Build Tools with C++)",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError",
        "the network's certificate is not trusted: set PIP_CERT to your organisation's certificate file",
    ),
    (
        r"name resolution|NameResolutionError|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|"
        r"Connection (refused|reset|aborted)|Network is unreachable|ProxyError|Could not fetch URL",
        "the package index cannot be reached: check the network, or set HTTPS_PROXY or PIP_INDEX_URL",
    ),
    (
        r"No matching distribution found for \S+",
        "a package has no version for this Python and system: try Python 3.11 or 3.12",
    ),
    (r"PermissionError|Permission denied", "a file cannot be written: check who owns the folder .venv"),
)


class QuickstartError(Exception):
    """Something that the user can mend; the message is one line and holds the remedy."""


class Steps:
    """Prints one line a step, with the time since the start."""

    def __init__(self, clock=time.monotonic, out=None):
        self._clock = clock
        self._out = out
        self._started = clock()

    def __call__(self, message: str) -> None:
        seconds = int(self._clock() - self._started)
        minutes, rest = divmod(seconds, 60)
        print(f"[{minutes:2d}:{rest:02d}] {message}", file=self._out or sys.stdout, flush=True)


# --- the machine -------------------------------------------------------------------------------------------


def check_python(version: tuple, executable: str) -> None:
    """Refuse a Python that is too old, and say how to start with a newer one."""
    if tuple(version[:2]) < MINIMUM_PYTHON:
        raise QuickstartError(
            f"needs Python 3.11 or newer, this is {version[0]}.{version[1]}: {executable}; "
            "install a newer one and run 'python3.12 quickstart.py ...'"
        )


def check_venv_support(find_spec=importlib.util.find_spec) -> None:
    """Refuse a Python without venv and ensurepip (Debian ships them apart)."""
    if find_spec("venv") is None or find_spec("ensurepip") is None:
        raise QuickstartError(
            "this Python cannot make virtual environments: on Debian or Ubuntu run "
            f"'sudo apt install python{sys.version_info[0]}.{sys.version_info[1]}-venv', then run again"
        )


def check_disk(folder: Path, extras=(), free_bytes=None) -> None:
    """Refuse a disk that the installation would fill."""
    needed_gb = FREE_GB + sum(FURTHER_GB.get(extra, 0.0) for extra in extras)
    free_gb = (shutil.disk_usage(folder).free if free_bytes is None else free_bytes) / 1e9
    if free_gb < needed_gb:
        raise QuickstartError(
            f"only {free_gb:.1f} GB free in {folder}, the installation needs {needed_gb:.0f} GB: "
            "free some space or move this folder to a larger disk"
        )


def check_compiler(which=shutil.which, include: str | None = None) -> None:
    """Refuse a machine on which pyradiomics (source only) cannot be compiled."""
    if os.name == "nt":
        return  # the compiler is not on the PATH there; a failure is read from pip's log
    remedy = "on Debian or Ubuntu run 'sudo apt install build-essential python3-dev', on macOS 'xcode-select --install'"
    named = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if not any(which(name) for name in (named, "cc", "gcc", "clang")):
        raise QuickstartError(f"no C compiler found, pyradiomics needs one: {remedy}")
    header = Path(include or sysconfig.get_paths()["include"]) / "Python.h"
    if not header.is_file():
        raise QuickstartError(f"Python's headers are missing ({header}), pyradiomics needs them: {remedy}")


# --- the environment ---------------------------------------------------------------------------------------


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


def prepare(environment: Environment, extras: tuple, say: Steps, install=None) -> None:
    """Make the environment and install into it, unless that was done before."""
    usable = environment.works()
    present = environment.installed_extras() if usable else None
    if present is not None and set(extras) <= present:
        return
    check_venv_support()
    check_disk(environment.folder.parent, extras)
    if set(extras) & EXTRAS_THAT_COMPILE:
        check_compiler()
    if not usable:
        make_environment(environment, say)
    wanted = set(extras) | (present or set())
    (install or pip_install)(environment, wanted, say)
    environment.note_installed(wanted)


def make_environment(environment: Environment, say: Steps) -> None:
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


def pip_install(environment: Environment, extras: set[str], say: Steps) -> None:
    """Install this folder with its extras; pip's own words go to the log."""
    shown = environment.log
    say(f"Installing, a few minutes the first time (details: {shown})")
    target = f"{ROOT}[{','.join(sorted(extras))}]" if extras else str(ROOT)
    command = [str(environment.program("python")), "-m", "pip", "install", "--progress-bar", "off", "-e", target]
    with shown.open("w", encoding="utf-8") as log:
        code = follow_command(command, log, say)
    if code:
        raise QuickstartError(explain_pip_failure(shown.read_text(encoding="utf-8"), shown))


def follow_command(command: list, log, say: Steps) -> int:
    """Run pip, its output going to the log; return its exit code."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    )
    with process:
        follow_pip(process.stdout, log, say)
    return process.returncode


def follow_pip(lines, log, say, clock=time.monotonic) -> None:
    """Copy pip's words to the log and show now and then what it is doing."""
    last, packages = clock(), 0
    for line in lines:
        log.write(line)
        log.flush()
        packages += line.startswith("Collecting ")
        if re.match(r"\s*Building wheel for pyradiomics", line) and "started" in line:
            say("  compiling pyradiomics")
        elif line.startswith("Installing collected packages"):
            say(f"  unpacking {line.count(',') + 1} packages")
        elif line.startswith("Collecting ") and clock() - last >= SECONDS_BETWEEN_LINES:
            say(f"  {packages} packages looked up so far")
        else:
            continue
        last = clock()


def explain_pip_failure(text: str, log: Path) -> str:
    """Say in one line why pip failed and what to do."""
    for pattern, remedy in PIP_FAILURES:
        found = re.search(pattern, text)
        if found:
            return f"installation failed ({found.group().strip()}): {remedy}; details: {log}"
    errors = [line.strip() for line in text.splitlines() if line.lower().lstrip().startswith("error")]
    return f"installation failed ({errors[-1] if errors else 'no reason given'}): details: {log}"


# --- the verbs ---------------------------------------------------------------------------------------------


def run_program(command: list) -> int:
    """Run a program in this folder, its output going straight to the screen."""
    quiet = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # worker processes share the cores already
    return subprocess.run([str(part) for part in command], cwd=ROOT, env={**quiet, **os.environ}).returncode


def run_tests(environment: Environment, more: list, say: Steps, run=run_program) -> int:
    """Run the fast half of the tests, then the slow half; both run even if the first fails."""
    base = [environment.program("python"), "-m", "pytest", "-n", "2"]
    if "-m" in more:  # the caller's own choice
        return run([*base, *more])
    codes = []
    for title, marks in (("fast", "not slow"), ("slow", "slow")):
        say(f"Running the {title} tests")
        codes.append(run([*base, "-m", marks, *more]))
        if codes[-1] == 2:  # pytest's exit code for an interruption by the user
            break
    return worst_exit_code(codes)


def worst_exit_code(codes: list) -> int:
    """Join pytest's exit codes: 5 says that a half held no test, which is right as long as the other did."""
    failures = [code for code in codes if code not in (0, 5)]
    if failures:
        return failures[0]
    return 0 if 0 in codes else 5


def run_demo(environment: Environment, more: list, say: Steps, run=run_program) -> int:
    """Make 24 patients, draw rings, extract features, and name the files to open."""
    if more:
        raise QuickstartError(f"demo takes no further words, got {' '.join(more)}")
    out = ROOT / "demo_output"
    cohort, features = out / "cohort", out / "features"
    program = environment.program("peritumoral")
    steps = (
        ("Making a sample cohort of 24 patients", ["sample-cohort", cohort, "--patients", "24", "--seed", "1"]),
        (
            "Drawing rings of 3, 6 and 9 mm and extracting 107 features of tumour and rings",
            ["extract", cohort / "cohort.csv", "--rings", "3,6,9", "--preset", "wu2021", "-o", features],
        ),
    )
    for title, words in steps:
        say(title)
        code = run([program, *words])
        if code:
            raise QuickstartError(f"'peritumoral {words[0]}' ended with exit code {code}: its message is above")
    say("Done. Open these files:")
    for path, what in demo_results(cohort, features):
        print(f"    {path.relative_to(ROOT)}  ({what})")
    return 0


def demo_results(cohort: Path, features: Path) -> list:
    """Files that the demo made, with a word on each, in the order in which to look at them."""
    overlays = sorted(features.rglob("*.png"))
    wanted = [
        *((path, "tumour and rings of one patient; one picture a patient") for path in overlays[:1]),
        (features / "features.csv", "a row a patient, a column a feature of a region"),
        (features / "regions.csv", "size and quality of every region"),
        (features / "study.json", "settings, versions and hashes"),
        (cohort / "cohort.csv", "the patients, their images and outcomes"),
    ]
    return [(path, what) for path, what in wanted if path.is_file()]


def only_install(environment: Environment, more: list, say: Steps) -> int:
    """Nothing is left to do once the environment stands."""
    say(f"Installed in {environment.folder}")
    return 0


VERBS = {"demo": run_demo, "test": run_tests, "install": only_install}


def main(arguments: list | None = None, prepare=prepare) -> int:
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
    extras = EXTRAS[options.verb] + tuple(extra for extra in options.further.split(",") if extra)
    say = Steps()
    try:
        check_python(sys.version_info, sys.executable)
        environment = Environment(ROOT / options.venv)
        prepare(environment, extras, say)
        return VERBS[options.verb](environment, more, say)
    except QuickstartError as error:
        print(f"quickstart: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("quickstart: stopped; run the same command again to go on", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
