"""The sketches of a patient: every mark stands where the points and the probabilities are, and no label leaves it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from survival_references import data_of

from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.figures.sketch import HIGH, LOW, MARK, rough_width
from SurvivalNomogramLib.bundles.bundle import ModelBundle
from SurvivalNomogramLib.bundles.patient_reading import read_patient
from SurvivalNomogramLib.groups.risk_groups import median_cutoff
from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.nomogram.points import make_nomogram
from SurvivalNomogramLib.report.patient_sketches import curve_sketch, group_curves, nomogram_sketch
from SurvivalNomogramLib.tables.survival_table import read_survival_table

PATIENT = {"age": 61, "tgrade": "III", "pnodes": 4}
GROUPS = [
    {"group": group, "time": str(t), "survival": str(1 - t / 4000)}
    for group in ("low risk", "high risk")
    for t in (400, 900)
]


@pytest.fixture(scope="module")
def bundle():
    table = read_survival_table(data_of("gbsg2"), time="time", event="event", covariates=list(PATIENT))
    model = fit_cox(table)
    cutoff = median_cutoff(model.linear_predictor(table.frame))
    return ModelBundle(model, make_nomogram(model, table.frame, [365, 1000]), cutoff)


def marks(sketch):
    return [stroke.points[0][0] for stroke in sketch.strokes if stroke.colour == MARK and stroke.width == 4]


@pytest.mark.parametrize("width", [280, 380, 640])
def test_the_marks_stand_at_the_points_on_the_scale_of_the_first_axis(bundle, width):
    reading = read_patient(bundle, PATIENT)
    sketch = nomogram_sketch(bundle.nomogram, reading, width)
    scale = {word.text: word.x for word in sketch.words if word.y < 50}
    per_point = (scale["80"] - scale["20"]) / 60
    found = marks(sketch)[:3]
    for x, points in zip(found, reading.points.values(), strict=True):
        assert x == pytest.approx(scale["20"] + (points - 20) * per_point, abs=1e-6)


def test_the_notes_at_the_marks_are_the_prediction(bundle):
    reading = read_patient(bundle, PATIENT)
    notes = [word.text for word in nomogram_sketch(bundle.nomogram, reading).words if word.bold]
    survival = [f"{one.probability:.2f}" for one in reading.horizons]
    assert notes[:4] == [*(f"{points:.0f}" for points in reading.points.values()), f"{reading.total_points:.0f}"]
    assert notes[4:6] == survival


def test_a_value_outside_the_axis_stands_at_its_end_with_an_arrow(bundle):
    reading = read_patient(bundle, {**PATIENT, "pnodes": 80})
    sketch = nomogram_sketch(bundle.nomogram, reading, 380)
    assert max(marks(sketch)) <= 380
    assert any("▸" in word.text for word in sketch.words)


@pytest.mark.parametrize("width", [240, 380, 900])
def test_nothing_leaves_the_sketch_and_no_two_labels_touch(bundle, width):
    reading = read_patient(bundle, PATIENT)
    for sketch in (nomogram_sketch(bundle.nomogram, reading, width), curve_sketch(reading, (), width)):
        for stroke in sketch.strokes:
            assert all(-6 <= x <= width + 6 and 0 <= y <= sketch.height for x, y in stroke.points)
        rows: dict[float, list[tuple[float, float]]] = {}
        for word in sketch.words:
            wide = rough_width(word.text, word.size)
            left = word.x - {"left": 0, "middle": wide / 2, "right": wide}[word.align]
            assert left > -8 and word.y <= sketch.height, word
            if word.align == "middle" and not word.bold:
                rows.setdefault(word.y, []).append((left, left + wide))
        for spans in rows.values():
            ordered = sorted(spans)
            assert all(a[1] <= b[0] for a, b in pairwise(ordered))


def test_no_level_of_a_category_is_left_out(bundle):
    words = {word.text for word in nomogram_sketch(bundle.nomogram, read_patient(bundle, PATIENT), 260).words}
    assert {"I", "II", "III"} <= words


def test_without_a_prediction_the_axes_stand_alone_and_there_is_no_curve(bundle):
    reading = read_patient(bundle, {"age": 61})
    assert marks(nomogram_sketch(bundle.nomogram, reading)) == []
    with pytest.raises(InputError):
        curve_sketch(reading)


def test_the_patients_own_group_is_drawn_heavier_behind_the_curve(bundle):
    reading = read_patient(bundle, PATIENT)
    sketch = curve_sketch(reading, group_curves(GROUPS, "test"))
    curves = [stroke for stroke in sketch.strokes if stroke.colour in (LOW, HIGH, MARK) and len(stroke.points) > 2]
    own = {"low risk": LOW, "high risk": HIGH}[reading.group]
    assert curves[-1].colour == MARK  # over the others
    assert {stroke.colour for stroke in curves if stroke.width == 2.5} == {own}
    assert any("this patient’s" in word.text and reading.group in word.text for word in sketch.words)


def test_the_curve_passes_through_the_predicted_survival(bundle):
    reading = read_patient(bundle, PATIENT)
    sketch = curve_sketch(reading, width=400)
    curve = next(stroke for stroke in sketch.strokes if stroke.colour == MARK and len(stroke.points) > 2)
    grid = {word.text: word.y - 4 for word in sketch.words if word.align == "right"}
    x = np.array([point[0] for point in curve.points])
    for one in reading.horizons:
        place = 44 + one.time / bundle.model.baseline.times[-1] * (400 - 14 - 44)
        y = curve.points[int(np.searchsorted(x, place, side="right")) - 1][1]
        assert (grid["0"] - y) / (grid["0"] - grid["1"]) == pytest.approx(one.probability, abs=1e-6)
