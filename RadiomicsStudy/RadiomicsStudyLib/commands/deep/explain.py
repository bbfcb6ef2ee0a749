"""``peritumoral explain``: maps of what decided a network's output."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="explain",
    help="maps of a network's attention",
    description="Grad-CAM and input-gradient maps as volumes that lie on each patient's image.",
    doing="explaining",
    examples="""examples:
  peritumoral explain cohort.csv trained/model -o maps
  peritumoral explain cohort.csv trained/model --cases p1,p7 --maps grad_cam --endpoint recurrence -o maps

What each feature contributed to a classifier's answer is told by: peritumoral contributions
""",
)
