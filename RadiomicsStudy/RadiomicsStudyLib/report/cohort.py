"""Who was studied: the way from the cohort's table to the patients of each part, and their baseline table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import RadiomicsError
from RadiomicsCoreLib.files.tables import read_csv

from .folder import Stage, Study
from .table import Table, rows_of, table_of

BASELINE = "baseline_by_cohort"
# Columns that may name a person or a place: never described, whatever they hold.
_PRIVATE = re.compile(r"name|birth|dob|mrn|address|phone|mail|accession|insurance|physician|uid|path|file", re.I)
_FILES = re.compile(r"_(image|mask|series|roi|label)$")
_ROLES = ("id", "split", "patient", "centre")
MOST_LEVELS, MOST_CODES = 12, 4


@dataclass(frozen=True)
class Box:
    """One box of the flow: what, how many, and who went out on the way to it."""

    title: str
    count: str
    lines: tuple[str, ...] = ()


@dataclass(frozen=True)
class CohortView:
    """What the page shows of the cohort.

    Attributes:
        flow: boxes in their order.
        parts: patients and events of each part, of each stage that fits a model.
        baseline: the table by part; None where nothing can be described.
        source: where the baseline table comes from.
        centres: centre to its patients; empty without such a column.
        columns: of the cohort's table.
    """

    flow: tuple[Box, ...]
    parts: tuple[tuple[str, str, int, str], ...]
    baseline: Table | None
    source: str
    centres: Mapping[str, int]
    columns: tuple[str, ...]


def cohort_view(study: Study) -> CohortView:
    """Return flow, parts and baseline table, as far as the folder tells them."""
    frame = _frame(study)
    baseline, source = _baseline(study, frame)
    centre = _column(study, "centre")
    known = frame is not None and centre in getattr(frame, "columns", ())
    centres = Counter(map(str, frame[centre].dropna())) if known and frame is not None else {}
    columns = tuple(map(str, frame.columns)) if frame is not None else ()
    return CohortView(tuple(_flow(study, frame)), tuple(_parts(study)), baseline, source, centres, columns)


def cohort_file(study: Study) -> Path | None:
    """Return the cohort's table, where a record still leads to it."""
    for folder, settings in [(study.folder, study.job), *((stage.folder, stage.settings) for stage in study.stages)]:
        named = settings.get("cohort")
        path = folder / str(named) if named else None
        if path is not None and path.is_file():
            return path
    return None


def _frame(study: Study) -> Any:
    path = cohort_file(study)
    if path is None:
        return None
    try:
        return read_csv(path)
    except RadiomicsError:
        return None


def _column(study: Study, role: str) -> str:
    """The column of a role: what a job names, or the usual one."""
    for stage in study.stages:
        named = stage.setting("columns", role) or (stage.setting(role) if role != "id" else None)
        if isinstance(named, str):
            return named
    return {"id": "case_id"}.get(role, role)


def _flow(study: Study, frame: Any) -> list[Box]:
    boxes = []
    if frame is not None:
        split = _column(study, "split")
        parts = Counter(map(str, frame[split].fillna("no part"))) if split in frame.columns else {}
        lines = tuple(f"{name}: {parts[name]}" for name in sorted(parts, key=_train_first))
        boxes.append(Box("Cohort table", str(len(frame)), lines))
    extracted = next((stage for stage in study.stages if isinstance(stage.record.get("cases"), Mapping)), None)
    cases = extracted.record["cases"] if extracted else {}
    if extracted and cases:
        outcomes = [case for case in cases.values() if isinstance(case, Mapping)]
        failed = [str(case.get("reason") or "no reason given") for case in outcomes if case.get("status") == "failed"]
        lines = tuple(f"{n} failed: {why}" for why, n in Counter(failed).most_common(5))
        boxes.append(Box(f"Images and regions ({extracted.title})", str(len(outcomes) - len(failed)), lines))
    fitted = next((stage for stage in study.stages if _fitted(stage)), None)
    if fitted:
        analysed = _fitted(fitted)
        left_out = fitted.record["patients"].get("left_out")
        told = [f"{name}: {_count(part)}" for name, part in analysed.items()]
        if isinstance(left_out, Mapping):
            told += [f"left out: {n} ({why})" for why, n in _left_out(left_out)]
        total = sum(int(part.get("n", 0)) for part in analysed.values())
        boxes.append(Box(f"Analysed ({fitted.title})", str(total), tuple(told)))
    return boxes


def _fitted(stage: Stage) -> Mapping[str, Any]:
    patients = stage.record.get("patients")
    parts = patients.get("parts") if isinstance(patients, Mapping) else None
    return (
        {name: part for name, part in parts.items() if isinstance(part, Mapping)} if isinstance(parts, Mapping) else {}
    )


def _count(part: Mapping[str, Any]) -> str:
    events = part.get("events")
    return f"{part.get('n', '?')} patients" + (f", {events} events" if events is not None else "")


def _left_out(left_out: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Reason and number: the record may hold a number, a list of patients, or a reason for each patient."""
    counted: Counter[str] = Counter()
    for key, value in left_out.items():
        if isinstance(value, int):
            counted[str(key)] += value
        elif isinstance(value, list):
            counted[str(key)] += len(value)
        else:
            counted[str(value)] += 1
    return counted.most_common()


def _parts(study: Study) -> list[tuple[str, str, int, str]]:
    return [
        (stage.title, str(name), int(part.get("n", 0)), "" if part.get("events") is None else str(part["events"]))
        for stage in study.stages
        for name, part in _fitted(stage).items()
    ]


def _baseline(study: Study, frame: Any) -> tuple[Table | None, str]:
    """The clinical columns of the whole cohort; without its table, what a stage described."""
    if frame is not None:
        described = _described(study, frame)
        if described is not None:
            return described, "computed for this report from the cohort's table"
    for stage in study.stages:
        rows = rows_of(stage.tables.get(BASELINE))
        if rows:
            return table_of(BASELINE, rows), f"{stage.name}/{BASELINE}.csv"
    return None, ""


def _described(study: Study, frame: Any) -> Table | None:
    import numpy as np

    from SurvivalNomogramLib.tables.baseline_table import baseline_table

    roles = {_column(study, role) for role in _ROLES}
    names = [str(name) for name in frame.columns if str(name) not in roles and _describable(frame, str(name))]
    split = _column(study, "split")
    group = frame[split].fillna("no part") if split in frame.columns else np.full(len(frame), "all")
    levels = sorted(set(map(str, group)), key=_train_first)
    codes = [name for name in names if _is_code(frame[name].dropna())]
    try:
        table = baseline_table(frame, group, names, categorical=codes, levels=levels)
    except (RadiomicsError, ValueError):
        return None
    return table_of("baseline", table.to_dict("records"), most=200) if names else None


def _train_first(name: str) -> tuple[bool, str]:
    return name.lower() != "train", name


def _is_code(column: Any) -> bool:
    """Whether a column holds a few whole numbers, which are codes rather than a quantity."""
    values = column.unique()
    return (
        column.dtype.kind in "biuf" and len(values) <= MOST_CODES and all(float(value).is_integer() for value in values)
    )


def _describable(frame: Any, name: str) -> bool:
    """Whether a column is clinical: neither a file, nor a name, nor a date or a text of each patient's own."""
    if _PRIVATE.search(name) or _FILES.search(name):
        return False
    column = frame[name].dropna()
    return len(column) > 0 and (column.dtype.kind in "biuf" or column.nunique() <= MOST_LEVELS)


def endpoints_of(study: Study) -> Sequence[str]:
    """Return the end points that the stages name, each once."""
    found: dict[str, None] = {}
    for stage in study.stages:
        event, time, endpoint = (stage.setting(name) for name in ("event", "time", "endpoint"))
        if event:
            found[f"{event} (time: {time})" if time else str(event)] = None
        if endpoint:
            found[str(endpoint)] = None
    return tuple(found)
