"""``peritumoral baseline``: the patients described by the groups of a column."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="baseline",
    help="baseline table by cohort or by a binary end point",
    description="Describe columns by the groups of another: means or medians, numbers and shares, and a test.",
    doing="describing",
    examples="""examples:
  peritumoral baseline cohort.csv --by split -o baseline
  peritumoral baseline cohort.csv --by recurrence --describe age,sex,stage -o baseline
""",
)
