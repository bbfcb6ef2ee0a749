"""``peritumoral correlation``: how far two feature tables say the same."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="correlation",
    help="heat map of two feature tables' correlations",
    description="Correlate every feature of one table with every one of another, or those that a model uses.",
    doing="correlating",
    examples="""examples:
  peritumoral correlation --features radiomics=r/features.csv deep=d/features.csv -o heat_map
  peritumoral correlation --features radiomics=r/features.csv deep=d/features.csv --model fused/model -o heat_map
""",
)
