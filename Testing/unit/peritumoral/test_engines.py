"""Engines are found by name and imported only when they are used."""

from __future__ import annotations

import builtins

import pytest

from PeritumoralRadiomicsLib.engines.choice import engine_names, get_engine
from RadiomicsCoreLib.errors import DependencyError, InputError


def test_pyradiomics_is_an_engine_with_a_version():
    pytest.importorskip("radiomics")
    engine = get_engine("pyradiomics")
    assert engine.name == "pyradiomics"
    assert engine.version[0].isdigit()
    assert "pyradiomics" in engine_names()


def test_a_misspelt_engine_gets_the_near_one():
    with pytest.raises(InputError, match="did you mean 'pyradiomics'"):
        get_engine("pyradiomic")


def test_an_engine_that_is_not_installed_says_how_to_install_it(monkeypatch):
    real = builtins.__import__

    def without_radiomics(name, *args, **kwargs):
        if name.split(".")[0] == "radiomics":
            raise ModuleNotFoundError("No module named 'radiomics'", name="radiomics")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without_radiomics)
    with pytest.raises(DependencyError, match="pip install pyradiomics-bhklab"):
        get_engine("pyradiomics")
