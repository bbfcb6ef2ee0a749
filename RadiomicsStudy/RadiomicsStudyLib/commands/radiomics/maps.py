"""``peritumoral maps``: the map of a feature in a region."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="maps",
    help="map of a feature, voxel by voxel, in one region",
    description="At every voxel of a region, compute a feature of the voxel's neighbourhood.",
    doing="mapping",
    examples="""examples:
  peritumoral maps CT.nii.gz tumour.nii.gz --feature glcm_Contrast --preset wu2021 -o out
  peritumoral maps CT.nii.gz tumour.nii.gz --feature firstorder_Entropy --kernel-radius 3 --preset wu2021 -o out
  peritumoral maps CT.nii.gz tumour.nii.gz --feature glcm_Idm --preset wu2021 --estimate-only -o out

The first line states how long it will take. map.nrrd lies on the image's grid and is NaN outside the region.
""",
)
