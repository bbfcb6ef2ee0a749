"""Feature maps: at every voxel of a region, the value of a feature in the voxel's neighbourhood.

The definition is pyradiomics' voxel-based extraction: the neighbourhood is a cube of ``kernel_radius`` voxels
to each side (a square with ``force2D``), without the voxels outside the region (``maskedKernel``); the grey
levels are those of the whole region. Neighbourhoods are computed in blocks, all voxels of a block at once, and
blocks side by side in threads.

Reference: van Griethuysen et al. 2017, doi 10.1158/0008-5472.CAN-17-0339, "voxel-based extraction".
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError
from RadiomicsCoreLib.progress import Progress, no_progress

from ..engines.native_engine import INTENSITY_FAMILIES, mask_array
from ..features.first_order import Intensities
from ..grey_levels.discretisation import region_levels
from ..grey_levels.region import bounding_box
from ..grey_levels.settings import FeatureSettings
from ..settings.feature_names import DEFAULT_FEATURES, SHAPE_CLASSES
from .neighbourhoods import Neighbourhoods

PLACES_A_BLOCK = 2**15
"""Voxels of all boxes of a block together: a block's tables stay below some 60 MB, and in the processor's cache."""
PLACES_OF_SMALL_TABLES = 2**17
"""The same for classes whose tables are small: fewer blocks, less time between them."""
_SMALL_TABLES = {"glszm", "gldm"}

_TABLES = {
    "glcm": Neighbourhoods.cooccurrence,
    "glrlm": Neighbourhoods.run_lengths,
    "glszm": Neighbourhoods.size_zones,
    "gldm": Neighbourhoods.dependences,
    "ngtdm": Neighbourhoods.tone_differences,
}


def map_features() -> list[str]:
    """Return the features that can be mapped, ``class_Name``: all but those of shape.

    Example:
        >>> "glcm_Contrast" in map_features(), "shape_Sphericity" in map_features()
        (True, False)
    """
    return [
        f"{name}_{feature}"
        for name, features in DEFAULT_FEATURES.items()
        if name not in SHAPE_CLASSES
        for feature in features
    ]


def feature_map(
    image: sitk.Image,
    region_mask: sitk.Image,
    feature_name: str,
    *,
    kernel_radius: int = 1,
    settings: Mapping[str, Any] | None = None,
    masked_kernel: bool = True,
    threads: int = 2,
    progress: Progress = no_progress,
) -> sitk.Image:
    """One feature's map.

    Args:
        image: 3D, original or filtered.
        region_mask: UInt8, 1 inside, on the image's grid.
        feature_name: class and name, for example ``glcm_Contrast`` or ``firstorder_Entropy``.
        kernel_radius: voxels to each side of the neighbourhood's centre.
        settings: in pyradiomics' names, for example ``{"binWidth": 25}``.
        masked_kernel: leave voxels outside the region out of the neighbourhoods.
        threads: number of threads.
        progress: called after every block; raise Cancelled from it to stop.

    Returns:
        Float64 on the image's grid; NaN outside the region, and where the feature is not defined (a
        neighbourhood without any pair of voxels).

    Raises:
        InputError: the feature or a setting cannot be used.
        RegionError: the mask is empty.
        GeometryError: image and mask differ in size.

    Example:
        >>> image = sitk.GetImageFromArray(np.arange(27.0).reshape(3, 3, 3))
        >>> mask = sitk.GetImageFromArray(np.ones((3, 3, 3), dtype=np.uint8))
        >>> sitk.GetArrayFromImage(feature_map(image, mask, "firstorder_Mean"))[1, 1, 1]
        np.float64(13.0)
    """
    return feature_maps(
        image,
        region_mask,
        [feature_name],
        kernel_radius=kernel_radius,
        settings=settings,
        masked_kernel=masked_kernel,
        threads=threads,
        progress=progress,
    )[feature_name]


def feature_maps(
    image: sitk.Image,
    region_mask: sitk.Image,
    feature_names: Sequence[str],
    *,
    kernel_radius: int = 1,
    settings: Mapping[str, Any] | None = None,
    masked_kernel: bool = True,
    threads: int = 2,
    progress: Progress = no_progress,
) -> dict[str, sitk.Image]:
    """Several features' maps in one go: those of one class share their matrices. See :func:`feature_map`."""
    job = _Job.of(image, region_mask, feature_names, kernel_radius, settings, masked_kernel)
    values = {name: np.full(job.grid, np.nan) for name in job.names}
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        for block, found in _in_order_of_completion(pool, job, threads):
            for name, block_values in found.items():
                values[name].ravel()[job.places[block]] = block_values
            done += len(block)
            progress(done / job.count, f"feature map: {done} of {job.count} voxels")
    return {name: _as_image(array, image) for name, array in values.items()}


def estimate_seconds(
    image: sitk.Image,
    region_mask: sitk.Image,
    feature_names: Sequence[str],
    *,
    kernel_radius: int = 1,
    settings: Mapping[str, Any] | None = None,
    masked_kernel: bool = True,
    threads: int = 2,
    sample_voxels: int = 200,
    patience_s: float = 0.1,
) -> float:
    """How long :func:`feature_maps` will take, from the time that a sample of the region's voxels takes.

    The sample grows from two voxels on, until it has taken a good part of ``patience_s``: large neighbourhoods get
    a small sample. Two threads are counted as 1.5. The other arguments are those of :func:`feature_maps`.

    Args:
        sample_voxels: the largest sample.
        patience_s: seconds that the estimate itself may take, preparing the region aside; it is exceeded only
            where two voxels take longer.
    """
    job = _Job.of(image, region_mask, feature_names, kernel_radius, settings, masked_kernel)
    largest, start, number = min(sample_voxels, job.count), time.perf_counter(), min(2, job.count)
    job.compute(np.arange(number))  # loads what is imported late
    while True:
        seconds = _seconds_of_sample(job, number)
        used = time.perf_counter() - start
        # The next sample takes up to four times as long as this one.
        if number == largest or used + 4 * seconds > patience_s:
            break
        number = min(4 * number, largest)
    whole = seconds * job.count / number
    return whole / (1 + 0.5 * (min(threads, job.count / job.voxels_a_block) - 1) if threads > 1 else 1)


def _seconds_of_sample(job: _Job, number: int) -> float:
    sample = np.unique(np.linspace(0, job.count - 1, number).astype(np.intp))
    start = time.perf_counter()
    for block in np.array_split(sample, -(-len(sample) // job.voxels_a_block)):
        job.compute(block)
    return time.perf_counter() - start


@dataclass(frozen=True)
class _Job:
    """What the blocks share.

    Attributes:
        names: features asked for, ``class_Feature``.
        wanted: class to its features.
        settings: feature settings.
        spacing: voxel size (k, j, i) in mm.
        grid: size of the image (k, j, i).
        places: shape (N,), the region's voxels in the flattened image.
        intensities, ranks: flattened crops with a margin of the kernel's reach; rank 0 is outside.
        centres: shape (N,), the region's voxels in the crops.
        steps: shape (box,), from a centre to its box's voxels in the crops.
        box: size of the neighbourhood (k, j, i).
        levels: grey levels that occur.
    """

    names: list[str]
    wanted: dict[str, list[str]]
    settings: FeatureSettings
    spacing: tuple[float, ...]
    grid: tuple[int, ...]
    places: np.ndarray
    intensities: np.ndarray
    ranks: np.ndarray
    centres: np.ndarray
    steps: np.ndarray
    box: tuple[int, ...]
    levels: np.ndarray

    @classmethod
    def of(
        cls,
        image: sitk.Image,
        region_mask: sitk.Image,
        feature_names: Sequence[str],
        kernel_radius: int,
        setting: Mapping[str, Any] | None,
        masked_kernel: bool,
    ) -> _Job:
        settings = FeatureSettings.from_mapping(setting or {})
        wanted = _wanted(feature_names)
        if kernel_radius < 1 or kernel_radius != int(kernel_radius):
            raise InputError(f"kernel_radius must be a whole number of at least 1, got {kernel_radius}")
        if min(settings.distances) > 2 * kernel_radius:
            raise InputError(
                f"distances {list(settings.distances)} do not fit into a neighbourhood of kernel_radius "
                f"{kernel_radius}; use a larger radius or smaller distances"
            )
        array, mask = sitk.GetArrayViewFromImage(image), mask_array(region_mask)
        if array.shape != mask.shape:
            raise GeometryError(
                f"the mask has {mask.shape} voxels (k, j, i), the image {array.shape}; "
                "resample the mask to the image's grid"
            )
        if not mask.any():
            raise RegionError("the region is empty: its mask has no voxel inside; check the mask")
        reach = [kernel_radius] * 3
        if settings.force_2d:
            reach[settings.force_2d_dimension] = 0
        crop = _grown(bounding_box(mask), kernel_radius, mask.shape)
        used = mask[crop] if masked_kernel else np.ones(mask[crop].shape, dtype=bool)
        levels = region_levels(array[crop][used], settings)
        present, rank = np.unique(levels, return_inverse=True)
        intensities, ranks = np.zeros(used.shape), np.zeros(used.shape, dtype=np.uint16)
        intensities[used], ranks[used] = array[crop][used], rank + 1
        margin = [(r, r) for r in reach]
        intensities, ranks = np.pad(intensities, margin), np.pad(ranks, margin)
        centres = np.flatnonzero(np.pad(mask[crop], margin))
        box = tuple(2 * r + 1 for r in reach)
        offsets = np.indices(box).reshape(3, -1) - np.array(reach)[:, None]
        strides = np.cumprod([1, *ranks.shape[:0:-1]])[::-1]
        steps = strides @ offsets
        return cls(
            list(feature_names),
            wanted,
            settings,
            image.GetSpacing()[::-1],
            mask.shape,
            np.flatnonzero(mask),
            intensities.ravel(),
            ranks.ravel(),
            centres,
            steps,
            box,
            present,
        )

    @property
    def count(self) -> int:
        return len(self.centres)

    @property
    def voxels_a_block(self) -> int:
        places = PLACES_OF_SMALL_TABLES if _SMALL_TABLES.issuperset(self.wanted) else PLACES_A_BLOCK
        return max(1, places // len(self.steps))

    def blocks(self) -> list[np.ndarray]:
        """Numbers of the region's voxels, block by block."""
        return np.array_split(np.arange(self.count), -(-self.count // self.voxels_a_block))

    def compute(self, block: np.ndarray) -> dict[str, np.ndarray]:
        """Feature name to the values of the block's voxels."""
        where = self.steps[:, None] + self.centres[block]
        hoods = Neighbourhoods(
            self.ranks[where].reshape(*self.box, len(block)), self.levels, self.spacing, self.settings
        )
        found = {}
        for class_name, features in self.wanted.items():
            table = self._intensities(where, hoods) if class_name == "firstorder" else _TABLES[class_name](hoods)
            for feature, values in INTENSITY_FAMILIES[class_name].compute(table, features).items():
                found[f"{class_name}_{feature}"] = values
        return found

    def _intensities(self, where: np.ndarray, hoods: Neighbourhoods) -> Intensities:
        inside = hoods.inside.reshape(len(self.steps), -1).T
        return Intensities(
            self.intensities[where].T,
            inside,
            hoods.level_counts(),
            float(np.prod(self.spacing)),
            shift=self.settings.voxel_array_shift,
            excess_kurtosis=self.settings.profile == "ibsi",
        )


def _wanted(feature_names: Sequence[str]) -> dict[str, list[str]]:
    if not feature_names:
        raise InputError("no feature was named; ask for example for glcm_Contrast")
    wanted: dict[str, list[str]] = {}
    for name in feature_names:
        class_name, _, feature = name.partition("_")
        if class_name not in INTENSITY_FAMILIES:
            raise InputError(
                f"feature {name!r} has no map; use a class of {', '.join(INTENSITY_FAMILIES)} and a feature of it, "
                "for example glcm_Contrast"
            )
        wanted.setdefault(class_name, []).extend(INTENSITY_FAMILIES[class_name].names([feature]))
    return wanted


def _grown(box: tuple[slice, ...], by: int, shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(slice(max(0, s.start - by), min(n, s.stop + by)) for s, n in zip(box, shape, strict=True))


def _in_order_of_completion(
    pool: ThreadPoolExecutor, job: _Job, threads: int
) -> Iterator[tuple[np.ndarray, dict[str, np.ndarray]]]:
    """Yield the blocks as they are done; few wait at a time, so that memory and Cancel stay small."""
    running: dict[Future[dict[str, np.ndarray]], np.ndarray] = {}
    blocks = iter(job.blocks())
    try:
        while True:
            for block in blocks:
                running[pool.submit(job.compute, block)] = block
                if len(running) > threads:
                    break
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future.result()
    finally:
        for future in running:
            future.cancel()


def _as_image(array: np.ndarray, like: sitk.Image) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.CopyInformation(like)
    return image
