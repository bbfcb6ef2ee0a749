"""What each input contributed to a prediction: Shapley values, exact for a few inputs, sampled beyond.

The value of a coalition is the model's mean prediction with the coalition's inputs taken from the patient and the
others from each background patient in turn (interventional). The package ``shap`` is not used: it depends on a
package that overwrites 3D Slicer's own ``slicer``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.errors import DependencyError, InputError, ModelError
from RadiomicsCoreLib.progress import Progress, no_progress

if TYPE_CHECKING:
    from torch import Tensor

MOST_EXACT_INPUTS = 12
_ROWS_AT_A_TIME = 200_000
_STEPS_AT_A_TIME = 16
Predict = Callable[[np.ndarray], np.ndarray]


class ShapleyMethod(Enum):
    """``EXACT``: every coalition, up to 12 inputs. ``SAMPLED``: random orders, by captum. ``AUTO``: the first
    where it can be done."""

    AUTO = "auto"
    EXACT = "exact"
    SAMPLED = "sampled"


@dataclass(frozen=True)
class Contributions:
    """Shapley values of a set of patients.

    Attributes:
        names: (f,) of the inputs.
        case_ids: (n,) of the patients.
        values: (n, f); a row sums to ``predictions - base`` (to six digits when sampled).
        inputs: (n, f), the patients' values.
        predictions: (n,) of the model.
        base: mean prediction over the background.
        method: exact or sampled.
    """

    names: tuple[str, ...]
    case_ids: tuple[str, ...]
    values: np.ndarray
    inputs: np.ndarray
    predictions: np.ndarray
    base: float
    method: ShapleyMethod

    @property
    def overall(self) -> np.ndarray:
        """(f,) mean absolute contribution over the patients."""
        return np.abs(self.values).mean(axis=0)

    def rows(self) -> list[dict[str, object]]:
        """Return a table: one row a patient with prediction, base and every input's contribution."""
        return [
            {"case_id": case, "prediction": float(prediction), "base": self.base}
            | dict(zip(self.names, row.tolist(), strict=True))
            for case, prediction, row in zip(self.case_ids, self.predictions, self.values, strict=True)
        ]

    def overall_rows(self) -> list[dict[str, object]]:
        """Return a table of the inputs, largest mean absolute contribution first."""
        order = np.argsort(-self.overall, kind="stable")
        return [{"input": self.names[place], "mean_absolute": float(self.overall[place])} for place in order]


def shapley_values(
    predict: Predict,
    inputs: np.ndarray,
    background: np.ndarray,
    *,
    names: Sequence[str] | None = None,
    case_ids: Sequence[str] | None = None,
    method: ShapleyMethod | str = ShapleyMethod.AUTO,
    samples: int = 500,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Contributions:
    """Compute what each input contributed to each patient's prediction.

    Args:
        predict: from rows (m, f) to predictions (m,), such as probabilities, log odds or log hazards.
        inputs: (n, f), the patients to explain, finite.
        background: (b, f), training patients, finite; or one row, such as their mean.
        names: of the f inputs; None: x0, x1, …
        case_ids: of the patients; None: 0, 1, …
        method: exact (2^f coalitions), sampled, or exact up to 12 inputs; the text is understood.
        samples: random orders of the inputs, when sampled; each is walked for the whole background.
        seed: of the sampling.
        progress: told after each patient.

    Raises:
        InputError: shapes or values that cannot be used, or exact values of more than 12 inputs.
        ModelError: the model predicts something that is not finite, or of another length.
        DependencyError: sampling without captum.

    Example:
        >>> found = shapley_values(lambda x: x @ [2.0, 1.0], np.array([[3.0, 1.0]]), np.array([[1.0, 1.0]]))
        >>> found.values.tolist(), found.base
        ([[4.0, 0.0]], 3.0)

    Reference: Shapley LS 1953; Lundberg SM, Lee SI. NeurIPS 2017; interventional value function of Janzing D et al.
    AISTATS 2020.
    """
    rows, others = _checked("inputs", inputs), _checked("background", background)
    if rows.shape[1] != others.shape[1]:
        raise InputError(f"the patients have {rows.shape[1]} inputs, the background {others.shape[1]}; give the same")
    labels = _labels("names", names, [f"x{n}" for n in range(rows.shape[1])])
    cases = _labels("case_ids", case_ids, [str(n) for n in range(len(rows))])
    how = _method(method, rows.shape[1])
    if samples < 1:
        raise InputError(f"samples is {samples}; give 1 or more")
    checked = _Model(predict)
    explain = _exact if how is ShapleyMethod.EXACT else _sampler(samples, seed)
    values = np.empty(rows.shape)
    for number, row in enumerate(rows):
        progress(number / len(rows), f"contributions of {cases[number]}")
        values[number] = explain(checked, row, others)
    progress(1.0, "contributions done")
    return Contributions(labels, cases, values, rows, checked(rows), float(checked(others).mean()), how)


@dataclass(frozen=True)
class _Model:
    """The prediction function, with its answers checked."""

    predict: Predict

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        answer = np.asarray(self.predict(rows), np.float64).reshape(-1)
        if len(answer) != len(rows):
            raise ModelError(f"the model gives {len(answer)} predictions for {len(rows)} rows; it must give one a row")
        if not np.isfinite(answer).all():
            raise ModelError("the model predicts NaN or infinity for some mixture of patient and background")
        return answer


def _exact(model: _Model, row: np.ndarray, background: np.ndarray) -> np.ndarray:
    """Every coalition's value once, then the weighted sum of what each input adds to those without it."""
    count = len(row)
    value = _coalition_values(model, row, background)
    coalitions = np.arange(1 << count)
    size = _inside(coalitions, count).sum(axis=1)
    result = np.empty(count)
    for place in range(count):
        without = coalitions[(coalitions >> place) & 1 == 0]
        weight = np.array([1 / (count * math.comb(count - 1, int(members))) for members in size[without]])
        result[place] = math.fsum(weight * (value[without | (1 << place)] - value[without]))
    return result


def _coalition_values(model: _Model, row: np.ndarray, background: np.ndarray) -> np.ndarray:
    count = len(row)
    at_a_time = max(1, _ROWS_AT_A_TIME // len(background))
    values = []
    for part in _parts(np.arange(1 << count), at_a_time):
        taken = _inside(part, count)[:, None, :]
        mixed = np.where(taken, row, background[None]).reshape(-1, count)
        values.append(model(mixed).reshape(len(part), len(background)).mean(axis=1))
    return np.concatenate(values)


def _inside(coalitions: np.ndarray, count: int) -> np.ndarray:
    """(coalitions, f), whether an input is a member: bit n of a coalition's number says so for input n."""
    return (coalitions[:, None] >> np.arange(count)) & 1 == 1


def _parts(items: np.ndarray, size: int) -> Iterator[np.ndarray]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _sampler(samples: int, seed: int) -> Callable[[_Model, np.ndarray, np.ndarray], np.ndarray]:
    torch, sampling = _captum()

    def explain(model: _Model, row: np.ndarray, background: np.ndarray) -> np.ndarray:
        def forward(batch: Tensor) -> Tensor:
            return torch.from_numpy(model(batch.numpy()))

        # The patient against every background patient, in the same random orders: the mean sums to what it should.
        given = torch.from_numpy(np.tile(row, (len(background), 1)))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            found = sampling(forward).attribute(
                given,
                torch.from_numpy(background),
                n_samples=samples,
                perturbations_per_eval=min(len(row), _STEPS_AT_A_TIME),
            )
        return found.numpy().mean(axis=0)

    return explain


def _captum() -> tuple[ModuleType, type]:
    try:
        import torch
        from captum.attr import ShapleyValueSampling
    except ImportError:
        raise DependencyError(
            f"Shapley values of more than {MOST_EXACT_INPUTS} inputs need packages: run 'pip install torch captum'"
        ) from None
    return torch, ShapleyValueSampling


def _method(method: ShapleyMethod | str, inputs: int) -> ShapleyMethod:
    try:
        how = ShapleyMethod(method)
    except ValueError:
        known = ", ".join(choice.value for choice in ShapleyMethod)
        raise InputError(f"method is {method!r}; choose from {known}") from None
    if how is ShapleyMethod.AUTO:
        return ShapleyMethod.EXACT if inputs <= MOST_EXACT_INPUTS else ShapleyMethod.SAMPLED
    if how is ShapleyMethod.EXACT and inputs > MOST_EXACT_INPUTS:
        raise InputError(
            f"{inputs} inputs have too many coalitions for exact values (at most {MOST_EXACT_INPUTS}); "
            "choose method 'sampled'"
        )
    return how


def _checked(what: str, values: np.ndarray) -> np.ndarray:
    rows = np.asarray(values, np.float64)
    if rows.ndim != 2 or 0 in rows.shape:
        raise InputError(f"{what} have shape {rows.shape}; give one row a patient and one column an input")
    if not np.isfinite(rows).all():
        row, column = (int(n[0]) for n in np.nonzero(~np.isfinite(rows)))
        raise InputError(f"{what} hold {rows[row, column]} in row {row + 1}, column {column + 1}; fill or drop it")
    return rows


def _labels(what: str, given: Sequence[str] | None, usual: list[str]) -> tuple[str, ...]:
    if given is None:
        return tuple(usual)
    if len(given) != len(usual):
        raise InputError(f"there are {len(given)} {what} for {len(usual)}; give one each")
    return tuple(str(name) for name in given)
