"""Jobs in threads: order, laziness, failures, stopping early."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.engines.ordered_work import in_order
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.errors import Cancelled
from RadiomicsCoreLib.jobs.batch import threads_per_case


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_jobs_however_long_each_takes(threads):
    def work(number):
        time.sleep(0.002 * (number % 3))
        return number

    assert list(in_order((partial(work, n) for n in range(40)), threads)) == list(range(40))


def test_only_a_few_jobs_are_drawn_ahead_of_the_results():
    drawn = []

    def jobs():
        for number in range(100):
            drawn.append(number)
            yield lambda: time.sleep(0.001)

    with closing(in_order(jobs(), 2)) as results:
        next(results)
        assert len(drawn) <= 10


@pytest.mark.parametrize("threads", [1, 3])
def test_a_failing_job_raises_where_its_result_would_be(threads):
    results = in_order([lambda: 1, lambda: 1 / 0, lambda: 3], threads)
    assert next(results) == 1
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_jobs_that_have_not_begun_never_do_when_the_caller_stops():
    begun, gate = [], threading.Event()

    def work(number):
        begun.append(number)
        gate.wait(5)

    with pytest.raises(Cancelled), closing(in_order((partial(work, n) for n in range(50)), 2)) as results:
        gate.set()
        for _ in results:
            gate.clear()
            threading.Timer(0.05, gate.set).start()
            raise Cancelled
    assert len(begun) < 15
    assert not [thread for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name]


def case():
    values = np.random.default_rng(0).normal(50, 60, (24, 30, 32))
    values[10, 10, 10] = np.nan
    image = sitk.GetImageFromArray(values.astype(np.float32))
    regions = {}
    for name, first in {"a": 8, "bad": 9, "b": 12, "empty": 99, "c": 16}.items():
        array = np.zeros(values.shape, np.uint8)
        array[first : first + 6, first : first + 9, first : first + 7] = 1
        regions[name] = sitk.GetImageFromArray(array)
    return image, regions


def test_threads_change_no_value_no_reason_and_no_warning():
    image, regions = case()
    types = {"Original": {"binWidth": 1e-4}, "LoG": {"sigma": [1.0, 90.0]}, "Wavelet": {}, "Gradient": {}}
    for settings in (
        ExtractionSettings(image_types=types, setting={"binWidth": 25}),
        ExtractionSettings(setting={"binWidth": 25}, shared_bin_edges=True),
    ):
        one, four = (extract_features(image, regions, settings, threads=n) for n in (1, 4))
        assert {name: list(row) for name, row in one.features.items()} == {
            name: list(row) for name, row in four.features.items()
        }
        for name, row in one.features.items():
            assert np.array_equal(list(row.values()), list(four.features[name].values()), equal_nan=True)
        assert (one.reasons, one.warnings) == (four.reasons, four.warnings)
        assert one.reasons


def test_an_image_resampled_while_shapes_are_computed_changes_nothing_either():
    image, regions = case()
    resampled = {"binWidth": 25, "resampledPixelSpacing": [0.7, 0.8, 1.3]}
    for setting in (
        resampled,
        {**resampled, "resegmentRange": [20, 80], "resegmentShape": True},
        {**resampled, "resegmentRange": [1e6, 2e6]},
    ):
        settings = ExtractionSettings(setting=setting)
        one, three = (extract_features(image, regions, settings, threads=n) for n in (1, 3))
        for name, row in one.features.items():
            assert np.array_equal(list(row.values()), list(three.features[name].values()), equal_nan=True)
        assert (one.reasons, one.warnings, one.geometry) == (three.reasons, three.warnings, three.geometry)
        assert one.geometry.spacing == (0.7, 0.8, 1.3)
    assert set(one.reasons) == set(regions)  # resegmentation left nothing anywhere


def test_a_failure_of_the_resampling_thread_is_the_callers(monkeypatch):
    image, regions = case()

    def fail(self, *_):
        raise MemoryError("no room for the resampled image")

    monkeypatch.setattr(sitk.ResampleImageFilter, "Execute", fail)
    settings = ExtractionSettings(setting={"resampledPixelSpacing": [2, 2, 2]}, mask_interpolator="linear")
    for threads in (1, 2):
        with pytest.raises(MemoryError, match="no room"):
            extract_features(image, regions, settings, threads=threads)
    assert not [thread for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name]


def test_progress_rises_to_one_and_cancel_stops_with_threads_too():
    image, regions = case()
    settings = ExtractionSettings(image_types={"Original": {}, "Wavelet": {}}, setting={"binWidth": 25})
    seen = []
    extract_features(image, regions, settings, threads=2, progress=lambda fraction, message: seen.append(fraction))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    def stop(fraction, message):
        if fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        extract_features(image, regions, settings, threads=2, progress=stop)
    assert not [thread for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name]


def test_an_engine_that_is_not_thread_safe_gets_one_thread():
    from PeritumoralRadiomicsLib.engines.native_engine import NativeEngine

    class Careful(NativeEngine):
        thread_safe = False

        def intensity_features(self, *arguments):
            seen.add(threading.current_thread())
            return super().intensity_features(*arguments)

    seen: set[threading.Thread] = set()
    image, regions = case()
    settings = replace(ExtractionSettings(), feature_classes={"firstorder": ("Mean",)})
    extract_features(image, regions, settings, engine=Careful(), threads=4)
    assert seen == {threading.current_thread()}


def test_a_case_gets_the_cores_that_no_other_case_uses():
    import joblib

    cores = joblib.cpu_count()
    assert threads_per_case(jobs=1, cases=9) == cores
    assert threads_per_case(jobs=cores, cases=1) == cores
    assert threads_per_case(jobs=cores, cases=cores) == 1
    assert threads_per_case(jobs=4 * cores, cases=100) == 1


def test_threads_never_cut_or_filter_an_image_and_never_share_one(monkeypatch):
    # SimpleITK's views and filters on one image from two threads end the process (seen on LUNG1-001).
    from PeritumoralRadiomicsLib.engines import extraction
    from PeritumoralRadiomicsLib.engines.native_engine import NativeEngine

    class Watched(NativeEngine):
        def intensity_features(self, filtered, *arguments):
            images.append(filtered.image)
            workers.add(threading.current_thread())
            return super().intensity_features(filtered, *arguments)

    def watched_crop(image, box):
        cutters.add(threading.current_thread())
        return crop(image, box)

    crop, images, workers, cutters = extraction.crop, [], set(), set()
    monkeypatch.setattr(extraction, "crop", watched_crop)
    image, regions = case()
    extract_features(image, regions, ExtractionSettings(setting={"binWidth": 25}), engine=Watched(), threads=2)
    assert cutters == {threading.current_thread()}
    assert threading.current_thread() not in workers
    assert len({id(each) for each in images}) == len(images) > 1
