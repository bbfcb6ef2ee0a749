"""The main job from the command line: whole cohorts, bad input, resuming, exit codes."""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsStudyLib.cli import main

SHAPE = (10, 36, 36)
SPACING = (1.0, 1.0, 2.0)
PARAMETERS = """
setting: {binWidth: 25}
imageType: {Original: {}}
featureClass: {firstorder: [Mean, Entropy], glcm: [Contrast]}
"""


def to_image(array: np.ndarray, origin: tuple[float, ...] = (0.0, 0.0, 0.0)) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    image.SetOrigin(origin)
    return image


def body() -> np.ndarray:
    return np.random.default_rng(3).normal(40, 20, SHAPE).round().astype(np.int16)


def ball(centre: tuple[int, int, int] = (5, 18, 18), radius_mm: float = 6.0) -> np.ndarray:
    k, j, i = np.ogrid[tuple(map(slice, SHAPE))]
    squared = ((k - centre[0]) * SPACING[2]) ** 2 + (j - centre[1]) ** 2 + (i - centre[2]) ** 2
    return (squared <= radius_mm**2).astype(np.uint8)


class CohortFolder:
    """A folder with a cohort table that grows case by case."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows: list[dict[str, str]] = []

    def add(self, case_id: str, image=None, mask=None, **cells: str) -> None:
        number = len(self.rows)
        row = {"case_id": case_id, "ct_image": f"{number} image.nii.gz", "ct_mask": f"{number} mask.nii.gz"}
        sitk.WriteImage(to_image(body()) if image is None else image, str(self.folder / row["ct_image"]))
        sitk.WriteImage(to_image(ball()) if mask is None else mask, str(self.folder / row["ct_mask"]))
        self.rows.append(row | cells)

    def path(self, name: str = "cohort.csv") -> str:
        columns = list(dict.fromkeys(column for row in self.rows for column in row))
        with (self.folder / name).open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, columns)
            writer.writeheader()
            writer.writerows(self.rows)
        return str(self.folder / name)


@pytest.fixture
def cohort(tmp_path) -> CohortFolder:
    folder = tmp_path / "données, 1"
    folder.mkdir()
    return CohortFolder(folder)


@pytest.fixture
def parameters(tmp_path) -> str:
    path = tmp_path / "small.yaml"
    path.write_text(PARAMETERS)
    return str(path)


def read_rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def read_table(path: Path) -> dict[str, dict[str, str]]:
    return {row["case_id"]: row for row in read_rows(path)}


def extract(cohort: CohortFolder, parameters: str, out: Path, *options: str) -> int:
    words = ["extract", cohort.path(), "--parameters", parameters, "--rings", "2,4", "-o", str(out), "--workers", "1"]
    return main([*words, *options])


def test_a_cohort_gives_features_regions_pictures_and_provenance(cohort, parameters, tmp_path, capsys):
    cohort.add("Ærø, 1", age="61")
    cohort.add("=1+1")
    out = tmp_path / "out"
    assert extract(cohort, parameters, out) == 0
    features = read_table(out / "features.csv")
    assert list(features) == ["Ærø, 1", "'=1+1"]
    columns = list(features["Ærø, 1"])[1:]
    assert columns[:3] == [
        f"ct.intratumour.original_{name}" for name in ("firstorder_Mean", "firstorder_Entropy", "glcm_Contrast")
    ]
    assert {column.split(".")[1] for column in columns} == {"intratumour", "ring_0_2mm", "ring_0_4mm"}
    inside = body()[ball() > 0]
    assert float(features["Ærø, 1"]["ct.intratumour.original_firstorder_Mean"]) == pytest.approx(inside.mean())
    regions = read_rows(out / "regions.csv")
    assert len(regions) == 6
    assert int(regions[0]["voxels"]) == ball().sum()
    study = json.loads((out / "study.json").read_text(encoding="utf-8"))
    assert study["settings"]["rings"]["outer_mm"] == [2.0, 4.0]
    assert study["cases"]["=1+1"]["status"] == "done"
    assert len(list((out / "cases").glob("*/overlay.png"))) == 2
    assert "features.csv" in capsys.readouterr().out


def test_a_second_run_reuses_every_case_until_settings_or_files_change(cohort, parameters, tmp_path, capsys):
    cohort.add("a")
    cohort.add("b")
    out = tmp_path / "out"
    extract(cohort, parameters, out)
    first = (out / "features.csv").read_bytes()
    capsys.readouterr()
    extract(cohort, parameters, out)
    assert "2 of them reused" in capsys.readouterr().out
    assert (out / "features.csv").read_bytes() == first
    sitk.WriteImage(to_image(ball(radius_mm=7)), str(cohort.folder / cohort.rows[0]["ct_mask"]))
    extract(cohort, parameters, out)
    assert "1 of them reused" in capsys.readouterr().out
    extract(cohort, parameters, out, "--gap", "1")
    assert "0 of them reused" in capsys.readouterr().out


def with_a_nan() -> sitk.Image:
    array = body().astype(np.float32)
    array[5, 18, 18] = np.nan
    return to_image(array)


def empty() -> np.ndarray:
    return np.zeros(SHAPE, np.uint8)


BAD_CASES = {
    "empty mask": ({"mask": to_image(empty())}, "empty"),
    "mask on another grid": ({"mask": to_image(ball(), origin=(0.4, 0, 0))}, "0.4"),
    "mask elsewhere": ({"mask": to_image(ball(), origin=(500, 0, 0))}, "500"),
    "NaN voxel": ({"image": with_a_nan()}, "NaN"),
    "4D image": ({"image": sitk.JoinSeries([to_image(body())] * 2)}, "4"),
    "RGB image": ({"image": sitk.Compose([to_image(body().astype(np.uint8))] * 3)}, "5D image"),
    "label not there": ({"ct_label": "3"}, "3"),
    "several labels": ({"mask": to_image(ball() + (ball(radius_mm=3) > 0))}, "1, 2"),
    "missing file": ({"ct_image": "nowhere.nii.gz"}, "nowhere.nii.gz"),
    "not an image": ({"ct_image": "note.nii"}, "note.nii"),
    "truncated gzip": ({"ct_image": "torn.nii.gz"}, "torn.nii.gz"),
    "a folder": ({"ct_mask": "folder"}, "folder"),
    "organ leaves nothing": ({"ct_organ_mask": "nothing.nii.gz"}, ""),
}


@pytest.fixture
def bad_cohort(cohort) -> CohortFolder:
    folder = cohort.folder
    (folder / "note.nii").write_text("this is no image")
    (folder / "folder").mkdir()
    sitk.WriteImage(to_image(body()), str(folder / "whole.nii.gz"))
    content = (folder / "whole.nii.gz").read_bytes()
    (folder / "torn.nii.gz").write_bytes(content[: len(content) // 2])
    with gzip.open(folder / "whole.nii.gz") as stream:
        assert stream.read(4)
    sitk.WriteImage(to_image(ball((5, 18, 18), 6)), str(folder / "nothing.nii.gz"))
    for case_id, (cells, _) in BAD_CASES.items():
        cohort.add(case_id, **cells)
    cohort.add("../good")
    return cohort


def test_each_bad_case_gets_one_clear_line_and_the_good_ones_go_on(bad_cohort, parameters, tmp_path, capsys):
    out = tmp_path / "out"
    assert extract(bad_cohort, parameters, out) == 1
    cases = json.loads((out / "study.json").read_text(encoding="utf-8"))["cases"]
    assert cases["../good"]["status"] == "done"
    assert set(tmp_path.iterdir()) == {bad_cohort.folder, out, Path(parameters)}
    for case_id, (_, words) in BAD_CASES.items():
        if case_id == "organ leaves nothing":
            continue
        assert cases[case_id]["status"] == "failed", case_id
        assert words in cases[case_id]["reason"], cases[case_id]["reason"]
        assert "\n" not in cases[case_id]["reason"]
        assert "unexpected" not in cases[case_id]["reason"], cases[case_id]["reason"]
    features = read_table(out / "features.csv")
    assert features["../good"]["ct.ring_0_2mm.original_glcm_Contrast"]
    assert features["empty mask"]["ct.intratumour.original_firstorder_Mean"] == ""
    shown = capsys.readouterr().out.splitlines()
    table = shown[shown.index(f"Failed ({len(BAD_CASES) - 1}):") + 2 :]  # the last thing shown, below its header
    assert [line.split("  ct: ")[0].strip() for line in table] == [
        case_id for case_id in BAD_CASES if case_id != "organ leaves nothing"
    ]
    assert all(cases[line.split("  ct: ")[0].strip()]["reason"] in line for line in table)


def test_an_id_with_a_line_break_and_dollar_signs_stays_one_line_and_gets_its_picture(
    cohort, parameters, tmp_path, capsys
):
    cohort.add("Doe\nJohn $\\x$ 日本")
    cohort.add("Roe\nJane", mask=to_image(empty()))
    out = tmp_path / "out"
    assert extract(cohort, parameters, out) == 1
    shown = capsys.readouterr()
    assert [line for line in shown.out.splitlines() if "Roe Jane" in line] and "Roe\n" not in shown.out + shown.err
    assert all(line[:4].isdigit() for line in (out / "log.txt").read_text(encoding="utf-8").splitlines())
    assert len(list((out / "cases").glob("*/overlay.png"))) == 1
    assert next(iter(read_table(out / "features.csv"))) == "Doe\nJohn $\\x$ 日本"


def test_an_empty_exclusion_excludes_nothing_and_says_so(cohort, parameters, tmp_path):
    sitk.WriteImage(to_image(empty()), str(cohort.folder / "none.nii.gz"))
    cohort.add("a", ct_exclude_mask="none.nii.gz")
    cohort.add("b", ct_organ_mask="none.nii.gz")
    out = tmp_path / "out"
    assert extract(cohort, parameters, out) == 1
    cases = json.loads((out / "study.json").read_text(encoding="utf-8"))["cases"]
    assert (cases["a"]["status"], cases["b"]["status"]) == ("done", "failed")
    assert any("nothing is excluded" in line for line in cases["a"]["warnings"])


def test_a_ring_without_voxels_is_empty_with_a_reason_and_no_failure(bad_cohort, parameters, tmp_path):
    out = tmp_path / "out"
    bad_cohort.rows = [row for row in bad_cohort.rows if row["case_id"] == "organ leaves nothing"]
    assert extract(bad_cohort, parameters, out) == 0
    rows = {row["region"]: row for row in read_rows(out / "regions.csv")}
    assert float(rows["ring_0_2mm"]["retained_fraction"]) == 0
    assert "organ mask" in rows["ring_0_2mm"]["reason"]
    features = read_table(out / "features.csv")["organ leaves nothing"]
    assert features["ct.ring_0_2mm.original_firstorder_Mean"] == ""
    assert features["ct.intratumour.original_firstorder_Mean"] != ""


def test_a_one_voxel_tumour_keeps_its_rings_and_one_at_the_border_is_done_with_a_warning(cohort, parameters, tmp_path):
    one_voxel = empty()
    one_voxel[5, 18, 18] = 1
    cohort.add("one voxel", mask=to_image(one_voxel))
    cohort.add("at the border", mask=to_image(ball((0, 3, 3))))
    out = tmp_path / "out"
    assert extract(cohort, parameters, out) == 1
    cases = json.loads((out / "study.json").read_text(encoding="utf-8"))["cases"]
    assert "ct: the tumour has no features" in cases["one voxel"]["reason"]
    assert any("border" in line for line in cases["at the border"]["warnings"])
    features = read_table(out / "features.csv")
    assert features["one voxel"]["ct.intratumour.original_glcm_Contrast"] == ""
    assert features["one voxel"]["ct.ring_0_4mm.original_glcm_Contrast"] != ""


def test_rings_keep_out_of_the_excluded_mask(cohort, parameters, tmp_path):
    other_tumour = to_image(2 * ball((5, 18, 28), 5))
    sitk.WriteImage(other_tumour, str(cohort.folder / "other.nii.gz"))
    cohort.add("a", ct_exclude_mask="other.nii.gz", ct_exclude_label="2")
    out = tmp_path / "out"
    assert extract(cohort, parameters, out, "--save-masks") == 0
    ring = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "cases" / "a" / "ct_ring_0_4mm.nii.gz")))
    assert ring.any() and not (ring & ball((5, 18, 28), 5)).any()
    row = {row["region"]: row for row in read_rows(out / "regions.csv")}["ring_0_4mm"]
    assert 0 < float(row["retained_fraction"]) < 1


def test_the_ibsi_profile_changes_the_definitions_and_is_recorded(cohort, parameters, tmp_path):
    cohort.add("a")
    for name, options in (("usual", ()), ("ibsi", ("--profile", "ibsi"))):
        assert extract(cohort, parameters, tmp_path / name, *options) == 0
    column = "ct.intratumour.original_firstorder_Entropy"
    usual, ibsi = (float(read_table(tmp_path / name / "features.csv")["a"][column]) for name in ("usual", "ibsi"))
    assert usual != ibsi
    study = json.loads((tmp_path / "ibsi" / "study.json").read_text(encoding="utf-8"))
    assert study["settings"]["measure"]["profile"] == "ibsi"


def test_masks_on_another_grid_are_taken_when_asked(cohort, parameters, tmp_path):
    cohort.add("a", mask=to_image(ball(), origin=(0.4, 0, 0)))
    assert extract(cohort, parameters, tmp_path / "out", "--resample-masks") == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["extract", "nowhere.csv", "--preset", "wu2021", "--rings", "3", "-o", "out"], "nowhere.csv"),
        (["extract", "{cohort}", "--preset", "lui2025", "--rings", "3", "-o", "out"], "liu2025"),
        (["extract", "{cohort}", "--rings", "3", "-o", "out"], "--preset"),
        (["extract", "{cohort}", "--preset", "wu2021", "--rings", "3"], "-o FOLDER"),
        (["rings", "{cohort}", "{cohort}", "-o", "out"], "--rings"),
        (["extract", "{cohort}", "--preset", "wu2021", "--rings", "-3", "-o", "out"], "-3"),
        (["extract", "{cohort}", "--preset", "wu2021", "--rings", "3", "--phases", "pet", "-o", "out"], "pet"),
        (["extract", "{cohort}", "--preset", "wu2021", "--rings", "3", "-o", "{cohort}"], "cohort.csv"),
        (["extract", "{cohort}", "--parameters", "no.yaml", "--rings", "3", "-o", "out"], "no.yaml"),
    ],
)
def test_a_wrong_word_ends_in_one_line_and_exit_code_2(cohort, words, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cohort.add("a")
    path = cohort.path()
    assert main([word.format(cohort=path) for word in words]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("peritumoral: ") and message in lines[0]


def test_two_patients_with_one_id_and_a_misspelt_column_are_refused_before_work(cohort, parameters, tmp_path, capsys):
    cohort.add("a")
    cohort.add("a")
    assert extract(cohort, parameters, tmp_path / "out") == 2
    assert "'a'" in capsys.readouterr().err
    cohort.rows = [{"case_id": "a", "ct_imgae": "x.nii", "ct_mask": "y.nii"}]
    assert extract(cohort, parameters, tmp_path / "out") == 2
    assert "ct_image" in capsys.readouterr().err


def test_nothing_could_be_done_exits_2(cohort, parameters, tmp_path):
    cohort.add("a", mask=to_image(empty()))
    assert extract(cohort, parameters, tmp_path / "out") == 2


def test_cohort_check_reads_every_row_and_reports_all_problems(bad_cohort, capsys):
    assert main(["cohort", "check", bad_cohort.path()]) == 1
    shown = capsys.readouterr().out
    for case_id in ("empty mask", "mask on another grid", "missing file", "truncated gzip", "several labels"):
        assert case_id in shown


def test_rings_command_writes_masks_figures_and_a_picture(cohort, tmp_path, capsys):
    cohort.add("a")
    row = cohort.rows[0]
    files = [str(cohort.folder / row[column]) for column in ("ct_image", "ct_mask")]
    out = tmp_path / "rings"
    assert main(["rings", *files, "--rings", "2,4", "--union", "-o", str(out)]) == 0
    mask = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "ring_0_2mm.nii.gz")))
    assert mask.shape == SHAPE and not (mask & ball()).any()
    assert (out / "overlay.png").is_file() and (out / "intra_ring_0_4mm.nii.gz").is_file()
    assert "ring_0_4mm" in capsys.readouterr().out


def test_presets_are_listed_and_printed_as_parameter_files(capsys):
    assert main(["presets"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("wu2021", "zhang2024", "liu2025", "song2021"))
    assert main(["presets", "liu2025"]) == 0
    assert "imageType" in capsys.readouterr().out


@pytest.mark.parametrize("verb", [[], ["rings"], ["extract"], ["cohort", "check"], ["presets"], ["sample-cohort"]])
def test_help_shows_examples(verb, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*verb, "--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    assert "peritumoral" in shown
    if verb:
        assert "examples:" in shown


def test_rings_take_an_empty_exclusion_and_refuse_a_folder_that_is_a_file_before_any_work(cohort, tmp_path, capsys):
    cohort.add("a")
    files = [str(cohort.folder / cohort.rows[0][name]) for name in ("ct_image", "ct_mask")]
    sitk.WriteImage(to_image(empty()), str(tmp_path / "none.nii.gz"))
    words = ["rings", *files, "--rings", "2", "--exclude", str(tmp_path / "none.nii.gz")]
    assert main([*words, "-o", str(tmp_path / "rings")]) == 0
    assert "nothing is excluded" in capsys.readouterr().out
    assert main([*words, "-o", files[0]]) == 2
    shown = capsys.readouterr()
    assert "cannot be written" in shown.err and shown.err.count("\n") == 1 and not shown.out


def test_lack_of_memory_is_one_line(monkeypatch, capsys):
    def exhausted(arguments):
        raise MemoryError

    monkeypatch.setattr("RadiomicsStudyLib.commands.radiomics.presets.run", exhausted)
    assert main(["presets"]) == 2
    assert capsys.readouterr().err.startswith("peritumoral: not enough memory; ")


def with_second_masks(cohort: CohortFolder, count: int) -> None:
    """Add three cases; the first ``count`` have a second reader's mask, 2 mm smaller in radius."""
    for number in range(3):
        case = f"p{number}"
        if number < count:
            sitk.WriteImage(to_image(ball(radius_mm=4.0)), str(cohort.folder / f"{case} second.nii.gz"))
            cohort.add(case, ct_second_mask=f"{case} second.nii.gz")
        else:
            cohort.add(case)


def test_the_second_readers_masks_are_extracted_and_cases_without_are_counted(cohort, parameters, tmp_path, capsys):
    with_second_masks(cohort, 2)
    assert extract(cohort, parameters, tmp_path / "second", "--reader", "2") == 0
    told = capsys.readouterr().out
    assert "2 of 2 cases done" in told
    assert "1 of 3 cases have no mask of a second reader and are left out: p2" in told
    features = read_table(tmp_path / "second" / "features.csv")
    assert list(features) == ["p0", "p1"]
    drawn = body()[ball(radius_mm=4.0) > 0]
    assert float(features["p0"]["ct.intratumour.original_firstorder_Mean"]) == pytest.approx(drawn.mean())
    study = json.loads((tmp_path / "second" / "study.json").read_text(encoding="utf-8"))
    assert study["settings"]["reader"] == 2 and study["notes"]


def test_a_cohort_without_second_masks_is_refused_in_one_line(cohort, parameters, tmp_path, capsys):
    cohort.add("a")
    assert extract(cohort, parameters, tmp_path / "out", "--reader", "2") == 2
    assert "names a mask of a second reader; fill in ct_second_mask" in capsys.readouterr().err


def test_perturbed_readings_lie_beside_the_features_as_drawn(cohort, parameters, tmp_path):
    cohort.add("a")
    cohort.add("b")
    out = tmp_path / "out"
    assert extract(cohort, parameters, out, "--perturb", "2", "--perturb-mm", "1.5", "--seed", "4") == 0
    plain = tmp_path / "plain"
    assert extract(cohort, parameters, plain) == 0
    assert (out / "features.csv").read_bytes() == (plain / "features.csv").read_bytes()
    tables = [(out / name / "features.csv").read_bytes() for name in ("perturbed_1", "perturbed_2")]
    assert len({*tables, (out / "features.csv").read_bytes()}) == 3
    study = json.loads((out / "perturbed_2" / "study.json").read_text(encoding="utf-8"))
    assert (study["settings"]["perturbed"], study["settings"]["perturb"]) == (2, 0)
    own = {"sd_mm": 1.5, "correlation_mm": 10.0, "volume_sd": None, "seed": 4}
    assert {name: study["settings"]["perturbation"][name] for name in own} == own
    assert main(["run", str(out / "perturbed_2"), "-o", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "features.csv").read_bytes() == tables[1]


def test_perturbed_readings_do_not_depend_on_the_number_of_processes(cohort, parameters, tmp_path):
    cohort.add("a")
    cohort.add("b")
    for jobs in ("1", "2"):
        assert extract(cohort, parameters, tmp_path / jobs, "--perturb", "1", "--workers", jobs) == 0
    one, two = (tmp_path / jobs / "perturbed_1" / "features.csv" for jobs in ("1", "2"))
    assert one.read_bytes() == two.read_bytes()


def test_the_same_run_again_reuses_perturbed_cases_until_the_perturbation_changes(cohort, parameters, tmp_path, capsys):
    cohort.add("a")
    words = ("--perturb", "1", "--perturb-mm")
    extract(cohort, parameters, tmp_path / "out", *words, "1")
    capsys.readouterr()
    extract(cohort, parameters, tmp_path / "out", *words, "1")
    assert "2 of 2 cases done, 2 of them reused" in capsys.readouterr().out
    extract(cohort, parameters, tmp_path / "out", *words, "2")
    assert "2 of 2 cases done, 1 of them reused" in capsys.readouterr().out


def test_a_tumour_lost_by_the_perturbation_fails_that_reading_alone(cohort, parameters, tmp_path, capsys):
    speck = np.zeros(SHAPE, np.uint8)
    speck[5, 17:19, 17:19] = 1
    cohort.add("small", mask=to_image(speck))
    cohort.add("whole")
    words = ("--perturb", "6", "--perturb-mm", "3")
    assert extract(cohort, parameters, tmp_path / "out", *words) == 1
    told = capsys.readouterr().out
    assert "nothing is left of the tumour (0.008 ml)" in told
    assert re.search(r"^  perturbed_\d: small +", told, re.MULTILINE) and not re.search(r"^  small", told, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--perturb-mm", "2"), "(--perturb 3)"),
        (("--seed", "2"), "(--perturb 3)"),
        (("--perturb", "2", "--perturb-mm", "8"), "give correlation_mm of at least 24"),
        (("--perturb", "-1"), "perturb is -1"),
        (("--perturb", "1", "--perturbed", "2"), "perturbed is 2"),
    ],
)
def test_bad_options_of_a_perturbation_are_told_in_one_line(cohort, parameters, tmp_path, capsys, words, told):
    cohort.add("a")
    assert extract(cohort, parameters, tmp_path / "out", *words) == 2
    assert told in capsys.readouterr().err


def test_without_rings_the_tumour_alone_is_measured(cohort, parameters, tmp_path):
    cohort.add("a")
    assert (
        main(["extract", cohort.path(), "--parameters", parameters, "--workers", "1", "-o", str(tmp_path / "out")]) == 0
    )
    columns = list(read_table(tmp_path / "out" / "features.csv")["a"])[1:]
    assert {column.split(".")[1] for column in columns} == {"intratumour"}
    assert [row["region"] for row in read_rows(tmp_path / "out" / "regions.csv")] == ["intratumour"]


def test_settings_of_one_phase_give_the_values_of_a_run_with_them_alone(cohort, tmp_path):
    rng = np.random.default_rng(5)
    sitk.WriteImage(to_image(rng.gamma(2, 2, SHAPE).astype(np.float32)), str(cohort.folder / "pet.nii.gz"))
    sitk.WriteImage(to_image(ball(radius_mm=7)), str(cohort.folder / "pet mask.nii.gz"))
    cohort.add("a", pet_image="pet.nii.gz", pet_mask="pet mask.nii.gz")
    words = ["extract", cohort.path(), "--rings", "4", "--preset", "wu2021", "--workers", "1"]
    pet = "pet:preset=zhang2024,bin-width=0.5,ring-window=0.5,9,plane=every_slice"
    alone = ["--preset", "zhang2024", "--bin-width", "0.5", "--ring-window=0.5,9", "--plane", "every_slice"]
    runs = {
        "both": [*words, "--for", pet],
        "ct": [*words, "--phases", "ct"],
        "pet": [*words, "--phases", "pet", *alone],
    }
    found = {}
    for name, run in runs.items():
        assert main([*run, "-o", str(tmp_path / name)]) == 0, name
        found[name] = read_table(tmp_path / name / "features.csv")["a"]
    assert found["both"] == found["ct"] | found["pet"]
    assert len(found["pet"]) == 1 + 2 * 851 and len(found["ct"]) == 1 + 2 * 107
    regions = read_rows(tmp_path / "both" / "regions.csv")
    assert regions == [row for name in ("ct", "pet") for row in read_rows(tmp_path / name / "regions.csv")]


def test_a_phase_that_the_cohort_lacks_has_no_settings(cohort, parameters, tmp_path, capsys):
    cohort.add("a")
    assert extract(cohort, parameters, tmp_path / "out", "--for", "pte:bin-width=2") == 2
    assert "phase 'pte'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_run_repeats_an_extraction_to_the_bit_and_reuses_cases_by_whatever_path(
    cohort, parameters, tmp_path, capsys, monkeypatch
):
    cohort.add("a")
    cohort.add("b")
    out = tmp_path / "out"
    assert extract(cohort, parameters, out, "--for", "ct:gap=1") == 0
    assert {path.name for path in out.iterdir()} >= {"job.yaml", "study.json", "notes.txt", "features.csv"}
    assert str(tmp_path) not in (out / "job.yaml").read_text(encoding="utf-8")
    monkeypatch.chdir(cohort.folder)
    assert main(["run", str(out / "job.yaml"), "-o", str(tmp_path / "again")]) == 0
    for name in ("features.csv", "regions.csv"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes()
    capsys.readouterr()
    assert main(["run", str(out)]) == 0
    assert "2 of them reused" in capsys.readouterr().out
    words = ["extract", "cohort.csv", "--parameters", parameters, "--rings", "2,4", "--for", "ct:gap=1", "-o", str(out)]
    assert main(words) == 0
    assert "2 of them reused" in capsys.readouterr().out


def test_a_study_gives_its_rings_and_features_and_own_words_go_before_it(cohort, tmp_path):
    cohort.add("a")
    words = ["extract", cohort.path(), "--study", "zhang2024", "--parameters", "mine.yaml", "--print-job"]
    assert main(words) == 2  # the study's preset and a file of one's own: one of them
    words = ["extract", cohort.path(), "--study", "zhang2024", "--preset", "wu2021", "--workers", "1"]
    assert main([*words, "-o", str(tmp_path / "out")]) == 0
    columns = list(read_table(tmp_path / "out" / "features.csv")["a"])[1:]
    assert len(columns) == 2 * 107 and {column.split(".")[1] for column in columns} == {"intratumour", "ring_0_3mm"}
