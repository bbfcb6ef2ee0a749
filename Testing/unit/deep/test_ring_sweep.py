"""The sweep over ring sizes: what it compares, and what choosing the best size is really worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t

from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings, corrected_mean
from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner
from DeepRadiomicsFusionLib.models.ring_sweep import (
    RegionKind,
    feature_family,
    parse_region,
    ring_sweep,
    sweep_sources,
)
from DeepRadiomicsFusionLib.tables.samples import make_samples
from PeritumoralRadiomicsLib.engines.extraction import extract_features
from PeritumoralRadiomicsLib.regions.growing import grow_regions
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings, adaptive_ring_name, ring_name, union_name
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings
from RadiomicsCoreLib.errors import InputError
from RadiomicsCoreLib.statistics.roc import auc


@dataclass(frozen=True)
class Projection:
    """A model on the line between the means of the two classes."""

    features: tuple[str, ...]
    middle: np.ndarray
    direction: np.ndarray

    def predict(self, table):
        return 1 / (1 + np.exp(-((table[list(self.features)].to_numpy() - self.middle) @ self.direction)))


class MeanDifference:
    """The quickest learner there is: a sweep takes any."""

    def fit(self, samples, workspace):
        means = [samples.table[samples.outcome == value].mean().to_numpy() for value in (0, 1)]
        return Projection(tuple(samples.table.columns), (means[0] + means[1]) / 2, means[1] - means[0])


LEARNER = MeanDifference()


def made(signal_in="ring_0_6mm", n=90, strength=1.2, features=4, seed=0, family="original_glcm_F"):
    """A cohort whose outcome hangs on one region."""
    rng = np.random.default_rng(seed)
    regions = ["intratumour", *(f"ring_0_{mm}mm" for mm in (3, 6, 9))]
    columns = [f"ct.{region}.{family}{k}" for region in regions for k in range(features)]
    table = pd.DataFrame(rng.standard_normal((n, len(columns))), index=[f"c{k}" for k in range(n)], columns=columns)
    score = strength * table[f"ct.{signal_in}.{family}0"] if signal_in else 0
    return make_samples(table, (score + rng.logistic(size=n) > 0).astype(int))


@pytest.fixture(scope="module")
def sweep():
    samples = made()
    return ring_sweep(
        samples, sweep_sources(samples.table.columns), LEARNER, CrossValidationSettings(5, 3), inner_folds=3
    )


# --- names -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("inner", "outer"), [(0, 3), (3, 6), (0, 1.5), (0, 10)])
def test_a_rings_size_is_read_from_the_name_it_was_given(inner, outer):
    for name, kind in ((ring_name(inner, outer), RegionKind.RING), (union_name(ring_name(inner, outer)), "union")):
        region = parse_region(name)
        assert (region.kind, region.size, region.unit) == (RegionKind(kind), outer, "mm")


@pytest.mark.parametrize(("fraction", "inner"), [(1 / 6, None), (0.25, None), (3 / 6, 2 / 6), (1.0, None)])
def test_an_adaptive_rings_size_is_its_share_of_the_radius(fraction, inner):
    region = parse_region(union_name(adaptive_ring_name(fraction, inner)))
    assert region.size == pytest.approx(fraction)
    assert (region.kind, region.unit) == (RegionKind.UNION, "radius")


@pytest.mark.parametrize("name", ["rim_0_2mm", "liver", "ring", "intra_rim_0_2mm", "ring_3mm"])
def test_other_regions_take_no_part(name):
    assert parse_region(name) is None


@pytest.mark.parametrize(
    ("feature", "family"),
    [
        ("original_firstorder_Mean", "radiomics"),
        ("log-sigma-1-0-mm-3D_glszm_ZoneEntropy", "radiomics"),
        ("wavelet-LLH_glcm_Idm", "radiomics"),
        ("original_shape2D_Perimeter", "radiomics"),
        ("resnet18_12", "deep"),
        ("efficientnet_lite0_3", "deep"),
    ],
)
def test_families_are_told_by_the_features_name(feature, family):
    assert feature_family(feature) == family


def test_sources_hold_all_phases_and_a_union_where_the_table_has_none():
    columns = ["a.intratumour.resnet18_0", "v.intratumour.resnet18_0", "a.ring_0_3mm.resnet18_0", "a.liver.resnet18_0"]
    sources = sweep_sources([*columns, "age"])
    assert [source.name for source in sources] == ["deep: intratumour", "deep: ring_0_3mm", "deep: intra_ring_0_3mm"]
    assert sources[0].columns == tuple(columns[:2])
    assert sources[2].columns == (*columns[:2], columns[2])


def test_a_union_region_of_the_table_is_taken_as_it_is():
    columns = ["ct.intratumour.x", "ct.ring_0_3mm.x", "ct.intra_ring_0_3mm.x"]
    union = next(source for source in sweep_sources(columns) if source.region.kind is RegionKind.UNION)
    assert union.columns == ("ct.intra_ring_0_3mm.x",)


def test_a_table_without_rings_or_tumour_is_refused():
    with pytest.raises(InputError, match="no ring regions"):
        sweep_sources(["ct.intratumour.x"])
    with pytest.raises(InputError, match="the deep features have no intratumour region"):
        sweep_sources(["ct.intratumour.original_glcm_Idm", "ct.ring_0_3mm.resnet18_0"])


# --- the sweep ---------------------------------------------------------------------------------------------


def test_the_region_that_carries_the_outcome_is_found(sweep):
    by_name = {row.source.region.name: row for row in sweep.rows}
    assert max(by_name, key=lambda name: by_name[name].auc.value) in ("ring_0_6mm", "intra_ring_0_6mm")
    assert by_name["ring_0_6mm"].against_tumour.p < 0.05
    assert by_name["intratumour"].against_tumour is None


def test_areas_are_those_of_the_folds_and_rates_those_of_the_pooled_probabilities(sweep):
    row = next(row for row in sweep.rows if row.source.region.name == "ring_0_3mm")
    outcome, learners = sweep.result.outcome, sweep.result.learners
    ring = learners["radiomics: ring_0_3mm"].pooled
    folds = [learners[f"radiomics: {name}"].fold_aucs.ravel() for name in ("ring_0_3mm", "intratumour")]
    assert row.auc == corrected_mean(folds[0], 1 / 4)
    assert row.pooled_auc == pytest.approx(auc(outcome, ring).value)
    # Nadeau and Bengio's test by hand: the variance of the differences times 1 / J + n_test / n_train.
    differences = folds[0] - folds[1]
    error = np.sqrt((1 / 15 + 1 / 4) * differences.var(ddof=1))
    assert row.against_tumour.p == pytest.approx(2 * t.sf(abs(differences.mean()) / error, 14))
    assert row.sensitivity.value == np.mean(ring[outcome == 1] >= row.threshold)
    assert row.specificity.value == np.mean(ring[outcome == 0] < row.threshold)


def test_the_honest_choice_says_what_was_chosen_and_the_difference(sweep):
    choice = sweep.honest[0]
    assert sum(choice.chosen.values()) == 15
    assert choice.naive_auc == max(row.auc.value for row in sweep.rows)
    assert choice.optimism == choice.naive_auc - choice.auc.value
    assert "with the region chosen inside the inner folds the AUC is" in choice.summary


def test_the_table_has_one_row_a_source_with_intervals(sweep):
    table = sweep.table()
    assert list(table["kind"]) == ["intratumour", *["ring"] * 3, *["union"] * 3]
    assert (table["auc_lower"] <= table["auc"]).all()
    assert table["p_against_tumour"].notna().sum() == 6


def test_without_any_truth_the_naive_best_is_too_good_on_the_average():
    """Choosing the best of thirteen by the AUC that is then reported finds something in noise; nested does not."""
    optimism, honest = [], []
    for seed in range(10):
        samples = made(None, n=40, features=2, seed=seed)
        found = ring_sweep(
            samples,
            sweep_sources(samples.table.columns),
            LEARNER,
            CrossValidationSettings(4, 1, seed=seed),
            inner_folds=3,
        ).honest[0]
        optimism.append(found.optimism)
        honest.append(found.auc.value)
    assert np.mean(optimism) > 0.05
    assert np.mean(honest) < 0.6


# --- planted truth -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sample_cohort_features():
    """First-order and GLCM features of the sample cohort's tumours, 3 mm rims and both."""
    from RadiomicsStudyLib.sample.sample_cohort import draw_person, scan_phases

    settings = ExtractionSettings(feature_classes={"firstorder": None, "glcm": None}, setting={"binWidth": 25})
    rows, outcome = {}, []
    for index in range(80):
        person = draw_person(1, index)
        scan = scan_phases(person.traits, 1, index, ("ct",))["ct"]
        regions = grow_regions(scan.tumour, RingSettings(outer_mm=(3,), union=True), image=scan.image, organ=scan.organ)
        masks = {name: region.mask for name, region in regions.regions.items()}
        found = extract_features(scan.image, masks, settings, engine="native").features
        rows[f"sample_{index}"] = {f"ct.{r}.{f}": v for r, values in found.items() for f, v in values.items()}
        outcome.append(person.recurrence)
    return pd.DataFrame.from_dict(rows, orient="index"), np.array(outcome)


@pytest.mark.slow
def test_a_texture_planted_in_the_rim_is_found_by_the_union_and_not_by_the_tumour(sample_cohort_features):
    table, outcome = sample_cohort_features
    sweep = ring_sweep(
        make_samples(table, outcome),
        sweep_sources(table.columns),
        RadScoreLearner(),
        CrossValidationSettings(5, 3),
        honest=False,
    )
    by_kind = {row.source.region.kind: row for row in sweep.rows}
    union, tumour = by_kind[RegionKind.UNION], by_kind[RegionKind.INTRATUMOUR]
    assert union.source.columns[0].startswith("ct.intra_ring_0_3mm.")
    assert union.auc.value > tumour.auc.value + 0.1
    assert union.against_tumour.p < 0.05
