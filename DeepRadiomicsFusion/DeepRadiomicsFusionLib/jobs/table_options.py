"""Fields that the jobs on feature tables share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from RadiomicsCoreLib.cohort.columns import named_table
from RadiomicsCoreLib.figures.style import FORMATS
from RadiomicsCoreLib.settings.options import option


def features_option(help: str = "feature tables; without a name a table is called as its folder") -> Any:
    """Return the field of the feature tables, by name."""
    return option(help, word="--features", read=named_table, many=True, metavar="NAME=CSV")


def figure_formats_option(default: Sequence[str] = FORMATS) -> Any:
    """Return the field of the formats of figures; empty draws none."""
    return option("of the figures", tuple(default), choices=FORMATS, metavar=",".join(FORMATS))
