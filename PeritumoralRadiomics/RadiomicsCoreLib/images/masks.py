"""Reads the mask of one structure onto the grid of its image, from a label image, an RTSTRUCT or a DICOM SEG."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import EmptyMaskError, GeometryError, InputError
from .dicom_seg import read_segment, segment_on_grid, segment_on_own_grid
from .dicom_series import frame_of_reference, is_dicom_file
from .geometry import IndexBox, adopt_grid, aligned_start, describe_difference, paste, same_grid
from .reading import existing, read_image
from .rtstruct import rasterise, read_structure
from .structure_names import Named, choose_structure

LOG = logging.getLogger(__name__)
Warn = Callable[[str], None]
_STRUCTURE_MODALITIES = ("RTSTRUCT", "SEG")
MAX_LABELS_LISTED = 10


def read_mask(
    path: Path | str,
    *,
    reference: sitk.Image,
    label: int | None = None,
    roi: str | None = None,
    reference_path: Path | str | None = None,
    resample: bool = False,
    warn: Warn = LOG.warning,
) -> sitk.Image:
    """Read one structure as a mask on the grid of its image.

    Args:
        path: a label image (any format of :func:`~RadiomicsCoreLib.images.reading.read_image`; a ``.seg.nrrd`` of 3D
            Slicer keeps its segment names), an RTSTRUCT or DICOM SEG file, or a folder that holds one of these.
        reference: the image that the mask belongs to.
        label: voxel value of the structure; segment number in a DICOM SEG, ROI number in an RTSTRUCT. May be
            left out where the file holds one structure only.
        roi: name of the structure, where the file has names.
        reference_path: DICOM folder of the image, for its frame of reference where ``reference`` lacks it.
        resample: put a mask on another grid (a crop of the image's is none) onto the image's by nearest
            neighbour, instead of refusing it.
        warn: called with one line for each thing the user should know.

    Returns:
        UInt8, 1 inside, with exactly the geometry of ``reference``.

    Raises:
        InputError: unreadable file, no such label or name, several and none named, values that are no labels.
        GeometryError: another grid (the message says by how much; float noise below 0.05 voxel at the
            corners is let pass), another frame of reference, or no overlap with the image.
        EmptyMaskError: the mask is empty (a RegionError).

    Example:
        >>> mask = read_mask("rs.dcm", roi="GTV-1", reference=read_image("ct"))  # doctest: +SKIP
    """
    path = _structure_file(existing(path))
    uid = frame_of_reference(reference, Path(reference_path) if reference_path else None)
    modality = _modality(path) if path.is_file() and is_dicom_file(path) else ""
    if modality == "RTSTRUCT":
        structure = read_structure(path, roi, label)
        _check_frame(path, structure.frame_of_reference, uid)
        return rasterise(structure, reference, warn=lambda text: warn(f"{path.name}: {text}"))
    if modality == "SEG":
        segment = read_segment(path, roi, label)
        _check_frame(path, segment.frame_of_reference, uid)
        on_grid = segment_on_grid(segment, reference)
        mask = segment_on_own_grid(segment) if on_grid is None else on_grid
    else:
        labels = read_image(path)
        _check_frame(path, frame_of_reference(labels) or "", uid)
        mask = _label_mask(path, labels, label, roi)
    return _onto_grid(path, mask, reference, resample=resample, warn=warn)


def labels_of(image: sitk.Image) -> list[int]:
    """Return the values of a label image other than 0, sorted.

    Raises:
        InputError: values that are no whole numbers.
    """
    values = sitk.GetArrayViewFromImage(image)
    found: set[float] = set()
    for plane in values:  # slice by slice: most are empty, and none needs a copy of the whole
        if plane.any():
            found.update(np.unique(plane).tolist())
    broken = [value for value in found if value != np.floor(value) or np.isinf(value)]
    if broken:
        raise InputError(f"holds values that are no labels, such as {broken[0]:.4g}; give whole numbers, 0 outside")
    return sorted(int(value) for value in found - {0})


def _structure_file(path: Path) -> Path:
    """Return the only RTSTRUCT or SEG file of a folder; any other path stays as it is."""
    if not path.is_dir():
        return path
    files = [item for item in sorted(path.iterdir()) if item.is_file() and is_dicom_file(item)]
    if len(files) > 20:
        return path  # a series of slices; whoever keeps that many structure files must name one
    structures = [item for item in files if _modality(item) in _STRUCTURE_MODALITIES]
    if len(structures) > 1:
        listed = ", ".join(item.name for item in structures[:5])
        raise InputError(f"{path} holds {len(structures)} structure files ({listed}); name one")
    return structures[0] if structures else path


def _modality(path: Path) -> str:
    import pydicom

    try:
        header = pydicom.dcmread(path, stop_before_pixels=True, specific_tags=["Modality"])
    except (pydicom.errors.InvalidDicomError, OSError, EOFError, ValueError) as error:
        raise InputError(f"{path} is a damaged DICOM file: {' '.join(str(error).split())}") from None
    return str(header.get("Modality") or "")


def _check_frame(path: Path, own: str, of_image: str | None) -> None:
    if own and of_image and own != of_image:
        raise GeometryError(
            f"{path} was drawn in another frame of reference ({own}) than the image ({of_image}); "
            "give the image it was drawn on, or register the two first"
        )


def _label_mask(path: Path, labels: sitk.Image, label: int | None, roi: str | None) -> sitk.Image:
    try:
        found = labels_of(labels)
    except InputError as error:
        raise InputError(f"{path} {error}") from None
    if not found:
        raise EmptyMaskError(f"{path} is an empty mask: every voxel is 0")
    if label is None:
        label = _named_label(path, labels, roi) if roi is not None else _only_label(path, found)
    if label not in found:
        raise InputError(f"{path} has no voxel with label {label}; it holds {_listed(found)}")
    return sitk.Equal(labels, label)


def _only_label(path: Path, found: list[int]) -> int:
    if len(found) > 1:
        raise InputError(f"{path} holds several labels ({_listed(found)}) and none is named; give the label")
    return found[0]


def _named_label(path: Path, labels: sitk.Image, roi: str) -> int:
    """Return the label of a named segment of a Slicer ``.seg.nrrd`` file."""
    keys = [re.fullmatch(r"Segment(\d+)_Name", key) for key in labels.GetMetaDataKeys()]
    named = [
        Named(labels.GetMetaData(key[0]), int(labels.GetMetaData(f"Segment{key[1]}_LabelValue")))
        for key in keys
        if key and labels.HasMetaDataKey(f"Segment{key[1]}_LabelValue")
    ]
    if not named:
        raise InputError(f"{path} holds no structure names, so {roi!r} cannot be found; give its label number")
    return choose_structure(path, named, roi).number


def _listed(found: list[int]) -> str:
    more = f" and {len(found) - MAX_LABELS_LISTED} more" if len(found) > MAX_LABELS_LISTED else ""
    return ", ".join(str(value) for value in found[:MAX_LABELS_LISTED]) + more


def _onto_grid(path: Path, mask: sitk.Image, reference: sitk.Image, *, resample: bool, warn: Warn) -> sitk.Image:
    if same_grid(mask, reference):
        mask = adopt_grid(mask, reference)
    elif (start := _crop_of(reference, mask)) is not None:  # as 3D Slicer saves segmentations
        mask = paste(mask, IndexBox(start, mask.GetSize()), reference)
    elif not resample:
        raise GeometryError(
            f"{path} lies on another grid than the image: {describe_difference(mask, reference)}; "
            "allow resampling (--resample-masks), or give the mask on the image's grid"
        )
    else:
        before = _volume_ml(mask)
        mask = sitk.Resample(mask, reference, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
        after = _volume_ml(mask)
        if after > 0:
            warn(f"{path.name}: resampled to the image's grid, {before:.3g} ml became {after:.3g} ml")
    if not sitk.GetArrayViewFromImage(mask).any():
        raise GeometryError(f"{path} does not overlap with the image: none of its voxels lies inside it")
    return mask


def _crop_of(reference: sitk.Image, mask: sitk.Image) -> tuple[int, int, int] | None:
    """Return where a mask lies that covers a part of the image, voxel on voxel; None for any other grid."""
    try:
        return aligned_start(reference, mask)
    except GeometryError:
        return None


def _volume_ml(mask: sitk.Image) -> float:
    voxels = int(np.count_nonzero(sitk.GetArrayViewFromImage(mask)))
    return voxels * float(np.prod(mask.GetSpacing())) / 1000
