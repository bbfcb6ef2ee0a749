"""``run_study.py``, the command line of headless Slicer, as a subprocess in plain Python."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "RadiomicsStudy" / "RadiomicsStudyLib" / "run_study.py"
MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")


def run(
    script: Path, *words: str, python: str = sys.executable, cwd: Path | None = None
) -> subprocess.CompletedProcess:
    # As Slicer starts it: no path of ours is set.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, str(script), *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd)


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The script in a folder like that of the installed extension, all packages side by side."""
    folder = tmp_path_factory.mktemp("qt-scripted-modules")
    for module in MODULES:
        for library in (ROOT / module).glob("*Lib"):
            shutil.copytree(library, folder / library.name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "Resources").mkdir()
    for path in ROOT.glob("*/Resources/requirements*.txt"):
        shutil.copy(path, folder / "Resources")
    return folder / "RadiomicsStudyLib" / SCRIPT.name


@pytest.fixture
def cohort(tmp_path) -> Path:
    """A cohort of one small case and one whose image is missing."""
    import numpy as np
    import SimpleITK as sitk

    k, j, i = np.ogrid[:24, :24, :24]
    ball = ((k - 12) ** 2 + (j - 12) ** 2 + (i - 12) ** 2 <= 25).astype(np.uint8)
    noise = np.random.default_rng(1).normal(40, 10, ball.shape).astype(np.float32)
    sitk.WriteImage(sitk.GetImageFromArray(noise), str(tmp_path / "ct.nrrd"))
    sitk.WriteImage(sitk.GetImageFromArray(ball), str(tmp_path / "mask.nrrd"))
    path = tmp_path / "cohort.csv"
    path.write_text("case_id,ct_image,ct_mask\na,ct.nrrd,mask.nrrd\nb,missing.nrrd,mask.nrrd\n")
    return path


def words_for(cohort: Path, out: Path) -> list[str]:
    words = ["extract", str(cohort), "--rings", "3", "--preset", "wu2021", "-o", str(out)]
    return [*words, "--workers", "1", "--no-overlays"]


@pytest.mark.slow
def test_it_does_the_cohort_job_and_exits_as_the_command_line(cohort, tmp_path, installed):
    for number, script in enumerate((SCRIPT, installed)):
        out = tmp_path / f"out{number}"
        done = run(script, *words_for(cohort, out), cwd=tmp_path)
        assert done.returncode == 1, done.stderr
        assert "missing.nrrd" in done.stdout + done.stderr
        text = (out / "features.csv").read_text()
        assert "ct.ring_0_3mm.original_firstorder_Mean" in text and "\na," in text


def test_a_wrong_input_exits_2_with_one_line(tmp_path, installed):
    done = run(installed, *words_for(tmp_path / "none.csv", tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.startswith("peritumoral: ") and done.stderr.count("\n") == 1
    assert "Traceback" not in run(SCRIPT, "no-such-verb").stderr
    assert run(SCRIPT, "no-such-verb").returncode == 2
    assert run(SCRIPT, "--help").returncode == 0


@pytest.mark.parametrize("words", [("help", "rings"), ("--", "rings", "--help"), ("--", "help", "rings")])
def test_help_is_reached_past_slicers_own_help(words):
    done = run(SCRIPT, *words)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: peritumoral rings ")


def test_help_alone_lists_the_verbs():
    done = run(SCRIPT, "help")
    assert done.returncode == 0 and "usage: peritumoral" in done.stdout and "extract" in done.stdout


def as_slicer_runs_it(*words: str) -> subprocess.CompletedProcess:
    """Run the script as CTK's executeFile does: as text, in the globals of ``__main__``, with argv and __file__ set."""
    code = (
        "import sys; script = sys.argv[1]; sys.argv[:] = sys.argv[1:]\n"
        "updated = globals(); updated['__file__'] = script\n"
        "exec(open(script).read(), updated)\n"
        "print('Slicer would go on running')"
    )
    return subprocess.run([sys.executable, "-c", code, str(SCRIPT), *words], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("words", "code"), [(("help",), 0), (("no-such-verb",), 2), (("cohort", "check", "none.csv"), 2)]
)
def test_the_exit_code_comes_as_system_exit_which_slicer_hands_on(words, code):
    done = as_slicer_runs_it(*words)
    assert done.returncode == code
    assert "would go on running" not in done.stdout


def test_a_fault_of_the_program_ends_it_too_or_slicer_would_wait_for_ever(tmp_path, capsys, monkeypatch):
    import RadiomicsStudyLib.cli

    module = load_script()

    def fail(words):
        raise ZeroDivisionError("of ours")

    monkeypatch.setattr(RadiomicsStudyLib.cli, "main", fail)
    assert module.main(["extract"]) == 2
    shown = capsys.readouterr().err
    assert "ZeroDivisionError: of ours" in shown
    assert shown.splitlines()[-1].startswith("peritumoral: a fault of the program")


def load_script():
    spec = importlib.util.spec_from_file_location("run_study_under_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_script_can_be_read_in_any_encoding_that_slicer_opens_it_with():
    assert SCRIPT.read_bytes().isascii()


def test_a_missing_package_is_said_before_the_work_begins(cohort, tmp_path, installed):
    shutil.copytree(installed.parents[1], tmp_path / "slicer")
    script = tmp_path / "slicer" / "RadiomicsStudyLib" / SCRIPT.name
    requirements = tmp_path / "slicer" / "Resources" / "requirements-study.txt"
    requirements.write_text("# none of ours\nnumpy>=1\nno-such-package-a>=2\nno_such_package.b\n")
    done = run(script, *words_for(cohort, tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr == (
        "peritumoral: not installed: no-such-package-a, no_such_package.b; put --install before the other words once\n"
    )
    assert not (tmp_path / "out").exists()


def test_the_word_install_installs_the_list_of_the_module():
    spec = importlib.util.spec_from_file_location("run_study_under_test", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    asked = []
    assert module.main(["--install"], install=asked.append) == 0
    assert asked == [ROOT / "RadiomicsStudy" / "Resources" / "requirements-study.txt"]
    lines = [line for line in asked[0].read_text().splitlines() if line and not line.startswith("#")]
    assert not [line for line in lines if line.lower().startswith(("numpy", "simpleitk", "torch", "shap", "requests"))]
    assert all(">=" in line and "," not in line and "==" not in line for line in lines)


def test_a_failed_installation_ends_in_one_line(capsys):
    from RadiomicsCoreLib.errors import DependencyError

    def fail(path):
        raise DependencyError("nothing was installed: a 2 wants numpy>=3, and numpy 1 stays")

    assert load_script().main(["--install", "presets"], install=fail) == 2
    told = capsys.readouterr()
    assert told.err == "peritumoral: nothing was installed: a 2 wants numpy>=3, and numpy 1 stays\n"
    assert told.out == ""


# --- Slicer's console ------------------------------------------------------------------------------------------


@pytest.fixture
def german_cohort(cohort) -> Path:
    """The cohort with umlauts in its identifiers and file names, and a clinical table for a Cox model."""
    folder = cohort.parent
    (folder / "ct.nrrd").rename(folder / "Schädel.nrrd")
    rows = ["case_id,ct_image,ct_mask", "Müller,Schädel.nrrd,mask.nrrd", "Öztürk,fehlt_für_immer.nrrd,mask.nrrd"]
    cohort.write_text("\n".join(rows) + "\n", encoding="utf-8")
    people = [f"Jäger{n},{n * 10 + 5},{n % 2},{50 + 7 * n % 23}" for n in range(30)]
    (folder / "clinical.csv").write_text("\n".join(["case_id,days,death,größe", *people]) + "\n", encoding="utf-8")
    return cohort


@pytest.mark.slow
def test_what_it_prints_is_ascii_and_names_are_escaped_not_lost(german_cohort, tmp_path):
    clinical = str(tmp_path / "clinical.csv")
    outcome = ["--time", "days", "--event", "death", "--id", "case_id"]
    told = {}
    for words in (
        words_for(german_cohort, tmp_path / "aus"),
        ["cohort", "check", str(german_cohort)],
        ["cox", clinical, *outcome, "--covariates", "größe", "-o", "cox"],
        ["presets"],
        ["rings", "Schädel.nrrd", "mask.nrrd", "--rings", "3", "-o", "ringe"],
        ["help"],
        ["help", "extract"],
        ["help", "train"],
        ["cohort", "check", "gibtsnichtä.csv"],
        ["cox", clinical, "--time", "tagé"],
    ):
        done = subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, cwd=tmp_path)
        assert (done.stdout + done.stderr).strip(), words
        told[" ".join(words)] = done.stdout + done.stderr
    assert [words for words, text in told.items() if max(text) > 127] == []
    extract = next(iter(told.values())).decode()
    assert "\\xd6zt\\xfcrk" in extract and "fehlt_f\\xfcr_immer.nrrd" in extract
    assert "gibtsnicht\\xe4.csv" in told["cohort check gibtsnichtä.csv"].decode()
