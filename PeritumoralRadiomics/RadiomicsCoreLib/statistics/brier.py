"""The Brier score: mean squared difference of probability and outcome."""

from __future__ import annotations

import numpy as np

from ..errors import InputError
from .binary_outcome import binary_outcome


def brier_score(outcome: np.ndarray, chance: np.ndarray) -> float:
    """Mean squared difference of probability and outcome; 0 is perfect.

    Args:
        outcome: (n,) 0 and 1.
        chance: (n,) probabilities of outcome 1.

    Raises:
        InputError: as :func:`checked_probabilities`.

    Example:
        >>> brier_score([0, 1], [0.5, 0.5])
        0.25

    Reference: Brier GW. Mon Weather Rev 1950;78:1-3.
    """
    outcome, chance = checked_probabilities(outcome, chance)
    return float(squared_errors(outcome, 1 - outcome, chance).mean())


def squared_errors(cases: np.ndarray, controls: np.ndarray, chance: np.ndarray | float) -> np.ndarray:
    """Squared difference (n,) of probability and outcome, where a patient may count as both in part.

    Args:
        cases: (n,) weight as one with the outcome: 1 and 0, or the weights of a censored follow-up.
        controls: (n,) weight as one without.
        chance: (n,) or one probability of the outcome.

    Example:
        >>> squared_errors(np.array([1.0, 0.0]), np.array([0.0, 1.2]), 0.5).tolist()
        [0.25, 0.3]
    """
    return (1 - chance) ** 2 * cases + chance**2 * controls


def checked_probabilities(outcome: np.ndarray, chance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Outcome as 0 and 1, and probabilities in [0, 1], one for each case.

    Raises:
        InputError: otherwise.
    """
    outcome, chance = binary_outcome(outcome), np.asarray(chance, float)
    if chance.shape != outcome.shape:
        raise InputError(f"outcome has shape {outcome.shape}, probability {chance.shape}; give one for every case")
    if not ((chance >= 0) & (chance <= 1)).all():
        strange = chance[~((chance >= 0) & (chance <= 1))][0]
        raise InputError(f"a probability is {strange:g}; it must lie from 0 to 1")
    return outcome, chance
