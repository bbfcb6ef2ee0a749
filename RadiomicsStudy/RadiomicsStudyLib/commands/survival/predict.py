"""``peritumoral predict``: points, survival, risk group or components of new patients."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="predict",
    help="predict patients with a model",
    description="Points, linear predictor, survival (or probability) and risk group of every row of a cohort.",
    doing="predicting",
    examples="""examples:
  peritumoral predict cox/model new_patients.csv --horizons 365,1095 -o predictions
  peritumoral predict pca/model new.csv --features rings=r/features.csv -o components
""",
)
