"""Packages that Slicer does not bring: asked for when a button needs them, never before."""

from __future__ import annotations

import importlib
import importlib.util
import time
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import slicer
import slicer.util

from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib import installing
from RadiomicsCoreLib.errors import Cancelled, DependencyError

from .background import BackgroundProcess, python_program

# What needs a package; everything else runs with what Slicer brings.
_IMAGE_TYPES = {"Wavelet": "PyWavelets", "LBP2D": "scikit-image"}
_PARAMETER_FILE = "PyYAML"
_PAUSE_S = 0.02


def packages_for(settings: ExtractionSettings) -> list[str]:
    """Return the names of the packages that an extraction needs beyond Slicer's own."""
    return [_IMAGE_TYPES[name] for name in settings.image_types if name in _IMAGE_TYPES]


def packages_to_read(settings: str | Path) -> list[str]:
    """Return the names of the packages that it takes to read settings: a preset's name or a YAML file."""
    return [_PARAMETER_FILE] if str(settings).lower().endswith((".yaml", ".yml")) else []


def ensure_packages(
    names: Sequence[str], requirements: Path, requester: str, install: Callable[[list[str]], None] | None = None
) -> None:
    """Install packages that are missing, after asking; call it without a wait cursor, as it may show a question.

    ``slicer.packaging.pip_ensure`` (Slicer 5.11 and later) is not used: it tells a refusal from a fault by words only,
    and cannot ask pip first whether Slicer's own packages would stay.

    Args:
        names: of the packages that are needed.
        requirements: a requirements.txt that has a line for each of them.
        requester: who asks, for the dialog.
        install: installs lines of a requirements.txt; None: with pip.

    Raises:
        Cancelled: the user declined; the message says what is missing.
        DependencyError: the installation failed; pip's words are a note of the error.
    """
    lines = [line for line in _requirement_lines(requirements) if _name_of(line) in set(names)]
    missing = [line for line in lines if not _is_installed(line)]
    if not missing:
        return
    words = ", ".join(missing)
    question = f"{requester} needs {words}. Install into Slicer's Python now? Slicer's own packages stay as they are."
    if not slicer.util.confirmOkCancelDisplay(question, windowTitle=requester):
        raise Cancelled(f"{words} is needed and was not installed; choose other settings, or allow it the next time")
    try:
        _install(missing, install or _install_lines)
    except DependencyError as error:
        told = DependencyError(f"{requester} needs {words}: {error}")
        told.__notes__ = getattr(error, "__notes__", [])
        raise told from None
    except OSError as error:
        raise DependencyError(f"{requester} needs {words}; pip could not be started: {error}") from None
    importlib.invalidate_caches()  # a folder that Python has looked into already has new modules


def ensure_torch(requester: str) -> None:
    """Make sure that PyTorch is here: Slicer's PyTorch extension installs the build that suits the computer.

    It asks for itself before it installs; call it without a wait cursor.

    Args:
        requester: who asks, for the messages.

    Raises:
        Cancelled: the user declined.
        DependencyError: the extension is not installed, or it could not install PyTorch.
    """
    if importlib.util.find_spec("torch") is not None:
        return
    try:
        import PyTorchUtils
    except ImportError:
        raise DependencyError(
            f"{requester} needs PyTorch: install the extension PyTorch (Extensions Manager), restart Slicer, and press "
            "the button again"
        ) from None
    if PyTorchUtils.PyTorchUtilsLogic().installTorch(askConfirmation=True) is None:
        raise Cancelled("PyTorch is needed and was not installed; allow it the next time")
    importlib.invalidate_caches()


def _install(missing: list[str], install: Callable[[list[str]], None]) -> None:
    words = f"Installing {', '.join(missing)} into Slicer's Python. This can take some minutes..."
    with slicer.util.MessageDialog(words), slicer.util.WaitCursor():
        install(missing)


def _install_lines(lines: list[str]) -> None:
    installing.install(lines, _run_pip)


def _run_pip(arguments: Sequence[str]) -> tuple[int, str]:
    """Run pip and keep the window painted, but let nobody press a button meanwhile."""
    import qt

    lines: list[str] = []
    ended: list[int] = []
    BackgroundProcess([python_program(), "-m", "pip", *arguments], lines.append, ended.append)
    while not ended:
        slicer.app.processEvents(qt.QEventLoop.ExcludeUserInputEvents)
        time.sleep(_PAUSE_S)
    return ended[0], "\n".join(lines)


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
