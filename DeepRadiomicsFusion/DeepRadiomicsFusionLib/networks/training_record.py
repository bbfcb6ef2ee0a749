"""On which phases, regions, preprocessing and engine a model was trained, and whether new features match."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.files.provenance import MADE_WITH, STUDY_FILE

_ENGINE = "engine"
# What may differ without changing a region's feature: a model names the regions that it needs.
_FREE = {
    "rings": frozenset({"outer_mm", "fractions", "union", "inner_rim_mm", "min_voxels"}),
    "extraction": frozenset({"name"}),
}
# The engine and the regions have fields of their own.
_SETTINGS_WITHOUT_EFFECT = {"engine", "regions", "overlays", "pictures", "save_masks", "resample_masks"}
TRAINED_NETWORK = "trained_network"
"""Setting of a training's ``study.json``: the hash of the weights that it ended with."""


@dataclass(frozen=True)
class TrainingRecord:
    """How the features of a table were made.

    Attributes:
        phases: phases of the features, e.g. ``ct``.
        regions: regions of the features, e.g. ``ring_0_3mm``.
        engine: program that computed them (empty if not known).
        engine_version: its version.
        preprocessing: settings that change a feature's value, by source; plain values, empty if not known.
    """

    phases: tuple[str, ...]
    regions: tuple[str, ...]
    engine: str = ""
    engine_version: str = ""
    preprocessing: Mapping[str, object] = field(default_factory=dict)

    def to_dict(self) -> dict[str, object]:
        """Plain values, as they stand in a bundle."""
        return {
            "phases": list(self.phases),
            "regions": list(self.regions),
            "engine": self.engine,
            "engine_version": self.engine_version,
            "preprocessing": dict(self.preprocessing),
        }


def record_from_dict(data: object) -> TrainingRecord:
    """Rebuild a record from plain values.

    Raises:
        InputError: parts are missing or of the wrong kind.
    """
    if not isinstance(data, Mapping):
        raise InputError("the bundle does not say what it was trained on")
    lists = [data.get("phases"), data.get("regions")]
    if any(not isinstance(item, list) or not all(isinstance(name, str) for name in item) for item in lists):
        raise InputError("the bundle does not say on which phases and regions it was trained")
    preprocessing = data.get("preprocessing", {})
    if not isinstance(preprocessing, Mapping):
        raise InputError("the bundle's preprocessing is not a group of settings")
    return TrainingRecord(
        tuple(data["phases"]),
        tuple(data["regions"]),
        str(data.get("engine", "")),
        str(data.get("engine_version", "")),
        dict(preprocessing),
    )


def record_of(columns: Iterable[str], studies: Mapping[str, Mapping[str, Any]] | None = None) -> TrainingRecord:
    """The record of feature columns ``<phase>.<region>.<feature>``.

    Args:
        columns: names; those of another form (clinical columns) say nothing.
        studies: source to the content of the ``study.json`` beside its table.
    """
    parts = [column.split(".", 2) for column in columns]
    parts = [item for item in parts if len(item) == 3]
    engine, version, preprocessing = "", "", {}
    for source, study in (studies or {}).items():
        made = study.get(MADE_WITH)
        if not isinstance(made, Mapping):
            continue
        if isinstance(made.get(_ENGINE), Mapping):
            engine, version = str(made[_ENGINE].get("name", "")), str(made[_ENGINE].get("version", ""))
        preprocessing[source] = _of_a_network(study, made) or _relevant(made)
    return TrainingRecord(
        tuple(dict.fromkeys(item[0] for item in parts)),
        tuple(dict.fromkeys(item[1] for item in parts)),
        engine,
        version,
        preprocessing,
    )


def check_compatible(trained: TrainingRecord, new: TrainingRecord) -> tuple[str, ...]:
    """Refuse features that were made otherwise than those of the training.

    Args:
        trained: of the model.
        new: of the table that it shall be applied to.

    Returns:
        Notes on what could not be compared.

    Raises:
        ModelError: one line with the first thing that differs, both values, and what to do.

    Example:
        >>> check_compatible(TrainingRecord(("ct",), ("intratumour",)), TrainingRecord(("pet",), ("intratumour",)))
        Traceback (most recent call last):
            ...
        RadiomicsCoreLib.errors.ModelError: the model was trained on phase 'ct', which these features lack (they
        have 'pet'); extract it
    """
    for what, needed, given in (("phase", trained.phases, new.phases), ("region", trained.regions, new.regions)):
        missing = [name for name in needed if name not in given]
        if missing:
            have = ", ".join(repr(name) for name in given) or "none"
            raise ModelError(
                f"the model was trained on {what} {missing[0]!r}, which these features lack (they have {have}); "
                "extract it"
            )
    notes = []
    if trained.engine and new.engine and trained.engine != new.engine:
        raise ModelError(
            f"the model was trained on features of the engine {trained.engine!r}, these are of {new.engine!r}; extract "
            f"with --engine {trained.engine}"
        )
    if trained.engine_version and new.engine_version and trained.engine_version != new.engine_version:
        notes.append(
            f"the model was trained with {trained.engine} {trained.engine_version}, these features are of "
            f"{new.engine_version}"
        )
    for source, settings in trained.preprocessing.items():
        if source not in new.preprocessing:
            notes.append(f"no {STUDY_FILE} beside the {source} table: its preprocessing could not be compared")
            continue
        was_made, is_made = (_of_phases(made, trained.phases) for made in (settings, new.preprocessing[source]))
        difference = first_difference(was_made, is_made)
        if difference:
            name, was, now = difference
            raise ModelError(
                f"the model was trained with {name} = {was!r}, these {source} features were made with {now!r}; extract "
                "them with the training's settings"
            )
    return tuple(notes)


def first_difference(trained: object, new: object, name: str = "") -> tuple[str, object, object] | None:
    """The first setting that differs: its dotted name and both values; None if there is none.

    Example:
        >>> first_difference({"setting": {"binWidth": 25}}, {"setting": {"binWidth": 10}})
        ('setting.binWidth', 25, 10)
    """
    if isinstance(trained, Mapping) and isinstance(new, Mapping):
        for key in dict.fromkeys([*trained, *new]):
            found = first_difference(trained.get(key), new.get(key), f"{name}.{key}" if name else str(key))
            if found:
                return found
        return None
    if isinstance(trained, (list, tuple)) and isinstance(new, (list, tuple)):
        return None if list(trained) == list(new) else (name, trained, new)
    return None if trained == new else (name, trained, new)


def _of_a_network(study: Mapping[str, object], made: Mapping[str, object]) -> dict[str, object]:
    """The network whose outputs a table of ``train`` or ``apply`` holds: its weights stand for all settings of it.

    Out-of-fold signatures are of other networks of the same training; new patients get those of the final one.
    """
    network = made.get("network")
    ended_with = {
        "train": made.get(TRAINED_NETWORK),
        "apply": network.get("weights_sha256") if isinstance(network, Mapping) else None,
    }
    found = ended_with.get(str(study.get("job")))
    return {TRAINED_NETWORK: found} if found else {}


def _relevant(settings: Mapping[str, object]) -> dict[str, object]:
    """Settings of a run that change the value of a feature."""
    return {
        name: _without(value, _FREE.get(name, frozenset()))
        for name, value in settings.items()
        if name not in _SETTINGS_WITHOUT_EFFECT
    }


def _of_phases(made: object, phases: Sequence[str]) -> object:
    """Settings with those of the model's phases alone, in the groups that have some for each phase."""
    if not isinstance(made, Mapping):
        return made
    return {
        name: {phase: value[phase] for phase in phases if phase in value}
        if isinstance(value, Mapping) and set(phases) & set(value)
        else value
        for name, value in made.items()
    }


def _without(value: object, names: Collection[str]) -> object:
    """A group of settings without some of them; rings and extraction are such a group for each phase."""
    if not names or not isinstance(value, Mapping):
        return value
    return {name: _without(inner, names) for name, inner in value.items() if name not in names}
