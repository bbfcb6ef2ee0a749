"""The workflows of the repository can be read, their scripts are shell, and the files that they name are there."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def steps():
    for path in WORKFLOWS:
        for name, job in yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"].items():
            for step in job["steps"]:
                yield f"{path.name}: {name}", step


def test_every_step_either_runs_or_uses_something_and_nothing_may_write():
    assert WORKFLOWS
    wrong = [where for where, step in steps() if ("run" in step) == ("uses" in step)]
    assert wrong == []
    for path in WORKFLOWS:
        assert yaml.safe_load(path.read_text(encoding="utf-8"))["permissions"] == {"contents": "read"}, path.name


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_scripts_of_steps_and_of_tools_are_shell():
    scripts = [(where, step["run"]) for where, step in steps() if "run" in step]
    scripts += [(path.name, path.read_text(encoding="utf-8")) for path in (ROOT / "Testing" / "tools").glob("*.sh")]
    wrong = []
    for where, text in scripts:
        plain = re.sub(r"\$\{\{.*?\}\}", "word", text)
        done = subprocess.run(["bash", "-n"], input=plain, capture_output=True, text=True, check=False)
        wrong += [f"{where}: {done.stderr}"] if done.returncode else []
    assert wrong == []


def test_files_that_workflows_and_tools_name_are_there():
    texts = [path.read_text(encoding="utf-8") for path in (*WORKFLOWS, *(ROOT / "Testing" / "tools").glob("*.sh"))]
    named = {name for text in texts for name in re.findall(r"\bTesting/[\w/]+\.(?:py|sh)", text)}
    assert {"Testing/tools/walk_in_slicer.py", "Testing/tools/walk_in_slicer.sh"} <= named
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_walks_script_hands_slicer_our_modules_and_gives_its_exit_code_back(tmp_path):
    slicer = tmp_path / "Slicer"
    slicer.write_text('#!/usr/bin/env bash\nprintf "%s\\n" "$@"\nexit 2\n')
    slicer.chmod(0o755)
    words = ["bash", str(ROOT / "Testing/tools/walk_in_slicer.sh"), str(slicer), "out", "PeritumoralRadiomics"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    given = done.stdout.splitlines()
    first = given.index("--additional-module-paths") + 1
    modules = given[first : given.index("--python-script")]
    assert len(modules) == 4 and all(Path(folder).is_dir() for folder in modules)
    script = Path(given[given.index("--python-script") + 1])
    assert script.is_absolute() and script.is_file()
    assert given[-2:] == ["out", "PeritumoralRadiomics"]
