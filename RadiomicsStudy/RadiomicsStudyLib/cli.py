"""The command line ``peritumoral VERB …``: exit 0 all done, 1 some cases failed, 2 nothing could be done."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence

from RadiomicsCoreLib import __version__
from RadiomicsCoreLib.errors import Cancelled, RadiomicsError

from .commands import (
    apply,
    cohort,
    cox,
    deep_features,
    explain,
    extract,
    fuse,
    logistic,
    nomogram,
    predict,
    presets,
    rings,
    sample_cohort,
    train,
    validate,
)

EXIT_DONE, EXIT_SOME_FAILED, EXIT_NOTHING_DONE, EXIT_CANCELLED = 0, 1, 2, 130
VERBS = (
    *(rings, extract, cohort, presets),
    *(deep_features, train, explain, fuse, apply),
    *(cox, logistic, nomogram, validate, predict),
    sample_cohort,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code.

    Args:
        argv: words after the program's name; None: those of this process.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        arguments = _parser().parse_args(argv)
        return arguments.run(arguments)
    except RadiomicsError as error:
        print(f"peritumoral: {error}", file=sys.stderr)
        return EXIT_NOTHING_DONE
    except MemoryError:
        print("peritumoral: not enough memory; crop or resample the image, or use fewer jobs", file=sys.stderr)
        return EXIT_NOTHING_DONE
    except (Cancelled, KeyboardInterrupt) as stop:
        print(f"peritumoral: {str(stop) or 'stopped'}", file=sys.stderr)
        return EXIT_CANCELLED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="peritumoral",
        description="Peritumoral rings and radiomics for one case or a cohort. Research use only.",
        epilog="peritumoral VERB --help shows the options and examples of a verb.",
    )
    parser.add_argument("--version", action="version", version=f"peritumoral {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for verb in VERBS:
        verb.add_parser(verbs)
    return parser


if __name__ == "__main__":
    sys.exit(main())
