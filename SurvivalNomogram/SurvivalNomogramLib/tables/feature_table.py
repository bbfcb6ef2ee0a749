"""A table of features without an outcome, for what looks at none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from RadiomicsCoreLib.cohort.joined import JoinedCohort

from .cohort_table import CohortTable, CovariateRequest, check_patients, read_covariates, with_outcome


@dataclass(frozen=True, kw_only=True)
class FeatureTable(CohortTable):
    """Patients with features; see :class:`~SurvivalNomogramLib.tables.cohort_table.CohortTable`. No event is known."""

    def size(self) -> dict[str, int]:
        """Return the number of patients."""
        return {"n": len(self)}


def read_feature_table(joined: JoinedCohort, covariates: Sequence[str] | None) -> FeatureTable:
    """Read the features of a cohort.

    Args:
        joined: the cohort.
        covariates: columns; None: those of the joined tables, or all that have no other role.

    Raises:
        InputError: a column is absent or cannot be used.
    """
    request = CovariateRequest(covariates, missing=joined.columns.missing)
    offered = request.offered(joined, None)
    recorded = with_outcome(joined, (), request.is_strict)
    read = read_covariates(recorded.frame, offered.names, recorded.labels, request)
    ids = np.asarray(read.frame.index, dtype=object)
    labels = None if recorded.labels is None else recorded.labels[read.kept]
    return FeatureTable(
        frame=read.frame,
        event=np.zeros(len(read.frame), int),
        terms=read.terms,
        ids=ids,
        split=labels,
        missing=read.missing,
        report=(*joined.notes, *recorded.report, *read.report),
        warnings=(*offered.warnings, *read.warnings, *check_patients(joined, ids, labels)),
        left_out=recorded.left_out | read.left_out,
    )
