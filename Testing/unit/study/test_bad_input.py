"""Images, masks and settings that features cannot be computed from: one clear line each, or NaN with a reason."""

from __future__ import annotations

import csv
import json
import os
import tracemalloc

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.engines.choice import engine_names
from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.errors import GeometryError, InputError
from RadiomicsStudyLib.cli import main

SHAPE = (10, 24, 24)
BLOCK = (slice(3, 7), slice(8, 16), slice(8, 16))
ALL_CLASSES = ExtractionSettings(setting={"binWidth": 25})


def to_image(array):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.0, 1.0, 2.0))
    return image


def body(scale=20.0, dtype=np.float32):
    return np.random.default_rng(3).normal(40, scale, SHAPE).astype(dtype)


def block(dtype=np.uint8, value=1):
    array = np.zeros(SHAPE, dtype)
    array[BLOCK] = value
    return array


def features(image=None, mask=None, settings=ALL_CLASSES, **options):
    """The result for one region, from arrays."""
    image, mask = (default() if given is None else given for given, default in ((image, body), (mask, block)))
    return extract_features(to_image(image), {"a": to_image(mask)}, settings, **options)


def assert_all_nan_because(result, reason):
    assert result.reasons == {"a": reason}
    assert list(result.features["a"]) == ALL_CLASSES.feature_names()
    assert np.isnan(list(result.features["a"].values())).all()


@pytest.mark.parametrize("value", [0.0, 7.0, 0.1, -1000.0])
def test_a_constant_region_has_no_spread_and_only_finite_values(value):
    image = body()
    image[BLOCK] = value
    result = features(image)
    row = result.features["a"]
    assert not result.reasons
    assert [line for line in result.warnings if "few grey levels" not in line] == []
    assert np.isfinite(list(row.values())).all()
    assert row["original_firstorder_Variance"] == row["original_firstorder_Skewness"] == 0
    assert row["original_glcm_Contrast"] == 0
    assert row["original_glcm_JointEntropy"] == pytest.approx(0, abs=1e-12)  # pyradiomics' log2(p + epsilon)
    assert (row["original_glcm_Correlation"], row["original_ngtdm_Coarseness"]) == (1, 1e6)


def test_one_grey_level_of_different_intensities_has_spread_but_no_texture():
    # Bins are multiples of the width: shifted above 0, the region lies in one.
    one = features(body() + 1000, settings=ExtractionSettings(setting={"binWidth": 1e6})).features["a"]
    assert np.isfinite(list(one.values())).all()
    assert one["original_firstorder_Variance"] > 0
    assert one["original_firstorder_Entropy"] == pytest.approx(0, abs=1e-12)
    assert one["original_glcm_Contrast"] == one["original_gldm_GrayLevelVariance"] == 0


@pytest.mark.parametrize("engine", engine_names())
def test_a_single_voxel_is_a_row_of_nan_with_the_reason(engine):
    mask = np.zeros(SHAPE, np.uint8)
    mask[4, 10, 10] = 1
    assert_all_nan_because(features(mask=mask, engine=engine), "the region has 1 voxel, fewer than min_voxels 2")


def test_a_hundred_thousand_grey_levels_are_named_with_the_setting_before_memory_is_spent():
    tracemalloc.start()
    result = features(body(scale=5e5))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    (warning, *_) = result.warnings
    row = result.features["a"]
    assert warning.startswith("a, original: binWidth 25 makes about ")
    assert warning.endswith("the limit is 5000; use a larger binWidth or a binCount")
    assert np.isnan(row["original_glcm_Contrast"]) and np.isfinite(row["original_shape_MeshVolume"])
    assert peak < 50e6


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_intensities_that_are_not_finite_are_counted_in_the_reason(value):
    image = body()
    image[4, 10, 10:13] = value
    assert_all_nan_because(features(image), "3 of 256 voxels are NaN or infinite in the image")


def test_a_mask_larger_than_the_image_is_refused():
    mask = np.pad(block(), 2)
    with pytest.raises(GeometryError, match="region 'a'") as caught:
        features(mask=mask)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("width", [0, -25, float("nan"), float("inf"), "25", True])
def test_bin_widths_that_are_no_positive_number_are_refused_by_name_and_value(width):
    with pytest.raises(InputError, match="setting binWidth must be a number above 0; it is"):
        ExtractionSettings(setting={"binWidth": width})
    with pytest.raises(InputError, match="image type LoG: setting binWidth must be a number above 0"):
        ExtractionSettings(image_types={"LoG": {"sigma": [1.0], "binWidth": width}})


@pytest.mark.parametrize(
    ("mask", "shown"),
    [
        (block(np.float32, 0.5), "0.5"),
        (block(np.float32) + 0.25 * block(np.float32) * (np.arange(24) == 10), "1.25"),
        (block(np.float32) * np.where(np.arange(24) == 10, 0.5, 1).astype(np.float32), "0.5"),
        (block(np.int16) - 2 * block(np.int16) * (np.arange(24) == 10).astype(np.int16), "-1"),
        (block(np.float32) * np.where(np.arange(24) == 10, np.nan, 1).astype(np.float32), "nan"),
        (block(value=2), "2"),
    ],
)
def test_masks_of_other_values_than_0_and_1_are_refused_with_the_value(mask, shown):
    with pytest.raises(InputError, match=f"region 'a': the mask holds {shown}; a mask is 0 outside and 1 inside"):
        features(mask=mask)


@pytest.mark.parametrize("threads", [0, -1, 1.5, True])
def test_threads_must_be_a_whole_number_above_0(threads):
    with pytest.raises(InputError, match="threads must be a whole number of at least 1; it is"):
        features(threads=threads)


# --- the same from the command line -----------------------------------------------------------------------


def flat():
    image = body()
    image[BLOCK] = 7
    return image


def with_a_nan():
    image = body()
    image[4, 10, 10] = np.nan
    return image


def one_voxel():
    mask = np.zeros(SHAPE, np.uint8)
    mask[4, 10, 10] = 1
    return mask


COMMAND_LINE_CASES = {
    "one voxel": (body(), one_voxel(), "the region has 1 voxel"),
    "too many grey levels": (body(scale=5e5), block(), "binWidth 25 makes about"),
    "NaN in the region": (with_a_nan(), block(), "1 of 256 voxels are NaN or infinite"),
    "mask larger than the image": (body(), np.pad(block(), 2), "size"),
    "labels that are no whole numbers": (body(), block(np.float32, 0.5), "values that are no labels, such as 0.5"),
    "constant": (flat(), block(), ""),
    "good": (body(), block(), ""),
}


def run(folder, parameters):
    path = folder / "parameters.yaml"
    path.write_text(parameters)
    words = ["extract", str(folder / "cohort.csv"), "--parameters", str(path), "--rings", "2", "--workers", "1"]
    return main([*words, "--no-overlays", "-o", str(folder / "out")])


@pytest.fixture
def cohort_folder(tmp_path):
    with (tmp_path / "cohort.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["case_id", "ct_image", "ct_mask"])
        for number, (case_id, (image, mask, _)) in enumerate(COMMAND_LINE_CASES.items()):
            writer.writerow([case_id, f"{number}_image.nrrd", f"{number}_mask.nrrd"])
            sitk.WriteImage(to_image(image), str(tmp_path / f"{number}_image.nrrd"))
            sitk.WriteImage(to_image(mask), str(tmp_path / f"{number}_mask.nrrd"))
    return tmp_path


def test_the_command_says_one_line_for_each_case_and_does_the_others(cohort_folder):
    parameters = "setting: {binWidth: 25}\nfeatureClass: {firstorder: [Variance], glcm: [Contrast]}\n"
    assert run(cohort_folder, parameters) == 1
    cases = json.loads((cohort_folder / "out" / "study.json").read_text(encoding="utf-8"))["cases"]
    for case_id, (_, _, words) in COMMAND_LINE_CASES.items():
        reason = cases[case_id]["reason"]
        assert cases[case_id]["status"] == ("failed" if words else "done"), (case_id, reason)
        assert words in reason and "\n" not in reason and "unexpected" not in reason, (case_id, reason)
    with (cohort_folder / "out" / "features.csv").open(newline="", encoding="utf-8") as stream:
        rows = {row["case_id"]: row for row in csv.DictReader(stream)}
    assert float(rows["constant"]["ct.intratumour.original_firstorder_Variance"]) == 0
    assert float(rows["good"]["ct.intratumour.original_glcm_Contrast"]) > 0
    assert rows["one voxel"]["ct.intratumour.original_glcm_Contrast"] == ""


@pytest.mark.parametrize("width", ["0", "-25", "wide"])
def test_the_command_refuses_a_bad_bin_width_in_one_line_before_any_case(cohort_folder, capsys, width):
    assert run(cohort_folder, f"setting: {{binWidth: {width}}}\n") != 0
    shown = capsys.readouterr().err.strip()
    assert "setting binWidth must be a number above 0" in shown
    assert len(shown.splitlines()) == 1
    assert not (cohort_folder / "out").exists()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_paths_that_no_system_opens_fail_their_case_alone_in_one_line(cohort_folder, capsys):
    os.mkfifo(cohort_folder / "pipe.nii.gz")
    (cohort_folder / "empty_folder").mkdir()
    (cohort_folder / "dicom").mkdir()
    (cohort_folder / "dicom" / os.fsdecode(b"na\xefve.dcm")).write_bytes(b"\0" * 128 + b"DICM" + b"junk")  # no UTF-8
    bad = {"long": "x" * 300, "device": "/dev/zero", "pipe": "pipe.nii.gz", "folder": "empty_folder"}
    bad |= {"nul": "a\0b.nii", "odd": "dicom", "up": "../" * 40 + "etc/passwd"}
    with (cohort_folder / "cohort.csv").open(encoding="utf-8", newline="") as stream:
        header, *_, good = list(csv.reader(stream))
    image = header.index("ct_image")
    rows = [good, *([name, *good[1:image], path, *good[image + 1 :]] for name, path in bad.items())]
    lines = [",".join(row) for row in (header, *rows)]
    (cohort_folder / "odd.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["extract", str(cohort_folder / "odd.csv"), "--rings", "2", "--preset", "wu2021", "--workers", "1"]
    assert main([*words, "-o", str(cohort_folder / "out")]) == 1
    told = capsys.readouterr().out
    assert "1 of 8 cases done" in told
    assert [name for name in bad if sum(line.startswith(f"  {name} ") for line in told.splitlines()) != 1] == []
