"""``peritumoral rings``: rings of one tumour as masks, quality figures and a picture."""

from __future__ import annotations

from RadiomicsCoreLib.files.tables import read_cells
from RadiomicsCoreLib.jobs.job import Job
from RadiomicsCoreLib.jobs.result import JobResult

from ...words.console import print_table
from ...words.verb import JobVerb


def _show(job: Job, result: JobResult) -> None:
    header, cells = read_cells(result.tables["regions"])
    regions = [dict(zip(header, row, strict=True)) for row in cells]
    rows = [
        (
            row["region"],
            f"{float(row['thickness_mm']):.1f}" if row["thickness_mm"] else "",
            row["voxels"],
            f"{float(row['volume_ml']):.2f}",
            f"{100 * float(row['retained_fraction']):.0f} %",
            "; ".join(filter(None, (row["reason"], row["warnings"]))),
        )
        for row in regions
    ]
    radius = float(regions[0]["mean_radius_mm"])
    print_table(f"mean tumour radius {radius:.1f} mm", ("region", "mm", "voxels", "ml", "kept", "warnings"), rows)


VERB = JobVerb(
    name="rings",
    help="grow peritumoral rings from one tumour mask",
    description="Grow rings around a tumour and write them as masks, a table of quality figures and a picture.",
    doing="growing rings",
    examples="""examples:
  peritumoral rings CT.nii.gz tumour.nii.gz --rings 3,6,9 -o rings
  peritumoral rings DICOM_FOLDER RTSTRUCT.dcm --roi GTV-1 --adaptive 1/6,2/6 -o rings
  peritumoral rings CT.nrrd seg.nrrd --label 2 --rings 5 --organ liver.nrrd --ring-window=-150,250 -o rings
""",
    show=_show,
)
