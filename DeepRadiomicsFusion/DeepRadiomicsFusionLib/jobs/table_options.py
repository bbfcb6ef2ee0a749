"""Fields that the jobs with figures share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from RadiomicsCoreLib.figures.style import FORMATS
from RadiomicsCoreLib.settings.options import option


def figure_formats_option(default: Sequence[str] = FORMATS) -> Any:
    """Return the field of the formats of figures; empty draws none."""
    return option("of the figures", tuple(default), choices=FORMATS, metavar=",".join(FORMATS))
