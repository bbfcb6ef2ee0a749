"""The radiomic features of all regions of one image: preprocessed once, filtered once, masked afterwards."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.errors import InputError, RegionError
from RadiomicsCoreLib.images.geometry import IndexBox, crop, mask_box, union_box, whole_box
from RadiomicsCoreLib.progress import Progress, no_progress, part_of

from ..preprocessing.bin_edges import FEW_LEVELS, few_levels_warning, region_bin_edges, shared_bin_edges
from ..preprocessing.filter_margin import margins_of, widest
from ..preprocessing.filtered_image import FeatureEngine, FilteredImage
from ..preprocessing.pipeline import CaseUnderWay, begin
from ..preprocessing.region_checks import check_region, resegment
from ..settings.extraction_settings import ExtractionSettings, Padding, Profile
from ..settings.feature_names import SHAPE_CLASSES, TEXTURE_CLASSES
from .choice import DEFAULT_ENGINE, get_engine
from .ordered_work import check_threads, in_order


@dataclass(frozen=True)
class ImageGeometry:
    """The grid that features were computed on: axes x, y, z, mm."""

    size: tuple[int, ...]
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]
    pixel_type: str


@dataclass(frozen=True)
class ExtractionResult:
    """Features of all regions of one image.

    Attributes:
        features: region to feature to value; every region has every name of ``settings.feature_names()``,
            in that order. A value that cannot be computed is NaN.
        reasons: region that is NaN throughout to the reason.
        warnings: single features that are NaN, and what else a reader of the values must know.
        engine: name of the program that computed them.
        engine_version: its version.
        geometry: grid of the preprocessed image; None if no region could be used.
        timings: seconds spent on ``preprocessing``, ``filters``, ``shape`` and ``intensity``; the last two are
            summed over threads, which also work while the filters do. With several threads the image is resampled
            while shapes are computed: ``preprocessing`` is then what was waited for it.
        grey_levels: region to the number of grey levels that its voxels have in the preprocessed image.
        few_levels: region to the warning that its textures rest on too few of them.
    """

    features: dict[str, dict[str, float]]
    reasons: dict[str, str]
    warnings: tuple[str, ...]
    engine: str
    engine_version: str
    geometry: ImageGeometry | None
    timings: dict[str, float] = field(default_factory=dict)
    grey_levels: dict[str, int] = field(default_factory=dict)
    few_levels: dict[str, str] = field(default_factory=dict)


def extract_features(
    image: sitk.Image,
    regions: Mapping[str, sitk.Image],
    settings: ExtractionSettings,
    *,
    engine: str | FeatureEngine = DEFAULT_ENGINE,
    threads: int = 1,
    progress: Progress = no_progress,
) -> ExtractionResult:
    """Extract the radiomic features of all regions of one image.

    The image is preprocessed and filtered once; every region is then read from the same filtered images, so a
    value near a border depends on the image on both sides of it, and not on which other regions there are
    (except with ``shared_bin_edges``, and for the filters that scale by the largest intensity around the
    regions: Square, SquareRoot, Logarithm, Exponential).

    Args:
        image: 3D scalar image (LPS, mm).
        regions: name to mask (1 inside), on the image's own grid or on a crop aligned to it.
        settings: preprocessing, filters, features; see :func:`~PeritumoralRadiomicsLib.settings.presets.preset`.
        engine: name of an engine, or an engine.
        threads: how many regions are computed at a time, where the engine allows it (``native`` does); no value
            depends on it.
        progress: called after each region of each filtered image.

    Returns:
        All features of all regions. A region that cannot be used has NaN and a reason; a constant region has
        pyradiomics' values (skewness and kurtosis 0, GLCM correlation and MCC 1, NGTDM coarseness 1e6).

    Raises:
        GeometryError: the image is not 3D or a mask is not on its grid.
        InputError: no regions, a pixel type or mask values that cannot be used, threads below 1, a profile that
            the engine does not have.
        DependencyError: the engine, or a package it needs, is not installed.

    Example:
        >>> import numpy as np
        >>> image = sitk.GetImageFromArray(np.arange(4096.0).reshape(16, 16, 16))
        >>> mask = sitk.BinaryThreshold(image, 1000, 3000)
        >>> result = extract_features(image, {"intratumour": mask}, ExtractionSettings())
        >>> result.features["intratumour"]["original_firstorder_Mean"]
        2000.0
    """
    if not regions:
        raise InputError("no regions to extract features of; give at least one mask")
    chosen = get_engine(engine) if isinstance(engine, str) else engine
    if settings.profile is Profile.IBSI and not getattr(chosen, "knows_ibsi_profile", False):
        raise InputError(f"engine {chosen.name} has no profile ibsi; use the engine native, or profile pyradiomics")
    if settings.padding is Padding.PYRADIOMICS and len(regions) > 1:
        return _each_by_itself(image, regions, settings, chosen, threads, progress)
    run = _Run(settings, chosen, threads, progress)
    with run.timed("preprocessing"):
        case = begin(image, regions, settings)
    run.warnings += case.warnings
    run.compute(case)
    return run.result(list(regions))


def _each_by_itself(
    image: sitk.Image,
    regions: Mapping[str, sitk.Image],
    settings: ExtractionSettings,
    engine: FeatureEngine,
    threads: int,
    progress: Progress,
) -> ExtractionResult:
    """Preprocess and filter the image anew for every region, as separate executes of pyradiomics do."""
    if settings.shared_bin_edges:
        raise InputError("shared_bin_edges need all regions on one image: they do not go with padding pyradiomics")
    results = [
        extract_features(
            image,
            {name: mask},
            settings,
            engine=engine,
            threads=threads,
            progress=part_of(progress, k / len(regions), (k + 1) / len(regions)),
        )
        for k, (name, mask) in enumerate(regions.items())
    ]
    seconds = {stage: sum(result.timings[stage] for result in results) for stage in results[0].timings}
    return ExtractionResult(
        features={name: row for result in results for name, row in result.features.items()},
        reasons={name: why for result in results for name, why in result.reasons.items()},
        warnings=tuple(dict.fromkeys(line for result in results for line in result.warnings)),
        engine=engine.name,
        engine_version=engine.version,
        geometry=results[0].geometry,
        timings=seconds,
        grey_levels={name: count for result in results for name, count in result.grey_levels.items()},
        few_levels={name: text for result in results for name, text in result.few_levels.items()},
    )


@dataclass(frozen=True)
class _Region:
    """One region on the preprocessed crop: its voxels, for shape and for intensities, within its box."""

    name: str
    box: IndexBox
    shape_mask: sitk.Image
    mask: sitk.Image

    def values(self, filtered: sitk.Image, shift: tuple[int, ...]) -> np.ndarray:
        inside = sitk.GetArrayViewFromImage(self.mask) != 0
        return sitk.GetArrayViewFromImage(filtered)[self.box.shifted(shift).slices][inside]


@dataclass(frozen=True)
class _Computed:
    """What one job found about one region: its features, or why it has none."""

    region: str
    what: str
    features: Mapping[str, float]
    seconds: float
    failure: str = ""


class _Run:
    """One extraction under way: what is known so far."""

    def __init__(self, settings: ExtractionSettings, engine: FeatureEngine, threads: int, progress: Progress) -> None:
        self.settings = settings
        self.engine = engine
        self.threads = check_threads(threads) if getattr(engine, "thread_safe", False) else 1
        self.progress = progress
        self.features: dict[str, dict[str, float]] = {}
        self.reasons: dict[str, str] = {}
        self.failures: dict[str, list[str]] = {}
        self.warnings: list[str] = []
        self.timings = dict.fromkeys(("preprocessing", "filters", "shape", "intensity"), 0.0)
        self.geometry: ImageGeometry | None = None
        self.grey_levels: dict[str, int] = {}
        self.few_levels: dict[str, str] = {}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[stage] += time.perf_counter() - start

    def compute(self, case: CaseUnderWay) -> None:
        if "shape2D" in self.settings.feature_classes and not self.settings.setting.get("force2D", False):
            self.warnings.append("shape2D was left out: it needs force2D: true, as in pyradiomics")
        with self._under_way(case.make_image) as image:
            with self.timed("preprocessing"):
                masks, reasons = case.make_masks()
            self.reasons |= reasons
            regions = self._regions(image, masks)
            if regions:
                self._shapes(regions)
            made = image()
        self.geometry = _geometry(made)
        if made is not None and regions and set(self.settings.feature_classes) - set(SHAPE_CLASSES):
            self._count_levels(made, regions)
            self._intensities(made, regions)

    def _count_levels(self, image: sitk.Image, regions: list[_Region]) -> None:
        """Count the grey levels of each region; textures of too few look like numbers and say nothing."""
        for region in regions:
            values = region.values(image, (0, 0, 0))
            try:
                edges = region_bin_edges(values, self.settings.setting)
            except RegionError:
                continue  # too many levels: the textures themselves say so
            self.grey_levels[region.name] = len(np.unique(np.digitize(values, edges)))
        few = {name: levels for name, levels in self.grey_levels.items() if levels < FEW_LEVELS}
        if few and set(self.settings.feature_classes) & set(TEXTURE_CLASSES):
            self.warnings.append(few_levels_warning(few, self.settings.setting))
            self.few_levels = {
                name: few_levels_warning({name: levels}, self.settings.setting) for name, levels in few.items()
            }

    @contextmanager
    def _under_way(self, make: Callable[[], sitk.Image] | None) -> Iterator[Callable[[], sitk.Image | None]]:
        """Make the image, in a thread of its own where there are several; give what waits for it."""
        if make is None:
            yield lambda: None
            return
        if self.threads == 1:
            with self.timed("preprocessing"):
                made = make()
            yield lambda: made
            return
        pool = ThreadPoolExecutor(1)
        try:
            future = pool.submit(make)

            def waited() -> sitk.Image:
                with self.timed("preprocessing"):
                    return future.result()

            yield waited
        finally:
            pool.shutdown(cancel_futures=True)

    def _regions(self, image: Callable[[], sitk.Image | None], masks: Mapping[str, sitk.Image]) -> list[_Region]:
        found = []
        for name, mask in masks.items():
            try:
                found.append(self._region(name, mask, image))
            except RegionError as error:
                self.reasons[name] = str(error)
        return found

    def _region(self, name: str, mask: sitk.Image, image: Callable[[], sitk.Image | None]) -> _Region:
        """Return the region in its box; with resegmentation its intensities may count fewer voxels."""
        setting = self.settings.setting
        box = mask_box(mask)
        whole = crop(mask, box)
        if setting.get("resegmentRange") is None:
            return _Region(name, box, whole, whole)
        inside = sitk.GetArrayFromImage(whole) != 0
        preprocessed = image()
        assert preprocessed is not None  # there is a mask, so there is an image
        kept = resegment(sitk.GetArrayViewFromImage(preprocessed)[box.slices], inside, setting)
        check_region(kept, setting, self.settings.min_voxels)
        part = sitk.GetImageFromArray(kept.astype(np.uint8))
        part.CopyInformation(whole)
        return _Region(name, box, part if setting.get("resegmentShape", False) else whole, part)

    def _shapes(self, regions: list[_Region]) -> None:
        jobs = [
            partial(self._compute, region.name, name, partial(self._shape_of, region, name))
            for region in regions
            for name in SHAPE_CLASSES
            if name in self.settings.feature_classes
        ]
        for found in in_order(jobs, self.threads):
            self._keep(found, "shape")

    def _shape_of(self, region: _Region, name: str) -> Mapping[str, float]:
        wanted = {name: self.settings.feature_classes[name]}
        return self.engine.shape_features(region.shape_mask, wanted, self.settings.engine_setting())

    def _intensities(self, image: sitk.Image, regions: list[_Region]) -> None:
        steps = sum(len(images) for images in self.settings.image_names().values()) * len(regions)
        self.progress(0.0, "filtering")
        # closed at once on Cancel: jobs that have not begun must not run on
        with closing(in_order(self._intensity_jobs(image, regions), self.threads)) as results:
            for done, found in enumerate(results, start=1):
                self._keep(found, "intensity")
                self.progress(done / steps, f"{found.region}: {found.what}")
        self.progress(1.0, "features done")

    def _intensity_jobs(self, image: sitk.Image, regions: list[_Region]) -> Iterator[Callable[[], _Computed]]:
        """Filter the image, one filter after the other, and yield the work on each region of each filtered image."""
        read = union_box(region.box for region in regions)
        shift = tuple(-start for start in read.start)
        for image_type, expected in self.settings.image_names().items():
            part = _part_for(image_type, self.settings, image, read)
            missing = set(expected)
            for filtered in self._filtered(image_type, crop(image, part), read.shifted([-n for n in part.start])):
                missing.discard(filtered.name)
                edges = self._shared_edges(filtered, regions, shift)
                for region in regions:
                    # SimpleITK's images may not be read and filtered by two threads at once: cut here, in the
                    # caller's thread, so that every job has an image of its own.
                    finite = bool(np.isfinite(region.values(filtered.image, shift)).all())
                    cut = FilteredImage(
                        filtered.name, crop(filtered.image, region.box.shifted(shift)), filtered.setting
                    )
                    work = partial(self._intensities_of, region, cut, finite, edges)
                    yield partial(self._compute, region.name, filtered.name, work)
            for name in sorted(missing):
                size = " x ".join(str(n) for n in part.size)
                self.warnings.append(
                    f"{name}: not made by {self.engine.name}, the crop of {size} voxels is too small for it"
                )

    def _filtered(self, image_type: str, image: sitk.Image, read: IndexBox) -> Iterator[FilteredImage]:
        options = {image_type: self.settings.image_types[image_type]}
        images = iter(self.engine.filtered_images(image, options, self.settings.engine_setting(), read))
        while True:
            with self.timed("filters"):
                filtered = next(images, None)
            if filtered is None:
                return
            yield filtered

    def _shared_edges(
        self, filtered: FilteredImage, regions: list[_Region], shift: tuple[int, ...]
    ) -> np.ndarray | None:
        if not self.settings.shared_bin_edges:
            return None
        values = (region.values(filtered.image, shift) for region in regions)
        try:
            return shared_bin_edges(values, filtered.setting)
        except RegionError as error:
            raise RegionError(f"shared bin edges of {filtered.name}: {error}") from error

    def _intensities_of(
        self, region: _Region, cut: FilteredImage, finite: bool, edges: np.ndarray | None
    ) -> Mapping[str, float]:
        if not finite:
            raise RegionError("the filtered image is not finite inside the region")
        return self.engine.intensity_features(cut, region.mask, self.settings.feature_classes, edges)

    def _compute(self, region: str, what: str, work: Callable[[], Mapping[str, float]]) -> _Computed:
        """Do one job, in whatever thread; where a part of a region has no values, say why."""
        start = time.perf_counter()
        try:
            found, failure = work(), ""
        except (RegionError, InputError) as error:
            found, failure = {}, f"{what}: {error}"
        return _Computed(region, what, found, time.perf_counter() - start, failure)

    def _keep(self, found: _Computed, stage: str) -> None:
        self.timings[stage] += found.seconds
        self.features.setdefault(found.region, {}).update(found.features)
        if found.failure:
            self.failures.setdefault(found.region, []).append(found.failure)

    def result(self, regions: list[str]) -> ExtractionResult:
        names = self.settings.feature_names()
        rows = {region: self._row(region, names) for region in regions}
        return ExtractionResult(
            features=rows,
            reasons=self.reasons,
            warnings=tuple(self.warnings),
            engine=self.engine.name,
            engine_version=self.engine.version,
            geometry=self.geometry,
            timings=self.timings,
            grey_levels=self.grey_levels,
            few_levels=self.few_levels,
        )

    def _row(self, region: str, names: list[str]) -> dict[str, float]:
        """Return all features of a region in order; NaN where there is none, never without a word."""
        found = self.features.get(region, {})
        row = {name: found.get(name, math.nan) for name in names}
        row = {name: value if math.isfinite(value) else math.nan for name, value in row.items()}
        absent = [name for name, value in row.items() if math.isnan(value)]
        failures = self.failures.get(region, [])
        if region in self.reasons or not absent:
            return row
        if len(absent) == len(names) and failures:
            self.reasons[region] = failures[0]
            return row
        self.warnings += [f"{region}, {failure}" for failure in failures]
        unfounded = [name for name in absent if name in found or not failures]
        if unfounded:
            some = ", ".join(unfounded[:3]) + (", …" if len(unfounded) > 3 else "")
            self.warnings.append(f"{region}: {len(unfounded)} of {len(names)} features have no finite value ({some})")
        return row


def _part_for(image_type: str, settings: ExtractionSettings, image: sitk.Image, read: IndexBox) -> IndexBox:
    """Return the part of the preprocessed image that one filter needs: less time and memory for narrow filters.

    The filter with the widest margin gets the whole crop, which was made for it.
    """
    margins = margins_of(settings, image.GetSpacing())
    if margins[image_type] == widest(margins):
        return whole_box(image)
    return read.grown(margins[image_type], image.GetSize())


def _geometry(image: sitk.Image | None) -> ImageGeometry | None:
    if image is None:
        return None
    return ImageGeometry(
        image.GetSize(),
        image.GetSpacing(),
        image.GetOrigin(),
        image.GetDirection(),
        image.GetPixelIDTypeAsString(),
    )
