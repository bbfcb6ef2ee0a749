"""Several Cox models and what each says of the patients of every cohort."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.jobs.output import JobOutput

from ..bundles.bundle import ModelBundle
from ..estimation.kaplan_meier import GroupComparison, compare_groups
from ..groups.risk_groups import HIGH, LOW
from ..models.cox import CoxModel
from ..report.applying import read_as_trained
from ..report.cohort_validation import Cohorts, columns_of, read_cohort
from ..report.cox_report import FITTED_HERE, NOT_FITTED_HERE, is_fitted_label
from ..settings.inputs import Patients
from ..validation.concordance import concordance_difference, harrell_c
from ..validation.time_dependent_roc import TimeDependentRoc, auc_difference, time_dependent_roc

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ModelOnPart:
    """One model on the patients of one cohort.

    Attributes:
        model: its name.
        bundle: the model.
        part: name of the cohort.
        ids: of the patients.
        time, event: (n,) their outcome.
        frame: (n rows) their covariates.
    """

    model: str
    bundle: ModelBundle
    part: str
    ids: tuple[str, ...]
    time: np.ndarray
    event: np.ndarray
    frame: pd.DataFrame

    @property
    def cox(self) -> CoxModel:
        """The Cox model itself."""
        assert isinstance(self.bundle.model, CoxModel)  # read_models has refused others
        return self.bundle.model

    @property
    def risk(self) -> np.ndarray:
        """(n,) linear predictors."""
        return self.cox.linear_predictor(self.frame)

    @property
    def patients(self) -> str:
        """Whether the model was fitted on them."""
        return FITTED_HERE if is_fitted_label(self.part) else NOT_FITTED_HERE

    def of(self, ids: Sequence[str]) -> ModelOnPart:
        """The same model on some of the patients, in the order given."""
        place = {name: k for k, name in enumerate(self.ids)}
        rows = np.array([place[name] for name in ids], int)
        return ModelOnPart(
            self.model, self.bundle, self.part, tuple(ids), self.time[rows], self.event[rows], self.frame.iloc[rows]
        )


@dataclass(frozen=True)
class ComparedModels:
    """Models by cohort.

    Attributes:
        parts: name of a cohort -> name of a model -> what it says; every model sees the same patients of a cohort.
        time_unit: of all times.
        notes: who was left out.
    """

    parts: Mapping[str, Mapping[str, ModelOnPart]]
    time_unit: str
    notes: tuple[str, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order given."""
        return tuple(dict.fromkeys(name for models in self.parts.values() for name in models))


def read_models(bundles: Mapping[str, ModelBundle], patients: Patients) -> ComparedModels:
    """Read the cohorts for every model, and keep the patients that all of them can predict.

    Args:
        bundles: name to model; Cox models of one outcome.
        patients: the cohort with its feature tables.

    Raises:
        InputError: a model that is no Cox model, other units of time, no patient in common.
    """
    found: dict[str, Cohorts] = {}
    for name, bundle in bundles.items():
        if not isinstance(bundle.model, CoxModel):
            raise InputError(f"the model {name!r} is no Cox model; side by side stand Cox models")
        found[name] = read_cohort(bundle, read_as_trained(patients, bundle), columns_of(bundle))
    units = {part.time_unit for cohorts in found.values() for part in cohorts.parts.values()}
    if len(units) > 1:
        raise InputError(f"the models count time in {' and '.join(sorted(units))}; fit them in one unit")
    labels = [label for label in next(iter(found.values())).parts if all(label in c.parts for c in found.values())]
    parts: dict[str, dict[str, ModelOnPart]] = {}
    notes = []
    for label in labels:
        own = {name: _on_part(name, bundles[name], label, found[name]) for name in bundles}
        shared = [name for name in next(iter(own.values())).ids if all(name in one.ids for one in own.values())]
        most = max(len(one.ids) for one in own.values())
        if len(shared) < most:
            notes.append(f"{label}: {most - len(shared)} of {most} patients cannot be predicted by every model")
        if shared:
            parts[label] = {name: one.of(shared) for name, one in own.items()}
    if not parts:
        raise InputError("the models have no patient in common; were they fitted on the same cohort?")
    return ComparedModels(parts, next(iter(units)), tuple(notes))


def _on_part(name: str, bundle: ModelBundle, label: str, cohorts: Cohorts) -> ModelOnPart:
    part = cohorts.parts[label]
    ids = tuple(str(case) for case in part.source.index)
    return ModelOnPart(name, bundle, label, ids, part.time, part.event, part.frame)


def concordance_rows(compared: ComparedModels, against: str) -> list[dict[str, Any]]:
    """Return Harrell's C of every model in every cohort, and its test against one of them.

    Args:
        compared: the models.
        against: name of the model that the others are compared with.
    """
    rows = []
    for label, models in compared.parts.items():
        scores = {name: harrell_c(one.time, one.event, one.risk) for name, one in models.items() if one.event.any()}
        for name, score in scores.items():
            one, (lower, upper) = models[name], score.interval()
            row: dict[str, Any] = {"cohort": label, "model": name, "n": len(one.time), "events": int(one.event.sum())}
            row |= {"c": score.index, "lower": lower, "upper": upper, "patients": one.patients}
            if name != against and against in scores:
                test = concordance_difference(scores[against], score)
                row |= {"against": against, "difference": test.difference, "p_value": test.p_value}
            rows.append(row)
    return rows


def pair_rows(compared: ComparedModels) -> list[dict[str, Any]]:
    """Return the test of every pair of models in every cohort: difference of C, second minus first."""
    rows = []
    for label, models in compared.parts.items():
        scores = {name: harrell_c(one.time, one.event, one.risk) for name, one in models.items() if one.event.any()}
        for first, second in combinations(scores, 2):
            test = concordance_difference(scores[first], scores[second])
            rows.append(
                {
                    "cohort": label,
                    "first": first,
                    "second": second,
                    "difference": test.difference,
                    "lower": test.lower,
                    "upper": test.upper,
                    "p_value": test.p_value,
                    "patients": models[first].patients,
                }
            )
    return rows


def roc_curves(
    compared: ComparedModels, horizons: Sequence[float], output: JobOutput
) -> dict[tuple[str, float], dict[str, TimeDependentRoc]]:
    """Return (cohort, horizon) -> model -> curve; a horizon that a cohort does not reach is noted."""
    curves: dict[tuple[str, float], dict[str, TimeDependentRoc]] = {}
    for label, models in compared.parts.items():
        for horizon in horizons:
            for name, one in models.items():
                arrays = (one.time, one.event, one.risk, horizon)
                what = f"{label}: ROC at {horizon:g}"
                try:
                    curves.setdefault((label, horizon), {})[name] = time_dependent_roc(*arrays)
                except InputError as error:
                    output.notes.append(f"{what}: {error}")
                    break
    return {key: found for key, found in curves.items() if found}


def auc_rows(
    compared: ComparedModels, curves: Mapping[tuple[str, float], Mapping[str, TimeDependentRoc]], against: str
) -> list[dict[str, Any]]:
    """Return the area of every model, cohort and horizon, and its test against one of the models."""
    rows = []
    for (label, horizon), models in curves.items():
        for name, curve in models.items():
            row: dict[str, Any] = {"cohort": label, "horizon": horizon, "model": name, "cases": curve.cases}
            row |= {"controls": curve.controls, "auc": curve.auc, "lower": curve.lower, "upper": curve.upper}
            row["patients"] = compared.parts[label][name].patients
            if name != against and against in models:
                test = auc_difference(models[against], curve)
                row |= {"against": against, "difference": test.difference, "p_value": test.p_value}
            rows.append(row)
    return rows


def risk_groups(compared: ComparedModels, output: JobOutput) -> dict[tuple[str, str], GroupComparison]:
    """Return (cohort, model) -> its locked risk groups compared; a cohort in one group is noted."""
    found = {}
    for label, models in compared.parts.items():
        for name, one in models.items():
            if one.bundle.cutoff is None:
                continue
            groups = one.bundle.cutoff.groups(one.risk)
            try:
                found[label, name] = compare_groups(one.time, one.event, groups, levels=(LOW, HIGH))
            except InputError as error:
                output.notes.append(f"{label}, {name}: {error}")
    return found


def hazard_rows(compared: ComparedModels, groups: Mapping[tuple[str, str], GroupComparison]) -> list[dict[str, Any]]:
    """Return the hazard ratio of high against low risk, with the log-rank test, of every model and cohort."""
    rows = []
    for (label, name), found in groups.items():
        one = compared.parts[label][name]
        ratio, lower, upper = found.hazard_ratios.get(HIGH, (np.nan, np.nan, np.nan))
        sizes = {level: int(curve.at_risk[0]) for level, curve in found.curves.items()}
        assert one.bundle.cutoff is not None  # risk_groups has left out those without
        rows.append(
            {
                "cohort": label,
                "model": name,
                "cutoff": one.bundle.cutoff.value,
                "low_risk": sizes.get(LOW, 0),
                "high_risk": sizes.get(HIGH, 0),
                "hazard_ratio": ratio,
                "lower": lower,
                "upper": upper,
                "log_rank_p": found.p_value,
                "patients": one.patients,
            }
        )
    return rows


def coefficient_rows(compared: ComparedModels) -> list[dict[str, Any]]:
    """Return what every model holds: coefficients, and those of one standard deviation of its training patients."""
    rows = []
    for name in compared.models:
        label = next(iter(compared.parts))
        one = compared.parts[label][name]
        spread = one.cox.design.transform(one.frame).std(axis=0, ddof=1)
        for line, sd in zip(one.cox.summary(), spread, strict=True):
            standardised = line.coefficient * float(sd)
            rows.append({"model": name, "term": line.column, "coefficient": line.coefficient, "per_sd": standardised})
    return rows
