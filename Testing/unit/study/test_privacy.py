"""No output names the folders of the machine, the scanner's texts or the patient: every byte is looked at."""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import SimpleITK as sitk

from RadiomicsStudyLib.cli import main

SECRET_FOLDER, DESCRIPTION, PATIENT = "Saint Nowhere Hospital", "DESCRIBED^BY^HAND", "PLANTED^NAME"
PARAMETERS = "setting: {binWidth: 25}\nimageType: {Original: {}}\nfeatureClass: {firstorder: [Mean]}\n"


def contents_of(content: bytes) -> Iterator[bytes]:
    """The bytes of a file, and those packed in it."""
    yield content
    if content[:2] == b"\x1f\x8b":
        yield from contents_of(gzip.decompress(content))
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for name in archive.namelist():
                yield name.encode()
                yield from contents_of(archive.read(name))
    if content[:4] == b"PAR1":
        yield pd.read_parquet(io.BytesIO(content)).to_csv().encode()
    for stream in re.finditer(rb"stream\r?\n(.*?)endstream", content, re.DOTALL) if content[:4] == b"%PDF" else ():
        yield zlib.decompressobj().decompress(stream[1])


def assert_private(folder: Path, *, at_least: int) -> None:
    words = [SECRET_FOLDER, SECRET_FOLDER.split()[1], DESCRIPTION, PATIENT, str(Path.home())]
    needles = {word: [word.encode(code) for code in ("utf-8", "utf-16-le")] for word in words}
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) >= at_least
    found = {
        f"{path.relative_to(folder)}: {word}"
        for path in files
        for content in contents_of(path.read_bytes())
        for word, spellings in needles.items()
        if any(needle in content for needle in spellings) or word in str(path.relative_to(folder))
    }
    assert not found


@pytest.fixture
def secret(tmp_path) -> Path:
    folder = tmp_path / SECRET_FOLDER
    folder.mkdir()
    return folder


def dicom(made_dicom, folder: Path, array: np.ndarray) -> None:
    import pydicom

    for path in made_dicom.series(folder, array, spacing=(1.0, 1.0, 2.0), description=DESCRIPTION):
        header = pydicom.dcmread(path)
        header.PatientName, header.PatientID, header.StudyDescription = PATIENT, PATIENT, DESCRIPTION
        header.save_as(path)


def test_extraction_names_no_folder_no_description_and_no_patient(secret, made_dicom, monkeypatch):
    k, j, i = np.ogrid[:10, :36, :36]
    ball = (((k - 5) * 2) ** 2 + (j - 18) ** 2 + (i - 18) ** 2 <= 36).astype(np.uint8)
    scan = np.random.default_rng(0).normal(40, 20, ball.shape).round().astype(np.int16)
    dicom(made_dicom, secret / "scans" / "good", scan)
    dicom(made_dicom, secret / "scans" / "two", scan)
    for path in (secret / "scans" / "two").iterdir():
        path.rename(path.with_suffix(".first"))
    dicom(made_dicom, secret / "scans" / "two", scan)
    mask = sitk.GetImageFromArray(ball)
    mask.SetSpacing((1.0, 1.0, 2.0))
    mask.SetMetaData("0010|0010", PATIENT)
    sitk.WriteImage(mask, str(secret / "mask.nrrd"))
    (secret / "note.nii.gz").write_text("no image")
    rows = [
        f"{name},scans/{folder},{mask_file}"
        for name, folder, mask_file in (
            ("good", "good", "mask.nrrd"),
            ("two", "two", "mask.nrrd"),
            ("gone", "nowhere", "mask.nrrd"),
            ("note", "good", "note.nii.gz"),
            ("outside", "../../elsewhere", "mask.nrrd"),
        )
    ]
    (secret / "cohort.csv").write_text("\n".join(["case_id,ct_image,ct_mask", *rows]) + "\n")
    (secret / "small.yaml").write_text(PARAMETERS)
    words = ["extract", str(secret / "cohort.csv"), "--parameters", str(secret / "small.yaml"), "--rings", "2,4"]
    words += ["--workers", "1", "-o", str(secret / "out")]
    monkeypatch.setattr("sys.argv", [str(secret / "bin" / "peritumoral"), *words])
    assert main(words) == 1
    text = (secret / "out" / "study.json").read_text(encoding="utf-8")
    assert "scans/nowhere" in text and "holds 2 series" in text  # told by the way from the cohort
    assert_private(secret / "out", at_least=10)


def test_a_survival_model_names_no_folder(secret, monkeypatch):
    rng = np.random.default_rng(0)
    n = 120
    table = pd.DataFrame({"case_id": [f"p{k}" for k in range(n)], "a": rng.normal(size=n), "b": rng.normal(size=n)})
    table["time"] = rng.exponential(np.exp(-table["a"])) * 400 + 1
    table["event"] = (rng.random(n) < 0.7).astype(int)
    table.to_csv(secret / "cohort.csv", index=False)
    words = ["cox", str(secret / "cohort.csv"), "--time", "time", "--event", "event", "--covariates", "a,b"]
    words += ["-o", str(secret / "out")]
    monkeypatch.setattr("sys.argv", [str(secret / "bin" / "peritumoral"), *words])
    assert main(words) == 0
    assert_private(secret / "out", at_least=6)
