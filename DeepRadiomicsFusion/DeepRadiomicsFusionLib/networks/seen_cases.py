"""Whom the network of a bundle has learnt from, and cases that only bear the name of one of them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from RadiomicsCoreLib.cohort.seen_cases import SeenCases, seen_from_dict
from RadiomicsCoreLib.cohort.table import Case

if TYPE_CHECKING:
    from .network_bundle import NetworkBundle

IMAGES = "training_images"
"""Key of a bundle's provenance: training case to the hash of its image."""
PREDICTIONS_FILE, SIGNATURES_FILE = "predictions.csv", "signatures.csv"
"""Tables of a network's outputs."""
NEW, TRAINING_PART = "new cases", "cases of the training"
"""Parts of an evaluation of a model that is applied."""


def seen_by_bundle(bundle: NetworkBundle) -> SeenCases:
    """Return whom the network of a bundle has learnt from."""
    cases = bundle.provenance.get("training_cases")
    if not isinstance(cases, list):
        return SeenCases(unknown="its network's bundle does not say on which cases it was trained")
    patients = bundle.provenance.get("training_patients", cases)
    return seen_from_dict({"cases": cases, "patients": patients})


def namesakes(bundle: NetworkBundle, cases: Iterable[Case], phase: str) -> list[str]:
    """Return the cases that bear the id of a training case but have another image, as in another hospital's table.

    Args:
        bundle: a network that keeps the hashes of its training images; another one has no known namesakes.
        cases: of a cohort.
        phase: of the images.
    """
    recorded = bundle.provenance.get(IMAGES)
    known = recorded if isinstance(recorded, Mapping) else {}
    same = [case for case in cases if case.case_id in known and phase in case.images]
    return [case.case_id for case in same if image_hash(case, phase) not in ("", known[case.case_id])]


def image_hash(case: Case, phase: str) -> str:
    """Hash of the contents of a case's image, whatever its files are called; empty if they cannot be read."""
    path = case.images[phase].image
    files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
    digest = hashlib.sha256()
    try:
        for file in files:
            with file.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
    except OSError:
        return ""
    return digest.hexdigest()
