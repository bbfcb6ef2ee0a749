"""Bundles come back the same, say what they were trained on, and never run what a stranger put in."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import zipfile

import numpy as np
import pandas as pd
import pytest

from DeepRadiomicsFusionLib.models.classifier_bundle import (
    ClassifierBundle,
    load_bundle,
    load_classifier,
    save_bundle,
)
from DeepRadiomicsFusionLib.models.classifiers import CLASSIFIERS, TunedClassifier
from DeepRadiomicsFusionLib.models.cross_validation import MeanOfModels, fit_once
from DeepRadiomicsFusionLib.models.fusion import FusionLearner, column_sources
from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner
from DeepRadiomicsFusionLib.models.ring_sweep import ChooseSource
from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings
from DeepRadiomicsFusionLib.networks.training_record import TrainingRecord
from DeepRadiomicsFusionLib.tables.samples import make_samples
from RadiomicsCoreLib.errors import InputError, ModelError

sio = pytest.importorskip("skops.io")
RECORD = TrainingRecord(("ct",), ("intratumour", "ring_0_3mm"), "native", "1.0", {"radiomics": {"binWidth": 25}})


@pytest.fixture(scope="module")
def samples():
    rng = np.random.default_rng(0)
    columns = [f"ct.{region}.f{k}" for region in ("intratumour", "ring_0_3mm") for k in range(5)]
    table = pd.DataFrame(rng.standard_normal((50, 10)) * 9 + 4, index=[f"c{k}" for k in range(50)], columns=columns)
    strength = table["ct.intratumour.f0"] + table["ct.ring_0_3mm.f1"] - 8
    return make_samples(table, (strength + 5 * rng.standard_normal(50) > 0).astype(int))


def tuned(kind, samples):
    return fit_once(TunedClassifier(kind, SelectionSettings(selector="mrmr", largest=3).plan(), 3), samples)


def bundle_of(model):
    return ClassifierBundle(model, "recurrence", 0.42, RECORD, {"folds": 5}, {"auc": 0.8}, {"made": "today"})


@pytest.fixture
def saved(samples, tmp_path):
    save_bundle(bundle_of(tuned("lr", samples)), tmp_path / "model")
    return tmp_path / "model"


def edited(folder, change):
    data = json.loads((folder / "model.json").read_text())
    change(data)
    (folder / "model.json").write_text(json.dumps(data))
    return folder


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_each_classifier_predicts_the_same_after_a_round_trip(kind, samples, tmp_path):
    model = tuned(kind, samples)
    save_bundle(bundle_of(model), tmp_path)
    again = load_bundle(tmp_path)
    assert np.array_equal(again.predict(samples.table), model.predict(samples.table))
    assert (again.endpoint, again.threshold, again.trained_on) == ("recurrence", 0.42, RECORD)
    assert again.settings == {"folds": 5}


def test_signatures_fusions_choices_and_means_come_back_too(samples, tmp_path):
    names = list(samples.table.columns)
    sources = column_sources(RadScoreLearner(), {"tumour": names[:5], "ring": names[5:]})
    fused = fit_once(FusionLearner(sources, inner_folds=3), samples)
    chosen = fit_once(ChooseSource(sources, 3), samples)
    model = MeanOfModels((fused, chosen, tuned("nb", samples)))
    save_bundle(bundle_of(model), tmp_path)
    again = load_bundle(tmp_path / "model.json")
    assert np.array_equal(again.predict(samples.table), model.predict(samples.table))
    assert again.model.features == model.features


def test_everything_but_the_classifier_stands_in_the_json(saved):
    data = json.loads((saved / "model.json").read_text())
    assert {"kind", "features", "centre", "scale", "parameters", "sha256"} <= set(data["model"])
    assert data["trained_on"]["regions"] == ["intratumour", "ring_0_3mm"]
    assert data["features"] == data["model"]["features"]


def test_a_zip_of_the_folder_is_read(saved, samples, tmp_path):
    archive = shutil.make_archive(str(tmp_path / "sent"), "zip", saved.parent, "model")
    assert np.array_equal(load_bundle(archive).predict(samples.table), load_bundle(saved).predict(samples.table))


def test_saving_again_leaves_no_old_classifier_behind(saved, samples):
    save_bundle(bundle_of(fit_once(RadScoreLearner(), samples)), saved)
    assert list((saved / "classifiers").iterdir()) == []


# --- strangers ---------------------------------------------------------------------------------------------


class Evil:
    """On a careless load this makes a folder."""

    def __reduce__(self):
        return os.mkdir, ("executed",)


def implant(folder, content):
    def change(data):
        data["model"]["sha256"] = hashlib.sha256(content).hexdigest()
        (folder / data["model"]["file"]).write_bytes(content)

    return edited(folder, change)


def test_a_pickle_in_the_place_of_a_classifier_is_never_executed(saved, tmp_path, monkeypatch):
    import pickle

    monkeypatch.chdir(tmp_path)
    implant(saved, pickle.dumps(Evil()))
    with pytest.raises(ModelError, match="is not a classifier file"):
        load_bundle(saved)
    assert not (tmp_path / "executed").exists()


def test_a_classifier_file_that_names_a_function_is_never_executed(saved, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    from sklearn.preprocessing import FunctionTransformer

    implant(saved, sio.dumps(FunctionTransformer(os.mkdir)))
    with pytest.raises(ModelError, match=r"holds '(posix|nt).mkdir', which is not trusted and could run code"):
        load_bundle(saved)
    assert not (tmp_path / "executed").exists()


def test_a_changed_schema_that_names_an_object_of_the_system_is_refused(saved):
    data = json.loads((saved / "model.json").read_text())
    content = (saved / data["model"]["file"]).read_bytes()
    new = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(new, "w") as written:
        for name in old.namelist():
            part = old.read(name)
            if name == "schema.json":
                schema = json.loads(part)
                schema["__module__"], schema["__class__"] = "subprocess", "Popen"
                part = json.dumps(schema).encode()
            written.writestr(name, part)
    implant(saved, new.getvalue())
    with pytest.raises(ModelError, match=r"holds 'subprocess.Popen', which is not trusted"):
        load_bundle(saved)


def test_another_classifier_than_the_json_says_is_refused(samples):
    content = sio.dumps(tuned("nb", samples).classifier)
    with pytest.raises(ModelError, match="holds a GaussianNB, not a LogisticRegression"):
        load_classifier(content, "lr", 3)


def test_a_classifier_of_other_features_is_refused(samples):
    content = sio.dumps(tuned("lr", samples).classifier)
    with pytest.raises(ModelError, match="does not fit its 5 features"):
        load_classifier(content, "lr", 5)


def test_a_forest_whose_tree_runs_in_a_circle_is_refused(samples):
    forest = tuned("rf", samples).classifier
    tree = next(t.tree_ for t in forest.estimators_ if t.tree_.node_count > 1)
    tree.children_left[0] = 0
    with pytest.raises(ModelError, match="does not fit its 3 features"):
        load_classifier(sio.dumps(forest), "rf", 3)


def test_a_support_vector_machine_with_vectors_missing_is_refused(samples):
    machine = tuned("svm", samples).classifier
    machine.support_vectors_ = machine.support_vectors_[:2]
    with pytest.raises(ModelError, match=r"does not fit its 3 features|is damaged"):
        load_classifier(sio.dumps(machine), "svm", 3)


def test_a_classifier_that_predicts_otherwise_than_when_saved_is_refused(saved):
    def change(data):
        data["model"]["probe"][0] += 0.1

    with pytest.raises(ModelError, match="predicts otherwise than when it was saved"):
        load_bundle(edited(saved, change))


def test_a_changed_file_is_known_by_its_hash(saved):
    file = next((saved / "classifiers").iterdir())
    content = bytearray(file.read_bytes())
    content[-30] ^= 1
    file.write_bytes(bytes(content))
    with pytest.raises(ModelError, match="does not match its SHA-256"):
        load_bundle(saved)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda d: d.update(format="other"), "is not of a peritumoral classifier"),
        (lambda d: d.update(version=9), "format version 9 cannot be read"),
        (lambda d: d.update(threshold="high"), "the threshold is 'high'"),
        (lambda d: d.pop("model"), "is damaged: KeyError"),
        (lambda d: d["model"].update(type="python"), "model type 'python' is unknown"),
        (lambda d: d["model"].update(file="../../secret"), "names a file outside of it"),
        (lambda d: d["model"].update(file="classifiers/none.skops"), "cannot be read: No such file"),
        (lambda d: d["model"]["scale"].__setitem__(0, 0.0), "its scaling cannot be used"),
        (lambda d: d["model"].update(centre=[1.0]), "centre must be 3 finite numbers"),
        (lambda d: d.update(trained_on=None), "does not say what it was trained on"),
        (lambda d: d["trained_on"].update(phases="ct"), "on which phases and regions"),
    ],
)
def test_a_damaged_bundle_is_refused_in_one_line(saved, change, line):
    with pytest.raises(ModelError, match=line) as caught:
        load_bundle(edited(saved, change))
    assert "\n" not in str(caught.value)


def test_what_is_no_bundle_is_refused(tmp_path):
    with pytest.raises(ModelError, match="there is no such file or folder"):
        load_bundle(tmp_path / "none.zip")
    (tmp_path / "x.zip").write_bytes(b"PK no")
    with pytest.raises(ModelError, match="neither a folder nor a sound zip"):
        load_bundle(tmp_path / "x.zip")
    (tmp_path / "model.json").write_text("{")
    with pytest.raises(ModelError, match="is not sound JSON"):
        load_bundle(tmp_path)


def test_a_model_of_another_kind_cannot_be_saved(tmp_path):
    with pytest.raises(InputError, match="cannot hold a str"):
        save_bundle(bundle_of("model"), tmp_path)


def zipped(folder, target):
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.rglob("*"):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return target


def test_a_zip_with_a_changed_byte_anywhere_is_refused_in_one_line_or_read(saved, tmp_path):
    path = zipped(saved, tmp_path / "model.zip")
    whole, rng = path.read_bytes(), np.random.default_rng(1)
    refused = 0
    for place in [*rng.integers(0, len(whole), 120), *range(len(whole) - 120, len(whole), 2)]:
        content = bytearray(whole)
        content[place] ^= int(rng.integers(1, 256))
        path.write_bytes(bytes(content))
        try:
            load_bundle(path)
        except ModelError as error:
            refused += 1
            assert "\n" not in str(error)
    assert refused > 100


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[" * 200_000, "is not sound JSON"),
        ('{"format": "peritumoral classifier", "version": 1, "threshold": 1e999}', "threshold"),
    ],
)
def test_json_that_is_too_deep_or_holds_no_numbers_is_refused(tmp_path, text, line):
    (tmp_path / "model.json").write_text(text)
    with pytest.raises(ModelError, match=line):
        load_bundle(tmp_path)


def test_a_number_beyond_all_bounds_is_refused(saved):
    with pytest.raises(ModelError, match="is damaged: OverflowError"):
        load_bundle(edited(saved, lambda d: d["model"].update(left=[["ZScore", float("inf")]])))
