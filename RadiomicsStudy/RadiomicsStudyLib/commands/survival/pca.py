"""``peritumoral pca``: principal components of chosen features, fitted on the training patients."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="pca",
    help="principal components of chosen features",
    description="Take principal components of features on the training patients; predict gives those of new patients.",
    doing="fitting",
    examples="""examples:
  peritumoral pca cohort.csv --features rings=r/features.csv deep=d/features.csv \\
      --chosen-by tumour/model ring/model deep/model -o pca
  peritumoral cox cohort.csv --features pca=pca/components.csv --time days --event death -o combined
  peritumoral predict pca/model new.csv --features rings=new_r/features.csv deep=new_d/features.csv -o new_pca
""",
)
