"""The patient that is in the scene as a cohort of one, for every job that reads a cohort table."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError

from ..nodes import volume_grid, volume_image
from ..segments import segment_mask

CASE_ID = "patient"
COHORT_FILE = "cohort.csv"


@dataclass(frozen=True, eq=False)
class SceneCase:
    """A scan and its tumour.

    Attributes:
        volume: the scan.
        segmentation: with the tumour.
        tumour: segment, by id or name; "": none, for jobs that need no mask.
        phase: what the jobs call the scan.
        organ: segment that rings do not leave; "": none.
    """

    volume: Any
    segmentation: Any = None
    tumour: str = ""
    phase: str = "ct"
    organ: str = ""

    @property
    def nodes(self) -> dict[str, Any]:
        """The nodes, by what they are."""
        found = {"the volume": self.volume}
        return found | ({"the segmentation": self.segmentation} if self.tumour else {})

    def write(self, folder: Path | str) -> Path:
        """Write scan and masks, on the scan's whole grid, and the table that names them.

        Returns:
            Path of the table.

        Raises:
            InputError: a node or segment is missing, or the folder cannot be written.
            RegionError, GeometryError: as :func:`~RadiomicsSlicerLib.segments.segment_mask`.
        """
        folder = Path(folder)
        images = {"image": volume_image(self.volume)}
        whole = volume_grid(self.volume).whole
        for column, segment in (("mask", self.tumour), ("organ_mask", self.organ)):
            if segment:
                images[column] = segment_mask(self.segmentation, segment, self.volume).image(whole)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            for column, image in images.items():
                sitk.WriteImage(image, str(folder / f"{column}.nii.gz"), useCompression=True)
            with (folder / COHORT_FILE).open("w", newline="", encoding="utf-8") as stream:
                names = ["case_id", *(f"{self.phase}_{column}" for column in images)]
                csv.writer(stream).writerows([names, [CASE_ID, *(f"{column}.nii.gz" for column in images)]])
        except (OSError, RuntimeError):
            raise InputError(
                f"{folder} cannot be written; check free space and permissions of {folder.parent}"
            ) from None
        return folder / COHORT_FILE
