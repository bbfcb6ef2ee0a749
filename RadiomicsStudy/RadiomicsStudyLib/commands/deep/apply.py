"""``peritumoral apply``: a model bundle on new patients, of a network on images or of a classifier on features."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="apply",
    help="apply a trained network or classifier to new patients",
    description="Predict new patients with a bundle of train or fuse, and evaluate where the outcome is known.",
    doing="applying",
    examples="""examples:
  peritumoral apply trained/model new.csv -o predicted
  peritumoral apply unet/model new.csv -o drawn
  peritumoral apply fused/model --features radiomics=r/features.csv deep=d/features.csv -o predicted
  peritumoral apply fused/model.zip new.csv --features features.csv -o validated

A bundle of `train` takes a cohort table and reads the images, prepared as in its training; one of `fuse` takes feature
tables that were made like those of its training. Where the cohort table has the outcome, the predictions are evaluated.
""",
)
