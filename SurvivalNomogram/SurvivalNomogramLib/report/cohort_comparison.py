"""Compares two finished Cox models on cohorts: C, AUC, NRI and IDI on the patients that both can predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.jobs.output import JobOutput
from RadiomicsCoreLib.progress import Progress, part_of

from ..bundles.bundle import ModelBundle
from ..bundles.new_patients import read_new_patients
from ..competing.competing_scores import CompetingAuc, competing_auc
from ..models.cox import CoxModel
from ..validation.bootstrap import BootstrapSettings
from ..validation.concordance import concordance_difference, harrell_c
from ..validation.model_comparison import c_difference, likelihood_ratio, reclassification
from ..validation.time_dependent_roc import auc_difference, time_dependent_roc
from .cohort_validation import CohortPart, Cohorts

if TYPE_CHECKING:
    import pandas as pd


def write_comparison(
    output: JobOutput,
    cohorts: Cohorts,
    new: ModelBundle,
    old: ModelBundle,
    horizons: Sequence[float],
    bootstrap: BootstrapSettings,
    progress: Progress,
) -> None:
    """Write ``comparison.csv``: one row a cohort and measure, always new model minus old model.

    Measures: difference of Harrell's C (analytic and paired bootstrap), of the AUC at each horizon, category-free
    NRI and IDI at each horizon; and once, for nested models of the same patients, the likelihood ratio. Where events
    compete, the AUC is that of the cumulative incidences, C is told to be cause-specific, and there is no NRI and IDI.

    Raises:
        InputError: a bundle holds no Cox model.
    """
    import pandas as pd

    if not isinstance(old.model, CoxModel) or not isinstance(new.model, CoxModel):
        raise InputError("the model to compare with is logistic; two Cox models are needed")
    rows = output.attempt("likelihood ratio", _likelihood_row, old.model, new.model) or []
    if _compete(new, old):
        output.notes.append(
            "comparison with competing events: the AUC is that of cumulative incidences, patients whom another event "
            "took being controls; C ranks the cause-specific hazard, for which they are censored; NRI and IDI are left "
            "out"
        )
    for k, (label, part) in enumerate(cohorts.parts.items()):
        step = part_of(progress, k / len(cohorts.parts), (k + 1) / len(cohorts.parts))
        found = output.attempt(f"comparison on {label}", _rows, label, part, new, old, tuple(horizons), bootstrap, step)
        rows += found or []
    if rows:
        output.table("comparison", pd.DataFrame(rows))


def _likelihood_row(old: CoxModel, new: CoxModel) -> list[dict[str, object]]:
    try:
        test = likelihood_ratio(old, new)
    except ModelError:  # not nested: the other measures are there for that
        return []
    row = {"cohort": "training", "measure": "likelihood ratio", "estimate": test.chi_square, "p_value": test.p_value}
    return [row]


def _rows(
    label: str,
    part: CohortPart,
    new: ModelBundle,
    old: ModelBundle,
    horizons: tuple[float, ...],
    bootstrap: BootstrapSettings,
    progress: Progress,
) -> list[dict[str, object]]:
    assert isinstance(old.model, CoxModel) and isinstance(new.model, CoxModel)
    patients = read_new_patients(part.source.reset_index(drop=True), old)
    both = patients.usable
    time, event = part.time[both], part.event[both]
    old_frame, new_frame = patients.frame[both], part.frame[both]
    old_risk, new_risk = old.model.linear_predictor(old_frame), new.model.linear_predictor(new_frame)
    rows = _concordance_rows(time, event, old_risk, new_risk, bootstrap)
    usable = [h for h in horizons if event.any() and h <= min(time[event == 1].max(), old.model.baseline.times[-1])]
    if _compete(new, old):
        for row in rows:
            row["measure"] = f"cause-specific {row['measure']}"
        for horizon in usable:
            first_area = _area(old, old_frame, time, part.state[both], horizon)
            second_area = _area(new, new_frame, time, part.state[both], horizon)
            row = asdict(auc_difference(first_area, second_area))
            rows.append({"measure": "AUC difference, competing events", "estimate": row.pop("difference"), **row})
        return [{"cohort": label, "n": len(time), **row} for row in rows]
    for k, horizon in enumerate(usable):
        first, second = (time_dependent_roc(time, event, risk, horizon) for risk in (old_risk, new_risk))
        rows.append({"measure": "AUC difference", **asdict(auc_difference(first, second))})
        rows[-1]["estimate"] = rows[-1].pop("difference")
        table = reclassification(
            time,
            event,
            1 - old.model.survival_at(old_frame, horizon)[:, 0],
            1 - new.model.survival_at(new_frame, horizon)[:, 0],
            horizon,
            settings=bootstrap,
            progress=part_of(progress, k / len(usable), (k + 1) / len(usable)),
        ).table()
        rows += [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
    return [{"cohort": label, "n": len(time), **row} for row in rows]


def _compete(new: ModelBundle, old: ModelBundle) -> bool:
    return new.competing is not None or old.competing is not None


def _area(
    bundle: ModelBundle, frame: pd.DataFrame, time: np.ndarray, state: np.ndarray, horizon: float
) -> CompetingAuc:
    """AUC of a bundle's predicted incidence; of one without competing events that of its risk."""
    assert isinstance(bundle.model, CoxModel)
    if bundle.competing is None:
        risk = 1 - bundle.model.survival_at(frame, horizon)[:, 0]
    else:
        risk = bundle.competing.incidence_at(bundle.model, frame, horizon)[:, 0]
    return competing_auc(time, state, risk, horizon)


def _concordance_rows(
    time: np.ndarray, event: np.ndarray, old: np.ndarray, new: np.ndarray, bootstrap: BootstrapSettings
) -> list[dict[str, object]]:
    analytic = asdict(concordance_difference(harrell_c(time, event, old), harrell_c(time, event, new)))
    analytic["estimate"] = analytic.pop("difference")
    paired = asdict(c_difference(time, event, old, new, bootstrap))
    return [{"measure": "C difference", **analytic}, {"measure": "C difference (bootstrap)", **paired}]
