"""``peritumoral patient``: one new patient's image and mask through a model."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="patient",
    help="one new patient's image and mask through a model: JSON and a page",
    description="Predict one patient with a model, and draw a page about it.",
    doing="predicting",
    examples="""examples:
  peritumoral patient study/network/model ct.nii.gz tumour.nii.gz -o one
  peritumoral patient study/tumour/model ct.nii.gz tumour.nii.gz --extraction study/radiomics -o one
  peritumoral patient study/clinical/model ct.nii.gz tumour.nii.gz --value age=61 --value stage=II -o one
""",
)
