"""``peritumoral measure``: the features of given regions of one image."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="measure",
    help="features of given regions of one image",
    description="Extract the radiomic features of regions that are there as masks; no ring is grown.",
    doing="measuring",
    examples="""examples:
  peritumoral measure CT.nii.gz intratumour=tumour.nii.gz --preset wu2021 -o out
  peritumoral measure CT.nii.gz tumour=rings/intratumour.nii.gz ring=rings/ring_0_3mm.nii.gz --preset liu2025 -o out
  peritumoral measure DICOM_FOLDER liver=liver.seg.nrrd --parameters Params.yaml --engine pyradiomics -o out

features.csv has a row for each region and feature; features.json holds the numbers as they were computed.
""",
)
