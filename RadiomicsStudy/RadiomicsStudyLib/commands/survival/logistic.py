"""``peritumoral logistic``: a logistic model of a binary end point, with nomogram and a bundle."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="logistic",
    help="logistic model and nomogram of a binary end point",
    description="Fit a logistic model on the training patients of a cohort and write all about it.",
    doing="fitting",
    examples="""examples:
  peritumoral logistic clinical.csv --event recurrence --covariates age,stage,signature -o logistic
  peritumoral logistic cohort.csv --features fused=f/signatures.csv --event recurrence -o logistic
""",
)
