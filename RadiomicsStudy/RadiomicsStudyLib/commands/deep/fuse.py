"""``peritumoral fuse``: signatures, fusion and classifiers of feature tables."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="fuse",
    help="signatures, fusion and seven classifiers of feature tables",
    description="Cross-validate signatures, their fusion and seven classifiers; compare, test and bundle them.",
    doing="fusing",
    examples="""examples:
  peritumoral fuse cohort.csv --endpoint recurrence --features radiomics=r/features.csv deep=d/features.csv -o fused
  peritumoral fuse cohort.csv --endpoint recurrence --features radiomics=r/features.csv cnn=net/signatures.csv -o fused
  peritumoral fuse cohort.csv --endpoint recurrence --features out/features.csv --sweep --permutations 99 -o fused

Selection, tuning and signatures are fitted inside the folds. Cases of other splits than train are only predicted.
Tables of a network that was trained on these cases are refused: give the signatures.csv of `train --folds 5`.
""",
)
