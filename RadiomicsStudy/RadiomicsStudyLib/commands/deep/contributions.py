"""``peritumoral contributions``: what each signature or feature contributed to a classifier's answer."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="contributions",
    help="contributions to a classifier's answers",
    description="Exact Shapley contributions of each signature or feature to the answer of a model of fuse.",
    doing="explaining",
    examples="""examples:
  peritumoral contributions fused/model --features radiomics=out/features.csv -o contributions
  peritumoral contributions fused/model --features radiomics=r/features.csv deep=d/features.csv --cases p1,p7 -o why
""",
)
