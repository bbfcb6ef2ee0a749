"""``peritumoral compare``: several Cox models on the same patients, side by side."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="compare",
    help="several Cox models side by side in every cohort",
    description="Compare finished Cox models on the patients that all of them can predict; nothing is fitted.",
    doing="comparing",
    examples="""examples:
  peritumoral compare cohort.csv --model combined=a/model --model clinical=b/model --horizons 1095,1825 -o compared
  peritumoral compare cohort.csv --features r=r/features.csv --model tumour=t/model --model ring=r6/model \\
      --against tumour -o sweep
""",
)
