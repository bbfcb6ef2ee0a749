"""``train`` where a patient has several cases: nobody validates, or tests, a network that has learnt from them."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("torch", reason="needs the extra 'deep'")
for package in ("monai", "safetensors"):
    pytest.importorskip(package)

from deep_jobs import run_on, train_job_of  # noqa: E402

from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings  # noqa: E402
from RadiomicsCoreLib.cohort.columns import CaseColumns  # noqa: E402
from RadiomicsCoreLib.errors import InputError  # noqa: E402
from RadiomicsCoreLib.files.tables import write_csv  # noqa: E402

CASES = 12
TRAINING = TrainingSettings(
    "classification", epochs=1, batch_size=4, validation_fraction=0.34, device="cpu", weigh_classes=False
)


def job(**change):
    shown = NetworkInput("resized_slice", size=32, masked=True)
    usual = {
        "training": TRAINING,
        "endpoints": ("relapse",),
        "network": "resnet18",
        "input": shown,
    }
    return train_job_of(**(usual | {"columns": CaseColumns(patient="person")} | change))


@pytest.fixture(scope="module")
def rows(bright_patients, tmp_path_factory):
    """Six people with two cases each, all of them for training, and the folder that holds their scans."""
    folder = tmp_path_factory.mktemp("people")
    return folder, [row | {"split": "train"} for row in bright_patients(folder, CASES)]


@pytest.mark.parametrize("seed", range(3))
def test_nobody_validates_a_network_that_learns_from_another_case_of_theirs(rows, tmp_path, seed):
    folder, table = rows
    write_csv(folder / "cohort.csv", table)
    settings = TrainingSettings(**(TRAINING.to_dict() | {"seed": seed, "augmentation": "none"}))
    run_on(folder / "cohort.csv", tmp_path, job(training=settings))
    bundle = json.loads((tmp_path / "model" / "model.json").read_text(encoding="utf-8"))
    person_of = {row["case_id"]: row["person"] for row in table}
    validating = {person_of[case] for case in bundle["provenance"]["validation_cases"]}
    learning = {person_of[case] for case in set(person_of) - set(bundle["provenance"]["validation_cases"])}
    assert validating and learning
    assert not validating & learning


def test_a_person_with_cases_in_training_and_test_is_refused(rows, tmp_path):
    folder, table = rows
    people = sorted({row["person"] for row in table})
    changed = [row | {"split": "test" if k in (0, 1) else "train"} for k, row in enumerate(table)]
    torn = {row["person"] for row in changed if row["split"] == "test"}
    assert torn < set(people)
    write_csv(folder / "torn.csv", changed)
    with pytest.raises(InputError, match=r"in the training and in the test part, the first is 'person 0\.0'"):
        run_on(folder / "torn.csv", tmp_path / "a", job())
    # Without the column of patients every case counts as a patient of its own, and the table passes.
    done = run_on(folder / "torn.csv", tmp_path / "b", job(columns=CaseColumns()))
    assert len(done.cases) == CASES


def test_a_case_without_a_patient_is_named(rows, tmp_path):
    folder, table = rows
    write_csv(
        folder / "blank.csv", [row | {"person": None if k == 3 else row["person"]} for k, row in enumerate(table)]
    )
    with pytest.raises(InputError, match=r"case 'P03' has no patient: its cell of column 'person' is empty"):
        run_on(folder / "blank.csv", tmp_path, job())


def test_inputs_that_the_memory_cannot_hold_together_are_refused_before_they_are_loaded(rows, tmp_path, monkeypatch):
    folder, table = rows
    write_csv(folder / "large.csv", table)
    monkeypatch.setattr("DeepRadiomicsFusionLib.training.training_sides.machine_memory_gb", lambda: 1e-5)
    with pytest.raises(InputError, match=r"the inputs of 12 cases take \S+ GB together, and this machine has 1e-05 GB"):
        run_on(folder / "large.csv", tmp_path, job())
