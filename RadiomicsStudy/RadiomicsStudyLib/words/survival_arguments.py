"""Options that the survival verbs of the command line share."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError

from .arguments import names, numbers, positive_int
from .console import print_files, print_lines


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add where and in which formats to write."""
    parser.add_argument("-o", "--out", type=Path, required=True, help="output folder")
    parser.add_argument("--formats", type=names, default=("svg", "pdf", "png"), help="of the figures: svg,pdf,png")


def add_column_options(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    """Add the options that say which columns of a table are what."""
    group = parser.add_argument_group("columns")
    group.add_argument("--time", required=required, help="column with the follow-up time")
    group.add_argument("--event", required=required, help="column with the event")
    group.add_argument("--time-unit", choices=("days", "weeks", "months", "years"), default="days")
    group.add_argument("--event-values", type=names, help="what the event column says where the event happened")
    group.add_argument("--censored-values", type=names, help="what it says where the patient was censored")
    add_covariate_options(group)


def add_covariate_options(group: Any) -> None:
    """Add the options of covariates, split, ids and missing values."""
    group.add_argument("--covariates", type=names, help="columns to choose from (default: all others)")
    group.add_argument("--categorical", type=names, default=(), help="columns of numbers that are codes")
    group.add_argument("--reference", type=assignment, action="append", default=[], metavar="COLUMN=LEVEL")
    group.add_argument("--split", help="column with train, test, …")
    group.add_argument("--id", dest="id_column", help="column of the patients' names")
    group.add_argument(
        "--missing",
        type=missing_policies,
        default="drop",
        metavar="POLICY|POLICY,COLUMN=POLICY,…",
        help="missing values: drop the patient, median (or mode) of training, level (of its own), error (stop); "
        "for all columns, or by column: drop,age=median,stage=level",
    )


def add_bootstrap_options(parser: argparse.ArgumentParser, repeats: int) -> None:
    """Add the options of resampling."""
    group = parser.add_argument_group("resampling")
    group.add_argument("--bootstrap", type=positive_int, default=repeats, help=f"resamples (default {repeats})")
    group.add_argument("--seed", type=int, default=0)
    group.add_argument("--workers", dest="jobs", type=positive_int, default=1, help="processes at a time")


def add_reading_filter(parser: argparse.ArgumentParser) -> None:
    """Add the filter by intraclass correlation of repeated readings."""
    group = parser.add_argument_group("repeated readings")
    group.add_argument(
        "--readings",
        nargs="+",
        default=(),
        metavar="CSV",
        help="feature tables of a second reader or of perturbed masks, of all or some patients (matched by --id)",
    )
    group.add_argument("--icc-above", type=float, help="only features whose ICC exceeds this go on (default 0.8)")


def reading_filter(arguments: argparse.Namespace) -> Any:
    """Return the filter that the options name, None without ``--readings``.

    Raises:
        InputError: a threshold without readings, or out of bounds.
    """
    from SurvivalNomogramLib.jobs.reading_filter import ReadingFilter

    if not arguments.readings:
        if arguments.icc_above is not None:
            raise InputError("--icc-above needs the tables of a second reading; add --readings second/features.csv")
        return None
    threshold = {} if arguments.icc_above is None else {"icc_above": arguments.icc_above}
    return ReadingFilter(tuple(arguments.readings), **threshold)


def add_horizons(parser: argparse.ArgumentParser) -> None:
    """Add the times to predict at."""
    parser.add_argument("--horizons", type=numbers("horizons"), default=(), help="times in the table's unit: 365,1095")


def assignment(text: str) -> tuple[str, str]:
    """Parse ``name=value``.

    Raises:
        InputError: no equals sign, or no name.

    Example:
        >>> assignment("sex=female")
        ('sex', 'female')
    """
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise InputError(f"{text!r} is not of the form name=value")
    return name.strip(), value.strip()


def missing_policies(text: str) -> str | dict[str, str]:
    """Parse what to do with missing values: one policy, or one for all others and some by column.

    Raises:
        InputError: an unknown policy, or two for all columns.

    Example:
        >>> missing_policies("median")
        'median'
        >>> missing_policies("drop,age=median")
        {'*': 'drop', 'age': 'median'}
    """
    from SurvivalNomogramLib.tables.missing_values import OTHERS, MissingPolicy

    policies: dict[str, str] = {}
    for part in names(text):
        column, policy = assignment(part) if "=" in part else (OTHERS, part)
        if column in policies:
            raise InputError(f"--missing {text!r} names two policies for {'all' if column == OTHERS else column}")
        policies[column] = MissingPolicy.of(policy).value
    if set(policies) == {OTHERS}:
        return policies[OTHERS]
    return {OTHERS: MissingPolicy.DROP.value, **policies}


def plain_value(text: str) -> float | str:
    """Return a number where the text is one, else the text."""
    try:
        return float(text)
    except ValueError:
        return text


def cut_value(name: str, text: str) -> float:
    """Return the number at which a subgroup column is cut; InputError where it is none."""
    value = plain_value(text)
    if isinstance(value, str):
        raise InputError(f"--cut {name}={text}: {text!r} is not a number")
    return value


def survival_columns(arguments: argparse.Namespace) -> Any:
    """Return the columns that the options name."""
    from SurvivalNomogramLib.jobs.job_output import SurvivalColumns

    return SurvivalColumns(
        time=arguments.time,
        event=arguments.event,
        time_unit=arguments.time_unit,
        event_values=arguments.event_values,
        censored_values=arguments.censored_values,
        **covariate_columns(arguments),
    )


def covariate_columns(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what the options say of covariates, split, ids and missing values."""
    return {
        "covariates": arguments.covariates,
        "categorical": arguments.categorical,
        "references": dict(arguments.reference),
        "split": arguments.split,
        "id_column": arguments.id_column,
        "missing": arguments.missing,
    }


def bootstrap_settings(arguments: argparse.Namespace) -> Any:
    """Return how to resample."""
    from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings

    return BootstrapSettings(arguments.bootstrap, arguments.seed, arguments.jobs)


def report(result: Any, out: Path) -> int:
    """Say what a reader should know, what failed and where the files are; return the exit code."""
    print_lines(f"note: {note}" for note in result.notes)
    failed = getattr(result, "failures", ())
    print_lines(f"failed {failure}" for failure in failed)
    _print_written(result.files, out)
    return 1 if failed else 0


def _print_written(files: Sequence[Path], out: Path) -> None:
    if not files:
        raise InputError(f"nothing was written to {str(out)!r}")
    tables = {path.stem: path for path in files if path.suffix in (".csv", ".json", ".txt")}
    with_figures = any(path.parent.name == "figures" for path in files)
    print_files(tables | ({"figures": out / "figures"} if with_figures else {}))
