"""The command line inside 3D Slicer, without a window.

``Slicer --no-splash --no-main-window --python-script run_study.py extract cohort.csv --rings 3,6,9 --preset liu2025
-o out`` takes the words of the command ``peritumoral`` and exits as it does: 0 all done, 1 some cases failed, 2
nothing could be done. Plain Python runs it too. Slicer lacks some packages; ``--install`` before the first word
installs them once; numpy and what else Slicer brings stay as they are. Nothing opens a dialog. What is printed is
ASCII: Slicer's console cuts off lines with other letters.

Slicer reads the options that it knows itself, wherever they stand: ``--help``, ``-h``, ``--version``, ``-c``. Say
``run_study.py help`` or ``run_study.py help extract`` instead of ``--help``, or put ``--`` before our words:
``... --python-script run_study.py -- extract --help``. Slicer drops that ``--``, or this script does.

The exit code is that of ``sys.exit``, which Slicer hands to its event loop and so to the shell. On Windows the shell
does not wait for ``Slicer.exe``: use ``start /wait Slicer.exe ...`` and read ``%ERRORLEVEL%``.
"""

from __future__ import annotations

import importlib.metadata
import multiprocessing
import os
import re
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

EXIT_NOTHING_DONE = 2
INSTALL = "--install"
HELP, REST = "help", "--"
REQUIREMENTS = "requirements-study.txt"
_MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")


def package_folders(script: Path) -> list[Path]:
    """Return the folders that hold our packages, beside this script.

    Args:
        script: this file, either in the installed extension, where all packages lie side by side, or in the
            source tree, where each module has its own folder.
    """
    home = script.resolve().parents[1]
    source = [home.parent / name for name in _MODULES]
    return [home, *(folder for folder in source if folder.is_dir() and folder != home)]


def requirements_file(script: Path) -> Path:
    """Return the list of packages that a study needs and Slicer lacks."""
    return script.resolve().parents[1] / "Resources" / REQUIREMENTS


def main(argv: Sequence[str], install: Callable[[Path], None] | None = None) -> int:
    """Run the command line and return its exit code.

    Args:
        argv: the words after the script's name.
        install: installs a requirements file; None: with pip.
    """
    script = Path(__file__)
    for folder in reversed(package_folders(script)):
        if str(folder) not in sys.path:
            sys.path.insert(0, str(folder))
    # Worker processes are started with Slicer's Python; on Windows the default would be the application itself.
    multiprocessing.set_executable(sys.executable)
    from RadiomicsStudyLib.words.ascii_output import ascii_only

    with ascii_only(sys.stdout, sys.stderr):
        return _run(plain_words(argv), requirements_file(script), install or install_packages)


def _run(words: list[str], requirements: Path, install: Callable[[Path], None]) -> int:
    try:
        if words[:1] == [INSTALL]:
            refusal = _installed(install, requirements)
            if refusal:
                return _refuse(refusal)
            words.pop(0)
            if not words:
                return 0
        missing = missing_packages(requirements)
        if missing:  # said now, not after hours of work
            return _refuse(f"not installed: {', '.join(missing)}; put {INSTALL} before the other words once")
        # By its full name: this file is run as a script, which has no package.
        from RadiomicsStudyLib.cli import main as run_command_line

        return run_command_line(words)
    except SystemExit as stop:  # argparse has printed its message, or the help
        return stop.code if isinstance(stop.code, int) else EXIT_NOTHING_DONE
    except Exception:  # a fault of ours: after an exception in its script, Slicer would run on and wait for ever
        traceback.print_exc()
        return _refuse("a fault of the program, see above; please report it with these lines")


def _installed(install: Callable[[Path], None], requirements: Path) -> str:
    """Install, and return what stands against it; empty if it is done."""
    from RadiomicsCoreLib.errors import DependencyError

    try:
        install(requirements)
    except DependencyError as error:
        return str(error)
    return ""


def plain_words(argv: Sequence[str]) -> list[str]:
    """Return the words of the command line without what is there for Slicer's own reading of them.

    Args:
        argv: may begin with ``--``, which ends Slicer's options, or with ``help``, which Slicer lets through.

    Example:
        >>> plain_words(["--", "extract", "--help"]), plain_words(["help", "extract"]), plain_words(["help"])
        (['extract', '--help'], ['extract', '--help'], ['--help'])
    """
    words = list(argv)
    if words[:1] == [REST]:
        words.pop(0)
    if words[:1] == [HELP]:
        words = [*words[1:], "--help"]
    return words


def missing_packages(requirements: Path) -> list[str]:
    """Return the names of a requirements file that are not installed; none if there is no file (a pip install)."""
    if not requirements.is_file():
        return []
    lines = [line.strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
    names = [re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in lines if line and not line.startswith("#")]
    return [name for name in names if not _is_installed(name)]


def _is_installed(name: str) -> bool:
    try:
        importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def install_packages(requirements: Path) -> None:
    """Install a requirements file into the Python that runs this, without asking; what Slicer brings stays.

    Raises:
        DependencyError: it cannot be solved, or pip failed.
    """
    from RadiomicsCoreLib.installing import install

    sys.stderr.write(f"installing what {requirements.name} lists; this can take some minutes\n")
    install(["-r", os.fspath(requirements)])


def _refuse(message: str) -> int:
    sys.stderr.write(f"peritumoral: {message}\n")
    return EXIT_NOTHING_DONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
