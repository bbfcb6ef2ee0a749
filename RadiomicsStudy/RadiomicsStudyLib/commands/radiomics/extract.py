"""``peritumoral extract``: rings and features of every patient of a cohort."""

from __future__ import annotations

from ...words.verb import JobVerb

VERB = JobVerb(
    name="extract",
    help="rings and features of every patient of a cohort table",
    description="Grow rings and extract radiomic features of every region, phase and patient.",
    doing="extracting",
    examples="""examples:
  peritumoral extract cohort.csv --rings 3,6,9 --preset liu2025 -o out
  peritumoral extract cohort.csv --preset wu2021 -o out                   (the tumour alone)
  peritumoral extract cohort.csv --adaptive 1/6,2/6 --plane largest_slice --preset wu2021 --phases ct -o out
  peritumoral extract cohort.csv --rings 3 --preset wu2021 --for pet:bin_width=0.25 --for ct:window=-150,250 -o out
  peritumoral extract cohort.csv --rings 3 --parameters Params.yaml --engine pyradiomics --workers 2 -o out
  peritumoral extract cohort.csv --rings 3 --preset zhang2024 --reader 2 -o second
  peritumoral extract cohort.csv --rings 3 --preset zhang2024 --perturb 3 --perturb-mm 1 -o out

--reader 2 extracts the cases that have masks of a second reader; --perturb writes out/features.csv and, with every
contour moved by a smooth random displacement (a stand-in for readers: Zwanenburg 2019), out/perturbed_1/features.csv,
…. Either is what --readings of fuse, cox and logistic takes.

The same command again goes on where it stopped: finished cases are reused if files and settings are the same.
Exit code: 0 all cases done, 1 some failed (the rest is written), 2 nothing could be done.
""",
)
