"""``peritumoral rings``: grow the rings of one case, without features."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from PeritumoralRadiomicsLib.jobs.cohort_extraction import FIGURE_COLUMNS, region_rows, save_masks
from PeritumoralRadiomicsLib.regions.growing import RegionSet, grow_regions
from PeritumoralRadiomicsLib.regions.overlay import OverlayPanel, save_overlay
from RadiomicsCoreLib.errors import EmptyMaskError
from RadiomicsCoreLib.files.tables import write_csv
from RadiomicsCoreLib.images.masks import read_mask
from RadiomicsCoreLib.images.reading import read_image
from RadiomicsCoreLib.jobs.batch import make_output_folder

from ..words.arguments import add_ring_options, ring_settings
from ..words.console import print_files, print_lines, print_table

EXAMPLES = """examples:
  peritumoral rings CT.nii.gz tumour.nii.gz --rings 3,6,9 -o rings
  peritumoral rings DICOM_FOLDER RTSTRUCT.dcm --roi GTV-1 --adaptive 1/6,2/6 -o rings
  peritumoral rings CT.nrrd seg.nrrd --label 2 --rings 5 --organ liver.nrrd --ring-window=-150,250 -o rings
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "rings",
        help="grow peritumoral rings from one tumour mask",
        description="Grow rings around a tumour and write them as masks, a table of quality figures and a picture.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("image", help="image file or DICOM folder")
    parser.add_argument("mask", help="mask file, RTSTRUCT or DICOM SEG")
    parser.add_argument("-o", "--out", type=Path, required=True, help="output folder")
    parser.add_argument("--label", type=int, help="label of the tumour in the mask")
    parser.add_argument("--roi", help="name of the tumour's structure (RTSTRUCT, DICOM SEG)")
    parser.add_argument("--organ", help="mask of the organ that rings may not leave")
    parser.add_argument("--exclude", action="append", default=[], help="mask that rings may not enter (repeatable)")
    parser.add_argument("--resample-masks", action="store_true", help="accept masks on another grid")
    add_ring_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Grow the rings and write the files."""
    settings = ring_settings(arguments)
    make_output_folder(arguments.out)
    image = read_image(arguments.image)

    def mask(path: str, **which: Any) -> sitk.Image:
        return read_mask(
            path,
            reference=image,
            reference_path=Path(arguments.image),
            resample=arguments.resample_masks,
            **which,
        )

    tumour = mask(arguments.mask, label=arguments.label, roi=arguments.roi)
    regions = grow_regions(
        tumour,
        settings,
        image=image,
        organ=mask(arguments.organ) if arguments.organ else None,
        exclusions=list(_exclusions(arguments.exclude, mask)),
    )
    files = _write(regions, image, arguments.out)
    _show(regions)
    print_files(files)
    return 0


def _exclusions(paths: Sequence[str], read: Callable[[str], sitk.Image]) -> Iterator[sitk.Image]:
    for path in paths:
        try:
            yield read(path)
        except EmptyMaskError as error:  # no other tumour, no vessel nearby
            print_lines([f"nothing is excluded: {error}"])


def _write(regions: RegionSet, image: sitk.Image, out: Path) -> dict[str, Path]:
    files = {"quality figures": out / "regions.csv", "picture": out / "overlay.png", "masks": out}
    save_masks(regions, out)
    write_csv(files["quality figures"], region_rows(regions), FIGURE_COLUMNS)
    masks = {name: region.mask for name, region in regions.regions.items()}
    save_overlay(files["picture"], [OverlayPanel("", image, masks)])
    return files


def _show(regions: RegionSet) -> None:
    rows = [
        (
            name,
            "" if region.thickness_mm is None else f"{region.thickness_mm:.1f}",
            region.voxels,
            f"{region.volume_ml:.2f}",
            f"{100 * region.retained_fraction:.0f} %",
            "; ".join(filter(None, (region.reason, *region.warnings))),
        )
        for name, region in regions.regions.items()
    ]
    title = f"mean tumour radius {regions.mean_radius_mm:.1f} mm"
    print_table(title, ("region", "mm", "voxels", "ml", "kept", "warnings"), rows)
