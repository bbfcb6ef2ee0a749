"""Packages into the Python that runs this, without touching those that 3D Slicer is built with.

pip replaces numpy as soon as a package asks for a newer one, and other extensions then fail at their next import. So
the versions that are here are handed to pip as constraints, and pip is first asked what it would do: if that has no
solution, nothing is changed and the answer says which package wants what.

Only the standard library: Slicer runs this before anything is installed.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .errors import DependencyError

KEPT = ("numpy", "SimpleITK", "scipy", "pydicom", "requests", "pandas")
"""What 3D Slicer brings, or other extensions have installed, and must not be replaced."""

RunPip = Callable[[Sequence[str]], tuple[int, str]]
"""Runs pip with these arguments and returns its exit code and all that it wrote."""

_CONFLICT = "The conflict is caused by:"
_WANTS_SHOWN = 2


def kept_versions(names: Sequence[str] = KEPT) -> dict[str, str]:
    """Return name to version of those packages that are installed here."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def install(requirements: Sequence[str], run_pip: RunPip | None = None, kept: Mapping[str, str] | None = None) -> None:
    """Install packages and what they need; those to be kept stay as they are.

    Args:
        requirements: words for ``pip install``: ``["PyYAML>=6"]``, or ``["-r", "requirements.txt"]``.
        run_pip: None: the pip of this Python.
        kept: package to version; None: :func:`kept_versions`.

    Raises:
        DependencyError: there is no solution, or pip failed; one line, and pip's own words as a note of the error.
    """
    run_pip, kept = run_pip or run_own_pip, kept_versions() if kept is None else kept
    with tempfile.TemporaryDirectory(prefix="peritumoral-") as folder:
        constraints = Path(folder) / "kept.txt"
        constraints.write_text("".join(f"{name}=={version}\n" for name, version in kept.items()), encoding="utf-8")
        words = ["--no-input", "--disable-pip-version-check", "--constraint", str(constraints), *requirements]
        for step in (["--dry-run"], []):
            code, text = run_pip(["install", *step, *words])
            if code:
                error = DependencyError(
                    f"nothing was installed: {why_not(text, kept)}" if step else why_not(text, kept)
                )
                error.add_note(text.strip())
                raise error


def run_own_pip(arguments: Sequence[str]) -> tuple[int, str]:
    """Run the pip of this Python; in Slicer ``sys.executable`` is PythonSlicer."""
    done = subprocess.run(
        [sys.executable, "-m", "pip", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    return done.returncode, done.stdout


def why_not(text: str, kept: Mapping[str, str]) -> str:
    """Return in one line why pip refused: who wants what of a kept package, or pip's own last error.

    Args:
        text: all that pip wrote.
        kept: package to version.

    Example:
        >>> why_not("The conflict is caused by:\\n    a 2 depends on numpy>=3", {"numpy": "1"})
        'a 2 wants numpy>=3, and numpy 1 stays because 3D Slicer is built with it; a newer 3D Slicer may bring it'
    """
    lines = [line.strip() for line in text.splitlines()]
    caused = lines[lines.index(_CONFLICT) + 1 :] if _CONFLICT in lines else []
    wants = [want for line in caused if (want := _want(line, kept))]
    if wants:
        # Of the many versions of a package that pip has tried, the first is the newest.
        first = {want.who.split()[0]: want for want in reversed(wants)}
        shown = list(first.values())[::-1][:_WANTS_SHOWN]
        names = dict.fromkeys(want.name for want in shown)
        said = ", ".join(f"{want.who} wants {want.name}{want.which}" for want in shown)
        stay = ", ".join(f"{name} {kept[name]}" for name in names)
        return (
            f"{said}, and {stay} {'stays' if len(names) == 1 else 'stay'} because 3D Slicer is built with it; "
            "a newer 3D Slicer may bring it"
        )
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    telling = [line for line in errors if not line.startswith("ResolutionImpossible")]
    return f"pip says: {telling[-1]}" if telling else "pip failed without a word; see the Python console"


@dataclass(frozen=True)
class _Want:
    """A package that wants another version of one that is kept: ``a 2`` wants ``numpy`` ``>=3``."""

    who: str
    name: str
    which: str


def _want(line: str, kept: Mapping[str, str]) -> _Want | None:
    """Return what a line of pip's conflict asks of a kept package."""
    found = re.fullmatch(r"(?:(?P<who>.+) depends on|The user requested) (?P<name>[\w.-]+)(?P<which>.*)", line)
    if found is None:
        return None
    name = next((name for name in kept if name.lower() == found["name"].lower()), None)
    if name is None:
        return None
    return _Want(found["who"] or "this installation", name, found["which"].split(";")[0].strip())
