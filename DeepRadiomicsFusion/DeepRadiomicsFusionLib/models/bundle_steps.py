"""The jobs that bring one patient's images to a bundle's answer: features first, where it reads tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from PeritumoralRadiomicsLib.regions.kinds import TUMOUR
from RadiomicsCoreLib.errors import ModelError
from RadiomicsCoreLib.files.provenance import MADE_WITH, STUDY_FILE, study_beside

from ..networks.network_source import IMAGENET
from ..networks.training_record import TRAINED_NETWORK
from ..settings.deep_feature_settings import ReadSettings
from ..settings.input_changes import InputChanges
from ..settings.input_settings import NetworkInput
from .bundle_card import BundleCard

ANSWER, CONTRIBUTIONS, MAPS = "answer", "contributions", "maps"
"""Folders of the last jobs; those before them are called as the tables that they make."""
_MM = re.compile(r"(?:intra_)?ring_([0-9p]+)_([0-9p]+)mm\Z")
_PARTS = re.compile(r"(?:intra_)?ring_((?:[rf][0-9p]+_?)+)\Z")
Steps = dict[str, dict[str, Any]]


def steps_of(card: BundleCard, cohort: Path | str, out: Path | str) -> Steps:
    """Return the jobs that a bundle's answer takes, in order.

    Args:
        card: of the bundle.
        cohort: table with the patient's images and masks, of the phases that the bundle names.
        out: folder that the jobs' folders lie in.

    Returns:
        Folder of each job to its plain values. ``answer`` holds ``predictions.csv``, ``contributions`` what each input
        of a classifier added.

    Raises:
        ModelError: what the bundle reads cannot be made again: a ring that has no size, a network that is not at hand.

    Example:
        >>> from DeepRadiomicsFusionLib.settings.training_settings import Task
        >>> card = BundleCard(Path("net"), True, Task.SURVIVAL, ("risk",), {}, ("ct",), ("intratumour",))
        >>> steps_of(card, "cohort.csv", "out")["answer"]["verb"]
        'apply'
    """
    answer = {"verb": "apply", "bundle": str(card.path), "formats": []}
    if card.is_network:
        return {ANSWER: {**answer, "cohort": str(cohort), "workers": 1}}
    steps, tables = {}, {}
    for name, made in card.sources.items():
        steps[name], table = _table_step(card, name, made, str(cohort))
        tables[name] = str(Path(out) / name / table)
    if not tables:
        raise ModelError("the bundle does not say how its feature tables were made; apply it to tables by `apply`")
    explained = {"verb": CONTRIBUTIONS, "bundle": str(card.path), "features": tables, "formats": []}
    return {**steps, ANSWER: {**answer, "features": tables}, CONTRIBUTIONS: explained}


def map_step(card: BundleCard, cohort: Path | str, kind: str, endpoint: str | None) -> Steps:
    """Return the job that maps what decided a network's output.

    Args:
        card: of a network that says yes or no, or a risk.
        cohort: table with the patient.
        kind: ``grad_cam`` or ``input_gradient``.
        endpoint: output; None: the first.
    """
    values = {"verb": "explain", "bundle": str(card.path), "cohort": str(cohort), "maps": [kind], "workers": 1}
    return {MAPS: values | ({"endpoint": endpoint} if endpoint else {})}


def rings_named(regions: Iterable[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ring settings, plain values, that grow regions of these names.

    Args:
        regions: names, as in feature columns.
        settings: how they are grown, without their sizes.

    Raises:
        ModelError: a name that tells no size.

    Example:
        >>> rings_named(["intratumour", "ring_0_3mm", "intra_ring_r2"], {"layout": "cumulative"})["outer_mm"]
        [3.0]
        >>> rings_named(["ring_3_6mm"], {"layout": "bands"})["outer_mm"]
        [3.0, 6.0]
    """
    distances, fractions = set[float](), set[float]()
    for region in regions:
        if region == TUMOUR:
            continue
        in_mm, in_parts = _MM.match(region), _PARTS.match(region)
        if in_mm:
            distances |= {_number(word) for word in in_mm.groups()}
        elif in_parts:
            words = [word for word in in_parts[1].split("_") if word]
            fractions |= {_number(word[1:]) / (6 if word[0] == "r" else 1) for word in words}
        else:
            raise ModelError(f"the bundle reads the region {region!r}, which no ring settings make")
    gap = float(settings.get("gap_mm") or 0.0)
    return {
        **settings,
        "outer_mm": sorted(distance for distance in distances if distance > gap),
        "fractions": sorted(fractions),
        "union": any(region.startswith("intra_") for region in regions),
    }


def network_beside(bundle: Path, weights: str) -> Path:
    """Return the model folder of a training that ended with these weights and lies beside a bundle's own folder.

    Raises:
        ModelError: there is none.
    """
    around = bundle.resolve().parents[1]
    for folder in sorted(path for path in around.iterdir() if path.is_dir()) if around.is_dir() else ():
        made = (study_beside(folder / STUDY_FILE) or {}).get(MADE_WITH)
        if isinstance(made, Mapping) and made.get(TRAINED_NETWORK) == weights and (folder / "model").is_dir():
            return folder / "model"
    raise ModelError(
        f"the bundle reads the signatures of a network (weights {weights[:8]}) that does not lie beside it; put the "
        f"folder of its training into {around}"
    )


def _table_step(card: BundleCard, name: str, made: Mapping[str, Any], cohort: str) -> tuple[dict[str, Any], str]:
    """The job that makes a table again, and the table's file."""
    job: dict[str, Any] = {"cohort": cohort, "workers": 1}
    if TRAINED_NETWORK in made:
        network = network_beside(card.path, str(made[TRAINED_NETWORK]))
        return {**job, "verb": "apply", "bundle": str(network), "formats": []}, "signatures.csv"
    if "extraction" in made:
        per_phase = {
            phase: {
                "measure": {"full": made["extraction"][phase]},
                "rings": rings_named(card.regions, made["rings"][phase]),
            }
            for phase in card.phases
        }
        engine = {"engine": card.engine} if card.engine else {}
        phases = list(card.phases)
        return {**job, "verb": "extract", "phases": phases, "per_phase": per_phase, **engine}, "features.csv"
    if "features" in made:
        return {**job, "verb": "deep_features", **_deep(card, made)}, "features.csv"
    raise ModelError(f"the bundle does not say how its table {name!r} was made; apply it to tables by `apply`")


def _deep(card: BundleCard, made: Mapping[str, Any]) -> dict[str, Any]:
    read = {item.name: made["features"][item.name] for item in fields(ReadSettings) if item.name in made["features"]}
    shown = InputChanges.of(NetworkInput.from_dict(made["features"]["input"]))
    values = {item.name: getattr(shown, item.name) for item in fields(InputChanges)}
    return {
        "phases": list(card.phases),
        "network": made["network"]["name"],
        "weights": IMAGENET,
        "read": read,
        "input": {name: getattr(value, "value", value) for name, value in values.items() if value is not None},
        "rings": rings_named(card.regions, made["rings"]),
        "regions": list(card.regions),
    }


def _number(word: str) -> float:
    return float(word.replace("p", "."))
