"""Pictures inside the page: made small enough that all of them together stay below a limit."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

CASES_BYTES, FIGURES_BYTES = 2_500_000, 4_000_000
"""For the pictures of a page, as they stand in it. With the chart library (5 MB) a page stays below 15 MB."""
# Widest first: pixels, quality, and about how large a picture is against the first.
SIZES = ((1100, 85, 1.0), (900, 80, 0.65), (700, 72, 0.4), (520, 65, 0.25), (380, 55, 0.14), (260, 45, 0.07))


def embedded(paths: Iterable[Path], budget: int = FIGURES_BYTES) -> dict[Path, str]:
    """Return pictures as ``data:`` addresses, all at the largest size that the budget allows.

    A picture that cannot be read is left out; those beyond the budget at the smallest size are too.

    Args:
        paths: PNG or SVG files.
        budget: bytes of all addresses together.
    """
    files = list(dict.fromkeys(paths))
    found = _all(files, *SIZES[0][:2])
    total = sum(map(len, found.values()))
    for width, quality, share in SIZES[1:]:
        if sum(map(len, found.values())) <= budget:
            return found
        if share * total <= budget or share == SIZES[-1][2]:
            found = _all(files, width, quality)
    kept, left = {}, budget
    for path, address in found.items():
        left -= len(address)
        if left >= 0:
            kept[path] = address
    return kept


def _all(files: Iterable[Path], width: int, quality: int) -> dict[Path, str]:
    return {path: address for path in files if (address := _address(path, width, quality))}


def _address(path: Path, width: int, quality: int) -> str:
    try:
        if path.suffix == ".svg":
            return _data("svg+xml", path.read_bytes())
        return _data("webp", _smaller(path, width, quality))
    except (OSError, ValueError, SyntaxError):  # SyntaxError: what Pillow says of a broken PNG
        return ""


def _smaller(path: Path, width: int, quality: int) -> bytes:
    from PIL import Image

    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    if picture.width > width:
        picture = picture.resize(
            (width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS
        )
    content = io.BytesIO()
    picture.save(content, "WEBP", quality=quality, method=2)
    return content.getvalue()


def _data(kind: str, content: bytes) -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"
