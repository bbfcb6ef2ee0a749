"""The house rules that no single room can keep: layers, import costs, file lists, nothing of one machine."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")

# What each package may import of the others.
ALLOWED = {
    "RadiomicsCoreLib": set(),
    "PeritumoralRadiomicsLib": {"RadiomicsCoreLib"},
    "RadiomicsSlicerLib": {"RadiomicsCoreLib", "PeritumoralRadiomicsLib"},
    "PeritumoralSlicerLib": {"RadiomicsCoreLib", "PeritumoralRadiomicsLib", "RadiomicsSlicerLib"},
    "DeepRadiomicsFusionLib": {"RadiomicsCoreLib", "PeritumoralRadiomicsLib"},
    "SurvivalNomogramLib": {"RadiomicsCoreLib"},
    "RadiomicsStudyLib": {
        "RadiomicsCoreLib",
        "PeritumoralRadiomicsLib",
        "DeepRadiomicsFusionLib",
        "SurvivalNomogramLib",
    },
}
SLICER_SIDE = {"RadiomicsSlicerLib", "PeritumoralSlicerLib"}
# Networks are subclasses of torch.nn.Module, so their files need torch at file scope. They live in this one
# folder, and no other file may import them at file scope: the import costs below would show it.
TORCH_SIDE = "DeepRadiomicsFusionLib.torch_modules."
SLICER_PACKAGES = {"slicer", "qt", "ctk", "vtk", "mrml"}
HEAVY = [
    "torch",
    "torchvision",
    "monai",
    "captum",
    "matplotlib",
    "sklearn",
    "pandas",
    "lifelines",
    "skimage",
    "joblib",
    "highdicom",
    "pydicom",
    "radiomics",
    "rich",
    "pyarrow",
    "pywt",
    "yaml",
    "skops",
    "safetensors",
    "scipy.stats",
    "scipy.optimize",
]


def packages() -> dict[str, Path]:
    return {folder.name: folder for module in MODULES for folder in sorted((ROOT / module).glob("*Lib"))}


def lib_files(*, pure: bool = False) -> list[Path]:
    wanted = [folder for name, folder in packages().items() if not (pure and name in SLICER_SIDE)]
    return [path for folder in wanted for path in sorted(folder.rglob("*.py"))]


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts[1:]
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


PURE_NAMES = [module_name(path) for path in lib_files(pure=True)]


def imported_packages(path: Path) -> set[str]:
    """Top-level names that a file imports anywhere, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def file_scope_imports(path: Path) -> set[str]:
    """Names of the modules that a file imports outside its functions and classes."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return found


def is_heavy(name: str) -> bool:
    return any(name == heavy or name.startswith(heavy + ".") for heavy in HEAVY)


def tracked_text_files() -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git work tree: nothing is tracked here")
    paths = [ROOT / name for name in listing.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


def load_tool(name: str):
    spec = importlib.util.spec_from_file_location(name, ROOT / "Testing" / "tools" / f"{name}.py")
    assert spec and spec.loader
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


# --- layers ------------------------------------------------------------------------------------------------


def test_every_package_of_the_design_is_there_and_no_other():
    assert set(packages()) == set(ALLOWED)


@pytest.mark.parametrize("path", lib_files(pure=True), ids=module_name)
def test_a_pure_library_never_imports_slicer(path):
    assert not imported_packages(path) & SLICER_PACKAGES


@pytest.mark.parametrize("path", lib_files(), ids=module_name)
def test_imports_go_down_only(path):
    package = path.relative_to(ROOT).parts[1]
    ours = imported_packages(path) & (set(ALLOWED) | set(MODULES))
    assert ours - {package} <= ALLOWED[package]


# --- what an import costs ----------------------------------------------------------------------------------

# Every module is imported in a fork of a process that already holds numpy and SimpleITK: each shows all that it
# alone brings in. What that costs in time is a benchmark's matter: Testing/benchmarks/bench_imports.py.
IMPORT_PROBE = """
import importlib, json, os, sys
import numpy, SimpleITK
heavy, names = json.loads(sys.argv[1])
there = {name.split(".")[0] for name in sys.modules} | set(sys.stdlib_module_names) | {"__mp_main__"}
results = {}
for name in names:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            importlib.import_module(name)
            brought = {module.split(".")[0] for module in sys.modules} - there
            message = {"heavy": [h for h in heavy if h in sys.modules], "brought": sorted(brought)}
        except BaseException as error:
            message = {"error": repr(error)}
        os.write(writer, json.dumps(message).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as stream:
        results[name] = json.load(stream)
    os.waitpid(child, 0)
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def import_costs():
    if not hasattr(os, "fork"):
        pytest.skip("measured in forked processes, which this system does not have")
    names = [name for name in PURE_NAMES if not name.startswith(TORCH_SIDE)]
    arguments = json.dumps([HEAVY, names])
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", IMPORT_PROBE, arguments], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


def test_every_library_file_can_be_imported(import_costs):
    assert {name: cost["error"] for name, cost in import_costs.items() if "error" in cost} == {}


def test_importing_a_library_loads_no_heavy_package(import_costs):
    assert {name: cost["heavy"] for name, cost in import_costs.items() if cost.get("heavy")} == {}


def test_importing_a_library_brings_in_no_other_package_than_ours_numpy_and_simpleitk(import_costs):
    ours = set(packages())
    strange = {name: sorted(set(cost.get("brought", ())) - ours) for name, cost in import_costs.items()}
    assert {name: brought for name, brought in strange.items() if brought} == {}


@pytest.mark.parametrize("path", [p for p in lib_files() if module_name(p).startswith(TORCH_SIDE)], ids=module_name)
def test_a_file_of_networks_imports_nothing_heavy_but_torch(path):
    found = file_scope_imports(path)
    assert [name for name in found if is_heavy(name) and name.split(".")[0] != "torch"] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_file_imports_nothing_heavy_at_file_scope(module):
    path = ROOT / module / f"{module}.py"
    if not path.is_file():
        pytest.skip(f"{module} has no panel yet")
    assert [name for name in file_scope_imports(path) if is_heavy(name)] == []


# --- files that Slicer and pip must find -------------------------------------------------------------------


@pytest.mark.parametrize("module", MODULES)
def test_cmake_lists_every_file_of_the_module(module):
    tool = load_tool("list_scripts")
    text = (ROOT / module / "CMakeLists.txt").read_text(encoding="utf-8")
    assert tool.up_to_date(ROOT / module) == text, "run: python Testing/tools/list_scripts.py"
    for library in (ROOT / module).glob("*Lib"):
        for path in library.rglob("*.py"):
            assert path.relative_to(ROOT / module).as_posix() in text


def test_the_list_writer_replaces_a_block_and_refuses_a_file_without_it():
    rewritten = load_tool("list_scripts").rewritten
    text = "set(NAME A)\nset(FILES\n  ${NAME}.py\n  )\nbuild(${FILES})\n"
    assert rewritten(text, {"FILES": ["x.py", "y.py"]}) == (
        "set(NAME A)\nset(FILES\n  x.py\n  y.py\n  )\nbuild(${FILES})\n"
    )
    with pytest.raises(ValueError, match=r"exactly one set\(OTHER"):
        rewritten(text, {"OTHER": []})


def test_the_top_cmake_file_builds_every_module():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    assert re.findall(r"add_subdirectory\((\w+)\)", text) == list(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_slicer_takes_nothing_in_a_module_folder_for_another_module(module):
    assert {path.name for path in (ROOT / module).glob("*.py")} <= {f"{module}.py"}


def test_package_names_are_unique_and_never_a_modules_own_name():
    names = [folder.name for module in MODULES for folder in (ROOT / module).glob("*Lib")]
    assert len(names) == len(set(names))
    assert not set(names) & set(MODULES)


def test_pip_installs_every_folder_of_the_pure_libraries_and_no_other():
    setuptools = pytest.importorskip("setuptools")
    with (ROOT / "pyproject.toml").open("rb") as stream:
        settings = tomllib.load(stream)["tool"]["setuptools"]["packages"]["find"]
    installed = {
        package
        for folder in settings["where"]
        for package in setuptools.find_packages(ROOT / folder, settings["exclude"], settings["include"])
    }
    folders = {path.parent for path in lib_files(pure=True)}
    assert installed == {module_name(folder / "__init__.py") for folder in folders}


def test_testing_is_not_a_package():
    assert list((ROOT / "Testing").rglob("__init__.py")) == []


# --- what must never be in the repository ------------------------------------------------------------------


def test_shap_is_in_no_list_of_dependencies():
    # It requires the package "slicer" from the registry, which overwrites Slicer's own slicer/__init__.py.
    lists = [ROOT / "pyproject.toml", *ROOT.glob("*/Resources/requirements*.txt")]
    assert [path for path in lists if re.search(r"\bshap\b", path.read_text(encoding="utf-8"))] == []


def test_no_tracked_file_names_a_path_of_one_machine_or_a_package_host():
    folders = "|".join(["wo" + "rk", "ro" + "ot", "home/" + r"\w+"])
    hosts = "|".join([r"pypi\." + "org", r"pythonhosted\." + "org", r"registry\.npm" + "js", "/opt/" + "pypi"])
    forbidden = re.compile(rf"(?<![\w.\-/])/(?:{folders})/|{hosts}")
    found = []
    for path in tracked_text_files():
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.relative_to(ROOT)}: {match.group()}" for match in forbidden.finditer(text)]
    assert found == []


# --- examples in docstrings --------------------------------------------------------------------------------

OPTIONAL_IN_EXAMPLES = ("torch", "monai", "radiomics", "pyarrow")


@pytest.mark.parametrize("name", PURE_NAMES)
def test_the_examples_in_the_docstrings_are_true(name, tmp_path, monkeypatch):
    if name.startswith("DeepRadiomicsFusionLib"):
        pytest.importorskip("torch", reason="needs the extra 'deep'")
    module = importlib.import_module(name)
    tests = [test for test in doctest.DocTestFinder().find(module, name) if test.examples]
    source = "".join(example.source for test in tests for example in test.examples)
    for package in OPTIONAL_IN_EXAMPLES:
        if re.search(rf"\bimport {package}\b|\bfrom {package}\b", source):
            pytest.importorskip(package)
    monkeypatch.chdir(tmp_path)  # an example that writes a file leaves nothing in the work tree
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    report: list[str] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for test in tests:
            runner.run(test, out=report.append)
    assert runner.failures == 0, "".join(report)
