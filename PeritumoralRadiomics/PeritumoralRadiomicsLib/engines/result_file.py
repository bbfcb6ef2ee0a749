"""The result of an extraction as a JSON file: every number as it was computed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.files.tables import read_json, write_json

from .extraction import ExtractionResult, ImageGeometry


def write_result(path: Path, result: ExtractionResult) -> None:
    """Write a result; a value that is NaN is null, and ``reasons`` or ``warnings`` say why."""
    write_json(path, asdict(result))


def read_result(path: Path | str) -> ExtractionResult:
    """Return the result that :func:`write_result` wrote, bit for bit.

    Raises:
        InputError: the file cannot be read, or holds something else.

    Example:
        >>> write_result(Path("features.json"), ExtractionResult({"r": {"a": 0.1}}, {}, (), "native", "1", None))
        >>> read_result("features.json").features
        {'r': {'a': 0.1}}
    """
    values = read_json(path)
    try:
        geometry = values.pop("geometry")
        values["features"] = {region: _with_nan(row) for region, row in values["features"].items()}
        values["warnings"] = tuple(values["warnings"])
        return ExtractionResult(**values, geometry=_geometry(geometry))
    except (AttributeError, KeyError, TypeError, ValueError):
        raise InputError(f"{str(path)!r} is not the result of an extraction") from None


def _with_nan(row: Mapping[str, float | None]) -> dict[str, float]:
    return {name: math.nan if value is None else float(value) for name, value in row.items()}


def _geometry(values: Mapping[str, Any] | None) -> ImageGeometry | None:
    if values is None:
        return None
    grid = {name: tuple(values[name]) for name in ("size", "spacing", "origin", "direction")}
    return ImageGeometry(**grid, pixel_type=values["pixel_type"])
