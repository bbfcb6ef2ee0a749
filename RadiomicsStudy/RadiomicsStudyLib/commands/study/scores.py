"""``peritumoral scores``: several models of a binary end point side by side."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="scores",
    help="several models of a binary end point side by side",
    description="Compare scores of several models, part by part; nothing is fitted.",
    doing="comparing",
    examples="""examples:
  peritumoral scores cohort.csv --endpoint recurrence --features rad=s/signatures.csv deep=d/signatures.csv -o scores
  peritumoral scores cohort.csv --endpoint recurrence --fused a=arterial --fused v=venous --model svm --against a \\
      -o scores
""",
)
