"""Packages are asked for when settings need them, and not before; a refusal is one line."""

from __future__ import annotations

import sys
import types
from importlib import metadata
from pathlib import Path
from subprocess import CalledProcessError

import pytest
import slicer
import slicer.util
from packaging.requirements import Requirement
from PySide6 import QtWidgets

from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from PeritumoralRadiomicsLib.settings.presets import preset
from RadiomicsCoreLib.errors import DependencyError
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
        monkeypatch.setattr(slicer.util, "pip_install", self.install, raising=False)

    def install(self, requirements, **_):
        self.installed.append(requirements)


@pytest.fixture
def older_slicer(window, monkeypatch):
    """Slicer before 5.11: no slicer.packaging."""
    monkeypatch.setitem(sys.modules, "slicer.packaging", None)
    return window


@pytest.fixture
def newer_slicer(window, monkeypatch):
    """Slicer 5.11 and later, with a slicer.packaging that remembers what it was asked."""
    module = types.ModuleType("slicer.packaging")
    module.asked = []
    module.pip_ensure = lambda requirements, requester: module.asked.append((requirements, requester))
    monkeypatch.setitem(sys.modules, "slicer.packaging", module)
    monkeypatch.setattr(slicer, "packaging", module, raising=False)
    return module


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


def test_nothing_is_asked_where_nothing_is_needed(older_slicer, monkeypatch):
    pip = Pip(monkeypatch, missing=("PyWavelets",))
    ensure_packages([], REQUIREMENTS, "Panel")
    assert (pip.installed, older_slicer.shown) == ([], [])


def test_nothing_is_asked_where_all_is_there(older_slicer, monkeypatch):
    pip = Pip(monkeypatch)
    ensure_packages(["PyWavelets", "PyYAML"], REQUIREMENTS, "Panel")
    assert (pip.installed, older_slicer.shown) == ([], [])


def test_what_is_missing_is_installed_after_asking(older_slicer, monkeypatch):
    pip = Pip(monkeypatch, missing=("PyWavelets",))
    ensure_packages(["PyWavelets", "PyYAML"], REQUIREMENTS, "Panel")
    assert older_slicer.shown == ["Panel needs PyWavelets>=1.5. Install into Slicer's Python now?"]
    assert pip.installed == [["PyWavelets>=1.5"]]


def test_the_installation_is_announced_and_has_the_wait_cursor(older_slicer, monkeypatch):
    pip = Pip(monkeypatch, missing=("PyWavelets",))
    busy = []

    def install(requirements, **_):
        busy.append(QtWidgets.QApplication.overrideCursor() is not None)
        pip.install(requirements)

    monkeypatch.setattr(slicer.util, "pip_install", install)
    ensure_packages(["PyWavelets"], REQUIREMENTS, "Panel")
    assert busy == [True] and QtWidgets.QApplication.overrideCursor() is None
    assert len(older_slicer.announced) == 1 and "Installing PyWavelets>=1.5" in older_slicer.announced[0]


def test_a_refusal_is_one_line_and_nothing_is_installed(older_slicer, monkeypatch):
    pip = Pip(monkeypatch, missing=("PyWavelets",))
    older_slicer.answer = False
    with pytest.raises(DependencyError) as error:
        ensure_packages(["PyWavelets"], REQUIREMENTS, "Panel")
    assert str(error.value) == "Panel needs PyWavelets>=1.5; it was not installed: the installation was declined"
    assert pip.installed == []


def test_an_installation_that_fails_is_one_line(older_slicer, monkeypatch):
    pip = Pip(monkeypatch, missing=("PyWavelets",))

    def fail(requirements, **_):
        raise CalledProcessError(1, "pip")

    monkeypatch.setattr(slicer.util, "pip_install", fail)
    with pytest.raises(DependencyError, match="pip ended with code 1; see the Python console"):
        ensure_packages(["PyWavelets"], REQUIREMENTS, "Panel")
    assert pip.installed == []


def test_newer_slicer_does_it_itself(newer_slicer):
    ensure_packages(["PyYAML"], REQUIREMENTS, "Panel")
    assert newer_slicer.asked == [(["PyYAML>=6"], "Panel")]


def test_a_refusal_in_newer_slicer_is_one_line_too(newer_slicer):
    def refuse(requirements, requester):
        raise RuntimeError("User declined package installation")

    newer_slicer.pip_ensure = refuse
    with pytest.raises(DependencyError, match="not installed: User declined package installation"):
        ensure_packages(["PyYAML"], REQUIREMENTS, "Panel")
