"""The jobs by verb: each is found, and every field of each comes back from plain values and from YAML."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import pytest

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.record import job_text
from RadiomicsCoreLib.jobs.registry import job_class, job_from, load_job, verbs
from RadiomicsCoreLib.settings.options import Setting, settings_of, without_none
from RadiomicsCoreLib.settings.records import Changes, merged
from RadiomicsCoreLib.settings.text import load_yaml

# What a field can only be set together with: verb -> field -> the others.
TOGETHER: dict[str, dict[str, dict[str, Any]]] = {
    **{
        verb: {f"perturbation.{name}": {"perturb": 2} for name in ("sd_mm", "correlation_mm", "volume_sd", "seed")}
        for verb in ("extract", "deep_features")
    },
    "train": {
        "time": {"endpoints": [], "event": "e", "training": {"task": "survival"}},
        "event": {"endpoints": [], "time": "t", "training": {"task": "survival"}},
        "training.monitor": {"endpoints": [], "network": "unet", "training": {"task": "segmentation"}},
        "input.size": {"input": {"kind": "patch"}},
    },
    "split": {"dealing.by": {"dealing": {"external": ["b"]}}},
    "compare": {"against": {"models": {"x": "c"}}},
    "collect": {"groups": {"runs": {"ct": "b"}}},
}
# Values that fit a field with rules of its own; other fields take one by their type.
VALUES: dict[str, tuple[Any, ...]] = {
    "columns.missing": ("median",),
    "cutoff": ("youden",),
    "permutations": (99,),
    "evaluation.permutations": (99,),
    "evaluation.resamples": (500,),
    "training.monitor": ("dice", "loss"),
    "input.size": (64, [64, 64]),
    "structures": (["ct"],),
    "features": ({"deep": "other.csv"},),
}
# Fields that no job ever holds: a file whose contents take their place.
READ_AWAY = {"train settings"}
# What a verb needs beside its required fields.
NEEDED: dict[str, dict[str, Any]] = {
    "rings": {"rings": {"outer_mm": [3.0]}},
    "correlation": {"features": {"radiomics": "a.csv", "deep": "b.csv"}},
    "train": {"endpoints": ["a"], "training": {"task": "classification"}},
    "compare": {"models": {"a": "a", "b": "b"}},
    "scores": {"features": {"a": "a.csv"}},
    "join": {"features": {"a": "a.csv"}},
    "collect": {"runs": {"a": "a"}, "table": ["scores"]},
}


def candidates(kind: Any, choices: tuple[Any, ...] = ()) -> Iterator[Any]:
    """Plain values of a type that differ from most defaults."""
    kind, _ = without_none(kind)
    origin = get_origin(kind)
    if choices:
        yield from ([choice] if origin is tuple else choice for choice in reversed(choices))
    elif origin is tuple:
        parts = get_args(kind)
        if parts[-1] is Ellipsis:
            yield from ([value] for value in candidates(parts[0]))
        else:
            yield [next(candidates(part)) + k for k, part in enumerate(parts)]
    elif origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        yield from ({"ct": value} for value in candidates(get_args(kind)[1]))
    elif origin is Changes:
        for setting in settings_of(get_args(kind)[0]):
            yield from ({setting.path[-1]: value} for value in candidates(setting.kind, setting.choices))
    elif isinstance(kind, type) and issubclass(kind, Enum):
        yield from (member.value for member in reversed(kind))
    elif dataclasses.is_dataclass(kind):
        if hasattr(kind, "from_plain"):
            yield kind().to_plain()
        for name, inner in get_type_hints(kind).items():
            yield from ({name: value} for value in candidates(inner))
    else:
        yield from {bool: (True, False), int: (7, 2, 1), float: (0.3, 1.5, 40.0), Path: ("a/b.csv",)}.get(kind, ("x",))


def nested(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    return {path[0]: nested(path[1:], value) if len(path) > 1 else value}


def value_at(plain: Any, path: tuple[str, ...]) -> Any:
    if plain is None:  # a record that is not asked for, such as the rings of a network's own
        return None
    return value_at(plain[path[0]], path[1:]) if path else plain


def smallest(verb: str) -> dict[str, Any]:
    """Plain values of a job that names no more than it must."""
    required = [s for s in settings_of(job_class(verb)) if s.default is dataclasses.MISSING]
    values = merged(*(nested(s.path, next(candidates(s.kind, s.choices))) for s in required), NEEDED.get(verb, {}))
    return {"verb": verb, **values}


def changed(verb: str, setting: Setting) -> Job | None:
    """A job in which one setting is not its default; None if no value was taken."""
    before = job_from(smallest(verb)).to_dict()
    for value in (*VALUES.get(setting.name, ()), *candidates(setting.kind, setting.choices)):
        together = TOGETHER.get(verb, {}).get(setting.name, {})
        try:
            job = job_from(merged(smallest(verb), together, nested(setting.path, value)))
        except InputError:
            continue
        if value_at(job.to_dict(), setting.path) != value_at(before, setting.path):
            return job
    return None


def test_every_field_of_every_job_comes_back_from_plain_values_and_from_yaml():
    never, lost = [], []
    for verb in verbs():
        for setting in settings_of(job_class(verb)):
            if setting.default is dataclasses.MISSING or setting.name == "study":
                continue
            job = changed(verb, setting)
            if job is None and f"{verb} {setting.name}" in READ_AWAY:
                continue
            if job is None:
                never.append(f"{verb} {setting.name}")
            elif job_from({"verb": verb, **job.to_dict()}) != job or job_from(load_yaml(job_text(job))) != job:
                lost.append(f"{verb} {setting.name}")
    assert (never, lost) == ([], [])


def of_study(verb: str, study: str) -> Job | None:
    """A job with a study's settings; what is learned is named as the study wants it. None: it has no such job."""
    outcomes: list[dict[str, Any]] = [{}, {"endpoints": ["a"]}, {"time": "t", "event": "e"}]
    refused = []
    for outcome in outcomes if verb == "train" else [{}]:
        named = {name: value for name, value in smallest(verb).items() if verb != "train" or name in ("verb", "cohort")}
        try:
            return job_from({**named, **outcome, "study": study})
        except InputError as error:
            refused.append(error)
    if all("trains no network" in str(error) for error in refused):
        return None
    raise refused[-1]


def test_every_study_of_every_job_is_one_that_can_be_done_again_without_its_name():
    for verb in verbs():
        for study in job_class(verb).studies():
            job = of_study(verb, study)
            if job is None:
                continue
            again = {name: value for name, value in job.to_dict().items() if name != "study"}
            assert dataclasses.replace(job, study=None) == job_from({"verb": verb, **again}), (verb, study)


def test_every_job_is_frozen_named_by_its_verb_and_says_what_every_field_is():
    for verb in verbs():
        kind = job_class(verb)
        assert kind.verb == verb and issubclass(kind, Job)
        assert kind.__dataclass_params__.frozen, verb  # type: ignore[attr-defined]
        unsaid = [s.name for s in settings_of(kind) if not s.option.help]
        unsaid += [s.name for s in settings_of(kind) if s.kind is bool and s.default is True and s.option.off is None]
        assert unsaid == [], verb


def test_an_unknown_verb_names_the_near_one():
    for values, told in (({"verb": "extrakt"}, "'extract'"), ({}, "names its verb"), ({"verb": ["rings"]}, "its verb")):
        with pytest.raises(InputError, match=told):
            job_from(values)


def test_paths_of_a_job_file_begin_in_its_folder(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "mine.yaml").write_text("verb: rings\nimage: a.nii\nmask: ../b.nii\nrings: {outer_mm: [3]}\n")
    job = load_job(tmp_path / "in" / "mine.yaml")
    assert (job.image, job.mask) == (tmp_path / "in" / "a.nii", tmp_path / "in" / ".." / "b.nii")  # type: ignore[attr-defined]
