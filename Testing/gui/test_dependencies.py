"""Packages are asked for when settings need them, and not before; Slicer's own stay as they are."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from PySide6 import QtCore, QtWidgets

from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralRadiomicsLib.settings.presets import preset
from RadiomicsCoreLib.errors import Cancelled, DependencyError
from RadiomicsSlicerLib import dependencies
from RadiomicsSlicerLib.background import BackgroundProcess
from RadiomicsSlicerLib.dependencies import ensure_packages, packages_for, packages_to_read

REQUIREMENTS = Path(__file__).resolve().parents[2] / "PeritumoralRadiomics" / "Resources" / "requirements.txt"


class Pip:
    """Stands for the installation, and for what is installed."""

    def __init__(self, monkeypatch, missing=()):
        self.installed = []
        plain = metadata.version

        def version(name):
            if name in missing:
                raise metadata.PackageNotFoundError(name)
            return plain(name)

        monkeypatch.setattr(metadata, "version", version)

    def install(self, lines):
        self.installed.append(lines)


def test_original_images_need_nothing():
    assert packages_for(preset("wu2021")) == []
    assert packages_to_read("wu2021") == []


def test_wavelets_patterns_and_files_need_their_packages():
    settings = ExtractionSettings(image_types={"Original": {}, "Wavelet": {}, "LBP2D": {}})
    assert packages_for(settings) == ["PyWavelets", "scikit-image"]
    assert packages_to_read("own.YML") == ["PyYAML"]


def test_the_file_has_lower_bounds_only_and_leaves_slicers_own_packages_alone():
    lines = [line for line in REQUIREMENTS.read_text().splitlines() if line and not line.startswith("#")]
    requirements = [Requirement(line) for line in lines]
    assert all([spec.operator for spec in item.specifier] == [">="] for item in requirements)
    assert not {item.name.lower() for item in requirements} & {"numpy", "simpleitk", "requests", "torch", "scipy"}
    assert {item.name for item in requirements} == {"PyWavelets", "scikit-image", "PyYAML"}


def test_nothing_is_asked_where_nothing_is_needed(window, monkeypatch):
    pip = Pip(monkeypatch, missing=("PyWavelets",))
    ensure_packages([], REQUIREMENTS, "Panel", pip.install)
    assert (pip.installed, window.shown) == ([], [])


def test_nothing_is_asked_where_all_is_there(window, monkeypatch):
    pip = Pip(monkeypatch)
    ensure_packages(["PyWavelets", "PyYAML"], REQUIREMENTS, "Panel", pip.install)
    assert (pip.installed, window.shown) == ([], [])


def test_what_is_missing_is_installed_after_asking(window, monkeypatch):
    pip = Pip(monkeypatch, missing=("PyWavelets",))
    ensure_packages(["PyWavelets", "PyYAML"], REQUIREMENTS, "Panel", pip.install)
    assert window.shown == [
        "Panel needs PyWavelets>=1.5. Install into Slicer's Python now? Slicer's own packages stay as they are."
    ]
    assert pip.installed == [["PyWavelets>=1.5"]]


def test_the_installation_is_announced_and_has_the_wait_cursor(window, monkeypatch):
    pip = Pip(monkeypatch, missing=("PyWavelets",))
    busy = []
    ensure_packages(
        ["PyWavelets"],
        REQUIREMENTS,
        "Panel",
        lambda lines: busy.append(QtWidgets.QApplication.overrideCursor() is not None) or pip.install(lines),
    )
    assert busy == [True] and QtWidgets.QApplication.overrideCursor() is None
    assert len(window.announced) == 1 and "Installing PyWavelets>=1.5" in window.announced[0]


def test_a_refusal_is_a_cancel_and_nothing_is_installed(window, monkeypatch):
    pip = Pip(monkeypatch, missing=("PyWavelets",))
    window.answer = False
    with pytest.raises(Cancelled, match=r"^PyWavelets>=1\.5 is needed and was not installed; "):
        ensure_packages(["PyWavelets"], REQUIREMENTS, "Panel", pip.install)
    assert pip.installed == [] and len(window.shown) == 1


def test_an_installation_that_fails_is_one_line_with_pips_words_kept(window, monkeypatch):
    Pip(monkeypatch, missing=("PyWavelets",))

    def fail(lines):
        error = DependencyError("nothing was installed: a 2 wants numpy>=3")
        error.add_note("all that\npip said")
        raise error

    with pytest.raises(DependencyError) as raised:
        ensure_packages(["PyWavelets"], REQUIREMENTS, "Panel", fail)
    assert str(raised.value) == "Panel needs PyWavelets>=1.5: nothing was installed: a 2 wants numpy>=3"
    assert raised.value.__notes__ == ["all that\npip said"]


def test_pip_runs_beside_the_window_with_slicers_versions_as_constraints(window, monkeypatch):
    """pip is a program here that prints what it was given; the window stays alive meanwhile."""
    Pip(monkeypatch, missing=("PyWavelets",))
    prints = (
        "import sys; words = sys.argv[1:]; print(*words); print(open(words[words.index('--constraint') + 1]).read())"
    )
    started = []

    class Recorded(BackgroundProcess):
        def __init__(self, words, onLine, onEnd):
            assert words[1:3] == ["-m", "pip"]
            started.append([])
            super().__init__([words[0], "-c", prints, *words[3:]], lambda line: started[-1].append(line), onEnd)

    monkeypatch.setattr(dependencies, "BackgroundProcess", Recorded)
    ticks = []
    timer = QtCore.QTimer()
    timer.timeout.connect(lambda: ticks.append(1))
    timer.start(5)
    ensure_packages(["PyWavelets"], REQUIREMENTS, "Panel")
    timer.stop()
    assert [lines[0].startswith("install --dry-run ") for lines in started] == [True, False]
    assert all(lines[0].endswith(" PyWavelets>=1.5") for lines in started)
    assert all(f"numpy=={metadata.version('numpy')}" in lines for lines in started)
    assert len(ticks) > 3, "the window stood still"
