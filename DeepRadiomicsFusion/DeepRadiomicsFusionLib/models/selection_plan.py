"""Which scaling and selection steps come before a model, in which order; fitted on training cases only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.selection.class_difference import ClassDifferenceFilter, DifferenceTest
from RadiomicsCoreLib.selection.correlation_filter import CorrelationFilter
from RadiomicsCoreLib.selection.icc_filter import ICC_ABOVE, IccFilter
from RadiomicsCoreLib.selection.lasso import LassoSelector
from RadiomicsCoreLib.selection.mrmr import MrmrSelector
from RadiomicsCoreLib.selection.readings import Readings
from RadiomicsCoreLib.selection.step import Step
from RadiomicsCoreLib.selection.volume_filter import RegionVolumes, VolumeCorrelationFilter
from RadiomicsCoreLib.selection.z_score import ZScore
from RadiomicsCoreLib.settings.checks import choose
from RadiomicsCoreLib.settings.options import option
from RadiomicsCoreLib.statistics.icc import IccModel

from ..tables.samples import Samples

GROUP = "modelling"


class Selector(Enum):
    """The last step, which chooses the features of the model."""

    LASSO = "lasso"
    MRMR = "mrmr"
    NONE = "none"
    """All features that the filters leave."""


@dataclass(frozen=True)
class SelectionSettings:
    """Which filters and selector; a filter of None is left out. The order is as below.

    Args:
        icc_above: ICC threshold, used where readings are given.
        icc_model: ICC(2,1) or ICC(3,1).
        volume_correlation_below: largest absolute Spearman correlation with the region's volume.
        difference_p_below: p value of the test of a difference between the classes.
        difference_test: t-test, Mann-Whitney, or the one or the other by normality.
        correlation_below: largest absolute Spearman correlation between two features.
        selector: LASSO, mRMR or none.
        largest: most features; for mRMR the number of features (10 if None).
        seed: of the LASSO's folds.

    Example:
        >>> SelectionSettings(selector="mrmr", largest=10).selector.value
        'mrmr'
    """

    icc_above: float = option("ICC to exceed, where readings are given", ICC_ABOVE, group=GROUP)
    icc_model: IccModel = option(
        "2,1 (agreement) or 3,1 (consistency)", IccModel.AGREEMENT, metavar="MODEL", group=GROUP
    )
    volume_correlation_below: float | None = option("drop features that follow the region's volume", None, group=GROUP)
    difference_p_below: float | None = option(
        "drop features whose classes do not differ, such as 0.05 (song2021)", None, group=GROUP
    )
    difference_test: DifferenceTest = option(
        "of --difference-p-below; by-normality: t-test where both classes look normal, else Mann-Whitney",
        DifferenceTest.BY_NORMALITY,
        group=GROUP,
    )
    correlation_below: float | None = option("of two features that correlate as much, drop one", 0.9, group=GROUP)
    selector: Selector = option("the last step, which chooses the features", Selector.LASSO, group=GROUP)
    largest: int | None = option("most features of the selector (mrmr: their number, 10)", None, group=GROUP)
    seed: int = option("of folds, tuning and sampling", 0, group=GROUP)

    def __post_init__(self) -> None:
        choose(self, icc_model=IccModel, difference_test=DifferenceTest, selector=Selector)
        for name in ("volume_correlation_below", "difference_p_below", "correlation_below"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= 1:
                raise InputError(f"{name} must lie above 0 and up to 1, not {value:g}")
        if not 0 <= self.icc_above < 1:
            raise InputError(f"icc_above must lie from 0 to below 1, not {self.icc_above:g}")
        if self.largest is not None and self.largest < 1:
            raise InputError(f"largest must be at least 1 feature, not {self.largest}")

    def plan(self, readings: Readings | None = None, volumes: RegionVolumes | None = None) -> SelectionPlan:
        """The steps in their order.

        Args:
            readings: repeated feature tables for the ICC filter.
            volumes: of the regions; None: taken from the feature table itself.
        """
        steps = self.filters(readings, volumes)
        if self.selector is Selector.LASSO:
            steps.append(LassoSelector(largest=self.largest, seed=self.seed))
        elif self.selector is Selector.MRMR:
            steps.append(MrmrSelector(count=self.largest or 10))
        return SelectionPlan(tuple(steps))

    def filters(self, readings: Readings | None = None, volumes: RegionVolumes | None = None) -> list[Step]:
        """The steps before the selector; the last one but the filters on scaled values is the z-score."""
        steps: list[Step] = []
        if readings is not None:
            steps.append(IccFilter(readings, self.icc_above, self.icc_model, unread="keep"))
        if self.volume_correlation_below is not None:
            steps.append(VolumeCorrelationFilter(volumes, self.volume_correlation_below))
        steps.append(ZScore())
        if self.difference_p_below is not None:
            steps.append(ClassDifferenceFilter(self.difference_p_below, self.difference_test))
        if self.correlation_below is not None and self.correlation_below < 1:
            steps.append(CorrelationFilter(self.correlation_below))
        return steps


@dataclass(frozen=True)
class Selected:
    """What a fitted plan comes to: some features, each shifted and scaled.

    Attributes:
        features: (p,) names.
        centre: (p,) subtracted, in the feature's own unit.
        scale: (p,) divided by.
        left: (step, number of features left after it), in order.
    """

    features: tuple[str, ...]
    centre: np.ndarray
    scale: np.ndarray
    left: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class SelectionPlan:
    """Unfitted steps; ``fit`` leaves them as they are."""

    steps: tuple[Step, ...]

    def fit(self, samples: Samples) -> Selected:
        """Fit copies of the steps, one after the other.

        Raises:
            InputError: a step cannot use the cases.
        """
        table = samples.table
        centre = dict.fromkeys(table.columns, 0.0)
        scale = dict.fromkeys(table.columns, 1.0)
        left = []
        for template in self.steps:
            step = template.unfitted()
            if isinstance(step, LassoSelector):
                step.fit(table, samples.outcome, samples.patients)
            else:
                step.fit(table, samples.outcome)
            table = step.transform(table)
            if isinstance(step, ZScore):
                for name, mean, spread in zip(table.columns, step.mean_, step.scale_, strict=True):
                    centre[name] += scale[name] * mean
                    scale[name] *= spread
            left.append((type(step).__name__, len(table.columns)))
        names = tuple(str(name) for name in table.columns)
        return Selected(
            names, np.array([centre[name] for name in names]), np.array([scale[name] for name in names]), tuple(left)
        )
