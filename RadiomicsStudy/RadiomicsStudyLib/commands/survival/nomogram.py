"""``peritumoral nomogram``: draw the nomogram of a bundle, and read it for a patient."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="nomogram",
    help="draw the nomogram of a model",
    description="Draw the nomogram of a model bundle and write its points.",
    doing="drawing",
    examples="""examples:
  peritumoral nomogram cox/model -o nomogram
  peritumoral nomogram cox/model --horizons 365,1095 --patient age=61 --patient stage=II -o nomogram
""",
)
