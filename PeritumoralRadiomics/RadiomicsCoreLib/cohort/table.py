"""The cohort table: which images and masks belong to which patient, and what else is known of each.

One row is one patient. Columns: ``case_id``; ``<phase>_image`` and ``<phase>_mask`` for every phase; optional
columns of a phase, ``_series`` (of a DICOM folder), ``_roi`` and ``_label`` (structure in the mask file),
``_organ_mask`` (rings may not leave it), ``_exclude_mask`` (rings may not enter it: other tumours, vessels) and
``_second_mask`` (second reader) with their own ``_roi`` and ``_label``; an optional ``split``; every other column is
clinical. Paths are relative to the table.
"""

from __future__ import annotations

import difflib
import logging
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ..errors import EmptyMaskError, InputError, RadiomicsError
from ..files.safe_names import one_line
from ..files.tables import read_cells, typed_column, unguard_text
from ..images.masks import read_mask
from ..images.reading import check_finite, read_image
from ..progress import Progress, no_progress
from .columns import ID_COLUMN, CaseColumns
from .splits import split_labels

LOG = logging.getLogger(__name__)
Warn = Callable[[str], None]
Look = Callable[[str, sitk.Image, sitk.Image], None]
"""Looks at a phase: its name, its image, its tumour mask."""

MISSING_CELLS = frozenset({"", "NA", "N/A", "n/a", "NaN", "nan", "<NA>", "#N/A", "NULL", "null"})
# Longest first: ct_organ_mask is the organ mask of ct, not the mask of a phase ct_organ.
_SUFFIXES = (
    "exclude_label", "second_label", "exclude_mask", "second_mask", "organ_label", "exclude_roi", "organ_mask",
    "second_roi", "organ_roi",
    "series", "image", "label", "mask", "roi",
)  # fmt: skip
_NEAR = 0.8

_Row = Mapping[str, str | None]


@dataclass(frozen=True)
class CaseProblem:
    """Why a case, or one phase of it, cannot be used.

    Attributes:
        case_id: the case.
        phase: the phase, empty if the problem is the whole case's.
        column: the column of the cell at fault, empty if it is none's.
        message: one line: what is wrong and what to do.
    """

    case_id: str
    phase: str
    column: str
    message: str


@dataclass(frozen=True)
class MaskSource:
    """Where a mask comes from.

    Attributes:
        path: label image, RTSTRUCT or DICOM SEG.
        roi: name of the structure in it, where needed.
        label: voxel value or number of the structure in it, where needed.
    """

    path: Path
    roi: str | None = None
    label: int | None = None


@dataclass(frozen=True)
class PhaseFiles:
    """The files of one phase of a patient.

    Attributes:
        image: image file or DICOM folder.
        mask: the tumour's mask file.
        roi: name of the tumour in the mask file, where needed.
        label: voxel value or number of the tumour in the mask file, where needed.
        series: description or UID of the series, where the DICOM folder holds several.
        organ: mask that rings may not leave.
        exclude: mask that rings may not enter, for example other tumours of the patient.
        second: the second reader's tumour mask.
    """

    image: Path
    mask: Path
    roi: str | None = None
    label: int | None = None
    series: str | None = None
    organ: MaskSource | None = None
    exclude: MaskSource | None = None
    second: MaskSource | None = None

    @property
    def organ_mask(self) -> Path | None:
        """Path of the organ mask."""
        return self.organ.path if self.organ else None

    @property
    def exclude_mask(self) -> Path | None:
        """Path of the mask that rings may not enter."""
        return self.exclude.path if self.exclude else None

    @property
    def second_mask(self) -> Path | None:
        """Path of the second reader's mask."""
        return self.second.path if self.second else None

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every path that the phase names, for hashing."""
        given = (self.image, self.mask, self.organ_mask, self.exclude_mask, self.second_mask)
        return tuple(path for path in given if path is not None)


@dataclass(frozen=True)
class Case:
    """One patient of a cohort.

    Attributes:
        case_id: unique id.
        images: phase to its files; a phase whose cells cannot be used is not there but in ``problems``.
        values: clinical column to value: int, float, bool or text; None where missing.
        split: cell of the ``split`` column; None where missing.
        problems: phases that cannot be used, and why.
        left_out: phases that nobody asks for, as those that a second reader did not draw.
    """

    case_id: str
    images: Mapping[str, PhaseFiles]
    values: Mapping[str, Any] = field(default_factory=dict)
    split: str | None = None
    problems: tuple[CaseProblem, ...] = ()
    left_out: tuple[str, ...] = ()

    def phases(self, of: Sequence[str]) -> list[str]:
        """The phases to do, of those of the cohort."""
        return [phase for phase in of if phase not in self.left_out]


@dataclass(frozen=True)
class Cohort:
    """A cohort table.

    Attributes:
        path: the CSV file.
        cases: in the order of the rows.
        phases: names of the phases, in the order of the columns.
        clinical_columns: every column that is no id, no file and not the split.
        columns: which columns are id, split, patient and centre; None where there is none.
    """

    path: Path
    cases: tuple[Case, ...]
    phases: tuple[str, ...]
    clinical_columns: tuple[str, ...]
    columns: CaseColumns = CaseColumns()

    def case(self, case_id: str) -> Case:
        """Return one case.

        Raises:
            InputError: no such id; suggests the nearest.
        """
        for case in self.cases:
            if case.case_id == case_id:
                return case
        hint = _hint(case_id, [case.case_id for case in self.cases])
        raise InputError(f"{self.path} has no case {case_id!r}{hint}")


@dataclass(frozen=True)
class PhaseData:
    """Image and masks of one phase, all on the image's grid (masks UInt8, 1 inside)."""

    image: sitk.Image
    mask: sitk.Image
    organ: sitk.Image | None = None
    exclude: sitk.Image | None = None
    second: sitk.Image | None = None


def read_cohort(
    csv_path: Path | str, *, phases: Sequence[str] | None = None, columns: CaseColumns | None = None
) -> Cohort:
    """Read a cohort table without opening the files that it names.

    Args:
        csv_path: comma-separated, UTF-8. ``NA`` and ``NaN`` count as missing, like an empty cell.
        phases: phases to use; None: all that the columns name.
        columns: which columns are id, split, patient and centre; None: those of the usual names.

    Returns:
        The cohort; what is wrong in single rows stands in ``Case.problems``.

    Raises:
        InputError: the table as a whole cannot be used: unreadable, empty, a column missing or misspelt, ids
            empty or repeated.

    Example:
        >>> read_cohort("cohort.csv").phases  # doctest: +SKIP
        ('ct', 'pet')
    """
    path = Path(os.path.expanduser(csv_path))
    header, cells = read_cells(path)
    asked = columns or CaseColumns()
    if asked.id is None:
        _check_id_column(path, header)
    roles = asked.found_in(header)
    assert roles.id is not None  # just checked, or named by the user
    if not cells:
        raise InputError(f"{path} names no case: there is a header but no row below it")
    texts = {name: [_cell(row[n]) for row in cells] for n, name in enumerate(header)}
    # An id is text, whatever it says: initials may well be NA.
    texts[roles.id] = [row[header.index(roles.id)].strip() for row in cells]
    _check_ids(path, roles.id, texts[roles.id])
    found = _find_phases(path, header)
    chosen = found if phases is None else _chosen_phases(path, found, phases)
    clinical = tuple(name for name in header if name not in (roles.id, roles.split) and _is_clinical(name, found))
    values = {name: _values(texts[name]) for name in clinical}
    if roles.split is not None:
        texts[roles.split] = split_labels([cell and unguard_text(cell) for cell in texts[roles.split]])
    cases = []
    for n in range(len(cells)):
        row = {name: texts[name][n] for name in header}
        cases.append(_case(path.parent, roles, row, chosen, {name: values[name][n] for name in clinical}))
    return Cohort(path, tuple(cases), chosen, clinical, roles)


def load_phase(
    files: PhaseFiles, *, resample: bool = False, warn: Warn = LOG.warning, progress: Progress = no_progress
) -> PhaseData:
    """Read the image and the masks of one phase of a case.

    Args:
        files: from :func:`read_cohort`.
        resample: allow masks on another grid, put onto the image's by nearest neighbour.
        warn: called with one line for each thing the user should know.
        progress: called while the image is read.

    Raises:
        InputError, GeometryError, RegionError: as :func:`~RadiomicsCoreLib.images.reading.read_image` and
            :func:`~RadiomicsCoreLib.images.masks.read_mask`.
    """
    image = read_image(files.image, series=files.series, progress=progress)

    def load(source: MaskSource | None) -> sitk.Image | None:
        return None if source is None else _read_source(source, image, resample=resample, warn=warn)

    tumour = _read_source(_tumour(files), image, resample=resample, warn=warn)
    try:
        exclude = load(files.exclude)
    except EmptyMaskError as error:
        warn(f"nothing is excluded: {error}")  # no other tumour, no vessel nearby
        exclude = None
    return PhaseData(image, tumour, load(files.organ), exclude, load(files.second))


def check_cohort(
    cohort: Cohort,
    *,
    resample: bool = False,
    warn: Warn = LOG.info,
    look: Look | None = None,
    progress: Progress = no_progress,
) -> list[CaseProblem]:
    """Read every image and mask of a cohort and return what is wrong with them, computing nothing.

    Args:
        cohort: from :func:`read_cohort`.
        resample: masks on another grid are no problem.
        warn: called with one line for each thing that is no problem but worth knowing.
        look: called with phase, image and tumour mask of everything that can be used.
        progress: called for each case.

    Returns:
        The problems in the order of the rows; empty if every phase of every case can be used.

    Example:
        >>> _ = Path("cohort.csv").write_text("case_id,ct_image,ct_mask\\np1,ct.nii,m.nii\\n")
        >>> [problem.case_id for problem in check_cohort(read_cohort("cohort.csv"))]
        ['p1']
    """
    problems: list[CaseProblem] = []
    for number, case in enumerate(cohort.cases):
        progress(number / len(cohort.cases), f"checking {one_line(case.case_id)}")
        problems += case.problems
        for phase, files in case.images.items():
            told = _prefixed(warn, case.case_id, phase)
            seen = None if look is None else partial(look, phase)
            problems += [
                CaseProblem(case.case_id, phase, f"{phase}_{suffix}", message)
                for suffix, message in _phase_problems(files, resample, told, seen)
            ]
    progress(1.0, f"checked {len(cohort.cases)} cases")
    return problems


def _prefixed(warn: Warn, case_id: str, phase: str) -> Warn:
    return lambda text: warn(f"{case_id}, {phase}: {text}")


def _phase_problems(
    files: PhaseFiles, resample: bool, warn: Warn, seen: Callable[[sitk.Image, sitk.Image], None] | None
) -> Iterator[tuple[str, str]]:
    """Yield (column suffix, message) of everything wrong with the files of a phase."""
    try:
        image = read_image(files.image, series=files.series)
    except RadiomicsError as error:
        yield "image", str(error)
        return  # masks cannot be judged without the image's grid
    sources = {
        "mask": _tumour(files),
        "organ_mask": files.organ,
        "exclude_mask": files.exclude,
        "second_mask": files.second,
    }
    for suffix, source in sources.items():
        if source is None:
            continue
        try:
            mask = _read_source(source, image, resample=resample, warn=warn)
        except EmptyMaskError as error:
            if suffix == "exclude_mask":
                warn(f"nothing is excluded: {error}")
            else:
                yield suffix, str(error)
            continue
        except RadiomicsError as error:
            yield suffix, str(error)
            continue
        if suffix in ("mask", "second_mask"):
            try:
                check_finite(image, mask, what=str(files.image))
            except InputError as error:
                yield "image", str(error)
                continue
            if seen is not None and suffix == "mask":
                seen(image, mask)


def _tumour(files: PhaseFiles) -> MaskSource:
    return MaskSource(files.mask, files.roi, files.label)


def _read_source(source: MaskSource, image: sitk.Image, *, resample: bool, warn: Warn) -> sitk.Image:
    return read_mask(source.path, reference=image, label=source.label, roi=source.roi, resample=resample, warn=warn)


def _cell(text: str) -> str | None:
    text = text.strip()
    return None if text in MISSING_CELLS else text


def _values(cells: Sequence[str | None]) -> list[object]:
    typed = typed_column([cell or "" for cell in cells]).tolist()
    return [None if cell is None else value for cell, value in zip(cells, typed, strict=True)]


def _case(folder: Path, roles: CaseColumns, row: _Row, phases: Sequence[str], values: Mapping[str, Any]) -> Case:
    case_id = unguard_text(row[str(roles.id)] or "")
    images, problems = {}, []
    for phase in phases:
        try:
            images[phase] = _phase_files(folder, row, phase)
        except _CellError as error:
            problems.append(CaseProblem(case_id, phase, error.column, str(error)))
    return Case(case_id, images, values, None if roles.split is None else row[roles.split], tuple(problems))


class _CellError(InputError):
    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column


def _phase_files(folder: Path, row: _Row, phase: str) -> PhaseFiles:
    for suffix, consequence in (("image", "the phase is missing for this case"), ("mask", "name its mask")):
        if row[f"{phase}_{suffix}"] is None:
            raise _CellError(f"{phase}_{suffix}", f"no {suffix} is named; {consequence}")
    mask = _source(folder, row, phase, "")
    assert mask is not None
    return PhaseFiles(
        image=_path(folder, row[f"{phase}_image"] or ""),
        mask=mask.path,
        roi=mask.roi,
        label=mask.label,
        series=_text(row, f"{phase}_series"),
        organ=_source(folder, row, phase, "organ_"),
        exclude=_source(folder, row, phase, "exclude_"),
        second=_source(folder, row, phase, "second_"),
    )


def _source(folder: Path, row: _Row, phase: str, kind: str) -> MaskSource | None:
    cell = row.get(f"{phase}_{kind}mask")
    if cell is None:
        return None
    roi, label = _text(row, f"{phase}_{kind}roi"), _label(row, f"{phase}_{kind}label")
    return MaskSource(_path(folder, cell), roi, label)


def _text(row: _Row, column: str) -> str | None:
    cell = row.get(column)
    return None if cell is None else unguard_text(cell)


def _label(row: _Row, column: str) -> int | None:
    cell = row.get(column)
    if cell is None:
        return None
    try:
        value = float(cell)  # spreadsheets like to write 1.0
        if value == int(value) and value > 0:
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise _CellError(column, f"label {cell!r} is not a whole number above 0")


def _path(folder: Path, cell: str) -> Path:
    given = os.path.expanduser(unguard_text(cell))
    turned = given.replace("\\", "/")
    # A table made on Windows; elsewhere a backslash may be part of a name, so only where that helps.
    if not os.path.exists(folder / given) and os.path.exists(folder / turned):
        return folder / turned
    return folder / given


def _check_id_column(path: Path, header: Sequence[str]) -> None:
    if ID_COLUMN in header:
        return
    usual = [name for name in header if name.casefold() in ("id", "patient", "patient_id", "patientid", "case")]
    near = _near(ID_COLUMN, header) or usual
    hint = f"; rename {near[0]!r}" if near else f"; it has {_listed(header)}"
    raise InputError(f"{path}: column {ID_COLUMN!r} is missing{hint}")


def _check_ids(path: Path, column: str, ids: Sequence[str | None]) -> None:
    seen: dict[str, tuple[str, int]] = {}
    for number, case_id in enumerate(ids, start=2):
        if not case_id:
            raise InputError(f"{path}: row {number} has no {column}; give every case an id")
        # Windows and macOS would give both one folder.
        key = unicodedata.normalize("NFC", case_id).casefold()
        if key in seen:
            first, row = seen[key]
            twins = f"{case_id!r}" if first == case_id else f"{first!r} and {case_id!r} (letter case aside)"
            raise InputError(f"{path}: two cases have the id {twins}, rows {row} and {number}; rename one")
        seen[key] = (case_id, number)


def _split_name(column: str) -> tuple[str, str] | None:
    """Return phase and suffix of a column's name."""
    for suffix in _SUFFIXES:
        if column.endswith("_" + suffix) and len(column) > len(suffix) + 1:
            return column[: -len(suffix) - 1], suffix
    return None


def _find_phases(path: Path, header: Sequence[str]) -> tuple[str, ...]:
    parts = [part for part in map(_split_name, header) if part]
    with_image = [phase for phase, suffix in parts if suffix == "image"]
    with_mask = [phase for phase, suffix in parts if suffix == "mask"]
    expected = [f"{phase}_{suffix}" for phase in with_image for suffix in _SUFFIXES]
    for phase in with_mask:
        if phase not in with_image:
            _refuse_misspelt(path, f"{phase}_mask", expected)
            _refuse_missing(path, f"{phase}_image", f"{phase}_mask", header)
    for phase in with_image:
        if phase not in with_mask:
            _refuse_missing(path, f"{phase}_mask", f"{phase}_image", header)
        if "." in phase:
            raise InputError(f"{path}: phase {phase!r} has a dot in its name; features are named by dots: rename")
    for column in header:
        if _split_name(column) is None and any(column.startswith(f"{phase}_") for phase in with_image):
            _refuse_misspelt(path, column, expected)
    if not with_image:
        near = [name for name in header if _near(name.rpartition("_")[2], ["image"])]
        hint = f"; {near[0]!r} should be" if near else f"; it has {_listed(header)}. Name one"
        raise InputError(f"{path}: no column names an image{hint} <phase>_image, such as ct_image")
    return tuple(with_image)


def _refuse_misspelt(path: Path, column: str, expected: Sequence[str]) -> None:
    near = [name for name in _near(column, expected) if name != column]
    if near:
        raise InputError(f"{path}: column {column!r} is not known; did you mean {near[0]!r}?")


def _refuse_missing(path: Path, column: str, partner: str, header: Sequence[str]) -> None:
    near = [name for name in _near(column, header) if name != partner and _split_name(name) is None]
    hint = f"; did you mean {column!r} by {near[0]!r}?" if near else "; add it"
    raise InputError(f"{path}: column {column!r} is missing, but {partner!r} is there{hint}")


def file_columns(header: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that name images, masks and structures in them: those of phases with an image.

    Example:
        >>> file_columns(["case_id", "ct_image", "ct_mask", "ct_roi", "age", "mri_label"])
        ('ct_image', 'ct_mask', 'ct_roi')
    """
    parts = {column: _split_name(column) for column in header}
    phases = {part[0] for part in parts.values() if part and part[1] == "image"}
    return tuple(column for column, part in parts.items() if part and part[0] in phases)


def _is_clinical(column: str, phases: Sequence[str]) -> bool:
    part = _split_name(column)
    return not (part and part[0] in phases)


def _chosen_phases(path: Path, found: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    for phase in wanted:
        if phase not in found:
            raise InputError(f"{path} has no phase {phase!r}{_hint(phase, found)}; its phases are {', '.join(found)}")
    return tuple(dict.fromkeys(wanted))


def _near(name: str, candidates: Sequence[str]) -> list[str]:
    folded = {candidate.casefold(): candidate for candidate in candidates}
    return [folded[key] for key in difflib.get_close_matches(name.casefold(), list(folded), n=2, cutoff=_NEAR)]


def _hint(name: str, candidates: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, candidates, n=1, cutoff=0.5)
    return f" (did you mean {near[0]!r}?)" if near else ""


def _listed(header: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in header[:8]) + (", ..." if len(header) > 8 else "")
