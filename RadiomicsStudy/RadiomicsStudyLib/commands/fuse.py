"""``peritumoral fuse``: signatures, fusion and classifiers of feature tables."""

from __future__ import annotations

import argparse
from typing import Any

from ..words.arguments import names, positive_int
from ..words.console import progress_bar
from ..words.deep_arguments import named_tables
from ..words.survival_arguments import add_output_options, report

EXAMPLES = """examples:
  peritumoral fuse cohort.csv --endpoint recurrence --features radiomics=r/features.csv deep=d/features.csv -o fused
  peritumoral fuse cohort.csv --endpoint recurrence --features radiomics=r/features.csv cnn=net/signatures.csv -o fused
  peritumoral fuse cohort.csv --endpoint recurrence --features out/features.csv --sweep --permutations 99 -o fused

Selection, tuning and signatures are fitted inside the folds. Cases of other splits than train are only predicted.
Tables of a network that was trained on these cases are refused: give the signatures.csv of `train --folds 5`.
"""


def add_parser(verbs: Any) -> None:
    """Describe the verb."""
    parser = verbs.add_parser(
        "fuse",
        help="signatures, fusion and seven classifiers of feature tables",
        description="Cross-validate signatures, their fusion and seven classifiers; compare, test and bundle them.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("cohort", help="cohort table (CSV) with case_id, the end point and possibly split")
    add_output_options(parser)
    parser.add_argument("--endpoint", required=True, help="column of 0 and 1, empty where the label is missing")
    parser.add_argument("--positive", help="text of the end point that means the outcome")
    parser.add_argument("--features", nargs="+", required=True, metavar="NAME=CSV", help="feature tables")
    parser.add_argument("--readings", nargs="+", default=(), metavar="CSV", help="second readings, for the ICC filter")
    parser.add_argument("--split", default="split", help="column that tells train from other parts")
    parser.add_argument("--patient", help="column of patients, where a patient has several cases")
    parser.add_argument(
        "--accept-seen",
        action="store_true",
        help="take tables of a network that was trained on these cases, as published in-sample fusions did; their "
        "cross-validated figures are too high",
    )
    group = parser.add_argument_group("modelling")
    group.add_argument("--classifiers", type=names, help="lr,svm,knn,rf,nb,lda,mlp (default: all)")
    group.add_argument("--selector", choices=("lasso", "mrmr", "none"), default="lasso")
    group.add_argument("--largest", type=positive_int, help="most features of the selector (mrmr: their number, 10)")
    group.add_argument("--correlation-below", type=float, default=0.9)
    group.add_argument("--volume-correlation-below", type=float, help="drop features that follow the region's volume")
    group.add_argument(
        "--difference-p-below", type=float, help="drop features whose classes do not differ, such as 0.05 (song2021)"
    )
    group.add_argument(
        "--difference-test",
        choices=("by-normality", "t-test", "mann-whitney"),
        default="by-normality",
        help="of --difference-p-below; by-normality: t-test where both classes look normal, else Mann-Whitney",
    )
    group.add_argument("--icc-above", type=float, default=0.75)
    group.add_argument("--signature-for", choices=("table", "region"), default="table")
    group.add_argument(
        "--fused-on",
        choices=("out-of-fold", "training"),
        default="out-of-fold",
        help="signatures of the training cases that the fusion is fitted on; training: those of the very cases that "
        "they were fitted on, as in wu2021",
    )
    group.add_argument("--missing", choices=("error", "drop-cases", "drop-features"), default="error")
    group.add_argument("--folds", type=positive_int, default=5)
    group.add_argument("--inner-folds", type=positive_int, default=5, help="of tuning and out-of-fold signatures")
    group.add_argument("--repeats", type=positive_int, default=10)
    group.add_argument("--seed", type=int, default=0)
    group.add_argument("--workers", dest="jobs", type=positive_int, default=1)
    group.add_argument("--sweep", action="store_true", help="compare all ring sizes, and choose one inside the folds")
    group.add_argument(
        "--deploy", metavar="MODEL", help="model of the bundle, as models.csv calls it (default: the best mean AUC)"
    )
    group.add_argument(
        "--bundle",
        choices=("folds", "refit"),
        default="folds",
        help="all models of the cross-validation, whose mean predicts (song2021), or one fitted on all training cases",
    )
    group.add_argument("--permutations", type=int, default=0, help="of the labels, through the whole procedure")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Fit, compare, bundle and report."""
    from DeepRadiomicsFusionLib.jobs.fusion_jobs import fuse_job

    with progress_bar("fusing") as progress:
        done = fuse_job(
            named_tables(arguments.features),
            arguments.cohort,
            arguments.endpoint,
            arguments.out,
            _settings(arguments),
            positive=arguments.positive,
            split=arguments.split,
            patient=arguments.patient,
            readings=arguments.readings,
            progress=progress,
        )
    return report(done, arguments.out)


def _settings(arguments: argparse.Namespace) -> Any:
    from DeepRadiomicsFusionLib.jobs.fusion_jobs import FuseSettings
    from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings
    from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings

    chosen = {"classifiers": arguments.classifiers} if arguments.classifiers else {}
    return FuseSettings(
        selection=SelectionSettings(
            icc_above=arguments.icc_above,
            volume_correlation_below=arguments.volume_correlation_below,
            correlation_below=arguments.correlation_below,
            difference_p_below=arguments.difference_p_below,
            difference_test=arguments.difference_test,
            selector=arguments.selector,
            largest=arguments.largest,
            seed=arguments.seed,
        ),
        cross_validation=CrossValidationSettings(arguments.folds, arguments.repeats, arguments.seed, arguments.jobs),
        inner_folds=arguments.inner_folds,
        signature_for=arguments.signature_for,
        fused_on=arguments.fused_on,
        deployed=arguments.deploy,
        bundled=arguments.bundle,
        missing=arguments.missing,
        sweep=arguments.sweep,
        permutations=arguments.permutations,
        formats=arguments.formats,
        accept_seen=arguments.accept_seen,
        **chosen,
    )
