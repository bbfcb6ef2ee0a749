"""``peritumoral join``: bring columns of feature tables into a cohort table."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="join",
    help="bring columns of feature tables into a cohort table",
    description="Join feature tables to a cohort table; clinical columns become features.",
    doing="joining",
    examples="""examples:
  peritumoral join cohort.csv --features tumour=t/signatures.csv ring=r/signatures.csv -o joined
  peritumoral join cohort.csv --numbers age,sex -o clinical
""",
)
