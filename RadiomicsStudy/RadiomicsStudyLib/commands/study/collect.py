"""``peritumoral collect``: the same table of many runs as one."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="collect",
    help="the same table of many runs as one",
    description="Stack the same table of several output folders.",
    doing="collecting",
    examples="""examples:
  peritumoral collect --folder egfr=a --folder kras=b --table models,models_other_parts --key endpoint -o all
  peritumoral collect --folder egfr=a --folder kras=b --table scores --key endpoint --value auc --only part=test \\
      -o all
""",
)
