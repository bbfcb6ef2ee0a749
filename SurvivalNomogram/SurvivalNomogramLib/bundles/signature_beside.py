"""Whom the model behind a table of signatures was fitted on, read from the bundle beside the table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from RadiomicsCoreLib.errors import InputError

from .bundle import load_bundle

SIGNATURE_TABLE, MODEL_FOLDER = "signature.csv", "model"


def fitted_behind(table: Path | str, ids: Sequence[str]) -> tuple[str, ...] | None:
    """Say how many of these cases were fitted by the model that wrote a table of signatures.

    Whoever fits a second model on the signature of the same patients sees an outcome that the signature knows already;
    a correction of the second step does not take that off.

    Args:
        table: path of a feature table.
        ids: of the cases of the study.

    Returns:
        Warnings, none where the signature has seen nobody of them; None where the table is none of ``cox`` with its
        bundle beside it.
    """
    path = Path(table)
    folder = path.parent / MODEL_FOLDER
    if path.name != SIGNATURE_TABLE or not folder.is_dir():
        return None
    try:
        bundle = load_bundle(folder)
    except InputError as error:
        return (f"it could not be checked whom the signature of {path.name} was fitted on: {error}",)
    inherited = tuple(str(line) for line in bundle.settings.get("networks") or ())
    if not bundle.fitted.ids:
        return (*inherited, f"it could not be checked whom the signature of {path.name} was fitted on: it had no ids")
    known = int(bundle.fitted.by_id(ids).sum())
    if not known:
        return inherited
    return (
        *inherited,
        f"OPTIMISTIC: the signature was fitted on {known} of these {len(ids)} cases, by their ids, and knows their "
        "outcome: all their figures are too good, the corrected ones too (the correction repeats this step, not the "
        "signature's); judge the model by patients that neither step has seen",
    )
