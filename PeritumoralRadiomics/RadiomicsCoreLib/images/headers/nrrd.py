"""The header of a NRRD file (.nrrd, .nhdr), as https://teem.sourceforge.net/nrrd/format.html describes it."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ...errors import InputError
from .header import ImageHeader, beside, numbers, whole_numbers

MOST_HEADER_BYTES = 1 << 24
"""16 MiB: Slicer writes the names and tags of all segments into it."""
_BYTES = {
    1: ("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"),
    2: ("short", "short int", "signed short", "signed short int", "int16", "int16_t",
        "ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    4: ("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"),
    8: ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t",
        "ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t", "double"),
}  # fmt: skip
_SIZES = {name: size for size, names in _BYTES.items() for name in names}
_PACKINGS = {"raw": "raw", "gzip": "gzip", "gz": "gzip", "txt": "text", "text": "text", "ascii": "text"}


def read_nrrd_header(path: Path) -> ImageHeader:
    """Return what a NRRD header says.

    Raises:
        InputError: no sound header; one line with the value.
    """
    fields, start = _fields(path)
    axes = whole_numbers(path, "dimension", fields.get("dimension", ""), 1)[0]
    if not 1 <= axes <= 16:
        raise InputError(f"{path} has dimension {axes}; an image has three axes: the header is damaged")
    sizes = whole_numbers(path, "sizes", fields.get("sizes", ""), axes)
    kind = fields.get("type", "").lower()
    if kind not in _SIZES:
        raise InputError(f"{path} has type {kind[:60]!r}; a type of numbers is needed, such as short")
    packing = _PACKINGS.get(fields.get("encoding", "").lower())
    if packing is None:
        raise InputError(f"{path} has encoding {fields.get('encoding', '')[:60]!r}; save it as raw or gzip")
    in_space, spacing, direction = _axes(path, fields, axes)
    origin = _vector(path, "space origin", fields["space origin"]) if "space origin" in fields else np.zeros(3)
    named = fields.get("data file", fields.get("datafile"))
    if "line skip" in fields and fields["line skip"].strip() != "0":
        raise InputError(f"{path} skips lines of its data file; save it as one .nrrd file")
    skip = whole_numbers(path, "byte skip", fields.get("byte skip", "0"), 1)[0]
    if skip < -1:
        raise InputError(f"{path} has byte skip {skip}; the header is damaged")
    begin = None if skip == -1 else skip + (start if named is None else 0)
    return ImageHeader(
        reader="NrrdImageIO",
        size=tuple(size for size, inside in zip(sizes, in_space, strict=True) if inside),
        spacing=tuple(spacing[:3].tolist()),
        origin=tuple(origin.tolist()),
        direction=direction,
        components=int(np.prod([size for size, inside in zip(sizes, in_space, strict=True) if not inside] or [1])),
        component_bytes=_SIZES[kind],
        data_file=path if named is None else beside(path, named),
        data_start=begin,
        packing=packing,
    )


def _axes(path: Path, fields: dict[str, str], axes: int) -> tuple[list[bool], np.ndarray, np.ndarray | None]:
    """Return which axes lie in space, their spacing, and the 3 x 3 directions where they are stated."""
    if "space directions" not in fields:
        kinds = fields.get("kinds", "").lower().split()
        in_space = [kind in ("domain", "space", "time", "", "???") for kind in kinds] or [True] * axes
        stated = fields.get("spacings", "").split() or ["1"] * axes
        if len(in_space) != axes or len(stated) != axes:
            raise InputError(f"{path} has kinds or spacings of another number than its {axes} axes; it is damaged")
        kept = [text for text, inside in zip(stated, in_space, strict=True) if inside]
        # Where no spacing is stated (nan of an axis without one) ITK takes 1.
        text = " ".join("1" if value.lower() == "nan" and n >= 3 else value for n, value in enumerate(kept))
        return in_space, np.array(numbers(path, "spacings", text or "1")), None
    parts = re.findall(r"none|\([^)]*\)", fields["space directions"])
    if len(parts) != axes:
        raise InputError(f"{path} has {len(parts)} space directions for {axes} axes; the header is damaged")
    in_space = [part != "none" for part in parts]
    vectors = [_vector(path, "space directions", part) for part in parts if part != "none"]
    if not vectors:
        raise InputError(f"{path} has no axis in space; the header is damaged")
    matrix = np.stack(vectors, axis=1)
    spacing = np.linalg.norm(matrix, axis=0)
    square = matrix.shape[0] == 3 and matrix.shape[1] >= 3
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = matrix[:, :3] / spacing[:3]
    return in_space, spacing, unit if square and spacing[:3].min() > 0 else None


def _vector(path: Path, what: str, text: str) -> np.ndarray:
    return np.array(numbers(path, what, text.strip().strip("()").replace(",", " ")))


def _fields(path: Path) -> tuple[dict[str, str], int]:
    """Return the fields, lower case names, and the byte where the header ends."""
    with path.open("rb") as stream:
        head = stream.read(MOST_HEADER_BYTES)
    blank = re.search(rb"\r?\n\r?\n", head)
    text = head[: blank.start() if blank else len(head)]
    if blank is None and len(head) == MOST_HEADER_BYTES:
        raise InputError(f"{path} has a NRRD header without end; it is damaged")
    fields: dict[str, str] = {}
    for line in text.decode("utf-8", "replace").splitlines()[1:]:
        name, sign, value = line.partition(":")
        if line.startswith("#") or not line.strip() or value.startswith("="):
            continue  # a comment, or a key of the user's own
        if not sign:
            raise InputError(f"{path} has a header line {line[:60]!r} without ':'; it is damaged")
        key = name.strip().lower()
        if key in fields:
            raise InputError(f"{path} states {key!r} twice; the header is damaged")
        fields[key] = value.strip()
    return fields, blank.end() if blank else len(head)
