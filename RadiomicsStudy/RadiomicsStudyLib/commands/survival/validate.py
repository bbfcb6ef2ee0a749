"""``peritumoral validate``: discrimination, calibration and benefit of a model on a cohort, part by part."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="validate",
    help="validate a Cox model on a cohort",
    description="Concordance, time-dependent ROC, Brier score, calibration and decision curves of a model; "
    "on the training patients corrected for optimism.",
    doing="validating",
    examples="""examples:
  peritumoral validate cox/model clinical.csv -o validation
  peritumoral validate cox/model cohort.csv --features rings=r/features.csv -o validation
  peritumoral validate cox/model other_hospital.csv --time days --event death --horizons 365 -o external
  peritumoral validate cox/model clinical.csv --subgroups sex,stage,age --cut age=65 -o subgroups

Patients that the model was fitted on are known by their values, in any table, and reported apart from others.
""",
)
