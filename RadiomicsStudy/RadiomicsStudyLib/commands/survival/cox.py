"""``peritumoral cox``: a Cox model of a cohort, with nomogram, risk groups and a bundle."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="cox",
    help="Cox model, nomogram and risk groups of a cohort",
    description="Fit a Cox model on the training patients of a cohort and write all about it.",
    doing="fitting",
    examples="""examples:
  peritumoral cox clinical.csv --time days --event death --covariates age,stage,signature -o cox
  peritumoral cox cohort.csv --features rings=r/features.csv --time days --event death --univariable-p 0.05 \\
      --selection lasso -o cox
  peritumoral cox cohort.csv --features rings=r/features.csv --select 'ct.ring_0_6mm.*' --time days --event death \\
      --readings second/features.csv --icc-above 0.8 --selection lasso --lambda 1se -o cox
  peritumoral cox cohort.csv --features tumour=t/signature.csv ring=r/signature.csv --time days --event death \\
      --covariates age,stage,tumour.lasso.signature,ring.lasso.signature -o cox
  peritumoral cox clinical.csv --time days --event death --missing drop,age=median,stage=level -o cox
  peritumoral cox clinical.csv --time months --time-unit months --event status --event-values dead \\
      --selection backward --reference stage=I --horizons 36,60 -o cox
  peritumoral cox clinical.csv --time days --event death --covariates age,stage --compare-aft -o cox

A column split is honoured: only train is fitted. Without --covariates the columns of the feature tables are offered
or, without any, all columns but outcomes.
""",
)
