"""``peritumoral extract``: rings and features of every patient of a cohort."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from PeritumoralRadiomicsLib.engines.choice import DEFAULT_ENGINE, engine_names
from PeritumoralRadiomicsLib.jobs.cohort_extraction import ExtractionJob, extract_cohort, extract_perturbed
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings, Profile
from PeritumoralRadiomicsLib.settings.parameter_file import read_parameter_file
from PeritumoralRadiomicsLib.settings.presets import preset
from RadiomicsCoreLib.cohort.table import read_cohort

from ..words.arguments import add_reading_options, add_ring_options, names, perturbation, positive_int, ring_settings
from ..words.console import progress_bar
from ..words.deep_arguments import report_cases, report_readings

EXAMPLES = """examples:
  peritumoral extract cohort.csv --rings 3,6,9 --preset liu2025 -o out
  peritumoral extract cohort.csv --adaptive 1/6,2/6 --plane largest_slice --preset wu2021 --phases ct -o out
  peritumoral extract cohort.csv --rings 3 --parameters Params.yaml --engine pyradiomics --jobs 2 -o out
  peritumoral extract cohort.csv --rings 3 --preset zhang2024 --reader 2 -o second
  peritumoral extract cohort.csv --rings 3 --preset zhang2024 --perturb 3 --perturb-mm 1 -o out

--reader 2 extracts the cases that have masks of a second reader; --perturb writes out/features.csv and, with every
contour moved by a smooth random displacement (a stand-in for readers: Zwanenburg 2019), out/perturbed_1/features.csv,
…. Either is what --readings of fuse, cox and logistic takes.

The same command again goes on where it stopped: finished cases are reused if files and settings are the same.
Exit code: 0 all cases done, 1 some failed (the rest is written), 2 nothing could be done.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "extract",
        help="rings and features of every patient of a cohort table",
        description="Grow rings and extract radiomic features of every region, phase and patient.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cohort", help="cohort table (CSV): case_id, <phase>_image, <phase>_mask, …")
    parser.add_argument("-o", "--out", type=Path, required=True, help="output folder")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--preset", help="features and preprocessing of a published study (see: peritumoral presets)")
    what.add_argument("--parameters", metavar="YAML", help="a pyradiomics parameter file, used as it is")
    parser.add_argument("--phases", type=names, help="phases to do, for example ct,pet (default: all)")
    parser.add_argument("--engine", choices=engine_names(), default=DEFAULT_ENGINE)
    parser.add_argument(
        "--profile",
        choices=[profile.value for profile in Profile],
        help="ibsi: definitions of the Image Biomarker Standardisation Initiative instead of pyradiomics'",
    )
    parser.add_argument("--jobs", type=positive_int, help="cases at a time (default: all cores, as memory allows)")
    parser.add_argument("--resample-masks", action="store_true", help="accept masks on another grid")
    parser.add_argument("--save-masks", action="store_true", help="write every region as a NIfTI mask")
    parser.add_argument("--no-overlays", action="store_true", help="draw no pictures")
    add_ring_options(parser)
    add_reading_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Extract, tell what failed and why, and name the files to open."""
    job = ExtractionJob(
        rings=ring_settings(arguments),
        extraction=_extraction_settings(arguments),
        engine=arguments.engine,
        resample_masks=arguments.resample_masks,
        overlays=not arguments.no_overlays,
        save_masks=arguments.save_masks,
        reader=arguments.reader,
        perturbation=perturbation(arguments),
    )
    cohort = read_cohort(arguments.cohort, phases=arguments.phases)
    out, jobs = arguments.out, arguments.jobs
    with progress_bar("extracting") as progress:
        if not arguments.perturb:
            done = extract_cohort(cohort, job, out, jobs=jobs, progress=progress)
            return report_cases(done.outcomes, done.files, done.notes)
        readings = extract_perturbed(cohort, job, out, arguments.perturb, jobs=jobs, progress=progress)
    return report_readings({name: (done.outcomes, done.files, done.notes) for name, done in readings.items()})


def _extraction_settings(arguments: argparse.Namespace) -> ExtractionSettings:
    settings = preset(arguments.preset) if arguments.preset else read_parameter_file(arguments.parameters)
    return replace(settings, profile=Profile(arguments.profile)) if arguments.profile else settings
