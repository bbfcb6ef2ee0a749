"""The front door of every Lib: few names, each loaded when asked for, with a docstring and an example."""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

LIBS = (
    *("RadiomicsCoreLib", "PeritumoralRadiomicsLib", "SurvivalNomogramLib", "DeepRadiomicsFusionLib"),
    "RadiomicsStudyLib",
)
MOST_NAMES = 25
DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "library.md"


def test_a_front_door_offers_few_names_and_each_says_what_it_is_with_an_example():
    without = []
    for library in map(importlib.import_module, LIBS):
        assert 0 < len(library.__all__) <= MOST_NAMES and dir(library) == library.__all__
        for name in library.__all__:
            words = inspect.getdoc(getattr(library, name)) or ""
            if ">>>" not in words and "Example:" not in words:
                without.append(f"{library.__name__}.{name}")
    assert without == []


def test_a_front_door_offers_no_name_of_a_room():
    # Python sets a sub-package that was imported as an attribute: the name would give the room to whoever comes later.
    for library in map(importlib.import_module, LIBS):
        rooms = {path.stem for path in Path(str(library.__file__)).parent.iterdir()}
        assert rooms.isdisjoint(library.__all__), library.__name__


def test_a_name_that_is_not_there_is_told_as_for_any_module():
    library = importlib.import_module(LIBS[0])
    with pytest.raises(AttributeError, match="has no attribute 'read_imgae'"):
        _ = library.read_imgae
    assert not hasattr(library, "__path_of_nothing__")


def test_an_import_of_a_front_door_loads_none_of_its_rooms():
    code = f"import sys, {', '.join(LIBS)}; print(sorted(m for m in sys.modules if m.split('.')[0] in {LIBS}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=_with_path())
    assert run.stdout.strip() == str(sorted([*LIBS, "RadiomicsCoreLib.front_door"]))


def _with_path() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@pytest.mark.slow
def test_the_study_of_the_document_runs_as_it_stands_and_is_short(tmp_path):
    (code,) = re.findall(r"^```python\n(.*?)^```$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert sum(bool(line.strip()) for line in code.splitlines()) <= 30
    (tmp_path / "study.py").write_text(code, encoding="utf-8")
    run = subprocess.run([sys.executable, "study.py"], cwd=tmp_path, capture_output=True, text=True, env=_with_path())
    assert run.returncode == 0, run.stderr
    told = run.stdout.splitlines()
    assert any(line.startswith("Auc(value=") for line in told) and any("Concordance(" in line for line in told)
    assert (tmp_path / "study" / "nomogram.png").stat().st_size > 10_000
    assert (tmp_path / "study" / "features" / "job.yaml").is_file()
