"""Installation with Slicer's own packages kept: pip itself, on small wheels made here, without a network."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from RadiomicsCoreLib.errors import DependencyError
from RadiomicsCoreLib.installing import KEPT, install, kept_versions, why_not

ROOT = Path(__file__).resolve().parents[3]


def make_wheel(folder: Path, name: str, version: str, *requires: str) -> None:
    """Write a wheel of one empty module."""
    stem = f"{name.replace('-', '_')}-{version}"
    needs = "".join(f"Requires-Dist: {item}\n" for item in requires)
    files = {
        f"{name.lower().replace('-', '_')}_made_up.py": "",
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{stem}.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)


class Slicer:
    """A Python of its own with numpy and pandas of Slicer's versions, and a pip that finds only wheels made here."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.wheels.mkdir()
        make_wheel(self.wheels, "numpy", "1.26.4")
        make_wheel(self.wheels, "numpy", "3.0")
        make_wheel(self.wheels, "pandas", "2.1.0", "numpy>=1.22")
        make_wheel(self.wheels, "pandas", "9.0", "numpy>=3")
        venv.create(folder / "python", with_pip=True)
        self.python = folder / "python" / ("Scripts" if os.name == "nt" else "bin") / "python"
        own = ("PYTHONPATH", "PIP_CONSTRAINT", "VIRTUAL_ENV")
        self.environment = {name: value for name, value in os.environ.items() if name not in own}
        self.environment |= {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        assert self.pip(["install", "numpy==1.26.4", "pandas==2.1.0"])[0] == 0

    def pip(self, arguments) -> tuple[int, str]:
        done = self.run("-m", "pip", *arguments)
        return done.returncode, done.stdout + done.stderr

    def run(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([str(self.python), *words], capture_output=True, text=True, env=self.environment)

    def versions(self) -> dict[str, str]:
        listed = json.loads(self.run("-m", "pip", "list", "--format", "json").stdout)
        return {item["name"]: item["version"] for item in listed if item["name"] not in ("pip", "setuptools")}


@pytest.fixture(scope="module")
def slicer_python(tmp_path_factory) -> Slicer:
    """What Slicer brings, in a virtual environment."""
    return Slicer(tmp_path_factory.mktemp("slicer"))


KEPT_HERE = {"numpy": "1.26.4", "pandas": "2.1.0"}


@pytest.mark.slow
def test_a_package_that_can_do_with_slicers_numpy_is_taken_in_that_version(slicer_python):
    make_wheel(slicer_python.wheels, "PyWavelets", "1.5", "numpy>=1.22")
    make_wheel(slicer_python.wheels, "PyWavelets", "2.0", "numpy>=3")
    install(["PyWavelets>=1.5"], slicer_python.pip, KEPT_HERE)
    assert slicer_python.versions() == KEPT_HERE | {"PyWavelets": "1.5"}
    assert slicer_python.pip(["uninstall", "--yes", "PyWavelets"])[0] == 0


@pytest.mark.slow
def test_what_cannot_be_solved_is_said_in_one_line_and_nothing_is_changed(slicer_python):
    make_wheel(slicer_python.wheels, "lifelines", "0.30", "pandas>=3")
    make_wheel(slicer_python.wheels, "joblib", "1.3")
    with pytest.raises(DependencyError) as error:
        install(["joblib>=1.3", "lifelines>=0.30"], slicer_python.pip, KEPT_HERE)
    assert str(error.value) == (
        "nothing was installed: lifelines 0.30 wants pandas>=3, and pandas 2.1.0 stays because 3D Slicer is built with "
        "it; a newer 3D Slicer may bring it"
    )
    assert "The conflict is caused by" in error.value.__notes__[0]
    assert slicer_python.versions() == KEPT_HERE


@pytest.mark.slow
def test_a_package_that_is_nowhere_is_said_in_pips_words(slicer_python):
    with pytest.raises(DependencyError, match=r"^nothing was installed: pip says: No matching distribution found"):
        install(["x-1"], slicer_python.pip, KEPT_HERE)
    assert slicer_python.versions() == KEPT_HERE


@pytest.mark.slow
@pytest.mark.parametrize("wants", ["numpy>=1", "numpy>=3"])
def test_the_word_install_of_headless_slicer_keeps_numpy(slicer_python, tmp_path, wants):
    tree = tmp_path / "modules"
    for package in ("RadiomicsStudyLib", "RadiomicsCoreLib"):
        home = next(ROOT.glob(f"*/{package}"))
        for path in home.rglob("*.py"):
            copy = tree / package / path.relative_to(home)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (tree / "Resources").mkdir()
    (tree / "Resources" / "requirements-study.txt").write_text("# what a study needs\nrich>=13\n")
    make_wheel(slicer_python.wheels, "rich", "13.0", wants)
    done = slicer_python.run(str(tree / "RadiomicsStudyLib" / "run_study.py"), "--install")
    if wants == "numpy>=1":
        assert (done.returncode, slicer_python.versions()) == (0, KEPT_HERE | {"rich": "13.0"})
        assert slicer_python.pip(["uninstall", "--yes", "rich"])[0] == 0
        return
    assert done.returncode == 2 and slicer_python.versions() == KEPT_HERE
    assert done.stderr.splitlines()[1:] == [
        "peritumoral: nothing was installed: rich 13.0 wants numpy>=3, and numpy 1.26.4 stays because 3D Slicer is "
        "built with it; a newer 3D Slicer may bring it"
    ]


def test_pip_is_asked_first_and_both_times_given_the_versions_that_are_here():
    calls = []

    def pip(arguments):
        where = arguments[arguments.index("--constraint") + 1]
        calls.append((arguments[1] == "--dry-run", Path(where).read_text(), arguments[-1]))
        return 0, ""

    install(["PyYAML>=6"], pip)
    here = "".join(f"{name}=={version}\n" for name, version in kept_versions().items())
    assert "numpy==" in here and "SimpleITK==" in here
    assert calls == [(True, here, "PyYAML>=6"), (False, here, "PyYAML>=6")]


def test_only_what_is_here_is_kept():
    assert set(kept_versions(("numpy", "no-such-package"))) == {"numpy"}
    assert {"numpy", "SimpleITK", "scipy", "pydicom", "requests", "pandas"} == set(KEPT)


def test_the_newest_of_many_versions_speaks_for_its_package():
    text = (
        "The conflict is caused by:\n    a 2.1 depends on numpy>=3\n    a 2.0 depends on numpy>=3\n"
        "    b 1 depends on scipy<1; python_version > '3'\n    The user requested (constraint) numpy==1\n"
    )
    words = "a 2.1 wants numpy>=3, b 1 wants scipy<1, and numpy 1, scipy 5 stay because 3D Slicer is built with it"
    assert why_not(text, {"numpy": "1", "scipy": "5"}).startswith(words)
    assert why_not("", {}) == "pip failed without a word; see the Python console"


def test_this_python_has_a_pip_that_can_be_asked_first():
    done = subprocess.run([sys.executable, "-m", "pip", "install", "--help"], capture_output=True, text=True)
    assert "--dry-run" in done.stdout
