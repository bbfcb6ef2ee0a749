"""What every deep job does with a case first: read a phase, grow the regions, and tell what was wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import SimpleITK as sitk

from PeritumoralRadiomicsLib.regions.growing import grow_regions
from PeritumoralRadiomicsLib.regions.mask_perturbation import ContourPerturbation, load_perturbed
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralRadiomicsLib.regions.tables import region_rows
from RadiomicsCoreLib.cohort.columns import CaseColumns
from RadiomicsCoreLib.cohort.table import Case, Cohort, read_cohort
from RadiomicsCoreLib.errors import InputError


@dataclass(frozen=True)
class PhaseRegions:
    """One phase of a case, ready for a network.

    Attributes:
        image: whole image.
        masks: region to mask on a crop of the image's grid, empty ones among them.
        rows: quality figures of the regions, as in ``regions.csv``.
        warnings: what the user should know.
    """

    image: sitk.Image
    masks: Mapping[str, sitk.Image]
    rows: tuple[dict[str, object], ...]
    warnings: tuple[str, ...]

    @property
    def drawn(self) -> dict[str, sitk.Image]:
        """The masks that hold a voxel, without unions: what a picture shows."""
        shown = {row["region"] for row in self.rows if row["voxels"] and row["kind"] != "union"}
        return {name: mask for name, mask in self.masks.items() if name in shown}


def open_cohort(
    path: Path | str,
    phases: Sequence[str] | None,
    cases: Sequence[str] | None = None,
    columns: CaseColumns | None = None,
) -> Cohort:
    """Read a cohort, all of it or some cases.

    Raises:
        InputError: as :func:`~RadiomicsCoreLib.cohort.table.read_cohort`, or no such case.
    """
    cohort = read_cohort(path, phases=phases, columns=columns)
    if cases is None:
        return cohort
    chosen = tuple(cohort.case(case_id) for case_id in dict.fromkeys(cases))
    if not chosen:
        raise InputError("no case is named; leave the list out for all cases")
    return replace(cohort, cases=chosen)


def phase_regions(
    case: Case,
    phase: str,
    rings: RingSettings,
    *,
    resample: bool = False,
    perturbation: ContourPerturbation | None = None,
) -> PhaseRegions:
    """Read one phase of a case, perturb its contour if asked, and grow its regions.

    Raises:
        InputError, GeometryError, RegionError: one line that says why the phase cannot be used.
    """
    if phase not in case.images:
        problems = {problem.phase: problem.message for problem in case.problems}
        raise InputError(problems.get(phase, f"no image is named; fill in the column {phase}_image"))
    told: list[str] = []
    key = (case.case_id, phase)
    data = load_perturbed(case.images[phase], perturbation, key, resample=resample, warn=told.append)
    exclusions = [] if data.exclude is None else [data.exclude]
    regions = grow_regions(data.mask, rings, image=data.image, organ=data.organ, exclusions=exclusions)
    masks = {name: region.mask for name, region in regions.regions.items()}
    rows = tuple({"phase": phase, **row} for row in region_rows(regions))
    return PhaseRegions(data.image, masks, rows, (*told, *regions.warnings))


def scores_of(case: Case, names: Sequence[str]) -> list[float]:
    """Return a patient's RadScores from the columns of the cohort table.

    Raises:
        InputError: a column is not there, empty, or text.
    """
    found = []
    for name in names:
        value = case.values.get(name)
        if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
            raise InputError(f"column {name!r} holds {value!r} for {case.case_id}; the network needs this RadScore")
        found.append(float(value))
    return found


def scores_record(case: Case, names: Sequence[str]) -> dict[str, object]:
    """Return a patient's RadScores as they stand in the table, for fingerprints."""
    return {"scores": {name: case.values.get(name) for name in names}}
