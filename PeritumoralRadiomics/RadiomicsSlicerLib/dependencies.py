"""Packages that Slicer does not bring: asked for when a button needs them, never before."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import slicer
import slicer.util

from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.errors import DependencyError

# What needs a package; everything else runs with what Slicer brings.
_IMAGE_TYPES = {"Wavelet": "PyWavelets", "LBP2D": "scikit-image"}
_PARAMETER_FILE = "PyYAML"


def packages_for(settings: ExtractionSettings) -> list[str]:
    """Return the names of the packages that an extraction needs beyond Slicer's own."""
    return [_IMAGE_TYPES[name] for name in settings.image_types if name in _IMAGE_TYPES]


def packages_to_read(settings: str | Path) -> list[str]:
    """Return the names of the packages that it takes to read settings: a preset's name or a YAML file."""
    return [_PARAMETER_FILE] if str(settings).lower().endswith((".yaml", ".yml")) else []


def ensure_packages(names: Sequence[str], requirements: Path, requester: str) -> None:
    """Install packages that are missing, after asking; call it without a wait cursor, as it may show a question.

    Args:
        names: of the packages that are needed.
        requirements: a requirements.txt that has a line for each of them.
        requester: who asks, for the dialog.

    Raises:
        DependencyError: the user declined, or the installation failed.
    """
    lines = [line for line in _requirement_lines(requirements) if _name_of(line) in set(names)]
    if not lines:
        return
    words = ", ".join(lines)
    try:
        _ensure(lines, requester)
    except RuntimeError as error:  # also what pip's failure raises: CalledProcessError before Slicer 5.11 is not one
        raise DependencyError(f"{requester} needs {words}; it was not installed: {error}") from None
    except OSError as error:
        raise DependencyError(f"{requester} needs {words}; it could not be installed: {error}") from None


def _ensure(lines: Sequence[str], requester: str) -> None:
    from subprocess import CalledProcessError

    try:
        import slicer.packaging as packaging
    except ImportError:
        packaging = None
    try:
        if packaging is not None:
            packaging.pip_ensure(list(lines), requester=requester)
        else:
            _ask_and_install(lines, requester)
    except CalledProcessError as error:
        raise RuntimeError(f"pip ended with code {error.returncode}; see the Python console") from None


def _ask_and_install(lines: Sequence[str], requester: str) -> None:
    """Do what ``slicer.packaging.pip_ensure`` does, for Slicer before 5.11."""
    missing = [line for line in lines if not _is_installed(line)]
    if not missing:
        return
    question = f"{requester} needs {', '.join(missing)}. Install into Slicer's Python now?"
    if not slicer.util.confirmOkCancelDisplay(question, windowTitle=requester):
        raise RuntimeError("the installation was declined")
    installing = f"Installing {', '.join(missing)} into Slicer's Python. This can take some minutes…"
    with slicer.util.MessageDialog(installing), slicer.util.WaitCursor():
        slicer.util.pip_install(missing)


def _is_installed(line: str) -> bool:
    requirement = _parsed(line)
    try:
        return requirement.specifier.contains(metadata.version(requirement.name), prereleases=True)
    except metadata.PackageNotFoundError:
        return False


def _requirement_lines(path: Path) -> list[str]:
    lines = (line.strip() for line in Path(path).read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line and not line.startswith(("#", "-"))]


def _name_of(line: str) -> str:
    return _parsed(line).name


def _parsed(line: str) -> Any:
    from packaging.requirements import Requirement

    return Requirement(line)
