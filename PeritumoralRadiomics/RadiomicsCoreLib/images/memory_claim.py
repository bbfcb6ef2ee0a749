"""How much memory a resampled image would take, asked before it is made."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import InputError
from .headers.header import MOST_BYTES

BYTES_A_VOXEL = 8
"""Of the 64-bit numbers that images are resampled in."""


def check_claim(size: Sequence[float] | np.ndarray, spacing_mm: Sequence[float] | np.ndarray) -> None:
    """Refuse a grid that is larger than the largest image that is read, 8 GiB of 64-bit numbers.

    Args:
        size: voxels along each axis, possibly beyond what an integer holds.
        spacing_mm: their distance, for the message.

    Raises:
        InputError: it is too large; the message says which spacing makes how many voxels.

    Example:
        >>> check_claim((512, 512, 300), (1.0, 1.0, 1.0))
        >>> check_claim((4e5, 4e5, 300), (0.001, 0.001, 1.0))  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        RadiomicsCoreLib.errors.InputError: a spacing of 0.001 x 0.001 x 1 mm makes 4e+05 x 4e+05 x 300 voxels, ...
    """
    voxels = np.asarray(size, float)
    claimed = float(np.prod(voxels)) * BYTES_A_VOXEL
    if claimed <= MOST_BYTES:  # False for NaN, too
        return
    spacing, listed = (" x ".join(f"{value:.4g}" for value in values) for values in (spacing_mm, voxels))
    raise InputError(
        f"a spacing of {spacing} mm makes {listed} voxels, {claimed / 2**30:.3g} GiB; at most {MOST_BYTES / 2**30:g} "
        "GiB are taken: choose wider voxels, or crop the image"
    )
