"""What each input of a classifier or fusion contributed to each patient's probability, fold models one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..models.cross_validation import MeanOfModels
from ..models.fusion import FusedModel
from ..models.workspace import Model
from ..tables.samples import matrix
from .shapley import Contributions, ShapleyMethod, shapley_values

if TYPE_CHECKING:
    import pandas as pd


def explain_model(
    model: Model,
    table: pd.DataFrame,
    background: pd.DataFrame,
    *,
    seed: int = 0,
    progress: Progress = no_progress,
) -> Contributions:
    """Compute what each input of a model contributed to each patient's probability.

    The inputs of a fusion are its signatures, those of a classifier its features. A mean of fold models is explained
    model by model, each exactly where it has at most 12 inputs: Shapley values of a mean are the mean of the values,
    and an input that a fold does not use contributes nothing in it.

    Args:
        model: fitted.
        table: (n, features) patients, the index their ids.
        background: (b, features) training patients.
        seed: of sampling, where a model has more than 12 inputs.
        progress: told on the way.

    Returns:
        ``inputs`` holds each patient's value of an input: a feature's as in the table, a signature's mean over folds.

    Raises:
        ModelError: features are missing or NaN.
        InputError: no patient, or no background.
    """
    members = model.models if isinstance(model, MeanOfModels) else (model,)
    parts = []
    for number, member in enumerate(members):
        step = part_of(progress, number / len(members), (number + 1) / len(members))
        parts.append(_explain_member(member, table, background, seed, step))
    return _mean_of(parts)


def _explain_member(
    model: Model, table: pd.DataFrame, background: pd.DataFrame, seed: int, progress: Progress
) -> Contributions:
    import pandas as pd

    if isinstance(model, FusedModel):
        table, background = model.signature_table(table), model.signature_table(background)
        model = model.fusion
    names = list(model.features)

    def predict(rows: np.ndarray) -> np.ndarray:
        return model.predict(pd.DataFrame(rows, columns=names))

    return shapley_values(
        predict,
        matrix(table, names),
        matrix(background, names),
        names=names,
        case_ids=[str(case) for case in table.index],
        seed=seed,
        progress=progress,
    )


def _mean_of(parts: Sequence[Contributions]) -> Contributions:
    names = tuple(dict.fromkeys(name for part in parts for name in part.names))
    first = parts[0]
    values = np.zeros((len(first.case_ids), len(names)))
    inputs = np.zeros_like(values)
    users = np.zeros(len(names))
    for part in parts:
        places = [names.index(name) for name in part.names]
        values[:, places] += part.values / len(parts)
        inputs[:, places] += part.inputs
        users[places] += 1
    is_exact = all(part.method is ShapleyMethod.EXACT for part in parts)
    return Contributions(
        names,
        first.case_ids,
        values,
        inputs / users,
        np.mean([part.predictions for part in parts], axis=0),
        float(np.mean([part.base for part in parts])),
        ShapleyMethod.EXACT if is_exact else ShapleyMethod.SAMPLED,
    )
