"""``peritumoral deep-features``: CNN features of every region of every patient."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="deep_features",
    help="CNN features of every region and patient",
    description="Compute deep features of tumour and rings with a pre-trained or trained network.",
    doing="deep features",
    examples="""examples:
  peritumoral deep-features cohort.csv --rings 3 -o deep
  peritumoral deep-features cohort.csv --study yang2023 --phases arterial,venous --weights resnet50.pth -o deep
  peritumoral deep-features cohort.csv --study liu2025 --weights trained/model -o deep
  peritumoral deep-features cohort.csv --weights trained/model --source probability -o signature
  peritumoral deep-features cohort.csv --study song2021 --phases venous --other-phase --weights arterial/model -o v
  peritumoral deep-features cohort.csv --rings 3 --perturb 3 --perturb-mm 1 -o deep
  peritumoral deep-features cohort.csv --rings 3 --reader 2 -o second

The default network, efficientnet_lite0, brings its ImageNet weights in a package: nothing is fetched.
""",
)
