"""The command line ``peritumoral VERB …``: exit 0 all done, 1 some cases failed, 2 nothing could be done."""

from __future__ import annotations

import argparse
import logging
import sys
from collections.abc import Sequence
from types import ModuleType

from RadiomicsCoreLib import __version__
from RadiomicsCoreLib.errors import Cancelled, InputError, RadiomicsError

from .commands import cohort, mcp, report, run, sample_cohort
from .commands.deep import apply, contributions, correlation, deep_features, explain, fuse, train
from .commands.radiomics import dicom, extract, maps, measure, presets, rings
from .commands.study import collect, join, patient, recipes, scores, signature, split, study
from .commands.survival import baseline, compare, cox, groups, logistic, nomogram, pca, predict, validate

EXIT_DONE, EXIT_SOME_FAILED, EXIT_NOTHING_DONE, EXIT_CANCELLED = 0, 1, 2, 130
VERBS: tuple[ModuleType, ...] = (
    *(rings, extract, measure, maps, dicom, cohort, presets),
    *(deep_features, train, explain, contributions, correlation, fuse, apply),
    *(cox, logistic, nomogram, pca, validate, compare, predict, groups, baseline),
    *(recipes, study, split, join, signature, scores, collect, patient),
    *(run, report, sample_cohort, mcp),
)
# Words of earlier versions, told for one version: verb ("" is every verb), the word then, the word now.
OLD_WORDS = (
    ("", "--jobs", "--workers"),
    ("train", "--segment", "--task segmentation"),
    ("train", "--random-weights", "--weights random"),
    ("train", "--imagenet-weights", "--weights imagenet"),
    ("explain", "--features", "a verb of its own: peritumoral contributions MODEL --features NAME=CSV"),
    ("explain", "--correlation", "a verb of its own: peritumoral correlation --features NAME=CSV NAME=CSV"),
    ("fuse", "--missing drop-cases", "--missing drop (the default)"),
    ("fuse", "--missing drop-features", "--missing median, or --select with the features to keep"),
    ("apply", "--cohort", "the second word: peritumoral apply MODEL cohort.csv"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code.

    Args:
        argv: words after the program's name; None: those of this process.

    Example:
        >>> main(["presets", "wu2021"]) == EXIT_DONE  # doctest: +ELLIPSIS
        # wu2021: ...
        True
    """
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        words = list(sys.argv[1:] if argv is None else argv)
        _refuse_empty_words(words)
        _tell_old_words(words)
        arguments = _parser(words).parse_args(words)
        return arguments.run(arguments)
    except RadiomicsError as error:
        print(f"peritumoral: {error}", file=sys.stderr)
        return EXIT_NOTHING_DONE
    except MemoryError:
        print("peritumoral: not enough memory; crop or resample the image, or use fewer workers", file=sys.stderr)
        return EXIT_NOTHING_DONE
    except (Cancelled, KeyboardInterrupt) as stop:
        print(f"peritumoral: {str(stop) or 'stopped'}", file=sys.stderr)
        return EXIT_CANCELLED


def _refuse_empty_words(words: Sequence[str]) -> None:
    """An empty word is a shell's variable that was not set: as a path it would be the working folder."""
    for k, word in enumerate(words):
        name, sign, value = word.partition("=")
        if not word.strip() or (name.startswith("--") and sign and not value.strip()):
            where = name if sign else words[k - 1] if k else "the verb"
            raise InputError(f"the value after {where} is empty; give one, or leave the word out")


def _tell_old_words(words: Sequence[str]) -> None:
    said = " ".join(words).replace("=", " ") + " "
    for verb, then, now in OLD_WORDS:
        if (not verb or words[:1] == [verb]) and f" {then} " in said:
            raise InputError(f"{then} is now {now}")


def _parser(words: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The parser; only the verb that is asked for gets its options, so that the others' Libs are not imported.

    Args:
        words: what the user says; None: every verb gets its options.
    """
    parser = argparse.ArgumentParser(
        prog="peritumoral",
        description="Peritumoral rings and radiomics for one case or a cohort. Research use only.",
        epilog="peritumoral VERB --help shows the options and examples of a verb.",
    )
    parser.add_argument("--version", action="version", version=f"peritumoral {__version__}")
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)
    for module in VERBS:
        described = getattr(module, "VERB", None)
        if described is None:
            module.add_parser(verbs)
            continue
        one = verbs.add_parser(
            described.word,
            help=described.help,
            description=described.description,
            epilog=described.examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if words is None or described.word in words[:1]:
            described.add_options(one)
    return parser


if __name__ == "__main__":
    sys.exit(main())
