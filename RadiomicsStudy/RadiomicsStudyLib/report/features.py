"""Which features were kept, and why: coefficients, single tests, ICC, selection by folds, signatures."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .folder import Stage, Study
from .table import Table, number_of, rows_of, table_of

# Table of a stage -> what it says. Those not named here stand in the stage's own section.
KINDS: Mapping[str, str] = {
    "selected_features": "Chosen in how many folds",
    "coefficients": "In the model: coefficients with intervals",
    "signatures": "Weights of the signatures",
    "icc": "Repeatability (ICC)",
    "univariable": "Each alone (univariable)",
    "loadings": "Loadings of the principal components",
    "variance": "Variance of the principal components",
}
MOST_SHOWN, MOST_OF_EACH = 60, 6
_BY = {"selected_features": "share_of_folds", "univariable": "p", "icc": "icc"}


@dataclass(frozen=True)
class FeatureChoice:
    """What a stage chose.

    Attributes:
        stage, title: of the stage.
        offered: features that it began with; "" where nothing says so.
        how: the steps, in words.
        tables: heading and table.
    """

    stage: str
    title: str
    offered: str
    how: tuple[str, ...]
    tables: tuple[tuple[str, Table], ...]


def feature_choices(study: Study) -> list[FeatureChoice]:
    """Return what every stage that chooses features says of it."""
    found = []
    for stage in study.stages:
        tables = [(heading, table) for name, heading in KINDS.items() if (table := _table(stage, name))]
        if tables:
            found.append(FeatureChoice(stage.name, stage.title, _offered(stage), tuple(_how(stage)), tuple(tables)))
    return found


def _table(stage: Stage, name: str) -> Table | None:
    rows = rows_of(stage.tables.get(name))
    by = _BY.get(name)
    if by and rows and by in rows[0]:
        sign = 1 if by == "p" else -1
        rows.sort(key=lambda row: (math.isnan(number_of(row[by])), sign * number_of(row[by])))
    if rows and {"model", "feature"} <= set(rows[0]):
        rows = _first_of_each(rows, "model")
    return table_of(name, rows, most=MOST_SHOWN)


def _first_of_each(rows: list[dict[str, str]], column: str) -> list[dict[str, str]]:
    """The first rows of each model, model after model."""
    models = dict.fromkeys(row[column] for row in rows)
    return [row for model in models for row in [row for row in rows if row[column] == model][:MOST_OF_EACH]]


def _offered(stage: Stage) -> str:
    rows = rows_of(stage.tables.get("univariable"))
    return str(len(rows)) if rows else ""


def _how(stage: Stage) -> list[str]:
    """The steps that the settings name, in their order."""
    steps = []

    def get(*path: str) -> Any:
        return stage.setting(*path) if stage.setting(*path) is not None else stage.setting("selection", *path)

    for value, words in (
        (get("icc_above") if get("readings") else None, "ICC above {} between readings"),
        (get("volume_correlation_below"), "correlation with the region's volume below {}"),
        (get("difference_p_below"), "difference between the classes with p below {}"),
        (get("correlation_below"), "of features that correlate above {}, one is kept"),
        (get("modelling", "univariable_p"), "univariable p below {}"),
    ):
        if value is not None:
            steps.append(words.format(value))
    selection = get("modelling", "selection") or get("selector")
    if isinstance(selection, str) and selection != "none":
        rule = get("modelling", "lambda_choice")
        chosen = f", penalty by cross-validation ({rule})" if selection == "lasso" and rule else ""
        steps.append(f"selection: {selection}{chosen}")
    return steps
