"""Public patients and the values that R found on them, for the tests of the survival library."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "survival_validation"


def data_of(name: str) -> pd.DataFrame:
    """Return the patients of a data set, such as gbsg2."""
    import pandas as pd

    return pd.read_csv(REFERENCE / "data" / f"{name}.csv")


def values_of_r() -> dict[str, Any]:
    """Return what ``make_reference.R`` wrote, anew at every call."""
    return json.loads((REFERENCE / "references.json").read_text(encoding="utf-8"))
