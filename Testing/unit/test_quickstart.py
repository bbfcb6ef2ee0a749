"""quickstart.py without a network: what it checks, what it says, what it runs, and what it does not repeat."""

from __future__ import annotations

import ast
import importlib.util
import io
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import machine_checks
import pip_words
import pytest
import run_tests

from RadiomicsStudyLib.sample import demo

ROOT = Path(__file__).resolve().parents[2]
HELPERS = [ROOT / "Testing" / "tools" / name for name in ("machine_checks.py", "pip_words.py")]


@pytest.fixture(scope="module")
def quickstart():
    spec = importlib.util.spec_from_file_location("quickstart", ROOT / "quickstart.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def said():
    return []


@pytest.fixture
def environment(quickstart, tmp_path):
    """An environment whose Python works, without the cost of making one."""

    class Working(quickstart.Environment):
        def works(self):
            return self.folder.is_dir()

    folder = tmp_path / ".venv"
    folder.mkdir()
    return Working(folder)


class Recorder:
    """Stands for what runs a program: notes the commands, answers with the given exit codes."""

    def __init__(self, *codes):
        self.commands, self.codes = [], list(codes)

    def __call__(self, command):
        self.commands.append([str(part) for part in command])
        return self.codes.pop(0) if self.codes else 0


# --- the machine -------------------------------------------------------------------------------------------


def test_an_old_python_is_told_which_one_is_needed(quickstart):
    with pytest.raises(quickstart.QuickstartError) as caught:
        quickstart.check_python((3, 9, 2, "final", 0), "/usr/bin/python3")
    assert str(caught.value).startswith("needs Python 3.11 or newer, this is 3.9: /usr/bin/python3")
    quickstart.check_python((3, 11, 0), "python")
    quickstart.check_python((4, 0, 0), "python")


def test_the_script_parses_on_python_3_8_to_be_able_to_say_so():
    for path in (ROOT / "quickstart.py", *HELPERS):
        ast.parse(path.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_the_script_is_short():
    assert len((ROOT / "quickstart.py").read_text(encoding="utf-8").splitlines()) < 200


def test_the_script_imports_the_standard_library_only():
    code = "import sys, quickstart; print([m for m in sys.modules if m in ('numpy', 'pip', 'pytest')])"
    run = subprocess.run([sys.executable, "-S", "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_a_missing_venv_package_names_the_debian_package():
    for missing in ("venv", "ensurepip"):
        told = machine_checks.venv_problem(lambda name, missing=missing: None if name == missing else object())
        assert re.search(r"sudo apt install python3\.\d+-venv", told)
    assert machine_checks.venv_problem(lambda name: object()) == ""


def test_a_full_disk_is_seen_before_anything_is_written(tmp_path):
    assert re.search(r"only 0\.3 GB free in .*needs 2 GB", machine_checks.disk_problem(tmp_path, free_bytes=3e8))
    assert machine_checks.disk_problem(tmp_path, free_bytes=3e9) == ""
    told = machine_checks.disk_problem(tmp_path, ("dev", "deep"), free_bytes=3e9)
    assert re.search(r"only 3\.0 GB free in .*needs 8 GB", told)


@pytest.mark.skipif(sys.platform == "win32", reason="the compiler is not looked for on the PATH of Windows")
def test_a_missing_compiler_or_header_is_named_with_the_remedy(tmp_path):
    assert re.search(r"no C compiler found.*build-essential", machine_checks.compiler_problem(lambda name: None))
    told = machine_checks.compiler_problem(lambda name: "/usr/bin/cc", str(tmp_path))
    assert re.search(r"headers are missing.*python3-dev", told)
    (tmp_path / "Python.h").touch()
    assert machine_checks.compiler_problem(lambda name: "/usr/bin/cc", str(tmp_path)) == ""


def test_a_compiler_is_looked_for_only_where_something_is_compiled(tmp_path, monkeypatch):
    monkeypatch.setattr(machine_checks, "venv_problem", lambda: "")
    monkeypatch.setattr(machine_checks, "disk_problem", lambda folder, extras: "")
    monkeypatch.setattr(machine_checks, "compiler_problem", lambda: "no compiler")
    assert machine_checks.first_problem(tmp_path, ("dev",)) == "no compiler"
    assert machine_checks.first_problem(tmp_path, ()) == ""


def test_what_the_machine_lacks_stops_before_anything_is_made(quickstart, environment, monkeypatch):
    monkeypatch.setattr(machine_checks, "first_problem", lambda folder, extras: "the disk is full")
    with pytest.raises(quickstart.QuickstartError, match="the disk is full"):
        quickstart.prepare(environment, ("dev",), install=lambda *given: pytest.fail("installed"))


# --- the environment ---------------------------------------------------------------------------------------


def test_programs_are_found_on_windows_too(quickstart):
    folder = Path("x") / ".venv"
    assert quickstart.Environment(folder, windows=True).program("pip") == folder / "Scripts" / "pip.exe"
    assert quickstart.Environment(folder, windows=False).program("pip") == folder / "bin" / "pip"


def prepare(quickstart, environment, extras, installs):
    quickstart.prepare(environment, extras, lambda text: None, install=lambda e, x, say: installs.append(set(x)))


@pytest.fixture
def easy_machine(quickstart, monkeypatch):
    """The real machine's compiler and disk play no part."""
    monkeypatch.setattr(machine_checks, "first_problem", lambda folder, extras: "")


def test_a_second_run_installs_nothing_again(quickstart, environment, easy_machine):
    installs = []
    for _ in range(2):
        prepare(quickstart, environment, ("dev",), installs)
    assert installs == [{"dev"}]


def test_a_further_extra_is_added_to_those_installed(quickstart, environment, easy_machine):
    installs = []
    for extras in (("pyradiomics",), ("dev",), ("pyradiomics",)):
        prepare(quickstart, environment, extras, installs)
    assert installs == [{"pyradiomics"}, {"pyradiomics", "dev"}]


def test_a_changed_pyproject_or_a_broken_note_installs_again(quickstart, environment, easy_machine, monkeypatch):
    installs = []
    prepare(quickstart, environment, ("dev",), installs)
    (environment.folder / quickstart.STAMP_NAME).write_text("{", encoding="utf-8")
    prepare(quickstart, environment, ("dev",), installs)
    monkeypatch.setattr(type(environment), "key", lambda self: "another")
    prepare(quickstart, environment, ("dev",), installs)
    assert len(installs) == 3


def test_a_failed_installation_is_not_remembered(quickstart, environment, easy_machine):
    def fail(environment, extras, say):
        raise quickstart.QuickstartError("no network")

    with pytest.raises(quickstart.QuickstartError):
        quickstart.prepare(environment, ("dev",), lambda text: None, install=fail)
    assert environment.installed_extras() is None


def test_a_strangers_broken_environment_is_not_deleted(quickstart, tmp_path, said):
    folder = tmp_path / ".venv"
    (folder / "bin").mkdir(parents=True)
    with pytest.raises(quickstart.QuickstartError, match="delete it and run again"):
        quickstart.make_environment(quickstart.Environment(folder), said.append)
    assert folder.is_dir()


@pytest.mark.slow
def test_our_own_broken_environment_is_made_anew(quickstart, tmp_path, said):
    environment = quickstart.Environment(tmp_path / ".venv")
    environment.folder.mkdir()
    environment.log.touch()
    assert not environment.works()
    quickstart.make_environment(environment, said.append)
    assert environment.works()
    assert "making it anew" in said[0]


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ("ERROR: Could not install: [Errno 28] No space left on device", "the disk is full"),
        ("src/cmatrices.c:3: fatal error: Python.h: No such file or directory", "headers are missing"),
        ("error: command '/usr/bin/gcc' failed with exit code 1", "install a C compiler"),
        ("error: Microsoft Visual C++ 14.0 or greater is required.", "Visual Studio Build Tools"),
        (
            "WARNING: Retrying: Failed to establish a new connection: Temporary failure in name resolution\n"
            "ERROR: No matching distribution found for setuptools>=77",
            "check the network",
        ),
        ("ERROR: No matching distribution found for torch", "no version for this Python"),
        ("ERROR: something never seen", "something never seen"),
        ("", "no reason given"),
    ],
)
def test_a_failure_of_pip_is_one_line_with_a_remedy_and_the_log(log, expected):
    line = pip_words.explain_pip_failure(log, Path("the.log"))
    assert expected in line
    assert "the.log" in line
    assert "\n" not in line


def test_pips_words_go_to_the_log_and_a_line_now_and_then_to_the_screen(said):
    times = iter([0, 1, 12, 13, 14, 15])
    log = io.StringIO()
    lines = [
        "Collecting numpy\n",
        "Collecting scipy\n",
        "  Building wheel for pyradiomics-bhklab (pyproject.toml): started\n",
        "Installing collected packages: numpy, scipy\n",
    ]
    pip_words.follow_pip(lines, log, said.append, clock=lambda: next(times))
    assert log.getvalue() == "".join(lines)
    assert said == [
        "  2 packages looked up so far",
        "  compiling pyradiomics",
        "  unpacking 2 packages",
    ]


# --- the verbs ---------------------------------------------------------------------------------------------


def test_a_verb_runs_the_environments_python_in_this_folder(quickstart, environment, capsys):
    ran = []

    def run(command, cwd):
        ran.append((command, cwd))
        return subprocess.CompletedProcess(command, 3)

    python = str(environment.program("python"))
    assert quickstart.run_verb("test", environment, ["-k", "rings"], run=run) == 3
    assert quickstart.run_verb("demo", environment, [], run=run) == 3
    assert ran == [
        ([python, "Testing/tools/run_tests.py", "-k", "rings"], ROOT),
        ([python, "-m", "RadiomicsStudyLib.sample.demo", "demo_output"], ROOT),
    ]
    assert quickstart.run_verb("install", environment, [], run=run) == 0 and len(ran) == 2
    with pytest.raises(quickstart.QuickstartError, match="demo takes no further words, got -k"):
        quickstart.run_verb("demo", environment, ["-k"], run=run)


def test_words_after_the_verb_keep_their_order(quickstart):
    given = []
    words = ["-q", "Testing/unit/a.py", "-k", "rings and not 2d", "b.py", "--lf", "-m", "slow", "-n", "0"]
    run_verb = lambda verb, environment, more: given.append(more) or 0  # noqa: E731
    arguments = ["test", "--venv", ".venv-other", *words]
    assert quickstart.main(arguments, prepare=lambda *given: None, run_verb=run_verb) == 0
    assert given == [words]


def test_the_tests_run_in_two_halves_and_further_words_reach_pytest(capsys):
    run = Recorder(0, 0)
    assert run_tests.main(["-k", "rings"], run=run) == 0
    assert run.commands == [["-m", "not slow", "-k", "rings"], ["-m", "slow", "-k", "rings"]]


def test_the_callers_own_choice_of_marks_is_one_run():
    run = Recorder(0)
    run_tests.main(["-m", "not slow"], run=run)
    assert run.commands == [["-m", "not slow"]]


def test_the_exit_code_is_that_of_the_failing_half(capsys):
    cases = {(0, 0): 0, (0, 5): 0, (5, 0): 0, (5, 5): 5, (1, 0): 1, (0, 1): 1, (2,): 2, (3, 1): 3}
    for codes, expected in cases.items():
        run = Recorder(*codes)
        assert (run_tests.main([], run=run), len(run.commands)) == (expected, len(codes)), codes


def test_what_is_left_out_is_said_in_one_line_with_how_to_add_it(tmp_path):
    bare = run_tests.left_out(lambda name: False, tmp_path / "none")
    assert "--with deep" in bare and "--with slicer" in bare and "PERITUMORAL_SHARED_DATA" in bare and "\n" not in bare
    assert "--with slicer" not in run_tests.left_out(lambda name: name != "torch", tmp_path)
    assert run_tests.left_out(lambda name: True, tmp_path) == "Nothing was left out"


def test_the_demo_makes_draws_extracts_and_names_the_files(tmp_path, capsys):
    run = Recorder()
    for name in ("cohort/cohort.csv", "features/features.csv", "features/cases/sample_001/overlay.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert demo.main(tmp_path, run=run) == 0
    assert [command[0] for command in run.commands] == ["sample-cohort", "extract"]
    shown = [line.rsplit(": ", 1)[1] for line in capsys.readouterr().out.splitlines() if str(tmp_path) in line]
    expected = ["features/cases/sample_001/overlay.png", "features/features.csv", "cohort/cohort.csv"]
    assert shown == [str(tmp_path / name) for name in expected]


def test_the_demo_says_which_step_failed(tmp_path, capsys):
    assert demo.main(tmp_path, run=Recorder(0, 2)) == 2
    assert "'peritumoral extract' ended with exit code 2" in capsys.readouterr().out


def test_further_extras_are_installed_with_those_of_the_verb(quickstart):
    asked = []
    for words in (["test"], ["test", "--with", "deep,parquet"]):
        prepare = lambda environment, extras: asked.append(extras)  # noqa: E731
        quickstart.main(words, prepare=prepare, run_verb=lambda *given: 0)
    assert asked == [("dev", "slicer"), ("dev", "slicer", "deep", "parquet")]


def test_something_missing_is_one_line_and_exit_code_2(quickstart, capsys):
    def full_disk(environment, extras):
        raise quickstart.QuickstartError("only 0.1 GB free")

    assert quickstart.main(["demo"], prepare=full_disk) == 2
    assert capsys.readouterr().err == "quickstart: only 0.1 GB free\n"


def test_ctrl_c_ends_in_one_line(quickstart, capsys):
    def stopped(environment, extras):
        raise KeyboardInterrupt

    assert quickstart.main(["demo"], prepare=stopped) == 130
    assert "run the same command again" in capsys.readouterr().err


def test_every_extra_that_is_installed_is_declared(quickstart):
    with (ROOT / "pyproject.toml").open("rb") as stream:
        declared = tomllib.load(stream)["project"]["optional-dependencies"]
    assert {extra for extras, _ in quickstart.VERBS.values() for extra in extras} <= set(declared)
