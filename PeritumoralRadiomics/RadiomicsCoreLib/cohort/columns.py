"""Which columns of a cohort are what: the one grammar of every verb that reads a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from ..errors import InputError
from ..settings.options import option
from .missing import MissingPolicies

ID_COLUMN, SPLIT_COLUMN, PATIENT_COLUMN, CENTRE_COLUMN = "case_id", "split", "patient", "centre"
USUAL_COLUMNS = {"id": ID_COLUMN, "split": SPLIT_COLUMN, "patient": PATIENT_COLUMN, "centre": CENTRE_COLUMN}
"""Role to the column that has it where the user names none."""
_GROUP = "columns"


@dataclass(frozen=True, kw_only=True)
class CaseColumns:
    """Which columns are id, split, patient and centre.

    A column that is not named is the one of its usual name, where the table has that.

    Attributes:
        id: names the cases, each once.
        split: tells train, the one part that is fitted, from parts that are only predicted.
        patient: names the patients, where some have several cases.
        centre: names the hospital or scanner of a case.
    """

    id: str | None = option("column of the cases' names (default: case_id)", None, group=_GROUP)
    split: str | None = option(
        "column of the parts; only train is fitted (default: split, where there is one)", None, group=_GROUP
    )
    patient: str | None = option(
        "column of patients, where some have several cases (default: patient, where there is one)", None, group=_GROUP
    )
    centre: str | None = option(
        "column of hospitals or scanners (default: centre, where there is one)", None, group=_GROUP
    )

    def found_in(self, header: Sequence[str], usual: Mapping[str, str] | None = None) -> Self:
        """Return the columns that a table has: names of the user's own, or the usual ones; None where there is none.

        Args:
            header: of the table.
            usual: role to column that is looked for before the one of the usual name: that of a model's training.

        Raises:
            InputError: a column that the user names is not there, or stands for two things.

        Example:
            >>> CaseColumns(id="subject").found_in(["subject", "split", "age"]).named
            {'id': 'subject', 'split': 'split'}
        """
        own = self.named
        for role, name in own.items():
            if name not in header:
                shown = ", ".join(header[:12]) + (", …" if len(header) > 12 else "")
                raise InputError(f"the cohort has no column {name!r} to be the {role}; it has {shown}")
        if len(set(own.values())) < len(own):
            raise InputError(f"one column cannot be two things: {', '.join(f'{r} {n!r}' for r, n in own.items())}")
        found = dict(own)
        for role, name in [*(usual or {}).items(), *USUAL_COLUMNS.items()]:
            if role not in found and name in header and name not in found.values():
                found[role] = name
        of = found.get
        return replace(self, id=of("id"), split=of("split"), patient=of("patient"), centre=of("centre"))

    @property
    def named(self) -> dict[str, str]:
        """Role to column, of those that are known."""
        roles = {"id": self.id, "split": self.split, "patient": self.patient, "centre": self.centre}
        return {role: name for role, name in roles.items() if name is not None}


@dataclass(frozen=True, kw_only=True)
class CohortColumns(CaseColumns):
    """Which columns are id, split, patient and centre, and what is done with missing values.

    Attributes:
        missing: what is done with missing values.
    """

    missing: MissingPolicies = option(
        "missing values: drop the patient, median (or mode) of training, level (of its own), mice (multiple imputation "
        "in cox and logistic, elsewhere as median), error (stop); for all columns, or by column: "
        "drop,age=median,stage=level (default: drop)",
        MissingPolicies(),
        read=str,
        metavar="POLICY,COLUMN=POLICY,…",
        group=_GROUP,
    )


def features_option(
    help: str = "feature and signature tables, joined to the cohort on its id; a path alone is called as its folder",
    group: str | None = None,
) -> Any:
    """Return the field ``features`` of a job: name to feature or signature table, joined on the id of the cases."""
    return option(
        help,
        factory=dict,
        many=True,
        read=named_table,
        metavar="NAME=CSV",
        group=group,
    )


def select_option() -> Any:
    """Return the field ``select`` of a job: patterns of the feature columns that are used."""
    return option("feature columns to use, by pattern: 'ct.ring_0_6mm.*,*.signature' (default: all)", ())


def named_table(text: str) -> tuple[str, str]:
    """Return name and path of a table: ``radiomics=out/features.csv``; a path alone is called as its folder.

    Example:
        >>> named_table("deep=out/features.csv"), named_table("/study/rings/features.csv")
        (('deep', 'out/features.csv'), ('rings', '/study/rings/features.csv'))
    """
    name, sign, path = text.partition("=")
    if sign and name.strip() and path.strip():
        return name.strip(), path.strip()
    if sign or not text.strip():
        raise InputError(f"{text!r} names no table; give NAME=table.csv")
    return Path(text).resolve().parent.name or "features", text
