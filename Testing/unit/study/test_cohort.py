"""The cohort table: what it says, what is wrong with it, and what is wrong with the files it names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.cohort import table as module
from RadiomicsCoreLib.cohort.table import check_cohort, load_phase, read_cohort
from RadiomicsCoreLib.errors import Cancelled, InputError, RegionError


def write_image(path: Path, array: np.ndarray, spacing=(1.0, 1.0, 2.0)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(spacing)
    sitk.WriteImage(image, str(path))
    return path


def box(*, value=1, shape=(6, 10, 12)) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[2:4, 3:6, 4:8] = value
    return mask


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with one good image and mask."""
    write_image(tmp_path / "ct.nii.gz", np.random.default_rng(0).normal(size=(6, 10, 12)).astype(np.float32))
    write_image(tmp_path / "m.nii.gz", box())
    return tmp_path


def table(folder: Path, text: str) -> Path:
    path = folder / "cohort.csv"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(folder: Path, text: str, **options) -> dict[tuple[str, str, str], str]:
    found = check_cohort(read_cohort(table(folder, text)), **options)
    assert all("\n" not in problem.message for problem in found)
    return {(p.case_id, p.phase, p.column): p.message for p in found}


def test_phases_files_clinical_values_and_split_are_told_apart(folder):
    cohort = read_cohort(
        table(
            folder,
            "case_id,sex,ct_image,ct_mask,ct_roi,ct_label,ct_organ_mask,ct_organ_label,ct_second_mask,"
            "pet_image,pet_mask,split,age,death,risk_label\n"
            "a,m,ct.nii.gz,rs.dcm,GTV-1,,organ.nii.gz,3,/abs/second.nii.gz,p.nii.gz,q.nii.gz,train,61,1,high\n"
            "b,,ct.nii.gz,m.nii.gz,,2.0,,,,p.nii.gz,q.nii.gz,test,NA,0,low\n",
        )
    )
    assert cohort.phases == ("ct", "pet")
    assert cohort.clinical_columns == ("sex", "age", "death", "risk_label")
    a, b = cohort.cases
    assert a.images["ct"].image == folder / "ct.nii.gz"
    assert (a.images["ct"].roi, a.images["ct"].label) == ("GTV-1", None)
    assert a.images["ct"].organ == module.MaskSource(folder / "organ.nii.gz", None, 3)
    assert a.images["ct"].second_mask == Path("/abs/second.nii.gz")
    assert [str(path) for path in a.images["ct"].paths] == [
        *[str(folder / name) for name in ("ct.nii.gz", "rs.dcm", "organ.nii.gz")],
        "/abs/second.nii.gz",
    ]
    assert (b.images["ct"].label, b.images["ct"].organ, b.split) == (2, None, "test")
    assert a.values == {"sex": "m", "age": 61.0, "death": 1, "risk_label": "high"}
    assert b.values == {"sex": None, "age": None, "death": 0, "risk_label": "low"}
    assert read_cohort(cohort.path, phases=["pet"]).cases[0].images.keys() == {"pet"}


def test_ids_keep_zeros_and_guards_and_home_is_resolved(folder, monkeypatch):
    monkeypatch.setenv("HOME", str(folder))
    text = (
        "case_id,ct_image,ct_mask,note\nNA,ct.nii.gz,m.nii.gz,\n"
        "001,~/ct.nii.gz,m.nii.gz,'=1+1\n'=x,ct.nii.gz,m.nii.gz,b\n"
    )
    cohort = read_cohort(table(folder, text))
    assert [case.case_id for case in cohort.cases] == ["NA", "001", "=x"]
    assert cohort.cases[1].images["ct"].image == folder / "ct.nii.gz"
    assert cohort.cases[1].values["note"] == "=1+1"
    assert cohort.case("001") is cohort.cases[1]
    with pytest.raises(InputError, match=r"no case '01' \(did you mean '001'\?\)"):
        cohort.case("01")


def test_a_table_made_on_windows_is_read(folder):
    write_image(folder / "a" / "ct.nii.gz", box())
    (folder / "cohort.csv").write_bytes("\ufeffcase_id,ct_image,ct_mask\r\nä,a\\ct.nii.gz,m.nii.gz\r\n".encode())
    case = read_cohort(folder / "cohort.csv").cases[0]
    assert (case.case_id, case.images["ct"].image) == ("ä", folder / "a" / "ct.nii.gz")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("case_id,ct_imge,ct_mask\na,b,c\n", "'ct_image' is missing, .*did you mean 'ct_image' by 'ct_imge'"),
        ("case_id,ct_image,ct_msk\na,b,c\n", "'ct_mask' is missing, .*did you mean 'ct_mask' by 'ct_msk'"),
        ("case_id,ct_image\na,b\n", "column 'ct_mask' is missing, but 'ct_image' is there; add it"),
        ("case_id,ct_image,ct_mask,ct_rio\na,b,c,d\n", "'ct_rio' is not known; did you mean 'ct_roi'"),
        ("case_id,ct_image,ct_mask,ct_orgn_mask\na,b,c,d\n", "did you mean 'ct_organ_mask'"),
        ("case-id,ct_image,ct_mask\na,b,c\n", "column 'case_id' is missing; rename 'case-id'"),
        ("Patient_ID,ct_image,ct_mask\na,b,c\n", "column 'case_id' is missing; rename 'Patient_ID'"),
        ("x,ct_image,ct_mask\na,b,c\n", "column 'case_id' is missing; it has 'x', 'ct_image'"),
        ("case_id,image,mask\na,b,c\n", "no column names an image; 'image' should be <phase>_image"),
        ("case_id,age\na,61\n", "no column names an image; it has 'case_id', 'age'"),
        ("case_id,ct_image,ct_mask\n", "names no case"),
        ("", "empty table"),
        ("case_id,ct_image,ct_mask\na,b,c\n ,b,c\n", "row 3 has no case_id"),
        ("case_id,ct_image,ct_mask\na,b,c\nd,b,c\na,b,c\n", "two cases have the id 'a', rows 2 and 4"),
        ("case_id,ct_image,ct_mask\na,b,c\nA,b,c\n", "two cases have the id 'a' and 'A' .letter case aside"),
        ("case_id;ct_image;ct_mask\na;b;c\n", "separated by semicolons"),
        ("case_id,ct_image,ct_mask,ct_mask\na,b,c,c\n", "column 'ct_mask' stands twice"),
        ("case_id,c.t_image,c.t_mask\na,b,c\n", "has a dot in its name"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_in_one_line(text, message, tmp_path):
    with pytest.raises(InputError, match=message) as caught:
        read_cohort(table(tmp_path, text))
    assert "\n" not in str(caught.value) and "cohort.csv" in str(caught.value)


def test_an_unknown_phase_is_refused_with_the_near_one(folder):
    path = table(folder, "case_id,arterial_image,arterial_mask\na,ct.nii.gz,m.nii.gz\n")
    with pytest.raises(InputError, match=r"no phase 'artrial' \(did you mean 'arterial'\?\)"):
        read_cohort(path, phases=["artrial"])


def test_a_phase_without_an_image_is_missing_and_the_others_go_on(folder):
    text = "case_id,ct_image,ct_mask,pet_image,pet_mask\na,ct.nii.gz,m.nii.gz,,\nb,ct.nii.gz,,ct.nii.gz,m.nii.gz\n"
    cases = read_cohort(table(folder, text)).cases
    assert [set(case.images) for case in cases] == [{"ct"}, {"pet"}]
    assert problems_of(folder, text) == {
        ("a", "pet", "pet_image"): "no image is named; the phase is missing for this case",
        ("b", "ct", "ct_mask"): "no mask is named; name its mask",
    }


def test_every_kind_of_bad_row_is_reported_and_none_hides_another(folder):
    (folder / "cut.nii.gz").write_bytes((folder / "ct.nii.gz").read_bytes()[:900])
    (folder / "text.nii.gz").write_bytes(b"hello")
    (folder / "dir").mkdir()
    write_image(folder / "empty.nii.gz", 0 * box())
    write_image(folder / "other.nii.gz", box(shape=(6, 10, 13)))
    write_image(folder / "two.nii.gz", box() + 3 * np.roll(box(), 4, axis=2))
    nan = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "ct.nii.gz")))
    nan[2, 3, 4] = np.nan
    write_image(folder / "nan.nii.gz", nan)
    image = sitk.ReadImage(str(folder / "ct.nii.gz"))
    sitk.WriteImage(sitk.JoinSeries([image, image]), str(folder / "4d.nii.gz"))
    sitk.WriteImage(sitk.Compose([sitk.Cast(image, sitk.sitkUInt8)] * 3), str(folder / "rgb.mha"))
    expected = {
        ("good", "ct.nii.gz", "m.nii.gz", ""): None,
        ("missing", "ct.nii", "m.nii.gz", ""): ("ct_image", "did you mean ct.nii.gz"),
        ("cut", "cut.nii.gz", "m.nii.gz", ""): ("ct_image", "truncated"),
        ("text", "text.nii.gz", "m.nii.gz", ""): ("ct_image", "has no NIfTI header"),
        ("dir", "dir", "m.nii.gz", ""): ("ct_image", "folder without a DICOM image"),
        ("4d", "4d.nii.gz", "m.nii.gz", ""): ("ct_image", "4D"),
        ("rgb", "rgb.mha", "m.nii.gz", ""): ("ct_image", "colour"),
        ("nan", "nan.nii.gz", "m.nii.gz", ""): ("ct_image", "NaN or infinite voxel"),
        ("empty", "ct.nii.gz", "empty.nii.gz", ""): ("ct_mask", "every voxel is 0"),
        ("grid", "ct.nii.gz", "other.nii.gz", ""): ("ct_mask", "size 13 x 10 x 6 instead of 12 x 10 x 6"),
        ("several", "ct.nii.gz", "two.nii.gz", ""): ("ct_mask", "several labels (1, 3)"),
        ("absent", "ct.nii.gz", "two.nii.gz", "5"): ("ct_mask", "no voxel with label 5; it holds 1, 3"),
        ("word", "ct.nii.gz", "two.nii.gz", "tumour"): ("ct_label", "'tumour' is not a whole number"),
        ("named", "ct.nii.gz", "two.nii.gz", "3"): None,
    }
    text = "case_id,ct_image,ct_mask,ct_label\n" + "".join(",".join(row) + "\n" for row in expected)
    found = problems_of(folder, text)
    wanted = {(row[0], "ct", column): part for row, problem in expected.items() if problem
              for column, part in [problem]}  # fmt: skip
    assert found.keys() == wanted.keys()
    for key, part in wanted.items():
        assert part in found[key], key


def test_organ_and_second_masks_are_checked_too(folder):
    write_image(folder / "empty.nii.gz", 0 * box())
    text = "case_id,ct_image,ct_mask,ct_organ_mask,ct_second_mask\na,ct.nii.gz,m.nii.gz,empty.nii.gz,no.nii.gz\n"
    found = problems_of(folder, text)
    assert "every voxel is 0" in found[("a", "ct", "ct_organ_mask")]
    assert "does not exist" in found[("a", "ct", "ct_second_mask")]
    files = read_cohort(folder / "cohort.csv").cases[0].images["ct"]
    with pytest.raises(RegionError):
        load_phase(files)


def test_masks_on_another_grid_are_no_problem_where_resampling_is_allowed(folder):
    write_image(folder / "fine.nii.gz", np.repeat(box(), 2, axis=0), (1.0, 1.0, 1.0))
    text = "case_id,ct_image,ct_mask,ct_second_mask\na,ct.nii.gz,fine.nii.gz,m.nii.gz\n"
    warnings: list[str] = []
    assert problems_of(folder, text, resample=True, warn=warnings.append) == {}
    assert warnings[0].startswith("a, ct: fine.nii.gz: resampled")
    data = load_phase(read_cohort(folder / "cohort.csv").cases[0].images["ct"], resample=True, warn=warnings.append)
    assert data.organ is None and data.second is not None
    assert data.mask.GetSize() == data.second.GetSize() == data.image.GetSize()


def test_checking_tells_its_progress_and_can_be_cancelled(folder):
    text = "case_id,ct_image,ct_mask\n" + "".join(f"{n},ct.nii.gz,m.nii.gz\n" for n in range(4))
    cohort = read_cohort(table(folder, text))
    seen: list[float] = []

    def stop_at_half(fraction: float, message: str) -> None:
        seen.append(fraction)
        if fraction >= 0.5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        check_cohort(cohort, progress=stop_at_half)
    assert seen == [0.0, 0.25, 0.5]


def test_paths_and_ids_with_spaces_commas_and_any_letters_are_read(folder):
    write_image(folder / "Müller, 患者" / "ct 1.nii.gz", box().astype(np.float32))
    write_image(folder / "Müller, 患者" / "m,1.nii.gz", box())
    text = (
        "case_id,ct_image,ct_mask\n"
        '"Müller, ""A"" 患者","Müller, 患者/ct 1.nii.gz","Müller, 患者/m,1.nii.gz"\n../x,ct.nii.gz,m.nii.gz\n'
    )
    assert problems_of(folder, text) == {}
    assert [case.case_id for case in read_cohort(folder / "cohort.csv").cases] == ['Müller, "A" 患者', "../x"]


@pytest.mark.shared_data
@pytest.mark.slow
def test_all_34_sarcoma_patients_can_be_used(shared_data):
    cohort = read_cohort(shared_data / "sts" / "cohort.csv")
    assert (len(cohort.cases), cohort.phases) == (34, ("ct", "pet"))
    assert cohort.clinical_columns[:2] == ("age", "sex")
    assert check_cohort(cohort) == []
    data = load_phase(cohort.cases[0].images["pet"])
    assert data.image.GetSize() != load_phase(cohort.cases[0].images["ct"]).image.GetSize()


@pytest.mark.shared_data
def test_a_dicom_series_with_its_rtstruct_can_be_used(shared_data, tmp_path):
    lung = shared_data / "lung1_001" / "LUNG1-001"
    path = table(
        tmp_path,
        "case_id,ct_image,ct_mask,ct_roi,ct_organ_mask,ct_organ_roi\n"
        f"LUNG1-001,{lung / 'image'},{lung / 'mask_rtstruct' / '1-1.dcm'},GTV-1,{lung / 'mask_rtstruct'},Lung-Left\n"
        f"typo,{lung / 'image'},{lung / 'mask_rtstruct'},GTV-2,,\n",
    )
    (problem,) = check_cohort(read_cohort(path))
    assert (problem.case_id, problem.column) == ("typo", "ct_mask")
    assert "no structure 'GTV-2' (did you mean 'GTV-1'?)" in problem.message


def test_a_check_takes_what_extraction_would_take(folder):
    write_image(folder / "coarse.nii.gz", box(), spacing=(1.0, 1.0, 2.5))
    write_image(folder / "none.nii.gz", np.zeros((6, 10, 12), np.uint8))
    rows = "a,ct.nii.gz,coarse.nii.gz,\nb,ct.nii.gz,m.nii.gz,none.nii.gz\n"
    cohort = read_cohort(table(folder, "case_id,ct_image,ct_mask,ct_exclude_mask\n" + rows))
    (problem,) = check_cohort(cohort)
    assert problem.case_id == "a" and "(--resample-masks)" in problem.message
    told: list[str] = []
    assert check_cohort(cohort, resample=True, warn=told.append) == []
    assert any("b, ct: nothing is excluded" in line for line in told)
