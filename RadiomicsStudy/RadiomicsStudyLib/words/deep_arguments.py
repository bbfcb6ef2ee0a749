"""Options that the deep-learning verbs of the command line share, and what they report."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.batch import CaseOutcome, failures

from .arguments import add_ring_options, positive_int, ring_settings, window
from .console import print_failures, print_files, print_lines


def add_cohort_job(parser: argparse.ArgumentParser) -> None:
    """Add the cohort table, the output folder and how to work through the cases."""
    parser.add_argument("cohort", help="cohort table (CSV): case_id, <phase>_image, <phase>_mask, …")
    parser.add_argument("-o", "--out", type=Path, required=True, help="output folder")
    parser.add_argument(
        "--workers", dest="jobs", type=positive_int, help="cases at a time (default: all cores, as memory allows)"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")
    parser.add_argument("--resample-masks", action="store_true", help="accept masks on another grid")
    parser.add_argument("--no-pictures", action="store_true", help="draw no pictures")


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add what the network sees."""
    group = parser.add_argument_group("what the network sees")
    group.add_argument(
        "--input",
        choices=("full_slice", "patch", "resized_slice", "rough_box", "box_3d"),
        help="part of the image (default: as the network or study wants)",
    )
    group.add_argument("--region", help="region of a training: intratumour, ring_0_3mm, intra_ring_0_3mm")
    group.add_argument("--size", type=positive_int, help="edge in pixels or voxels")
    hide = group.add_mutually_exclusive_group()
    hide.add_argument("--masked", action="store_true", help="hide what is outside the region")
    hide.add_argument("--whole-box", action="store_true", help="do not hide it")
    group.add_argument("--margin", type=float, metavar="MM", help="room around the region's box")
    group.add_argument("--window", type=window, metavar="LOW,HIGH", help="intensities shown")
    group.add_argument("--scaling", choices=("none", "unit", "zscore"), help="of intensities, after the window")
    group.add_argument("--spacing", type=float, metavar="MM", help="resample to cubes of this edge first")
    add_ring_options(parser)


def network_input(arguments: argparse.Namespace, usual: Any) -> Any:
    """Return what the network sees: the usual settings, changed by the options given."""
    from dataclasses import replace

    from DeepRadiomicsFusionLib.settings.input_settings import InputKind

    changes = _named(arguments)
    if arguments.input and InputKind(arguments.input) is not InputKind(usual.kind):
        # What belongs to the other kind goes; window, scaling, spacing and what is hidden stay.
        of_the_kind = {"size": None, "slices": None, "keep_shape": None, "masked": usual.is_masked}
        changes = of_the_kind | {"kind": arguments.input} | changes
    return replace(usual, **changes)


def names_input(arguments: argparse.Namespace) -> bool:
    """Tell whether an option says what the network sees, the region aside."""
    return bool(arguments.input or {name for name in _named(arguments) if name != "region"})


def _named(arguments: argparse.Namespace) -> dict[str, Any]:
    """The input's settings that the options name, the kind aside."""
    given = {
        "region": arguments.region,
        "size": arguments.size,
        "margin_mm": arguments.margin,
        "scaling": arguments.scaling,
        "spacing_mm": arguments.spacing,
        "masked": True if arguments.masked else False if arguments.whole_box else None,
    }
    if arguments.window:
        low, high = arguments.window
        given |= {"window_level": (low + high) / 2, "window_width": high - low}
    return {name: value for name, value in given.items() if value is not None}


def rings_or_none(arguments: argparse.Namespace) -> Any:
    """Return the rings named, or None for the job's own; a region that is a union is grown without ``--union``."""
    from dataclasses import replace

    if not arguments.rings and not arguments.adaptive and arguments.inner_rim is None:
        return None
    regions = [arguments.region or "", *getattr(arguments, "regions", ())]
    return replace(
        ring_settings(arguments), union=arguments.union or any(region.startswith("intra_") for region in regions)
    )


def study_notes(study: Any, network: str, *, imagenet: bool) -> list[str]:
    """Say what a study leaves open, and how far published weights are checked."""
    from DeepRadiomicsFusionLib.networks.weights import hash_note

    notes = [] if study is None else [f"{study.name} leaves open, and we chose: {study.left_open}"]
    return notes + ([note] if imagenet and (note := hash_note(network)) else [])


def report_cases(outcomes: Sequence[CaseOutcome], files: dict[str, Path], notes: Sequence[str] = ()) -> int:
    """Say what was done, where the files are, and what failed and why; return the exit code."""
    failed = failures(outcomes)
    reused = sum(outcome.reused for outcome in outcomes)
    print_lines([f"{len(outcomes) - len(failed)} of {len(outcomes)} cases done, {reused} of them reused"])
    print_lines(f"note: {note}" for note in notes)
    print_files(files)
    print_failures((outcome.case_id, outcome.reason) for outcome in failed)
    if len(failed) == len(outcomes):
        return 2
    return 1 if failed else 0


def report_readings(readings: Mapping[str, tuple[Sequence[CaseOutcome], dict[str, Path], Sequence[str]]]) -> int:
    """Report outcomes, files and notes of every reading; return 1 where any failed, 2 only where nothing was done."""
    codes = []
    for name, (outcomes, files, notes) in readings.items():
        print_lines([f"{name}:"])
        codes.append(report_cases(outcomes, files, notes))
    return 2 if min(codes) == 2 else min(max(codes), 1)


def named_tables(texts: Sequence[str]) -> dict[str, str]:
    """Return feature tables by name: ``radiomics=features.csv``; a path alone is named by its folder.

    Raises:
        InputError: two tables with one name.

    Example:
        >>> named_tables(["deep=out/features.csv", "rings/features.csv"])
        {'deep': 'out/features.csv', 'rings': 'rings/features.csv'}
    """
    tables: dict[str, str] = {}
    for text in texts:
        name, sign, path = text.partition("=")
        if not sign:
            name, path = Path(text).resolve().parent.name, text
        if name in tables:
            raise InputError(f"two feature tables are called {name!r}; name them: radiomics=a.csv deep=b.csv")
        tables[name] = path
    return tables
