"""Which patients a network has learnt from, carried from its training to whoever uses what it says of them.

Outputs and features of a network for the patients that it was trained on know their outcome, even a random one. So
every job that runs a network writes into ``study.json``, for each of its tables, whom the network has seen, and
every job that fits a model on such a table refuses it if its network has seen a patient of the study.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import InputError
from ..files.provenance import study_beside

SEEN = "seen"
"""Key of ``study.json``: name of a table's file to its record."""
_OUTPUTS = (".signature", ".probability", ".dice")
# <phase>.<region>.<network>_<index>; no radiomic feature ends in a number behind an underscore.
_DEEP = re.compile(r"[^.]+\.[^.]+\.[A-Za-z]\w*_\d+", re.ASCII)
WHAT_TO_DO = (
    "train with folds (`train --folds 5`) and give its signatures.csv, or features of a network that never saw these "
    "patients"
)


@dataclass(frozen=True)
class SeenCases:
    """Whom the network behind a table has learnt from.

    Attributes:
        cases: ids of the training cases, those among them that chose the best epoch too.
        patients: their patients; the same ids where no column of patients was named.
        unknown: why it is not known whom it has seen; empty if it is.
    """

    cases: tuple[str, ...] = ()
    patients: tuple[str, ...] = ()
    unknown: str = ""

    def among(self, patient_of: Mapping[str, str]) -> list[str]:
        """Return the cases of a table, given with their patients, that were seen.

        Example:
            >>> SeenCases(("a",), ("p1",)).among({"a": "a", "b": "p1", "c": "c"})
            ['a', 'b']
        """
        cases = set(self.cases)
        # A patient may be called otherwise here: whoever shares a patient with a seen case was seen.
        patients = set(self.patients) | {patient for case, patient in patient_of.items() if case in cases}
        return [case for case, patient in patient_of.items() if case in cases or patient in patients]

    def to_dict(self) -> dict[str, object]:
        """Plain values, as they stand in ``study.json``."""
        record: dict[str, object] = {"cases": list(self.cases), "patients": list(self.patients)}
        return record | ({"unknown": self.unknown} if self.unknown else {})

    def without(self, names: Sequence[str]) -> SeenCases:
        """The same without some cases that bear a seen name but have other images; it says that it left them out."""
        if not names:
            return self
        cases, patients = (tuple(n for n in group if n not in set(names)) for group in (self.cases, self.patients))
        return SeenCases(cases, patients, f"{len(names)} cases bear the ids of training cases but have other images")


NOBODY = SeenCases()


def seen_record(tables: Mapping[str, SeenCases]) -> dict[str, object]:
    """Return what ``study.json`` holds of this: name of a table's file to whom its network has seen.

    Example:
        >>> seen_record({"features.csv": NOBODY})
        {'seen': {'features.csv': {'cases': [], 'patients': []}}}
    """
    return {SEEN: {name: seen.to_dict() for name, seen in tables.items()}}


def seen_from_dict(data: Any) -> SeenCases:
    """Undo :meth:`SeenCases.to_dict`; whatever else stands there is a record that says nothing."""
    lists = [data.get(name) if isinstance(data, Mapping) else None for name in ("cases", "patients")]
    if any(not isinstance(names, list) or not all(isinstance(name, str) for name in names) for names in lists):
        return SeenCases(unknown="the record of the cases that its network has seen is damaged")
    return SeenCases(tuple(data["cases"]), tuple(data["patients"]), str(data.get("unknown", "")))


def seen_by_table(source: Any, columns: Sequence[str]) -> SeenCases:
    """Return whom the network behind a feature table has learnt from.

    Args:
        source: path of the table, or a data frame.
        columns: of its features.

    Returns:
        Nobody for a table of radiomics; unknown for a network's table without a record.
    """
    study = study_beside(source) if isinstance(source, str | Path) else None
    record = (study or {}).get(SEEN)
    if isinstance(record, Mapping) and Path(str(source)).name in record:
        return seen_from_dict(record[Path(str(source)).name])
    if not looks_like_a_networks(columns):
        return NOBODY
    where = "no study.json beside it says" if isinstance(source, str | Path) else "a table in memory does not say"
    return SeenCases(unknown=f"{where} on which cases its network was trained")


def looks_like_a_networks(columns: Iterable[str]) -> bool:
    """Whether a name among the columns is that of a network's output or deep feature.

    Example:
        >>> looks_like_a_networks(["ct.intratumour.resnet18_7"])
        True
        >>> looks_like_a_networks(["ct.intratumour.original_glcm_Idm"])
        False
    """
    return any(column.endswith(_OUTPUTS) or column == "dice" or _DEEP.fullmatch(column) for column in columns)


def check_unseen(
    tables: Mapping[str, SeenCases], cases: Sequence[str], patient_of: Mapping[str, str], *, accept: bool = False
) -> tuple[str, ...]:
    """Refuse tables whose network has learnt from a case of the study.

    Args:
        tables: name of a table to whom its network has seen.
        cases: of the study, of all splits.
        patient_of: case to patient, also of cases that take no part; a case that is not there is its own patient.
        accept: do not refuse but warn.

    Returns:
        Notes: what could not be checked, and the warning where seen cases were accepted.

    Raises:
        InputError: one line with the table, how many cases its network has seen, and what to do.

    Example:
        >>> check_unseen({"deep": SeenCases(("a",), ("a",))}, ["a", "b"], {}, accept=True)[0][:44]
        'OPTIMISTIC: the network of the table deep ha'
    """
    notes = []
    known = {case: case for case in cases} | dict(patient_of)
    for name, seen in tables.items():
        if seen.unknown:
            notes.append(f"{name}: it could not be checked whether its network has seen these patients: {seen.unknown}")
        among = set(seen.among(known))
        found = [case for case in cases if case in among]
        if not found:
            continue
        said = f"{len(found)} of {len(cases)} cases, the first is {found[0]!r}"
        if not accept:
            raise InputError(
                f"the network of the table {name!r} was trained on {said}: it knows their outcome; {WHAT_TO_DO}"
            )
        notes.append(
            f"OPTIMISTIC: the network of the table {name} has seen {said}. The cross-validated figures of this run are "
            "too high, and so are those of any part with such cases; trust only parts that it has never seen"
        )
    return tuple(notes)


def notes_on_known(trained_on: SeenCases, cases: Sequence[str], what: str = "the model") -> tuple[str, ...]:
    """Return a note if a model that is applied to cases has learnt from some of them."""
    found = trained_on.among({case: case for case in cases})
    if not found:
        return ()
    return (
        f"{len(found)} of {len(cases)} cases were in the training of {what}, by their ids, the first is {found[0]!r}: "
        "what it says of them is too good, and so is an evaluation with them",
    )
