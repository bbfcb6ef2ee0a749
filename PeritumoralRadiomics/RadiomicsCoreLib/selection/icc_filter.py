"""Keeps the features that repeated readings agree on."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..statistics.icc import IccModel
from .readings import Readings
from .step import Step, TableView

ICC_ABOVE = 0.75
"""Where a threshold is not named: the lower end of "good" reliability, Koo TK, Li MY. J Chiropr Med 2016;15:155-163.
yang2023 takes 0.8."""

ICC_ABOVE = 0.75
"""ICC that a feature must exceed where the user names no threshold: "good" agreement by Koo and Li (2016)."""


class IccFilter(Step):
    """Keep features whose intraclass correlation exceeds a threshold (yang2023: ICC > 0.8).

    Only readings of the cases it is fitted on are used: a case of the test part has no say. The readings hold
    unscaled values of their own, so the step may stand before or after scaling.

    Args:
        readings: repeated feature tables; the frames given to ``fit`` carry the same case ids as index.
        threshold: ICC to exceed, between 0 and 1.
        model: ICC(2,1) or ICC(3,1).
        use_lower_bound: compare the lower end of the 95 % confidence interval instead of the ICC.
        smallest_cases: fewest cases with readings, at least 3.
        unread: ``drop`` or ``keep`` features that no second reading has (deep features, for example).

    After ``fit``: ``icc_`` (p,), NaN where a feature was not read or does not vary.
    """

    icc_: np.ndarray

    def __init__(
        self,
        readings: Readings | None = None,
        threshold: float = ICC_ABOVE,
        model: IccModel = IccModel.AGREEMENT,
        use_lower_bound: bool = False,
        smallest_cases: int = 5,
        unread: str = "drop",
    ) -> None:
        self.readings = readings
        self.threshold = threshold
        self.model = model
        self.use_lower_bound = use_lower_bound
        self.smallest_cases = smallest_cases
        self.unread = unread

    def _choose(self, table: TableView, outcome: np.ndarray | None) -> np.ndarray:
        readings, cases = self._check(table)
        unread = np.array([not readings.has(name) for name in table.names])
        read = [name for name in table.names if readings.has(name)]
        found = readings.reliability(cases, read, self.model, self.smallest_cases)
        self.icc_ = np.full(len(table.names), np.nan)
        self.icc_[~unread] = found.lower if self.use_lower_bound else found.value
        keep = (self.icc_ > self.threshold) | (unread & (self.unread == "keep"))
        if not keep.any():
            best = float(np.nanmax(self.icc_)) if np.isfinite(self.icc_).any() else float("nan")
            raise InputError(
                f"none of {len(keep)} features has an ICC above {self.threshold:g} (the highest is {best:.3g}); "
                "lower the threshold or look at the second masks"
            )
        return keep

    def _check(self, table: TableView) -> tuple[Readings, list[object]]:
        if not 0 <= self.threshold < 1:
            raise InputError(f"the ICC threshold must lie from 0 to below 1, not {self.threshold:g}")
        if self.unread not in ("drop", "keep"):
            raise InputError(f"unread must be 'drop' or 'keep', not {self.unread!r}")
        if self.readings is None:
            raise InputError("the ICC filter has no readings; give second-reader or perturbed feature tables")
        if table.case_ids is None:
            raise InputError("the ICC filter needs a data frame with case ids as index, not an array")
        return self.readings, table.case_ids
