"""``peritumoral dicom``: regions, features and maps as DICOM objects beside the scan."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="dicom",
    help="write regions, features and maps as DICOM (SEG, SR, Parametric Map, RTSTRUCT)",
    description="Write DICOM objects of the scan's study, for a PACS or a planning system.",
    doing="writing DICOM",
    examples="""examples:
  peritumoral dicom CT_FOLDER intratumour=tumour.nii.gz ring_0_3mm=ring.nii.gz -o dicom
  peritumoral dicom CT_FOLDER ring_0_3mm=ring.nii.gz --structures ring_0_3mm --features features.csv -o dicom
""",
)
