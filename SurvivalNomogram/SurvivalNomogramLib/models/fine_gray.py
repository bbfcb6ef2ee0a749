"""Fine and Gray's model: how covariates move the cumulative incidence of one event while others compete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError

from ..estimation.relative_hazard import relative_hazard
from ..estimation.subdistribution import maximise_subdistribution
from ..tables.covariates import DesignMatrix, ModelOfTerms, Term, check_full_rank
from .cox import Baseline, Coefficient, check_parts, check_shape, chosen_terms, coefficient_lines, few_events

if TYPE_CHECKING:
    import pandas as pd

    from ..tables.survival_table import SurvivalTable


@dataclass(frozen=True)
class FineGrayModel(ModelOfTerms):
    """A fitted model of the subdistribution hazard.

    Args:
        terms: covariates with their levels.
        coefficients: (p,) log subdistribution hazard ratios, one for each of ``columns``.
        covariance: (p, p) sandwich that knows that the censoring weights are estimated.
        center: (p,) means of the training patients' design columns; the baseline belongs to them.
        log_likelihood, null_log_likelihood: weighted partial likelihood at the coefficients and at zero.
        n, events, competing_events: patients, events of interest and competing events of the fit.
        baseline: cumulative subdistribution hazard at ``center``.
        time_unit: unit of all times.
        warnings: what a reader should know, one line each.
    """

    terms: tuple[Term, ...]
    coefficients: np.ndarray
    covariance: np.ndarray
    center: np.ndarray
    log_likelihood: float
    null_log_likelihood: float
    n: int
    events: int
    competing_events: int
    baseline: Baseline
    time_unit: str = "days"
    warnings: tuple[str, ...] = ()

    def linear_predictor(self, frame: pd.DataFrame) -> np.ndarray:
        """Return ``(x - center) @ coefficients`` (n,).

        Raises:
            InputError: a column or value is missing, or a category was not seen in training.
        """
        return (self.design.transform(frame) - self.center) @ self.coefficients

    def incidence_at(self, frame: pd.DataFrame, times: Sequence[float] | np.ndarray | float) -> np.ndarray:
        """Return cumulative incidences (n, k) of the event of interest at ``times`` (k,), as ``predict.crr``.

        Raises:
            InputError: as :meth:`linear_predictor`, or a time beyond the follow-up.
        """
        hazard = self.baseline.at(np.atleast_1d(np.asarray(times, float)))
        return -np.expm1(-relative_hazard(self.linear_predictor(frame))[:, np.newaxis] * hazard)

    def summary(self, confidence: float = 0.95) -> list[Coefficient]:
        """Return one line for each column; ``hazard_ratio`` is the subdistribution hazard ratio."""
        return coefficient_lines(self.columns, self.coefficients, self.covariance, confidence)

    def to_dict(self) -> dict[str, object]:
        """Return the model as numbers, texts and lists that JSON holds without loss."""
        return {
            "kind": "fine_gray",
            "terms": [term.to_dict() for term in self.terms],
            "columns": list(self.columns),
            "coefficients": self.coefficients.tolist(),
            "covariance": self.covariance.tolist(),
            "center": self.center.tolist(),
            "log_likelihood": self.log_likelihood,
            "null_log_likelihood": self.null_log_likelihood,
            "n": self.n,
            "events": self.events,
            "competing_events": self.competing_events,
            "baseline": {
                "times": self.baseline.times.tolist(),
                "cumulative_hazard": self.baseline.cumulative_hazard.tolist(),
                "last_time": self.baseline.last_time,
            },
            "time_unit": self.time_unit,
            "warnings": list(self.warnings),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FineGrayModel:
        """Rebuild a model from :meth:`to_dict`; InputError where a part is missing or does not fit."""
        if data.get("kind") != "fine_gray":
            raise InputError(f"a model of kind {data.get('kind')!r} is not a Fine-Gray model")
        check_parts(data, ("terms", "coefficients", "covariance", "center", "baseline", "n", "events"))
        terms = tuple(Term.from_dict(term) for term in data["terms"])
        coefficients = np.array(data["coefficients"], float)
        check_shape(terms, coefficients)
        baseline = data["baseline"]
        check_parts(baseline, ("times", "cumulative_hazard", "last_time"), "baseline incidence")
        return cls(
            terms=terms,
            coefficients=coefficients,
            covariance=np.array(data["covariance"], float).reshape(len(coefficients), len(coefficients)),
            center=np.array(data["center"], float),
            log_likelihood=float(data["log_likelihood"]),
            null_log_likelihood=float(data["null_log_likelihood"]),
            n=int(data["n"]),
            events=int(data["events"]),
            competing_events=int(data["competing_events"]),
            baseline=Baseline(
                np.array(baseline["times"], float),
                np.array(baseline["cumulative_hazard"], float),
                float(baseline["last_time"]),
            ),
            time_unit=str(data.get("time_unit", "days")),
            warnings=tuple(data.get("warnings", ())),
        )


def fit_fine_gray(table: SurvivalTable, covariates: Sequence[str | Term] | None = None) -> FineGrayModel:
    """Fit Fine and Gray's model of the event on the training patients.

    Args:
        table: patients with competing events; where there is a split, those labelled "train" are used.
        covariates: names or terms to enter; all of the table's terms when None.

    Raises:
        InputError: the table holds no competing event, or a covariate is not in it.
        ModelError: no event, constant or collinear columns, as many columns as events, or no maximum.

    Example:
        >>> import pandas as pd
        >>> from SurvivalNomogramLib.tables.survival_table import read_survival_table
        >>> frame = pd.DataFrame({"t": [5.0, 8, 9, 12, 14, 20, 22], "e": [1, 2, 0, 1, 2, 1, 0],
        ...                       "age": [70, 60, 50, 64, 45, 52, 61]})
        >>> model = fit_fine_gray(read_survival_table(frame, time="t", event="e"))
        >>> model.columns, model.events, model.competing_events
        (('age',), 3, 2)

    Reference:
        Fine JP, Gray RJ. JASA 1999;94:496-509; equal to ``crr`` of R's cmprsk.
    """
    training = table.training
    if training.state is None:
        raise InputError("the event column holds no competing event: use the Cox model")
    terms = chosen_terms(training, covariates)
    design = DesignMatrix(terms)
    x = design.transform(training.frame)
    if x.shape[1] >= training.events:
        raise ModelError(f"{x.shape[1]} coefficients cannot be fitted with {training.events} events")
    check_full_rank(x, design.columns)
    center = x.mean(axis=0)
    fit = maximise_subdistribution(x - center, training.time, training.state, 1)
    return FineGrayModel(
        terms=terms,
        coefficients=fit.coefficients,
        covariance=fit.covariance,
        center=center,
        log_likelihood=fit.log_likelihood,
        null_log_likelihood=fit.null_log_likelihood,
        n=len(training),
        events=training.events,
        competing_events=int((training.state > 1).sum()),
        baseline=Baseline(fit.times, fit.hazard, float(training.time.max())),
        time_unit=training.time_unit,
        warnings=tuple(few_events(training.events, x.shape[1])),
    )
