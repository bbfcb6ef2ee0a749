"""What is written of a model that was fitted on imputed tables."""

from __future__ import annotations

from RadiomicsCoreLib.jobs.output import JobOutput

from ..models.imputed import ImputedFit, ModelT


def write_imputed(output: JobOutput, imputed: ImputedFit[ModelT]) -> ModelT:
    """Write ``imputed_coefficients.csv``, say what the imputation does not reach, and return the pooled model."""
    output.table("imputed_coefficients", imputed.pooled.table())
    output.notes += [
        imputed.model.warnings[-1],
        "imputed_coefficients.csv has the t intervals of Rubin's rules; screening, selection, competing events, "
        "resampling and the figures of validation see the median or the most frequent level where a value is missing, "
        "and new patients are filled with them",
    ]
    return imputed.model
