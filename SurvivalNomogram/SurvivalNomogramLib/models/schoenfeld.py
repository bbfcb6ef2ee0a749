"""Test of proportional hazards for each factor and for all, with the scaled Schoenfeld residuals to look at.

The test is the score test of R's survival 3: the covariate times a function of time is added to the model, and
its score and information are taken at zero. (The older test, which lifelines has, replaces the information
by an average over time.)

Reference:
    Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals.
    Biometrika 1994;81:515-526. Therneau TM, cox.zph in R's survival 3.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import InputError, ModelError
from RadiomicsCoreLib.figures.style import (
    LIGHT_GREY,
    TEXT_PT,
    TITLE_PT,
    colour,
    new_figure,
    p_text,
    style_axes,
)
from RadiomicsCoreLib.figures.text_width import text_width_in, wrapped

from ..estimation.partial_likelihood import event_moments
from ..estimation.risk_sets import risk_sets

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..tables.survival_table import SurvivalTable
    from .cox import CoxModel

GLOBAL = "GLOBAL"
"""Name of the test's last line, which is about all factors together."""
PANEL_IN = (3.4, 2.9)
"""Width and height of one panel of the figure."""


def _before(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    """1 - Kaplan-Meier's survival just before each time (n,)."""
    _, at = np.unique(time, return_inverse=True)
    deaths = np.bincount(at, event)
    at_risk = np.bincount(at)[::-1].cumsum()[::-1]
    survival = np.cumprod(1 - deaths / at_risk)
    return 1 - np.concatenate(([1.0], survival))[at]


def _ranks(time: np.ndarray, event: np.ndarray) -> np.ndarray:
    from scipy.stats import rankdata

    return rankdata(time)


TRANSFORMS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "km": _before,
    "rank": _ranks,
    "identity": lambda time, event: time,
    "log": lambda time, event: np.log(time),
}
"""Functions of time that a hazard ratio may drift with; all see time and event (n,)."""


@dataclass(frozen=True)
class ProportionalityLine:
    """Test of one factor, or of all ("GLOBAL")."""

    term: str
    chi_square: float
    degrees_of_freedom: int
    p: float


@dataclass(frozen=True)
class SchoenfeldTest:
    """Test of proportional hazards.

    Args:
        lines: one for each factor, and the global one last.
        transform: function of time, a key of :data:`TRANSFORMS`.
        times, transformed: (d,) event times in order, and their transform.
        residuals: (d, terms) scaled residuals plus the coefficient: an estimate of the coefficient over time.
            For a factor of several columns they are of its part of the linear predictor, around 1.
        variances: (terms,) of the mean of the residuals' curve, for its band.
        time_unit: of the times, for the figure.
    """

    lines: tuple[ProportionalityLine, ...]
    transform: str
    times: np.ndarray
    transformed: np.ndarray
    residuals: np.ndarray
    variances: np.ndarray
    time_unit: str = ""

    @property
    def terms(self) -> tuple[str, ...]:
        return tuple(line.term for line in self.lines[:-1])


def schoenfeld_test(model: CoxModel, table: SurvivalTable, transform: str = "km") -> SchoenfeldTest:
    """Test whether the hazard ratios of a model stay the same over time.

    Args:
        model: fitted on the training patients of ``table``.
        table: the same patients.
        transform: "km" (1 - Kaplan-Meier just before each time, as R), "rank", "identity" or "log".

    Raises:
        InputError: the transform is unknown, or the table has other patients than the model.
        ModelError: the model has no covariate.
    """
    if transform not in TRANSFORMS:
        raise InputError(f"transform {transform!r} is unknown; choose one of {', '.join(TRANSFORMS)}")
    if not model.terms:
        raise ModelError("a model without covariates has no proportional hazards to test")
    training = table.training
    if (len(training), training.events) != (model.n, model.events):
        raise InputError(
            f"the model was fitted on {model.n} patients with {model.events} events, but the table has "
            f"{len(training)} with {training.events}: give the training table"
        )
    sets = risk_sets(training.time, training.event)
    x = (model.design.transform(training.frame) - model.center)[sets.order]
    moments = event_moments(sets, x, model.coefficients)
    moved = TRANSFORMS[transform](training.time, training.event)[sets.order][sets.event]
    centred = moved - moved.mean()
    if not np.ptp(moved) > 0:
        raise ModelError("all events lie at one time: nothing tells whether hazards stay proportional over time")
    information = _extended(
        moments.information(np.ones(len(centred))),
        moments.information(centred),
        moments.information(centred**2),
    )
    score = centred @ moments.residuals
    residuals, variances = _scaled(model, moments.residuals, information)
    return SchoenfeldTest(
        lines=tuple(_lines(model, score, information)),
        transform=transform,
        times=training.time[sets.order][sets.event],
        transformed=moved,
        residuals=residuals,
        variances=variances,
        time_unit=training.time_unit,
    )


def _extended(plain: np.ndarray, once: np.ndarray, twice: np.ndarray) -> np.ndarray:
    return np.block([[plain, once], [once, twice]])


def _lines(model: CoxModel, score: np.ndarray, information: np.ndarray) -> list[ProportionalityLine]:
    from scipy.special import chdtrc

    p = len(score)
    places = [(name, np.arange(p)[place]) for name, place in model.design.slices().items()]
    lines = []
    for name, columns in [*places, (GLOBAL, np.arange(p))]:
        rows = np.concatenate((np.arange(p), columns + p))
        right = np.concatenate((np.zeros(p), score[columns]))
        statistic = float(right @ np.linalg.solve(information[np.ix_(rows, rows)], right))
        lines.append(ProportionalityLine(name, statistic, len(columns), float(chdtrc(len(columns), statistic))))
    return lines


def _scaled(model: CoxModel, residuals: np.ndarray, information: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scaled residuals (d, terms) around the coefficient, and the variance of each."""
    p = residuals.shape[1]
    slices = model.design.slices()
    joined = np.zeros((p, len(slices)))
    level = np.empty(len(slices))
    for k, place in enumerate(slices.values()):
        is_single = place.stop - place.start == 1
        joined[place, k] = 1.0 if is_single else model.coefficients[place]
        level[k] = model.coefficients[place][0] if is_single else 1.0
    average = joined.T @ (information[:p, :p] / len(residuals)) @ joined
    inverse = np.linalg.inv(average)
    return residuals @ joined @ inverse + level, np.diag(inverse)


def plot_schoenfeld(test: SchoenfeldTest, term: str | None = None) -> Figure:
    """Draw the scaled residuals over time, with a smooth curve (natural spline, 4 df) and its 95 % band.

    Args:
        test: from :func:`schoenfeld_test`.
        term: one factor; all factors, one panel each, when None.

    Returns:
        A matplotlib figure; a horizontal curve means proportional hazards.

    Raises:
        InputError: there is no such factor.
    """
    if term is not None and term not in test.terms:
        raise InputError(f"{term!r} is not a factor of the test; it has {', '.join(test.terms)}")
    shown = [term] if term is not None else list(test.terms)
    columns = min(len(shown), 3)
    rows = -(-len(shown) // columns)
    figure = new_figure(PANEL_IN[0] * columns, PANEL_IN[1] * rows)
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for k, (axes, name) in enumerate(zip(panels, shown, strict=False)):
        _draw(axes, test, test.terms.index(name))
        if k % columns == 0:
            axes.set_ylabel("Coefficient over time, beta(t)", fontsize=TEXT_PT)
    for axes in panels[len(shown) :]:
        axes.set_visible(False)
    return figure


def _draw(axes: Axes, test: SchoenfeldTest, k: int) -> None:
    x, y = test.transformed, test.residuals[:, k]
    grid = np.linspace(x.min(), x.max(), 60)
    curve, error = _smooth(x, y, grid)
    band = 1.96 * error * np.sqrt(test.variances[k])
    axes.scatter(x, y, s=8, color=LIGHT_GREY, linewidths=0)
    axes.plot(grid, curve, color=colour(0))
    axes.fill_between(grid, curve - band, curve + band, color=colour(0), alpha=0.18, linewidth=0)
    ticks = np.unique(np.quantile(test.times, [0, 0.2, 0.4, 0.6, 0.8, 1.0], method="nearest"))
    axes.set_xticks([float(x[np.flatnonzero(test.times == t)[0]]) for t in ticks], [f"{t:g}" for t in ticks])
    unit = f" ({test.time_unit})" if test.time_unit else ""
    style_axes(axes, x_label=f"Time{unit}", title=_title(test.terms[k], test.lines[k].p))


def _title(name: str, p: float) -> str:
    """Name and p in one line, or below each other where the panel is too narrow for that."""
    width = PANEL_IN[0] - 0.9
    in_one = f"{name}: {p_text(p)}"
    if text_width_in(in_one, TITLE_PT) <= width:
        return in_one
    return f"{wrapped(name, width, TITLE_PT)}:\n{p_text(p)}"


def _smooth(x: np.ndarray, y: np.ndarray, grid: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Natural cubic spline with 4 degrees of freedom: curve on the grid and its unit standard error."""
    knots = np.unique(np.quantile(x, [0, 1 / 3, 2 / 3, 1]))
    basis, wanted = _natural_basis(x, knots), _natural_basis(grid, knots)
    weights, *_ = np.linalg.lstsq(basis, y, rcond=None)
    inverse = np.linalg.pinv(basis.T @ basis)
    return wanted @ weights, np.sqrt(np.einsum("ij,jk,ik->i", wanted, inverse, wanted))


def _natural_basis(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Truncated-power basis of the natural cubic spline (Hastie, Tibshirani, Friedman, eq. 5.4-5.5)."""
    scaled, at = (x - knots[0]) / (knots[-1] - knots[0]), (knots - knots[0]) / (knots[-1] - knots[0])

    def bend(k: int) -> np.ndarray:
        cubes = np.clip(scaled - at[k], 0, None) ** 3 - np.clip(scaled - at[-1], 0, None) ** 3
        return cubes / (at[-1] - at[k])

    curves = [bend(k) - bend(len(at) - 2) for k in range(len(at) - 2)]
    return np.column_stack([np.ones_like(x), scaled, *curves])
