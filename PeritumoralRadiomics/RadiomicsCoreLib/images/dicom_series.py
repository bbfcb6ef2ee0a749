"""Reads a DICOM series from a folder: finds it, sorts its slices by position, and refuses gaps.

Headers are read with pydicom, pixels with SimpleITK (which knows every transfer syntax and applies each slice's
rescale slope); multi-frame files are read with highdicom, because GDCM loses the spacing of some of them.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from ..errors import InputError
from ..progress import Progress, no_progress, part_of
from .headers.header import FARTHEST_MM, SPACING_MM

if TYPE_CHECKING:
    from pydicom import Dataset

FRAME_OF_REFERENCE = "0020|0052"
"""Metadata key under which images read from DICOM carry their FrameOfReferenceUID."""
SLICE_POSITION_TOLERANCE = 0.02
"""Slices may lie off an even stack by this fraction of the slice spacing (positions are rounded in headers)."""

_HEADER_TAGS = [
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesDescription", "Modality", "Rows", "Columns",
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "FrameOfReferenceUID", "NumberOfFrames",
    "SamplesPerPixel", "RescaleSlope", "RescaleIntercept",
]  # fmt: skip
_PIXEL_TAGS = ["Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "NumberOfFrames"]
_UNPACKED_SYNTAXES = ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2")
_NOT_AN_IMAGE = {"SEG", "RTSTRUCT", "RTDOSE", "RTPLAN", "SR", "PR", "KO", "REG"}


@dataclass(frozen=True)
class SeriesInfo:
    """One series of a DICOM folder.

    Attributes:
        uid: SeriesInstanceUID.
        description: SeriesDescription, may be empty.
        modality: CT, MR, PT and so on.
        files: its files, in the order of their names.
        headers: pydicom data sets of these files, without pixels.
    """

    uid: str
    description: str
    modality: str
    files: tuple[Path, ...]
    headers: tuple[Dataset, ...]

    def __str__(self) -> str:
        # Without the description, which holds what was typed at the scanner, names among it, and ends up in logs.
        return f"{self.modality} ({len(self.files)} files, {self.uid})"


def is_dicom_file(path: Path) -> bool:
    """Return whether a file starts like a DICOM file."""
    try:
        if not Path(path).is_file():  # a pipe would be waited for
            return False
        with Path(path).open("rb") as stream:
            return stream.read(132)[128:] == b"DICM"
    except OSError:
        return False


def list_series(folder: Path, *, progress: Progress = no_progress) -> list[SeriesInfo]:
    """Return the image series among the files of a folder (its subfolders are not searched).

    Args:
        folder: an existing folder.
        progress: called for each file.

    Raises:
        InputError: a DICOM file in it cannot be read.
    """
    groups: dict[str, list[tuple[Path, Dataset]]] = {}
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    for number, path in enumerate(files, start=1):
        progress(number / len(files), f"reading headers of {folder.name}")
        header = _read_header(path)
        if header is not None:
            groups.setdefault(str(header.SeriesInstanceUID), []).append((path, header))
    return [_series(uid, members) for uid, members in groups.items()]


def read_series(folder: Path, *, series: str | None = None, progress: Progress = no_progress) -> sitk.Image:
    """Read a DICOM series as one 3D image.

    Args:
        folder: the folder that holds its files.
        series: SeriesInstanceUID or SeriesDescription; needed only where the folder holds several.
        progress: called while headers and slices are read.

    Returns:
        The image, slices sorted along their normal, rescale slope and intercept applied, LPS, mm, with its
        FrameOfReferenceUID as metadata ``0020|0052``.

    Raises:
        InputError: no or several series, colour, missing, repeated or unevenly spaced slices, tilted gantry.
    """
    chosen = _choose(folder, list_series(folder, progress=part_of(progress, 0.0, 0.5)), series)
    if len(chosen.files) == 1 and int(chosen.headers[0].get("NumberOfFrames") or 1) > 1:
        image = read_multiframe(chosen.files[0])
        if image is not None:
            return image
    order, stack = _sorted_stack(folder, chosen.headers)
    image = _read_slices(folder, [chosen.files[n] for n in order], [chosen.headers[n] for n in order])
    progress(1.0, f"read {len(order)} slices of {folder.name}")
    image.SetOrigin(stack.origin)
    image.SetSpacing(stack.spacing)
    image.SetDirection(stack.direction)
    return _with_frame_of_reference(image, chosen.headers[0].get("FrameOfReferenceUID"))


def chosen_series(folder: Path, series: str | None = None) -> SeriesInfo:
    """Return the one series of a folder, or the one that is named. Raises InputError as :func:`read_series`."""
    return _choose(folder, list_series(folder), series)


def read_multiframe(path: Path) -> sitk.Image | None:
    """Read a multi-frame DICOM image as one 3D image; None if the file holds a single frame.

    Raises:
        InputError: its frames do not make an even stack, or it is no image.
    """
    header = _read_header(path)
    if header is None:
        raise InputError(f"{path} holds no DICOM image (or is damaged)")
    if int(header.get("NumberOfFrames") or 1) < 2:
        return None
    import highdicom

    check_pixels(path)
    try:
        volume = highdicom.imread(str(path)).get_volume()
    except (ValueError, AttributeError, RuntimeError, TypeError, KeyError, IndexError) as error:
        raise InputError(f"{path}: its frames do not make one 3D image: {_one_line(error)}") from None
    return _with_frame_of_reference(image_of_volume(volume), header.get("FrameOfReferenceUID"))


def image_of_volume(volume: Any) -> sitk.Image:
    """Turn a highdicom Volume, indexed (slice, row, column), into a SimpleITK image."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(volume.array))
    axes = np.asarray(volume.affine)[:3, :3][:, ::-1]
    spacing = np.linalg.norm(axes, axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((axes / spacing).ravel().tolist())
    image.SetOrigin(np.asarray(volume.affine)[:3, 3].tolist())
    return image


def frame_of_reference(image: sitk.Image, path: Path | None = None) -> str | None:
    """Return the FrameOfReferenceUID of an image read from DICOM, or of the first image in its folder."""
    if image.HasMetaDataKey(FRAME_OF_REFERENCE):
        return image.GetMetaData(FRAME_OF_REFERENCE)
    if path is None or not Path(path).is_dir():
        return None
    for file in sorted(item for item in Path(path).iterdir() if item.is_file()):
        header = _read_header(file)
        if header is not None:
            return str(header.get("FrameOfReferenceUID") or "") or None
    return None


@contextmanager
def quiet_itk() -> Iterator[None]:
    """Keep ITK's warnings off the terminal; what matters in them we check and say ourselves."""
    shown = sitk.ProcessObject.GetGlobalWarningDisplay()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)
    try:
        yield
    finally:
        sitk.ProcessObject.SetGlobalWarningDisplay(shown)


@dataclass(frozen=True)
class _Stack:
    origin: tuple[float, ...]
    spacing: tuple[float, ...]
    direction: tuple[float, ...]


def _read_header(path: Path) -> Dataset | None:
    """Return the header of an image file, None if the file is something else."""
    if not is_dicom_file(path):
        return None
    import pydicom
    from pydicom.errors import InvalidDicomError

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=_HEADER_TAGS)
        is_image = "Rows" in header and header.get("Modality") not in _NOT_AN_IMAGE
        return header if is_image and "SeriesInstanceUID" in header else None
    except (InvalidDicomError, OSError, EOFError, ValueError) as error:
        raise InputError(f"{path} is a damaged DICOM file: {_one_line(error)}") from None


def _series(uid: str, members: Sequence[tuple[Path, Dataset]]) -> SeriesInfo:
    first = members[0][1]
    return SeriesInfo(
        uid,
        str(first.get("SeriesDescription") or ""),
        str(first.get("Modality") or "?"),
        tuple(path for path, _ in members),
        tuple(header for _, header in members),
    )


def _choose(folder: Path, found: Sequence[SeriesInfo], wanted: str | None) -> SeriesInfo:
    if not found:
        inside = sorted(item.name for item in folder.iterdir() if item.is_dir())
        hint = f"; it holds the folders {', '.join(inside[:5])}: name the one with the series" if inside else ""
        raise InputError(f"{folder} is a folder without a DICOM image{hint}")
    matching = [item for item in found if wanted in (item.uid, item.description)] if wanted else list(found)
    if len(matching) == 1:
        return matching[0]
    listed = "; ".join(str(item) for item in found)
    if not matching:
        raise InputError(f"{folder} has no series {wanted!r}; it holds {listed}")
    raise InputError(f"{folder} holds {len(matching)} series; name one by its description or UID: {listed}")


def _sorted_stack(folder: Path, headers: Sequence[Dataset]) -> tuple[list[int], _Stack]:
    """Return the order of the slices along their normal, and the grid that they make."""
    _check_alike(folder, headers)
    rows, columns = np.reshape(np.array(headers[0].ImageOrientationPatient, float), (2, 3))
    normal = np.cross(rows, columns)
    positions = np.array([header.ImagePositionPatient for header in headers], float)
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    gap = _even_gap(folder, along[order])
    _check_straight(folder, positions[order], normal, gap)
    down, across = (float(x) for x in headers[0].PixelSpacing)
    direction = np.stack([rows, columns, normal], axis=1)
    stack = _Stack(tuple(positions[order[0]].tolist()), (across, down, gap), tuple(direction.ravel().tolist()))
    return order.tolist(), stack


def check_numbers(where: Path, header: Dataset) -> None:
    """Refuse a header whose numbers cannot be true: a spacing of 0, a place or slope that is no number.

    Raises:
        InputError: one line with the tag and its value.
    """
    for tag, count in (("PixelSpacing", 2), ("ImagePositionPatient", 3), ("ImageOrientationPatient", 6)):
        value = header.get(tag)
        if value is None:
            continue
        try:
            numbers = np.array(value, float)
        except (TypeError, ValueError):
            numbers = np.array([np.nan])
        if numbers.size != count or not np.isfinite(numbers).all() or np.abs(numbers).max() > FARTHEST_MM:
            raise InputError(f"{where}: {tag} is {_shown(value)}, which no scanner wrote; the file is damaged")
        if tag == "PixelSpacing" and not SPACING_MM[0] <= numbers.min() <= numbers.max() <= SPACING_MM[1]:
            raise InputError(f"{where}: PixelSpacing is {_shown(value)} mm; without a true spacing no distance is true")
        if tag == "ImageOrientationPatient" and abs(np.linalg.norm(np.cross(numbers[:3], numbers[3:])) - 1) > 0.01:
            raise InputError(
                f"{where}: ImageOrientationPatient is {_shown(value)}, no right angle; the file is damaged"
            )
    for tag in ("RescaleSlope", "RescaleIntercept"):
        value = header.get(tag)
        if value is not None and not np.isfinite(float(value)):
            raise InputError(f"{where}: {tag} is {value}, which is no number; the file is damaged")
    if header.get("RescaleSlope") is not None and float(header.RescaleSlope) == 0:
        raise InputError(f"{where}: RescaleSlope is 0, which makes all voxels alike; the file is damaged")


def check_pixels(path: Path) -> None:
    """Refuse a file whose pixel data are shorter than its rows and columns need: ITK reads on in memory.

    Raises:
        InputError: missing or short pixel data; one line with both numbers.
    """
    import pydicom

    with path.open("rb") as stream:
        header = pydicom.filereader.read_partial(
            stream, stop_when=_at_pixels, specific_tags=[pydicom.tag.Tag(name) for name in _PIXEL_TAGS]
        )
        start = stream.tell()
        head = stream.read(12)
        there = path.stat().st_size
    if len(head) < 8:
        raise InputError(f"{path} holds no pixels; it is truncated: copy it again")
    syntax = header.file_meta.get("TransferSyntaxUID", pydicom.uid.ImplicitVRLittleEndian)
    implicit = syntax == pydicom.uid.ImplicitVRLittleEndian
    order = ">" if syntax == pydicom.uid.ExplicitVRBigEndian else "<"
    stated = struct.unpack_from(f"{order}I", head, 4 if implicit else 8)[0]
    if syntax in _UNPACKED_SYNTAXES or implicit:
        bits = [int(header.get(tag) or 1) for tag in ("Rows", "Columns", "BitsAllocated", "SamplesPerPixel")]
        needed = int(np.prod(bits, dtype=object)) * int(header.get("NumberOfFrames") or 1) // 8
        held = min(stated, there - start - (8 if implicit else 12))
        if held < needed:
            raise InputError(f"{path} is truncated: it holds {max(held, 0)} of {needed} bytes of pixels; copy it again")
    elif there - start < 16:
        raise InputError(f"{path} is truncated: it holds no compressed pixels; copy it again")


def _at_pixels(tag: int, *_: object) -> bool:
    return tag >= 0x7FE00008


def _shown(value: object) -> str:
    return str(value)[:60]


def _check_alike(folder: Path, headers: Sequence[Dataset]) -> None:
    for tag in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing"):
        if any(header.get(tag) is None for header in headers):
            raise InputError(f"{folder}: a slice has no {tag}; such a series has no place in space")
    if any(int(header.get("SamplesPerPixel") or 1) > 1 for header in headers):
        raise InputError(f"{folder} holds colour (RGB) images; give a series with a single value a voxel")
    for what, tags in (("size", ("Rows", "Columns")), ("spacing", ("PixelSpacing",))):
        kinds = Counter(tuple(str(header.get(tag)) for tag in tags) for header in headers)
        if len(kinds) > 1:
            listed = " and ".join(" x ".join(kind) for kind in kinds)
            raise InputError(f"{folder}: slices differ in {what} ({listed}); keep one stack in the folder")
    for header in headers:
        check_numbers(folder, header)
    orientations = np.array([header.ImageOrientationPatient for header in headers], float)
    if np.abs(orientations - orientations[0]).max() > 1e-3:
        raise InputError(f"{folder}: slices differ in orientation (a localizer?); keep one stack in the folder")


def _even_gap(folder: Path, along: np.ndarray) -> float:
    """Return the spacing of sorted slice positions."""
    if len(along) == 1:
        raise InputError(f"{folder} holds a single slice: its thickness is unknown; copy the whole series")
    gaps = np.diff(along)
    usual = float(np.median(gaps))
    if gaps.min() < 1e-3:
        repeated = int(np.count_nonzero(gaps < 1e-3))
        raise InputError(
            f"{folder}: {repeated + 1} slices lie at the same place as another (several time points or echoes?); "
            "keep one volume in the folder"
        )
    if np.abs(gaps - usual).max() <= max(SLICE_POSITION_TOLERANCE * usual, 0.01):
        return float((along[-1] - along[0]) / (len(along) - 1))
    steps = gaps / usual
    holes = np.flatnonzero(np.round(steps) > 1)
    if holes.size and np.abs(steps - np.round(steps)).max() <= 2 * SLICE_POSITION_TOLERANCE:
        missing = int(np.sum(np.round(steps[holes]) - 1))
        places = ", ".join(f"{along[n]:.1f} and {along[n + 1]:.1f} mm" for n in holes[:3])
        raise InputError(
            f"{folder}: {missing} slice{'s are' if missing > 1 else ' is'} missing (between {places} along "
            "the stack); copy the whole series"
        )
    raise InputError(
        f"{folder}: slices are unevenly spaced, from {gaps.min():.3f} to {gaps.max():.3f} mm; "
        "resample the series to even slices first"
    )


def _check_straight(folder: Path, positions: np.ndarray, normal: np.ndarray, gap: float) -> None:
    """Refuse a stack whose slices slide sideways: its grid would be sheared."""
    expected = positions[0] + np.arange(len(positions))[:, None] * gap * normal
    sideways = float(np.linalg.norm(positions - expected, axis=1).max())
    if sideways > max(SLICE_POSITION_TOLERANCE * gap, 0.05):
        raise InputError(
            f"{folder}: slices are shifted sideways by up to {sideways:.2f} mm (tilted gantry); "
            "resample the series to a straight stack first"
        )


def _read_slices(folder: Path, files: Sequence[Path], headers: Sequence[Dataset]) -> sitk.Image:
    for path in files:
        check_pixels(path)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in files])
    if len({str(header.get("RescaleSlope")) for header in headers}) > 1:
        # The first slice would set the type for all: PET slopes differ by slice and need fractions.
        reader.SetOutputPixelType(sitk.sitkFloat64)
    try:
        with quiet_itk():
            image = reader.Execute()
    except RuntimeError as error:
        last = next(line for line in reversed(str(error).splitlines()) if line.strip())
        raise InputError(f"{folder}: its pixels cannot be read, a file may be damaged: {last.strip()}") from None
    if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
        raise InputError(f"{folder} does not hold a 3D image with a single value a voxel")
    return image


def _with_frame_of_reference(image: sitk.Image, uid: object) -> sitk.Image:
    if uid:
        image.SetMetaData(FRAME_OF_REFERENCE, str(uid))
    return image


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
