"""The header of a MetaImage file (.mha, .mhd), read by our own code: MetaIO itself crashes on some that lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ...errors import InputError
from .header import ImageHeader, beside, numbers, whole_numbers

MOST_HEADER_BYTES = 1 << 20
_LONGEST_LINE = 4000
"""MetaIO reads lines into a buffer of fixed size."""
_BYTES = {
    "MET_CHAR": 1, "MET_UCHAR": 1, "MET_SHORT": 2, "MET_USHORT": 2, "MET_INT": 4, "MET_UINT": 4, "MET_LONG": 4,
    "MET_ULONG": 4, "MET_LONG_LONG": 8, "MET_ULONG_LONG": 8, "MET_FLOAT": 4, "MET_DOUBLE": 8,
}  # fmt: skip


def read_metaimage_header(path: Path) -> ImageHeader:
    """Return what a MetaImage header says.

    Raises:
        InputError: no sound header; one line with the value.
    """
    fields, start = _fields(path)
    axes = whole_numbers(path, "NDims", fields.get("NDims", ""), 1)[0]
    if not 1 <= axes <= 10:
        raise InputError(f"{path} has NDims {axes}; an image has three axes: the header is damaged")
    kind = fields.get("ElementType", "")
    if kind not in _BYTES:
        raise InputError(f"{path} has ElementType {kind[:60]!r}, which is none of MetaImage's; the header is damaged")
    size = whole_numbers(path, "DimSize", fields.get("DimSize", ""), axes)
    spacing = fields.get("ElementSpacing", fields.get("ElementSize", " ".join(["1"] * axes)))
    origin = next((fields[key] for key in ("Offset", "Position", "Origin") if key in fields), " ".join(["0"] * axes))
    axis_rows = next((fields[key] for key in ("TransformMatrix", "Rotation", "Orientation") if key in fields), None)
    direction = None
    if axis_rows is not None:
        matrix = np.reshape(numbers(path, "TransformMatrix", axis_rows, axes * axes), (axes, axes))
        direction = matrix[:3, :3].T if axes >= 3 else None
    components = whole_numbers(path, "ElementNumberOfChannels", fields.get("ElementNumberOfChannels", "1"), 1)[0]
    packed = _yes(fields.get("CompressedData", "False"))
    if not _yes(fields.get("BinaryData", "True")):
        raise InputError(f"{path} stores its voxels as text; save it as binary")
    data_file = beside(path, fields["ElementDataFile"]) if start is None else path
    skipped = whole_numbers(path, "HeaderSize", fields.get("HeaderSize", "0"), 1)[0]
    if skipped < -1:
        raise InputError(f"{path} has HeaderSize {skipped}; the header is damaged")
    begin = None if skipped == -1 else skipped if start is None else start
    if packed:
        stated = fields.get("CompressedDataSize", "")  # MetaIO gives what memory holds where it is missing
        held = data_file.stat().st_size - (begin or 0)
        if whole_numbers(path, "CompressedDataSize", stated, 1)[0] != held:
            raise InputError(
                f"{path} is truncated or damaged: CompressedDataSize is {stated[:20]}, the file holds {held} bytes"
            )
    return ImageHeader(
        reader="MetaImageIO",
        size=size,
        spacing=numbers(path, "ElementSpacing", spacing, axes)[:3],
        origin=numbers(path, "Offset", origin, axes)[:3],
        direction=direction,
        components=components,
        component_bytes=_BYTES[kind],
        data_file=data_file,
        data_start=begin,
        packing="zlib" if packed else "raw",
    )


def _fields(path: Path) -> tuple[dict[str, str], int | None]:
    """Return the fields of the header, and where the voxels begin if they follow in the same file."""
    fields: dict[str, str] = {}
    with path.open("rb") as stream:
        head = stream.read(MOST_HEADER_BYTES)
    position = 0
    while True:
        end = head.find(b"\n", position)
        line = head[position : end if end >= 0 else len(head)]
        if len(line) > _LONGEST_LINE or (end < 0 and len(head) == MOST_HEADER_BYTES) or b"\0" in line:
            raise InputError(f"{path} has no sound MetaImage header (a line without end); it is damaged")
        name, value = _field(path, line)
        position = len(head) if end < 0 else end + 1
        if name:
            if name in fields:
                raise InputError(f"{path} states {name} twice; the header is damaged")
            fields[name] = value
        if name == "ElementDataFile":
            return fields, position if value.upper() == "LOCAL" else None
        if end < 0:
            raise InputError(f"{path} has a MetaImage header without ElementDataFile; it is damaged or truncated")


def _field(path: Path, line: bytes) -> tuple[str, str]:
    text = line.decode("utf-8", "replace").strip()
    if not text:
        return "", ""
    name, sign, value = text.partition("=")
    if not sign:
        raise InputError(f"{path} has a header line {text[:60]!r} without '='; it is damaged")
    if "%n" in value or "%s" in value:
        raise InputError(f"{path} has {name.strip()[:40]} {value.strip()[:40]!r}, which is no value; it is damaged")
    return name.strip(), value.strip()


def _yes(text: str) -> bool:
    return text.strip().lower() in ("true", "t", "1", "yes")
