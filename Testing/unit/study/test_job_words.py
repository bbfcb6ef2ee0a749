"""The words of every verb are made from its job: each option is a setting, with the job's default and help."""

from __future__ import annotations

import argparse
import ast
from collections.abc import Mapping
from pathlib import Path

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.registry import job_class, job_from, verbs
from RadiomicsCoreLib.settings.options import settings_of
from RadiomicsCoreLib.settings.text import load_yaml
from RadiomicsStudyLib.cli import VERBS, main
from RadiomicsStudyLib.words.job_words import add_words, settings_from
from RadiomicsStudyLib.words.verb import JobVerb

LIB = Path(__file__).resolve().parents[3] / "RadiomicsStudy" / "RadiomicsStudyLib"
JOB_VERBS: list[JobVerb] = [module.VERB for module in VERBS if hasattr(module, "VERB")]
# Options of a verb that belong to this run alone and change no value of it.
OF_THE_RUN = {"out", "print_job", "help", "dry_run"}


def parser_of(verb: JobVerb) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser()
    verb.add_options(parser)
    return parser


def words_of(verb: str, *words: str) -> dict:
    parser = argparse.ArgumentParser()
    add_words(parser, job_class(verb))
    return settings_from(job_class(verb), parser.parse_args(words))


def test_every_verb_with_a_job_is_a_verb_of_the_command_line():
    assert {verb.name for verb in JOB_VERBS} == set(verbs())


def test_every_option_of_every_verb_is_a_setting_of_its_job_and_every_word_an_option():
    strange, missing = [], []
    for verb in JOB_VERBS:
        settings = {setting.name: setting for setting in settings_of(job_class(verb.name))}
        actions = parser_of(verb)._actions
        strange += [f"{verb.name} {a.dest}" for a in actions if a.dest not in settings and a.dest not in OF_THE_RUN]
        offered = {word for action in actions for word in action.option_strings}
        missing += [
            f"{verb.name} {setting.word}"
            for setting in settings.values()
            if setting.word and setting.word not in offered and setting.name != "study"
        ]
    assert (strange, missing) == ([], [])


def test_a_word_that_is_not_said_leaves_the_default_to_the_job():
    for verb in JOB_VERBS:
        chosen = [action.dest for action in parser_of(verb)._actions if action.default not in (None, argparse.SUPPRESS)]
        assert set(chosen) <= OF_THE_RUN, verb.name


def test_words_become_the_settings_that_they_name():
    words = [
        "c.csv",
        "--rings",
        "3,6",
        "--adaptive",
        "1/6",
        "--plane",
        "every_slice",
        "--no-overlays",
        "--union",
        "--ring-window=-150,250",
    ]
    words += [
        "--phases",
        "ct,pet",
        "--perturb",
        "2",
        "--perturb-mm",
        "0.5",
        "--workers",
        "2",
        "--for",
        "pet:bin-width=0.25",
        "--for",
        "ct:gap=1",
    ]
    assert words_of("extract", *words) == {
        "cohort": "c.csv",
        "phases": ["ct", "pet"],
        "per_phase": {"pet": {"measure": {"bin_width": 0.25}}, "ct": {"rings": {"gap_mm": 1}}},
        "workers": 2,
        "overlays": False,
        "rings": {
            "outer_mm": [3.0, 6.0],
            "fractions": [1 / 6],
            "plane": "every_slice",
            "union": True,
            "window": [-150.0, 250.0],
        },
        "perturb": 2,
        "perturbation": {"sd_mm": 0.5},
    }
    assert words_of("measure", "ct.nii", "a=x/a.nii", "b=b=1.nii")["regions"] == {"a": "x/a.nii", "b": "b=1.nii"}
    assert words_of("rings", "i", "m", "--exclude", "a", "--exclude", "b")["exclude"] == ["a", "b"]


def test_words_that_make_no_sense_are_refused_with_the_word():
    wrong: Mapping[str, tuple[str, ...]] = {
        "--rings 'x'": ("--rings", "x"),
        "--rings": ("--rings", ""),
        "--gap 'x' is not a number": ("--gap", "x"),
        "--workers 'two' is not a whole number": ("--workers", "two"),
        "--ring-window '1'": ("--ring-window", "1"),
        "names 'ct' twice|names no setting": ("--for", "ct:3"),
        "not of the form PHASE": ("--for", "bin_width=3"),
        "did you mean 'bin-width'": ("--for", "ct:bin-widht=3"),
        "names 'bin-width' twice": ("--for", "ct:bin-width=3,bin-width=4"),
    }
    for told, words in wrong.items():
        with pytest.raises(InputError, match=told.split("|")[-1].split(" 'x'")[0]):
            words_of("extract", "c.csv", *words)
    with pytest.raises(InputError, match="name=value"):
        words_of("measure", "ct.nii", "a.nii")
    with pytest.raises(InputError, match="names 'a' twice"):
        words_of("measure", "ct.nii", "a=1", "a=2")


def test_print_job_prints_what_run_repeats_and_does_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [
        "extract",
        "cohort.csv",
        "--study",
        "liu2025",
        "--rings",
        "3",
        "--for",
        "pet:bin-width=1",
        "-o",
        "out",
        "--print-job",
    ]
    assert main(words) == 0
    printed = load_yaml(capsys.readouterr().out)
    assert list(tmp_path.iterdir()) == []
    job = job_from(printed)
    own = {"rings": {"outer_mm": [3]}, "per_phase": {"pet": {"measure": {"bin_width": 1}}}}
    assert job == job_from({"verb": "extract", "cohort": "cohort.csv", "study": "liu2025", **own})
    assert job.measure.preset == "liu2025"  # type: ignore[attr-defined]


def test_an_old_word_is_told_by_the_new_one(capsys):
    assert main(["extract", "c.csv", "--jobs", "2"]) == 2
    assert "--jobs is now --workers" in capsys.readouterr().err


# Files of verbs that do not build a job yet, and of words that only they use.
WITHOUT_A_JOB = {path.name for path in (LIB / "words").glob("*arguments.py")} | {
    Path(str(module.__file__)).name for module in VERBS if not hasattr(module, "VERB")
}
# "run" reads a job file: how its own progress is shown is no setting of a job.
ALLOWED = {"run.py": {"choices", "default"}, "job_words.py": {"default"}}


def test_defaults_and_choices_stand_in_the_jobs_and_in_no_file_of_words():
    found = []
    for path in sorted([*(LIB / "commands").rglob("*.py"), *(LIB / "words").glob("*.py")]):
        if path.name in WITHOUT_A_JOB - {"run.py"}:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg in ("default", "choices"):
                found += [f"{path.name}: {node.arg}"] if node.arg not in ALLOWED.get(path.name, ()) else []
    assert found == []
