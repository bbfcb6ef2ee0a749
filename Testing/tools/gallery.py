"""Every kind of figure the program writes, each with more entries, longer names and worse data than usual."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import SimpleITK as sitk
from matplotlib.figure import Figure

SEED = 0
LONG_NAMES = [
    f"{phase}.{region}.{name}"
    for phase in ("ct", "pet")
    for region in ("intratumour", "ring_0_3mm", "intra_ring_10p5_12p5mm")
    for name in (
        "original_firstorder_90Percentile",
        "log-sigma-3-mm-3D_glrlm_LongRunHighGrayLevelEmphasis",
        "wavelet-LLH_gldm_SmallDependenceHighGrayLevelEmphasis",
        "original_shape_Maximum2DDiameterColumn",
    )
]
RINGS_MM = tuple(range(0, 20, 2))


def generator() -> np.random.Generator:
    """The same random numbers for every figure, whatever was drawn before."""
    return np.random.default_rng(SEED)


@lru_cache
def patients() -> pd.DataFrame:
    """300 patients: times, events, 24 features with long names on scales from 1e-3 to 1e5, ten treatment arms."""
    rng = generator()
    n = 300
    hidden = rng.normal(size=(n, 3))
    scale = 10.0 ** rng.integers(-3, 6, len(LONG_NAMES))
    z = hidden @ rng.normal(size=(3, len(LONG_NAMES))) + rng.normal(size=(n, len(LONG_NAMES)))
    data = pd.DataFrame(z * scale, columns=LONG_NAMES)
    data["arm"] = rng.choice([f"arm {k}: radiotherapy and drug {'ABCDEFGHIJ'[k]}" for k in range(10)], n)
    data["lp"] = 0.9 * hidden[:, 0]
    hazard = np.exp(0.9 * hidden[:, 0] + 0.4 * hidden[:, 1])
    time, censored = rng.exponential(900 / hazard), rng.uniform(100, 3000, n)
    data["time"], data["event"] = np.ceil(np.minimum(time, censored)), time <= censored
    data["cause"] = np.where(data["event"], rng.integers(1, 4, n), 0)
    return data


def volume(array: np.ndarray) -> sitk.Image:
    """A volume with thick slices."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((1.0, 1.0, 3.0))
    return image


@lru_cache
def scan() -> tuple[sitk.Image, dict[str, sitk.Image]]:
    """A tumour with a rim, ten rings named in no order, and a union."""
    rng = generator()
    k, j, i = np.ogrid[:12, :110, :120]
    distance = np.sqrt(((k - 6) * 3.0) ** 2 + (j - 55.0) ** 2 + ((i - 60) / 1.15) ** 2) - 18.0
    image = volume((40 + 60 * np.exp(-((distance / 12) ** 2)) + rng.normal(0, 12, distance.shape)).astype(np.float32))
    masks = {"intratumour": volume((distance <= 0).astype(np.uint8))}
    masks["rim_0_5mm"] = volume(((distance > -5) & (distance <= 0)).astype(np.uint8))
    for inner in sorted(RINGS_MM, key=str):
        masks[f"ring_{inner}_{inner + 2}mm"] = volume(((distance > inner) & (distance <= inner + 2)).astype(np.uint8))
    masks["intra_ring_0_2mm"] = volume((distance <= 2).astype(np.uint8))
    return image, masks


def overlay() -> Figure:
    """Three phases, ten rings, a rim."""
    from PeritumoralRadiomicsLib.regions.overlay import OverlayPanel, overlay_figure

    image, masks = scan()
    some = {name: masks[name] for name in ("intratumour", "ring_18_20mm", "ring_4_6mm")}
    panels = [OverlayPanel("ct", image, masks), OverlayPanel("pet", image, some), OverlayPanel("mr_t2", image, masks)]
    return overlay_figure(panels, "STS_001 a very long name of a case")


def overlay_of_one_phase() -> Figure:
    """One narrow panel, ten rings."""
    from PeritumoralRadiomicsLib.regions.overlay import OverlayPanel, overlay_figure

    image, masks = scan()
    return overlay_figure([OverlayPanel("ct", image, masks)], "STS_001")


def grad_cam() -> Figure:
    """A network that saw one ring of ten."""
    from DeepRadiomicsFusionLib.explanation.map_figure import map_figure

    image, masks = scan()
    heat = sitk.SmoothingRecursiveGaussian(sitk.Cast(masks["ring_4_6mm"], sitk.sitkFloat32), 2.0)
    what = "Grad-CAM, intra_ring_4_6mm"
    return map_figure(image, heat, masks, title="STS_001", what=what, seen="intra_ring_4_6mm")


def survival_table(covariates: list[str]) -> Any:
    """The patients as a survival table with some of the columns."""
    from SurvivalNomogramLib.tables.survival_table import read_survival_table

    data = patients()[[*covariates, "time", "event"]]
    return read_survival_table(data, time="time", event="event", covariates=covariates)


@lru_cache
def lasso() -> Any:
    """A LASSO-Cox path over 24 features."""
    from SurvivalNomogramLib.models.lasso_cox import LassoCoxSettings, fit_lasso_cox

    return fit_lasso_cox(survival_table(LONG_NAMES), settings=LassoCoxSettings(folds=5, lambda_count=40))


def lasso_path() -> Figure:
    """The path, 16 names."""
    from SurvivalNomogramLib.models.lasso_cox import plot_path

    return plot_path(lasso(), labelled=16)


def lasso_validation() -> Figure:
    """Its cross-validation."""
    from SurvivalNomogramLib.models.lasso_cox import plot_validation

    return plot_validation(lasso())


def schoenfeld() -> Figure:
    """Five factors with long names."""
    from SurvivalNomogramLib.models.cox import fit_cox
    from SurvivalNomogramLib.models.schoenfeld import plot_schoenfeld, schoenfeld_test

    table = survival_table(LONG_NAMES[:5])
    return plot_schoenfeld(schoenfeld_test(fit_cox(table), table))


def nomogram() -> Figure:
    """Four features and ten arms, a patient marked."""
    from SurvivalNomogramLib.models.cox import fit_cox
    from SurvivalNomogramLib.nomogram.nomogram_figure import nomogram_figure
    from SurvivalNomogramLib.nomogram.points import make_nomogram

    table = survival_table([*LONG_NAMES[:4], "arm"])
    made = make_nomogram(fit_cox(table), table.frame, [365, 1095, 1825])
    return nomogram_figure(made, patient=table.frame.iloc[7].to_dict())


def pca_loadings() -> Figure:
    """24 features with long names."""
    from SurvivalNomogramLib.models.pca_signature import fit_components, plot_loadings

    return plot_loadings(fit_components(survival_table(LONG_NAMES)))


def kaplan_meier_ten_groups() -> Figure:
    """Ten groups, nine hazard ratios."""
    from SurvivalNomogramLib.estimation.kaplan_meier import compare_groups
    from SurvivalNomogramLib.groups.group_figures import kaplan_meier_figure

    data = patients()
    return kaplan_meier_figure(compare_groups(data["time"], data["event"], data["arm"]), title="Training cohort")


def kaplan_meier_low_curves() -> Figure:
    """Curves that fall to 0, where a text used to stand."""
    from SurvivalNomogramLib.estimation.kaplan_meier import compare_groups
    from SurvivalNomogramLib.groups.group_figures import kaplan_meier_figure

    rng = generator()
    group = np.where(np.arange(120) % 2, "high risk", "low risk")
    time = rng.exponential(np.where(group == "high risk", 60, 200)) + 1
    title = "External cohort, fitted on these patients"
    return kaplan_meier_figure(compare_groups(time, np.ones(120, bool), group), title=title)


def cumulative_incidence() -> Figure:
    """Three causes with long names."""
    from SurvivalNomogramLib.estimation.competing_risks import cumulative_incidence as estimate
    from SurvivalNomogramLib.groups.group_figures import cumulative_incidence_figure

    data = patients()
    names = {1: "local recurrence", 2: "distant metastasis to the lung", 3: "death without recurrence"}
    return cumulative_incidence_figure(estimate(data["time"], data["cause"], names=names), title="Competing risks")


def forest() -> Figure:
    """Many subgroups with long names, one of them too small."""
    from SurvivalNomogramLib.groups.group_figures import forest_figure
    from SurvivalNomogramLib.groups.subgroups import subgroup_analysis

    data = patients().rename(columns={"arm": "treatment arm with a name that is much too long for its place"})
    arm = (data["lp"] > 0).astype(float)
    data["site"] = np.where(np.arange(len(data)) < 3, "rare", "common")
    columns = [data.columns[len(LONG_NAMES)], LONG_NAMES[5], "site"]
    rows = subgroup_analysis(data["time"], data["event"], arm, data, columns, cuts={LONG_NAMES[5]: 0.0})
    return forest_figure(rows, effect="Hazard ratio, high risk against low risk", title="Subgroups")


def risk_boxes() -> Figure:
    """Eight boxes with long names and a cut-off amid the points."""
    from SurvivalNomogramLib.groups.group_figures import risk_box_figure

    data = patients()
    boxes = {
        f"{part} cohort, {what}": (np.arange(len(data)) % 4 == k) & (data["event"] == value).to_numpy()
        for k, part in enumerate(("training", "internal validation", "external", "prospective"))
        for value, what in ((False, "no event"), (True, "event"))
    }
    return risk_box_figure(data["lp"].to_numpy(), boxes, cutoff=0.1, p_value=0.0123, title="Risk by outcome")


@lru_cache
def survival_curves() -> Any:
    """Predicted survival of the patients at six horizons."""
    from SurvivalNomogramLib.validation.bootstrap import CoxRefit

    data = patients()
    grid = np.linspace(200, 2200, 6)
    x = np.column_stack([data["lp"], data[LONG_NAMES[0]] / data[LONG_NAMES[0]].std()])
    time, event = data["time"].to_numpy(float), data["event"].to_numpy()
    refit = CoxRefit(x, time, event, tuple(grid))
    return SimpleNamespace(
        time=time, event=event, x=x, grid=grid, survival=refit(np.arange(len(x))), lp=data["lp"].to_numpy()
    )


def survival_roc() -> Figure:
    """Ten models."""
    from RadiomicsCoreLib.figures.roc_figure import roc_figure
    from SurvivalNomogramLib.validation.time_dependent_roc import time_dependent_roc

    made = survival_curves()
    curves = {f"{name}": time_dependent_roc(made.time, made.event, patients()[name], 700.0) for name in LONG_NAMES[:10]}
    return roc_figure(curves, title="Training")


def auc_over_time() -> Figure:
    """Ten models whose AUC falls below a half."""
    from SurvivalNomogramLib.validation.time_dependent_roc import auc_table
    from SurvivalNomogramLib.validation.validation_figures import auc_over_time_figure

    made = survival_curves()
    return auc_over_time_figure(
        {name: auc_table(made.time, made.event, patients()[name], made.grid) for name in LONG_NAMES[:10]}
    )


def brier() -> Figure:
    """Six models."""
    from SurvivalNomogramLib.validation.brier import brier_table
    from SurvivalNomogramLib.validation.validation_figures import brier_figure

    made = survival_curves()
    risk = 1 - made.survival
    tables = {
        f"model {k} of {LONG_NAMES[k]}": brier_table(made.time, made.event, risk ** (1 + 0.3 * k), made.grid.tolist())
        for k in range(6)
    }
    return brier_figure(tables, title="Training")


def survival_calibration() -> Figure:
    """Three horizons, corrected for optimism."""
    from RadiomicsCoreLib.figures.calibration_figure import calibration_figure
    from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings, CoxRefit
    from SurvivalNomogramLib.validation.calibration import calibrate_with_optimism
    from SurvivalNomogramLib.validation.validation_figures import survival_calibration_panel

    made = survival_curves()
    done = [
        calibrate_with_optimism(
            made.time,
            made.event,
            CoxRefit(made.x, made.time, made.event, (horizon,)),
            horizon,
            settings=BootstrapSettings(5, 0),
        )
        for horizon in (365.0, 1095.0, 1825.0)
    ]
    return calibration_figure(
        [survival_calibration_panel(found) for found in done], title="Training cohort, fitted on these patients"
    )


def survival_calibration_far_off() -> Figure:
    """A model that is wrong in one direction: its curve passes where texts used to stand."""
    from RadiomicsCoreLib.figures.calibration_figure import calibration_figure
    from SurvivalNomogramLib.validation.calibration import calibrate
    from SurvivalNomogramLib.validation.validation_figures import survival_calibration_panel

    made = survival_curves()
    done = [calibrate(made.time, made.event, made.survival[:, 2] ** power, made.grid[2]) for power in (0.15, 4.0)]
    return calibration_figure([survival_calibration_panel(found) for found in done], title="External")


def decision_curve() -> Figure:
    """Ten models."""
    from SurvivalNomogramLib.validation.decision_curve import decision_curve_survival
    from SurvivalNomogramLib.validation.validation_figures import decision_curve_figure

    made = survival_curves()
    risk = 1 - made.survival[:, 2]
    models = {f"model {k} of {LONG_NAMES[k]}": risk ** (1 + 0.2 * k) for k in range(10)}
    return decision_curve_figure(decision_curve_survival(made.time, made.event, models, float(made.grid[2])))


@lru_cache
def predictions() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Ten classifiers of 160 patients."""
    rng = generator()
    outcome = np.arange(160) % 2
    return outcome, {
        f"{name[:34]} + deep": 1 / (1 + np.exp(-(k / 4 * (2 * outcome - 1) + rng.standard_normal(160))))
        for k, name in enumerate(LONG_NAMES[:10])
    }


def classifier_roc() -> Figure:
    """Ten models with their intervals."""
    from DeepRadiomicsFusionLib.evaluation.figures import classifier_roc_figure

    return classifier_roc_figure(*predictions(), "Test set")


def classifier_calibration() -> Figure:
    """Probabilities far too low."""
    from DeepRadiomicsFusionLib.evaluation.calibration import calibration
    from DeepRadiomicsFusionLib.evaluation.figures import classifier_calibration_figure

    outcome, chances = predictions()
    return classifier_calibration_figure(
        calibration(outcome, list(chances.values())[5] ** 4), "External, cost in $ and a long title"
    )


def delong() -> Figure:
    """Ten models, 45 tests."""
    from DeepRadiomicsFusionLib.evaluation.figures import p_value_figure
    from DeepRadiomicsFusionLib.evaluation.metrics import delong_table

    return p_value_figure(delong_table(*predictions()))


def ring_sweep() -> Figure:
    """Six rings in mm and six in radii, two families."""
    from DeepRadiomicsFusionLib.evaluation.figures import sweep_figure
    from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings
    from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner
    from DeepRadiomicsFusionLib.models.ring_sweep import ring_sweep as sweep
    from DeepRadiomicsFusionLib.models.ring_sweep import sweep_sources
    from DeepRadiomicsFusionLib.tables.samples import make_samples
    from RadiomicsCoreLib.statistics.lasso_logistic import LassoSettings

    rng = generator()
    rings = [*(f"ring_0_{mm}mm" for mm in (3, 6, 9)), *(f"ring_r{k}" for k in (1, 2, 3))]
    regions = ["intratumour", *rings, *(f"intra_{ring}" for ring in rings)]
    columns = [f"ct.{region}.original_glcm_F{k}" for region in regions for k in range(2)]
    table = pd.DataFrame(rng.standard_normal((40, len(columns))), columns=columns)
    samples = make_samples(table, (table.iloc[:, 2] + rng.standard_normal(40) > 0).astype(int))
    learner = RadScoreLearner(lasso=LassoSettings(folds=3, lambda_count=5, smallest_ratio=0.2))
    found = sweep(samples, sweep_sources(columns), learner, CrossValidationSettings(3, 1), inner_folds=2)
    return sweep_figure(found, "sample cohort")


def correlations(rows: int, columns: int) -> Figure:
    """Features in groups that hang together, in no order."""
    from DeepRadiomicsFusionLib.explanation.correlation_figure import correlation_figure
    from DeepRadiomicsFusionLib.explanation.feature_correlation import correlate_features

    rng = generator()
    hidden = rng.normal(size=(80, 6))
    left, right = (hidden[:, rng.integers(0, 6, n)] + 0.8 * rng.normal(size=(80, n)) for n in (rows, columns))
    names = [f"{LONG_NAMES[k % len(LONG_NAMES)]}_{k}" for k in range(rows)]
    deep = [f"ct.ring_0_3mm.resnet50_layer4_{k}" for k in range(columns)]
    table = pd.DataFrame(np.hstack([left, right]), columns=[*names, *deep])
    return correlation_figure(correlate_features(table, names, deep), "radiomics against deep")


def correlation_of_few() -> Figure:
    """30 by 25: every feature named."""
    return correlations(30, 25)


def correlation_of_many() -> Figure:
    """1,200 by 2,048: more cells than pixels."""
    return correlations(1200, 2048)


@lru_cache
def contributions() -> Any:
    """Contributions of 24 inputs to 60 predictions."""
    from DeepRadiomicsFusionLib.explanation.shapley import shapley_values

    rng = generator()
    rows = rng.normal(size=(60, 6))
    weights = rng.normal(size=6)
    ids = tuple(f"STS_{n:03d}" for n in range(60))
    return shapley_values(lambda x: 1 / (1 + np.exp(-x @ weights)), rows, rows, names=LONG_NAMES[:6], case_ids=ids)


def contributions_overall() -> Figure:
    """Long names, points at both ends."""
    from DeepRadiomicsFusionLib.explanation.shapley_figures import overall_figure

    return overall_figure(contributions())


def contributions_of_a_patient() -> Figure:
    """Long names, values beside the bars."""
    from DeepRadiomicsFusionLib.explanation.shapley_figures import patient_figure

    return patient_figure(contributions(), "STS_003")


def losses() -> Figure:
    """A training of 100 epochs with a Dice."""
    from DeepRadiomicsFusionLib.training.loss_curve import Losses, loss_curve

    epochs = np.arange(100)
    falling = np.exp(-epochs / 30) + 0.1
    return loss_curve(Losses(tuple(falling), tuple(falling + 0.1), tuple(1 - falling / 1.2)), "U-Net, case study")


GALLERY: tuple[Callable[[], Figure], ...] = (
    overlay,
    overlay_of_one_phase,
    grad_cam,
    lasso_path,
    lasso_validation,
    schoenfeld,
    nomogram,
    pca_loadings,
    kaplan_meier_ten_groups,
    kaplan_meier_low_curves,
    cumulative_incidence,
    forest,
    risk_boxes,
    survival_roc,
    auc_over_time,
    brier,
    survival_calibration,
    survival_calibration_far_off,
    decision_curve,
    classifier_roc,
    classifier_calibration,
    delong,
    ring_sweep,
    correlation_of_few,
    correlation_of_many,
    contributions_overall,
    contributions_of_a_patient,
    losses,
)
