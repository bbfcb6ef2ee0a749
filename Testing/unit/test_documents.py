"""What the documents say is so: commands are understood, named files are there, links lead somewhere, figures agree."""

from __future__ import annotations

import argparse
import re
import runpy
import shlex
import subprocess
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

from RadiomicsStudyLib.cli import _parser

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
each_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)

OPTIONS_OF_OTHERS = {"--install", "--help", "--with", "--python-script", "--no-splash", "--no-main-window", "-k", "-m"}
"""Of quickstart.py, Slicer and pytest."""
SOURCES = (".py", ".md", ".sh", ".toml", ".cmake")
MADE = (".csv", ".json", ".txt", ".html", ".png", ".parquet")
OF_THE_READER = {"new.csv", "mine.yaml", "Params.yaml", "cohort.csv"}
"""Names that stand for a file of the reader's own."""


def fences(document: Path) -> list[tuple[str, str]]:
    """Language and text of each fenced block."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", document.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def commands_of(document: Path) -> list[str]:
    """The lines of fenced blocks, whole, without prompt and without what stands behind two spaces."""
    lines = [line for _, text in fences(document) for line in re.sub(r"\\\n *", "", text).splitlines()]
    return [line.removeprefix("$ ").split("  ")[0] for line in lines]


def code_of(document: Path) -> list[str]:
    """What stands between backticks outside fenced blocks, on one line each."""
    prose = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [" ".join(code.split()) for code in re.findall(r"(?<!`)`([^`]+)`(?!`)", prose)]


@cache
def verbs() -> dict[str, argparse.ArgumentParser]:
    choices = next(a.choices for a in _parser()._actions if isinstance(a, argparse._SubParsersAction))
    return dict(choices)


def options_of(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """Options of a verb and of the verbs below it."""
    found: dict[str, argparse.Action] = {}
    for action in parser._actions:
        found |= dict.fromkeys(action.option_strings, action)
        if isinstance(action, argparse._SubParsersAction):
            for below in action.choices.values():
                found |= options_of(below)
    return found


def choices_of(action: argparse.Action) -> set[str]:
    """Allowed values of an option; those of a job stand in the word for its value: {3d,every_slice}."""
    shown = re.fullmatch(r"\{(.*)\}", str(action.metavar or ""))
    return set(shown[1].split(",")) if shown else set(map(str, action.choices or ()))


@cache
def tracked() -> list[str]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git work tree: nothing is tracked here")
    return [name for name in listing.stdout.split("\0") if name]


@cache
def sources() -> str:
    """All library files in one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("*/*Lib/**/*.py")))


def understood(words: list[str]) -> bool:
    try:
        return callable(_parser().parse_args(words).run)
    except SystemExit:
        return False


@each_document
def test_every_command_is_understood(document, capsys):
    for command in commands_of(document):
        words = shlex.split(command) if command.startswith(("peritumoral ", "Slicer ", "python")) else [""]
        if words[0] == "Slicer":
            script = next(n for n, word in enumerate(words) if word.endswith(".py"))
            assert (ROOT / words[script]).is_file(), command
            words = ["peritumoral", *words[script + 1 :]]
        if words[0] == "peritumoral":
            assert understood(words[1:]), f"{command}\n{capsys.readouterr().err}"
        elif words[0].startswith("python"):
            assert (ROOT / words[1]).is_file(), command


def test_enough_commands_are_found_to_say_so():
    counts = {path.name: sum(c.startswith("peritumoral ") for c in commands_of(path)) for path in DOCUMENTS}
    assert counts["README.md"] >= 12
    assert counts["survival.md"] >= 5
    assert counts["deep.md"] >= 7


def test_quickstart_knows_the_words_that_the_documents_give_it():
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    named = set(re.findall(r"quickstart\.py ([a-z]+)", text))
    assert {"demo", "test"} <= named <= set(runpy.run_path(str(ROOT / "quickstart.py"))["VERBS"])


@each_document
def test_every_option_exists_with_the_values_named(document):
    anywhere: dict[str, list[argparse.Action]] = {}
    for parser in verbs().values():
        for name, action in options_of(parser).items():
            anywhere.setdefault(name, []).append(action)
    for code in code_of(document):
        words = code.removeprefix("peritumoral ").split()
        known = anywhere
        if words and words[0] in verbs():
            known = {name: [action] for name, action in options_of(verbs()[words[0]]).items()}
        for option, value in re.findall(r"(?<!\S)(--[a-z][a-z-]*)(?:[ =]([^\s-]\S*))?", code):
            if option in OPTIONS_OF_OTHERS or words[0].endswith((".py", "Slicer", "python", "python3")):
                continue
            assert option in known, f"{option} in `{code}`"
            choices = [allowed for action in known[option] if (allowed := choices_of(action))]
            if value and not value.isupper() and len(choices) == len(known[option]):
                assert any(set(value.split("|")) <= allowed for allowed in choices), f"{value} in `{code}`"


@each_document
def test_every_link_and_picture_leads_to_a_file(document):
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text(encoding="utf-8")):
        if "://" not in target and not target.startswith("#"):
            assert (document.parent / unquote(target.split("#")[0])).exists(), target


@each_document
def test_every_file_of_the_repository_that_is_named_is_there(document):
    for code in code_of(document):
        for name in code.split():
            if name.endswith(SOURCES) and not re.search(r"[*<>]", name):
                assert any(f"/{path}".endswith(f"/{name}") for path in tracked()), f"`{code}`"
            elif re.match(r"(Testing|docs|Resources|Examples|\.ci)/", name) and "<" not in name:
                assert (ROOT / name).exists(), f"`{code}`"


@each_document
def test_every_file_that_a_program_is_said_to_write_is_named_in_its_source(document):
    for code in code_of(document):
        name = code.rsplit("/", 1)[-1]
        if name.endswith(MADE) and re.fullmatch(r"[\w.]+", name) and not name.startswith(".") and " " not in code:
            assert name in OF_THE_READER or name in sources(), f"`{code}`"


@each_document
def test_python_in_a_document_is_python(document):
    for language, text in fences(document):
        if language == "python":
            compile(text, document.name, "exec")


def test_the_figures_of_the_engines_page_are_those_of_the_benchmarks():
    benchmarks = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    known = set(re.findall(r"\d+(?:\.\d+)?", benchmarks))
    rows = [line for line in (ROOT / "docs" / "engine.md").read_text(encoding="utf-8").splitlines() if line[:2] == "| "]
    ratios = [row.strip("|").split("|")[-1] for row in rows if re.match(r"\| (LUNG1-001|lung2|all )", row)]
    assert len(ratios) == 6
    for ratio in ratios:
        assert set(re.findall(r"\d+(?:\.\d+)?", ratio)) <= known, ratio
