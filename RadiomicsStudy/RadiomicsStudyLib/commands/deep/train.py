"""``peritumoral train``: train a network on a cohort."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="train",
    help="train a network on a cohort",
    description="Train a network for binary end points, survival or segmentation, and write it as a bundle. "
    "Cases whose split is train are trained on, the others only predicted.",
    doing="training",
    examples="""examples:
  peritumoral train cohort.csv --study liu2025 --time days --event death -o trained
  peritumoral train cohort.csv --study zhang2024 --endpoints egfr,kras --scores tumour.signature,ring.signature -o net
  peritumoral train cohort.csv --study song2021 --phase venous -o unet
  peritumoral train cohort.csv --task segmentation -o unet
  peritumoral train cohort.csv --endpoints recurrence --region intra_ring_0_3mm --rings 3 -o trained
  peritumoral train cohort.csv --endpoints recurrence --folds 5 -o trained
  peritumoral train cohort.csv --endpoints recurrence --settings mine.yaml --epochs 20 -o trained

--study takes the paper's network, input, rings, region, head and training; every single option goes before it.
Small cohorts: without --study the backbone stays frozen and only the last layer learns, unless --mode full; the
program says why.
""",
)
