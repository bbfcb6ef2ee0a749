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
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from RadiomicsCoreLib.jobs import registry

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")

# What each package may import of the others.
ALLOWED = {
    "RadiomicsCoreLib": set(),
    "PeritumoralRadiomicsLib": {"RadiomicsCoreLib"},
    "RadiomicsSlicerLib": {"RadiomicsCoreLib", "PeritumoralRadiomicsLib"},
    "PeritumoralSlicerLib": {"RadiomicsCoreLib", "PeritumoralRadiomicsLib", "RadiomicsSlicerLib"},
    "DeepRadiomicsFusionLib": {"RadiomicsCoreLib", "PeritumoralRadiomicsLib"},
    "DeepFusionSlicerLib": {
        "RadiomicsCoreLib",
        "PeritumoralRadiomicsLib",
        "RadiomicsSlicerLib",
        "PeritumoralSlicerLib",
        "DeepRadiomicsFusionLib",
    },
    "SurvivalNomogramLib": {"RadiomicsCoreLib"},
    "SurvivalNomogramSlicerLib": {"RadiomicsCoreLib", "SurvivalNomogramLib", "RadiomicsSlicerLib"},
    "RadiomicsStudyLib": {
        "RadiomicsCoreLib",
        "PeritumoralRadiomicsLib",
        "DeepRadiomicsFusionLib",
        "SurvivalNomogramLib",
    },
}
# What people meet: it calls jobs, and nothing calls it.
SLICER_SIDE = {"RadiomicsSlicerLib", "PeritumoralSlicerLib", "SurvivalNomogramSlicerLib", "DeepFusionSlicerLib"}
FACES = {"RadiomicsStudyLib", *SLICER_SIDE}
MOST_FILES = 15
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


MODULE_NAMES = {module_name(path) for path in lib_files()}
PURE_NAMES = [module_name(path) for path in lib_files(pure=True)]


def imported_packages(path: Path) -> set[str]:
    """Top-level names that a file imports anywhere, inside functions too."""
    found = set()
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
    return found


def file_scope_imports(path: Path) -> set[str]:
    """Names of the modules that a file imports outside its functions and classes."""
    found = set()
    for node in parsed(path).body:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module)
    return found


def nodes_that_run(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker reads."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            yield node
            yield from nodes_that_run(node)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imported_modules(path: Path) -> set[str]:
    """Our own modules that a file imports anywhere, by their full names."""
    here = module_name(path).split(".")
    package = here if path.name == "__init__.py" else here[:-1]
    found = set()
    for node in nodes_that_run(parsed(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *(node.module.split(".") if node.module else [])])
            found |= {f"{module}.{alias.name}" for alias in node.names} | {module}
    return found & MODULE_NAMES


def in_jobs_room(module: str) -> bool:
    """Whether a module lives in the jobs of a Lib above the ground, whose jobs are the contract itself."""
    return module.split(".")[1:2] == ["jobs"] and not module.startswith("RadiomicsCoreLib.")


def is_job(module: str) -> bool:
    """Whether a module of a jobs room holds a verb's job."""
    return in_jobs_room(module) and module in {name for name, _ in registry._JOBS.values()}


def offenders(wrong: Callable[[Path], set[str]], paths: list[Path]) -> dict[str, list[str]]:
    """File to what is wrong with it, for the files that break a rule."""
    found = {path.relative_to(ROOT).as_posix(): sorted(wrong(path)) for path in paths}
    return {name: what for name, what in found.items() if what}


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


def test_a_pure_library_never_imports_slicer():
    assert offenders(lambda path: imported_packages(path) & SLICER_PACKAGES, lib_files(pure=True)) == {}


def test_imports_go_down_only():
    ours = set(ALLOWED) | set(MODULES)

    def upwards(path: Path) -> set[str]:
        package = path.relative_to(ROOT).parts[1]
        return imported_packages(path) & ours - {package} - ALLOWED[package]

    assert offenders(upwards, lib_files()) == {}


# --- rooms -------------------------------------------------------------------------------------------------


def test_a_library_never_imports_a_job_and_a_job_never_imports_another_job():
    jobs = {name for name in map(module_name, lib_files()) if is_job(name)}

    def wrong(path: Path) -> set[str]:
        name = module_name(path)
        if path.relative_to(ROOT).parts[1] in FACES:
            return set()
        if in_jobs_room(name):
            return (imported_modules(path) & jobs) - {name} if name in jobs else set()
        return {module for module in imported_modules(path) if in_jobs_room(module)}

    assert len(jobs) >= 4
    assert offenders(wrong, lib_files()) == {}


def test_there_is_no_circle_of_imports():
    graph = {module_name(path): imported_modules(path) for path in lib_files()}
    waiting = {name: found & set(graph) - {name} for name, found in graph.items()}
    while leaves := {name for name, found in waiting.items() if not found}:
        waiting = {name: found - leaves for name, found in waiting.items() if name not in leaves}
    assert waiting == {}  # what is left imports itself by way of others


def test_a_folder_holds_at_most_fifteen_files_and_says_what_lives_there():
    full = {}
    silent = []
    for folder in sorted({path.parent for path in lib_files()}):
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        if len(files) > MOST_FILES:
            full[folder.relative_to(ROOT).as_posix()] = len(files)
        if not ast.get_docstring(parsed(folder / "__init__.py")):
            silent.append(folder.relative_to(ROOT).as_posix())
    assert (full, silent) == ({}, [])


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


def test_a_file_of_networks_imports_nothing_heavy_but_torch():
    def wrong(path: Path) -> set[str]:
        return {name for name in file_scope_imports(path) if is_heavy(name) and name.split(".")[0] != "torch"}

    assert offenders(wrong, [path for path in lib_files() if module_name(path).startswith(TORCH_SIDE)]) == {}


def test_a_module_file_imports_nothing_heavy_at_file_scope():
    files = [path for module in MODULES if (path := ROOT / module / f"{module}.py").is_file()]
    assert offenders(lambda path: {name for name in file_scope_imports(path) if is_heavy(name)}, files) == {}


# --- files that Slicer and pip must find -------------------------------------------------------------------


def test_cmake_lists_every_file_of_every_module():
    tool = load_tool("list_scripts")
    unlisted = []
    for module in MODULES:
        text = (ROOT / module / "CMakeLists.txt").read_text(encoding="utf-8")
        assert tool.up_to_date(ROOT / module) == text, "run: python Testing/tools/list_scripts.py"
        paths = [path for library in (ROOT / module).glob("*Lib") for path in library.rglob("*.py")]
        unlisted += [str(path) for path in paths if path.relative_to(ROOT / module).as_posix() not in text]
    assert unlisted == []


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


def test_slicer_takes_nothing_in_a_module_folder_for_another_module():
    found = {module: {path.name for path in (ROOT / module).glob("*.py")} - {f"{module}.py"} for module in MODULES}
    assert {module: names for module, names in found.items() if names} == {}


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
    # It would collide with others' once installed. A tool may be a package of its own.
    found = [path.relative_to(ROOT / "Testing") for path in (ROOT / "Testing").rglob("__init__.py")]
    assert [path for path in found if path.parts[0] != "tools" or len(path.parts) < 3] == []


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


@pytest.mark.parametrize("library", sorted(set(ALLOWED) - SLICER_SIDE))
def test_the_examples_in_the_docstrings_are_true(library, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example that writes a file leaves nothing in the work tree
    report: list[str] = []
    done = sum(run_examples(name, report) for name in PURE_NAMES if name.split(".")[0] == library)
    assert "".join(report) == ""
    assert done > 10 or not installed("torch")


def run_examples(name: str, report: list[str]) -> int:
    """Run the examples of a module that the installed packages allow; return how many ran."""
    if name.startswith("DeepRadiomicsFusionLib") and not installed("torch"):
        return 0
    module = importlib.import_module(name)
    tests = [test for test in doctest.DocTestFinder().find(module, name) if test.examples]
    source = "".join(example.source for test in tests for example in test.examples)
    needed = [package for package in OPTIONAL_IN_EXAMPLES if re.search(rf"\b(import|from) {package}\b", source)]
    if not all(map(installed, needed)):
        return 0
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for test in tests:
            runner.run(test, out=report.append)
    return sum(len(test.examples) for test in tests)


def installed(package: str) -> bool:
    """Whether a package can be imported here."""
    return importlib.util.find_spec(package) is not None
