"""``peritumoral split``: the column that tells training from test patients."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="split",
    help="deal the patients of a cohort to training, test and external part",
    description="Write a cohort table with the column of the parts; one that is there is never changed in silence.",
    doing="splitting",
    examples="""examples:
  peritumoral split cohort.csv --by ratio --ratio 0.7 --stratify death,stage -o split
  peritumoral split cohort.csv --by date --date diagnosed --ratio 0.8 -o split
  peritumoral split cohort.csv --by ratio --ratio 0.7 --external berlin -o split
  peritumoral split cohort.csv --by centre --external berlin,paris -o split

The new table is split/cohort.csv; its images are named as seen from there.
""",
)
