"""``peritumoral explain`` of a classifier or fusion: what each signature or feature contributed, patient by patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.style import save_figure
from RadiomicsCoreLib.files.safe_names import safe_folder_name
from RadiomicsCoreLib.files.tables import write_csv
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..explanation.shapley import Contributions, ShapleyMethod, shapley_values
from ..explanation.shapley_figures import overall_figure, patient_figure
from ..models.classifier_bundle import ClassifierBundle, load_bundle
from ..models.cross_validation import MeanOfModels
from ..models.fusion import FusedModel
from ..models.workspace import Model
from ..networks.training_record import check_compatible
from ..tables.feature_tables import FeatureTables
from ..tables.samples import matrix, numbers_of

if TYPE_CHECKING:
    import pandas as pd

BACKGROUND_CASES = 20


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


def contributions_job(
    bundle: ClassifierBundle | Path | str,
    features: Mapping[str, pd.DataFrame | Path | str],
    out: Path | str,
    *,
    background: Sequence[str] | None = None,
    cases: Sequence[str] | None = None,
    most_background: int = BACKGROUND_CASES,
    seed: int = 0,
    formats: Sequence[str] = ("png", "svg"),
    progress: Progress = no_progress,
) -> dict[str, Path]:
    """Explain a classifier bundle on feature tables, and write tables and pictures.

    Writes ``contributions.csv`` (one row a patient, summing to probability minus base), ``overall.csv``,
    ``overall`` and ``patients/<case_id>`` as pictures.

    Args:
        bundle: loaded, or the path of its folder or zip.
        features: name to feature table, under the names of the training.
        out: output folder.
        background: ids of the training patients that "without this input" is averaged over; None: those that the
            bundle was trained on. Those that are not in the tables are left out; without any, all in the tables count.
        cases: ids of the patients to explain; None: all whose features are whole.
        most_background: of more background patients, this many are drawn.
        seed: of the draw.
        formats: of the pictures.
        progress: told on the way.

    Returns:
        The files to open, by what they are.

    Raises:
        InputError: tables cannot be used, no such case, or none whose features are whole.
        ModelError: the features were made otherwise than those of the training, or are missing.
    """
    bundle = bundle if isinstance(bundle, ClassifierBundle) else load_bundle(bundle)
    tables = FeatureTables(features)
    check_compatible(bundle.trained_on, tables.record)
    asked = _rows(tables.table, cases)
    around = _background(tables.table, bundle.provenance.get("training_cases") if background is None else background)
    whole = [_whole(part, bundle.model) for part in (asked, around)]
    drawn = _drawn(whole[1], most_background, seed)
    found = explain_model(bundle.model, whole[0], drawn, seed=seed, progress=part_of(progress, 0.0, 0.9))
    progress(0.9, "drawing")
    return _write(found, Path(out), formats)


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


def _rows(table: pd.DataFrame, ids: Sequence[str] | None) -> pd.DataFrame:
    if ids is None:
        return table
    missing = [case for case in ids if case not in table.index]
    if missing:
        raise InputError(f"the feature tables have no case {missing[0]!r}; check the ids")
    return table.loc[list(dict.fromkeys(ids))]


def _background(table: pd.DataFrame, ids: Any) -> pd.DataFrame:
    """The training patients that the tables hold; all of the tables if they hold none."""
    named = {str(case) for case in ids} if isinstance(ids, Sequence) else set()  # a bundle may say anything
    kept = table.loc[[case in named for case in table.index]]
    return kept if len(kept) else table


def _whole(table: pd.DataFrame, model: Model) -> pd.DataFrame:
    """The patients whose features the model can use."""
    needed = [name for name in model.features if name in table.columns]
    kept = table[np.isfinite(numbers_of(table[needed]).to_numpy()).all(axis=1)]
    if not len(kept):
        raise InputError(f"none of the {len(table)} cases has all features of the model; look for NaN in the tables")
    return kept


def _drawn(table: pd.DataFrame, most: int, seed: int) -> pd.DataFrame:
    if most < 1:
        raise InputError(f"most_background is {most}; give 1 or more")
    if len(table) <= most:
        return table
    return table.iloc[np.sort(np.random.default_rng(seed).permutation(len(table))[:most])]


def _write(found: Contributions, out: Path, formats: Sequence[str]) -> dict[str, Path]:
    patients = out / "patients"
    try:
        patients.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"output folder {str(out)!r} cannot be written: {error.strerror}; choose another") from None
    files: dict[str, Path] = {"contributions": out / "contributions.csv", "overall": out / "overall.csv"}
    rows: list[dict[str, Any]] = [row | {"method": found.method.value} for row in found.rows()]
    write_csv(files["contributions"], rows)
    write_csv(files["overall"], found.overall_rows())
    files["overall picture"] = save_figure(overall_figure(found), out / "overall", formats)[0]
    for case_id in found.case_ids:
        save_figure(patient_figure(found, case_id), patients / safe_folder_name(case_id), formats)
    return files | {"pictures of patients": patients}
