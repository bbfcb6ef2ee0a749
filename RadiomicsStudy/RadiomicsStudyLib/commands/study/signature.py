"""``peritumoral signature``: one number a patient from many features, out of fold for training patients."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="signature",
    help="one number a patient from many features, out of fold for training patients",
    description="Fit a signature of a binary end point and give every patient its value.",
    doing="fitting",
    examples="""examples:
  peritumoral signature cohort.csv --endpoint recurrence --features r=r/features.csv --select '*.intratumour.*' -o s
  peritumoral signature cohort.csv --endpoint recurrence --features r=r/features.csv --p-below 0.05 -o s
  peritumoral signature cohort.csv --endpoint recurrence --features rad=s/signatures.csv deep=d/signatures.csv \\
      --method logistic -o fused
""",
)
