"""Values that no one means, from the command line and from files: one line that says so, exit 2, and no traceback."""

from __future__ import annotations

import json
import resource
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from RadiomicsStudyLib.cli import main

FEATURES = "imageType: {Original: {}}\nfeatureClass: {firstorder: [Mean]}\n"
DEEP = 50_000
SURVIVAL = ["--time", "time", "--event", "event", "--covariates", "a,b"]


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    k, j, i = np.ogrid[:10, :36, :36]
    ball = (((k - 5) * 2) ** 2 + (j - 18) ** 2 + (i - 18) ** 2 <= 36).astype(np.uint8)
    scan = np.random.default_rng(3).normal(40, 20, ball.shape).round().astype(np.int16)
    images = {
        "image": scan,
        "mask": ball,
        "huge_image": scan.clip(0).astype(np.uint64) + np.uint64(2**63),
        "huge_mask": ball.astype(np.uint64) * np.uint64(2**63 + 5),
    }
    for name, array in images.items():
        image = sitk.GetImageFromArray(array)
        image.SetSpacing((1.0, 1.0, 2.0))
        sitk.WriteImage(image, f"{name}.nrrd")
    for name, image, mask in (
        ("cohort", "image", "mask"),
        ("huge_images", "huge_image", "mask"),
        ("huge_masks", "image", "huge_mask"),
    ):
        Path(f"{name}.csv").write_text(f"case_id,ct_image,ct_mask\na,{image}.nrrd,{mask}.nrrd\n")
    Path("plain.yaml").write_text("setting: {binWidth: 25}\n" + FEATURES)
    spacing = "resampledPixelSpacing: [0.001, 0.001, 0.001]"
    Path("tiny.yaml").write_text("setting: {binWidth: 25, " + spacing + "}\n" + FEATURES)
    Path("deep.yaml").write_text("setting: " + "[" * DEEP + "]" * DEEP)
    Path("deep.json").write_text("[" * DEEP + "]" * DEEP)
    Path("huge.yaml").write_text("setting: {binWidth: " + "9" * 5000 + "}\n" + FEATURES)
    Path("huge_job.yaml").write_text("verb: extract\ncohort: cohort.csv\nworkers: " + "9" * 5000 + "\n")
    Path("far_job.yaml").write_text("verb: extract\ncohort: cohort.csv\nrings: {outer_mm: [" + "9" * 400 + "]}\n")
    return tmp_path


@pytest.fixture
def table(folder) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = 60
    made = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    return made.assign(time=rng.exponential(size=n) * 400 + 1, event=(rng.random(n) < 0.7).astype(int))


def refused(words: list[str], capsys) -> str:
    """Run a verb and return the one line that it ends with; nothing unexpected stands in its record."""
    assert main(words) == 2, words
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert "Traceback" not in last and "unexpected" not in last, last
    return last


def extract(cohort: str = "cohort.csv", parameters: str = "plain.yaml", *more: str) -> list[str]:
    return ["extract", cohort, "--parameters", parameters, "--workers", "1", "-o", "out", *more]


def test_an_empty_value_is_refused_by_every_verb_and_nothing_is_written(folder, capsys):
    before = sorted(folder.iterdir())
    verbs = {
        "extract": ["cohort.csv"],
        "rings": ["image.nrrd", "mask.nrrd"],
        "cox": ["t.csv"],
        "logistic": ["t.csv"],
        "nomogram": ["m.json"],
        "validate": ["m.json", "t.csv"],
        "predict": ["m.json", "t.csv"],
        "train": ["c.csv"],
        "apply": ["m", "c.csv"],
        "explain": ["m", "c.csv"],
        "fuse": ["t.csv"],
        "deep-features": ["c.csv"],
    }
    for verb, words in verbs.items():
        for more in (["-o", ""], ["--out="], ["--organ", ""], ["--rings", " "]):
            assert "is empty" in refused([verb, *words, *more], capsys)
        assert "is empty" in refused([verb, "", *words[1:], "-o", "out"], capsys)
    assert sorted(folder.iterdir()) == before


def test_absurd_numbers_and_nested_files_are_told_in_one_line(folder, capsys):
    expected = {
        "1e999": ["rings", "image.nrrd", "mask.nrrd", "--adaptive", "1e999", "-o", "out"],
        "1e99999999999": ["rings", "image.nrrd", "mask.nrrd", "--adaptive", "1e99999999999", "-o", "out"],
        "nested too deeply": extract("cohort.csv", "deep.yaml"),
        "'deep.yaml' cannot be parsed": ["run", "deep.yaml", "-o", "out"],
        "'deep.json' cannot be parsed": ["run", "deep.json", "-o", "out"],
        "'huge.yaml' cannot be parsed": extract("cohort.csv", "huge.yaml"),
        "'huge_job.yaml' cannot be parsed": ["run", "huge_job.yaml", "-o", "out"],
        "must be a finite number": ["run", "far_job.yaml", "-o", "out"],
        "model.json is not sound JSON (RecursionError": ["predict", "deep.json", "cohort.csv", "-o", "out"],
        "huge_images": extract("huge_images.csv"),
        "huge_masks": extract("huge_masks.csv"),
    }
    for words, command in expected.items():
        line = refused(command, capsys)
        assert ("2^63" if words.startswith("huge_") else words) in line


@pytest.fixture
def little_memory() -> Iterator[None]:
    """No more than 4 GiB beyond what is in use: a claim that is not refused fails at once, not after minutes."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (4 << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="limits its own memory as Linux does")
def test_a_spacing_that_asks_for_more_memory_than_is_stated_is_refused_before_it_is_taken(
    folder, capsys, little_memory
):
    for profile in ("pyradiomics", "ibsi"):
        line = refused(extract("cohort.csv", "tiny.yaml", "--profile", profile), capsys)
        assert "0.001 x 0.001 x 0.001 mm" in line and "at most 8 GiB" in line


def test_covariates_beyond_all_squares_are_told_with_their_place(table, capsys):
    table.loc[3, "a"] = 1e308
    table.to_csv("table.csv", index=False)
    for words in (
        ["cox", "table.csv", *SURVIVAL],
        ["logistic", "table.csv", "--event", "event", "--covariates", "a,b"],
    ):
        line = refused([*words, "-o", "out"], capsys)
        assert "'a' has 1e+308 in row" in line


def test_deaths_at_one_time_end_in_one_line_and_leave_what_could_be_done(table, capsys):
    table.assign(time=100.0, event=1).to_csv("all.csv", index=False)
    refused(["cox", "all.csv", *SURVIVAL, "-o", "out"], capsys)
    table.assign(time=np.where(table["event"] == 1, 100.0, table["time"] + 100)).to_csv("one.csv", index=False)
    assert main(["cox", "one.csv", *SURVIVAL, "--bootstrap", "20", "-o", "one"]) == 1
    assert "all events lie at one time" in Path("one/notes.txt").read_text(encoding="utf-8")
    assert Path("one/coefficients.csv").is_file()


def test_a_damaged_zip_of_a_model_is_told_whichever_byte_is_wrong(table, capsys):
    table.to_csv("table.csv", index=False)
    inside = json.dumps({"format": "peritumoral survival model", "text": "x" * 4000}).encode()
    with zipfile.ZipFile("whole.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("model.json", inside)
    content = Path("whole.zip").read_bytes()
    for place in range(0, len(content), 7):
        broken = bytearray(content)
        broken[place] ^= 0xFF
        Path("broken.zip").write_bytes(broken)
        refused(["predict", "broken.zip", "table.csv", "-o", "out"], capsys)
    for length in (10, 60, len(content) - 5):
        Path("short.zip").write_bytes(content[:length])
        refused(["predict", "short.zip", "table.csv", "-o", "out"], capsys)
