"""Hazards of linear predictors that no number can hold: bounded, so that a prediction is 0 or 1 and never nan."""

from __future__ import annotations

import numpy as np

FARTHEST_PREDICTOR = 300.0
"""exp(300) is 1e130: its square is still a number, and a survival is 0 or 1 to all digits long before."""


def relative_hazard(linear_predictor: np.ndarray | float) -> np.ndarray:
    """Return exp(linear predictor), the predictor taken between -300 and 300.

    A patient whose covariate lies far outside the training's (a unit that was mistaken, 1e9 for 1) has a predictor
    whose exponential is infinite; times the zero hazard before the first event that would be no number.

    Args:
        linear_predictor: of any shape.

    Example:
        >>> relative_hazard(np.array([0.0, 1e6, -1e6])).tolist() == [1.0, np.exp(300.0), np.exp(-300.0)]
        True
    """
    return np.exp(np.clip(linear_predictor, -FARTHEST_PREDICTOR, FARTHEST_PREDICTOR))
