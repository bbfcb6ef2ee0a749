"""``peritumoral groups``: survival of the two groups that a score makes."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="groups",
    help="survival of the two groups that a score makes",
    description="Divide patients by a score at a cut-off that the training patients fix, and compare their survival.",
    doing="comparing",
    examples="""examples:
  peritumoral groups cohort.csv --features s=scores/scores_by_case.csv --score deep.signature --time days \\
      --event death --cutoff youden --endpoint recurrence -o groups
""",
)
