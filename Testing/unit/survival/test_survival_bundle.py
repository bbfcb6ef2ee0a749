"""A bundle comes back as it was, and a broken or foreign one ends in one line."""

from __future__ import annotations

import copy
import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest

from RadiomicsCoreLib.errors import InputError
from SurvivalNomogramLib.bundles.bundle import ModelBundle, bundle_from_dict, load_bundle, save_bundle
from SurvivalNomogramLib.groups.risk_groups import median_cutoff
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.models.logistic import fit_logistic
from SurvivalNomogramLib.nomogram.points import make_nomogram
from SurvivalNomogramLib.tables.binary_table import read_binary_table
from SurvivalNomogramLib.tables.survival_table import read_survival_table


@pytest.fixture(scope="module")
def cohort():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.normal(60, 9, 90).round(), "stage": rng.choice(["I", "II", "III"], 90)})
    frame.loc[3, "age"] = np.nan
    frame["days"], frame["dead"] = rng.exponential(900, 90).round() + 1, rng.integers(0, 2, 90)
    return frame


@pytest.fixture(scope="module")
def bundle(cohort):
    table = read_survival_table(cohort, time="days", event="dead", missing="median")
    model = fit_cox(table)
    return ModelBundle(
        model,
        make_nomogram(model, table.frame, [365]),
        median_cutoff(model.linear_predictor(table.frame)),
        table.missing,
        {"columns": {"time": "days", "event": "dead"}},
        {"versions": {"numpy": np.__version__}, "training_data_sha256": "0" * 64},
    )


@pytest.fixture
def data(bundle):
    return copy.deepcopy(json.loads(json.dumps(bundle.to_dict())))


def test_a_bundle_predicts_the_same_after_saving_and_loading(bundle, cohort, tmp_path):
    again = load_bundle(save_bundle(bundle, tmp_path / "model"))
    frame = cohort.dropna()
    np.testing.assert_array_equal(
        again.model.survival_at(frame, [365, 700]), bundle.model.survival_at(frame, [365, 700])
    )
    pd.testing.assert_frame_equal(again.nomogram.predict_table(frame), bundle.nomogram.predict_table(frame))
    assert again.cutoff == bundle.cutoff
    assert again.missing.fill_ == bundle.missing.fill_
    assert again.settings == bundle.settings and again.provenance == bundle.provenance


def test_a_folder_its_file_and_its_zip_hold_the_same_bundle(bundle, tmp_path):
    path = save_bundle(bundle, tmp_path / "model")
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.write(path, "study/model/model.json")
    for source in (tmp_path / "model", path, tmp_path / "model.zip"):
        assert load_bundle(source).to_dict() == bundle.to_dict()


def test_a_logistic_bundle_comes_back_too(cohort, tmp_path):
    table = read_binary_table(cohort.drop(columns="days"), event="dead", missing="median")
    model = fit_logistic(table)
    again = load_bundle(save_bundle(ModelBundle(model, make_nomogram(model, table.frame)), tmp_path))
    np.testing.assert_array_equal(again.model.predict_probability(table.frame), model.predict_probability(table.frame))


def test_the_file_is_plain_json_that_a_person_can_read(bundle, tmp_path):
    text = save_bundle(bundle, tmp_path).read_text(encoding="utf-8")
    parsed = json.loads(text)
    assert parsed["model"]["columns"] == ["age", "stage=II", "stage=III"]
    assert parsed["format"] == "peritumoral survival model" and text.count("\n") > 20


def remove(*keys):
    def change(data):
        for key in keys[:-1]:
            data = data[key]
        del data[keys[-1]]

    return change


def put(value, *keys):
    def change(data):
        for key in keys[:-1]:
            data = data[key]
        data[keys[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (remove("model", "baseline"), "no baseline survival"),
        (put(None, "model", "baseline"), "no baseline survival"),
        (put([], "model", "baseline", "times"), "0 times and"),
        (put([3.0, 2.0], "model", "baseline", "times"), "2 times and"),
        (remove("model", "baseline", "cumulative_hazard"), "no 'cumulative_hazard'"),
        (put(-1.0, "model", "baseline", "cumulative_hazard", 0), "does not fall over rising times"),
        (put(1.0, "model", "baseline", "last_time"), "runs beyond the follow-up"),
        (put(2, "version"), "format version 2 cannot be read, only 1"),
        (remove("version"), "format version None"),
        (put("something else", "format"), "not of a peritumoral survival model"),
        (remove("model"), "holds no model"),
        (put("forest", "model", "kind"), "model kind 'forest' is unknown; known are cox, logistic"),
        (put([0.1], "model", "coefficients"), "1 coefficients for 3 columns"),
        (put([0.1, None, 0.2], "model", "coefficients"), "coefficient"),
        (put([0.1, "x", 0.2], "model", "coefficients"), "wrong form"),
        (put([1.0], "model", "center"), "1 centres stand for 3 coefficients"),
        (put({"value": "high"}, "cutoff"), "cut-off"),
        (put({"ticks": {}}, "nomogram"), "nomogram"),
        (put([99999], "nomogram", "horizons"), "beyond the last event"),
        (put(7, "settings"), "wrong form"),
    ],
)
def test_a_broken_bundle_is_one_clear_line(data, tmp_path, change, words):
    change(data)
    path = tmp_path / "model.json"
    path.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(InputError, match=words) as error:
        load_bundle(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_a_category_that_the_bundle_does_not_know_is_one_line(bundle, cohort):
    frame = cohort.dropna().assign(stage="IV")
    with pytest.raises(InputError, match="'stage' has the category 'IV', which the training data do not; known are I"):
        bundle.nomogram.predict_table(frame)


def test_what_is_no_bundle_at_all_is_one_line(tmp_path):
    text, empty_zip = tmp_path / "notes.txt", tmp_path / "empty.zip"
    text.write_text("hello", encoding="utf-8")
    with zipfile.ZipFile(empty_zip, "w") as archive:
        archive.writestr("other.json", "{}")
    for source, words in (
        (tmp_path / "absent", "there is no such file or folder"),
        (text, "neither a folder nor a sound zip"),
        (empty_zip, "holds 0 files called model.json"),
    ):
        with pytest.raises(InputError, match=words) as error:
            load_bundle(source)
        assert "\n" not in str(error.value)
    for thing in ([], "text", None, 3):
        with pytest.raises(InputError, match="not of a peritumoral survival model"):
            bundle_from_dict(thing)


class Bomb:
    exploded = False

    def __reduce__(self):
        return (setattr, (Bomb, "exploded", True))


def test_loading_never_executes_what_is_in_the_file(tmp_path):
    (tmp_path / "model.json").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InputError):
        load_bundle(tmp_path)
    assert not Bomb.exploded


def test_a_folder_that_cannot_be_written_is_refused(bundle, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot be made"):
        save_bundle(bundle, tmp_path / "file" / "model")
