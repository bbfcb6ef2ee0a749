"""``aft.csv``: accelerated failure time models with the Cox model's covariates, and how well each ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.cohort.splits import TRAINING
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.output import JobOutput

from ..models.accelerated_failure import DISTRIBUTIONS, AcceleratedFailureModel, fit_accelerated_failure
from ..models.cox import CoxModel
from ..tables.survival_table import SurvivalTable
from ..validation.concordance import harrell_c
from .cox_report import FITTED_HERE, NOT_FITTED_HERE

if TYPE_CHECKING:
    import pandas as pd

COX = "cox"


def write_accelerated_failure(output: JobOutput, table: SurvivalTable, cox: CoxModel) -> None:
    """Write the comparison; a distribution that cannot be fitted is named and left out.

    AICs compare the three with each other. A Cox model's partial likelihood knows nothing of the times between the
    events, so its AIC stands on another scale and is left empty.

    Args:
        output: takes the table.
        table: all cohorts, with levels that the Cox model knows.
        cox: whose covariates enter.
    """
    import pandas as pd

    models: dict[str, AcceleratedFailureModel] = {}
    for distribution in DISTRIBUTIONS:
        found = output.attempt(f"{distribution} model", fit_accelerated_failure, table, distribution, cox.terms)
        if found is not None:
            models[distribution] = found
    rows = []
    for name, model in models.items():
        known = {"model": name, "aic": model.aic, "log_likelihood": model.log_likelihood, "scale": model.scale}
        rows += [known | row for row in _ranked(table, model.risk)]
    rows += [{"model": COX} | row for row in _ranked(table, cox.linear_predictor)]
    output.table("aft", pd.DataFrame(rows))
    if models:
        best = min(models, key=lambda name: models[name].aic)
        output.notes.append(
            f"accelerated failure time models: the {best} one has the lowest AIC ({models[best].aic:.1f}); aft.csv "
            "holds the C of each, of training patients without an interval"
        )


def _ranked(table: SurvivalTable, risk_of: Callable[[pd.DataFrame], np.ndarray]) -> list[dict[str, object]]:
    """Harrell's C of every cohort; an interval of those alone that the model was not fitted on."""
    rows = []
    for label, part in table.parts.items():
        is_fitted = label == TRAINING
        row: dict[str, object] = {"cohort": label, "n": len(part), "events": part.events}
        row["patients"] = FITTED_HERE if is_fitted else NOT_FITTED_HERE
        try:
            found = harrell_c(part.time, part.event, risk_of(part.frame))
        except InputError:  # no event among these patients: there is nothing to rank
            rows.append(row)
            continue
        low, high = (float("nan"),) * 2 if is_fitted else found.interval()
        rows.append(row | {"harrell": found.index, "harrell_lower": low, "harrell_upper": high})
    return rows
