"""Coverage of intervals and honesty of corrected figures in simulated cohorts, one line a figure.

python Testing/benchmarks/bench_intervals.py [corrected] [auc] [null] [folds] [--cohorts 300] [--resamples 200]

corrected: the interval of the optimism-corrected C against the fitted model's C in endless new patients.
auc: the interval of the AUC at a horizon in 150 external patients, normal and on the logit.
null: the corrected C of a model that screens 20 or 50 covariates of pure noise by their univariable p, in 25 cohorts;
every 40 resamples stand for one partition into 10 folds.
folds: cross-validated AUC of classifiers of pure noise: how often the interval of pooled probabilities (DeLong) and
    that of the folds (Nadeau and Bengio) hold 0.5, and how often their tests call two such models different.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings, compare_folds, cross_validate
from DeepRadiomicsFusionLib.models.fusion import ColumnLearner, Source
from DeepRadiomicsFusionLib.models.workspace import Workspace
from DeepRadiomicsFusionLib.tables.samples import Samples, make_samples
from RadiomicsCoreLib.statistics.roc import auc as roc_auc
from RadiomicsCoreLib.statistics.roc import compare_aucs
from SurvivalNomogramLib.estimation.partial_likelihood import maximise
from SurvivalNomogramLib.tables.survival_table import read_survival_table
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings, CoxRefit, optimism_corrected_c
from SurvivalNomogramLib.validation.concordance import harrell_c
from SurvivalNomogramLib.validation.cox_modelling import CoxModelling, ModellingRefit
from SurvivalNomogramLib.validation.time_dependent_roc import time_dependent_roc

BETA = np.array([0.5, -0.4, 0.3, 0.0, 0.0, 0.0])
N, HORIZON = 150, 400.0
Cohort = tuple[np.ndarray, np.ndarray, np.ndarray]


def cohort(rng: np.random.Generator, n: int, beta: np.ndarray) -> Cohort:
    """Exponential times with proportional hazards, about 40 % censored."""
    x = rng.normal(size=(n, len(beta)))
    time = rng.exponential(size=n) * np.exp(-x @ beta) * 500
    lost = rng.uniform(100, 1500, n)
    return x, np.minimum(time, lost), (time <= lost).astype(int)


class PopulationC:
    """C of a linear predictor in endless new patients of :func:`cohort`.

    A predictor of normal covariates ranks as well as its correlation with the true one says, so that the C of every
    fitted model lies on one curve, read from 60,000 patients at a few correlations. A few thousand new patients for
    every cohort would add their own error to the coverage.
    """

    def __init__(self, beta: np.ndarray) -> None:
        self.beta, self.size = beta, float(np.sqrt(beta @ beta))
        rng = np.random.default_rng(99)
        _, time, event = cohort(rng, 60_000, np.array([self.size]))
        rng = np.random.default_rng(99)
        true = cohort(rng, 60_000, np.array([self.size]))[0][:, 0]
        noise = rng.normal(size=len(true))
        at = np.linspace(0, 1, 6)
        c = [harrell_c(time, event, r * true + np.sqrt(1 - r * r) * noise).index for r in at]
        c[0] = 0.5
        self.curve = np.polynomial.Polynomial.fit(
            np.concatenate((-at[:0:-1], at)), np.concatenate((1 - np.array(c[:0:-1]), c)), 5
        )

    def __call__(self, coefficients: np.ndarray) -> float:
        length = np.sqrt(coefficients @ coefficients)
        return float(self.curve(coefficients @ self.beta / (length * self.size))) if length > 0 else 0.5


def corrected(cohorts: int, resamples: int, n: int, beta: np.ndarray) -> str:
    """Coverage of the interval of the corrected C of a model with fixed covariates."""
    rng = np.random.default_rng(1)
    population = PopulationC(beta)
    below = above = 0
    errors = []
    for k in range(cohorts):
        x, time, event = cohort(rng, n, beta)
        found = optimism_corrected_c(time, event, CoxRefit(x, time, event), BootstrapSettings(resamples, k))
        truth = population(maximise(x, time, event).coefficients)
        below += int(truth < found.lower)
        above += int(truth > found.upper)
        errors.append(float(found.corrected) - truth)
    return (
        f"corrected C, {cohorts} cohorts of {n} with {len(beta)} covariates, {resamples} resamples: held in "
        f"{1 - (below + above) / cohorts:.3f} (truth below it {below / cohorts:.3f}, above it {above / cohorts:.3f}), "
        f"mean error {np.mean(errors):+.4f}"
    )


def auc(cohorts: int) -> str:
    """Coverage of the AUC's interval of a fixed score, at weak and strong scores."""
    lines = []
    for strength in (1.0, 2.5):
        rng = np.random.default_rng(2)
        beta = BETA * strength
        x, time, event = cohort(rng, 200_000, beta)
        inside = rng.permutation(len(x))[:40_000]
        truth = time_dependent_roc(time[inside], event[inside], x[inside] @ beta, HORIZON).auc
        normal = logit = 0
        for _ in range(cohorts):
            x, time, event = cohort(rng, N, beta)
            own = time_dependent_roc(time, event, x @ beta, HORIZON)
            normal += abs(own.auc - truth) <= 1.959964 * own.se
            logit += own.lower <= truth <= own.upper
        lines.append(
            f"AUC at a horizon, truth {truth:.3f}, {cohorts} cohorts of {N}: normal {normal / cohorts:.3f}, "
            f"logit {logit / cohorts:.3f}"
        )
    return "\n".join(lines)


def null(cohorts: int, resamples: int, covariates: int, seed: int) -> str:
    """Mean corrected C of screening in noise, by Harrell's optimism and by cross-validation."""
    rng = np.random.default_rng(seed)
    modelling = CoxModelling(univariable_p=0.05)
    plain, crossed = [], []
    for k in range(cohorts):
        x, time, event = cohort(rng, N, np.zeros(covariates))
        frame = pd.DataFrame(x, columns=[f"x{j}" for j in range(covariates)]).assign(time=time, event=event)
        table = read_survival_table(frame, time="time", event="event")
        settings = BootstrapSettings(resamples, k)
        # All cohorts count, those in which the step chooses nothing as well: without them the others would seem biased.
        arrays = (table.time, table.event, ModellingRefit(table, modelling), settings)
        plain.append(float(optimism_corrected_c(*arrays).corrected))
        folds = modelling.partitions(table.event, settings)
        few = BootstrapSettings(2, k)  # the resamples give the interval alone
        crossed.append(float(optimism_corrected_c(*arrays[:3], few, partitions=folds).corrected))
    said = []
    for name, values in (("Harrell's optimism", plain), ("cross-validation", crossed)):
        half = 1.96 * np.std(values, ddof=1) / np.sqrt(cohorts)
        said.append(f"{name} {np.mean(values):.3f} ({np.mean(values) - half:.3f} to {np.mean(values) + half:.3f})")
    return (
        f"corrected C in noise, {covariates} covariates screened at p < 0.05, {cohorts} cohorts of {N}, {resamples} "
        f"resamples: {', '.join(said)}"
    )


class MeanDifference:
    """A quick classifier: the projection onto the line between the means of the two classes."""

    def fit(self, samples: Samples, workspace: Workspace) -> MeanDifference:
        """Remember middle and direction."""
        own = MeanDifference()
        low, high = (samples.table[samples.outcome == value].mean().to_numpy() for value in (0, 1))
        own.features = tuple(samples.table.columns)
        own.middle, own.direction = (low + high) / 2, high - low
        return own

    def predict(self, table: pd.DataFrame) -> np.ndarray:
        """Chance (n,) of the outcome."""
        return 1 / (1 + np.exp(-((table[list(self.features)].to_numpy() - self.middle) @ self.direction)))


def folds(cohorts: int, n: int, seed: int) -> str:
    """Coverage and false alarms of two models of ten features of noise each, five folds, four repeats."""
    rng = np.random.default_rng(seed)
    covers, alarms = np.zeros(2), np.zeros(2)
    for k in range(cohorts):
        table = pd.DataFrame(rng.standard_normal((n, 20)), columns=[f"ct.tumour.f{j}" for j in range(20)])
        samples = make_samples(table, rng.permutation(np.arange(n) % 2))
        learners = {
            name: ColumnLearner(Source(MeanDifference(), tuple(columns)))
            for name, columns in (("a", table.columns[:10]), ("b", table.columns[10:]))
        }
        found = cross_validate(learners, samples, CrossValidationSettings(5, 4, seed=k)).learners
        pooled, mean = roc_auc(samples.outcome, found["a"].pooled), found["a"].mean_auc
        covers += [pooled.lower <= 0.5 <= pooled.upper, mean.lower <= 0.5 <= mean.upper]
        delong = compare_aucs(samples.outcome, found["a"].pooled, found["b"].pooled)
        alarms += [delong.p < 0.05, compare_folds(found["a"], found["b"]).p < 0.05]
    cover, alarm = covers / cohorts, alarms / cohorts
    return (
        f"cross-validated AUC of noise, {cohorts} cohorts of {n}: the interval holds 0.5 in {cover[0]:.3f} (pooled, "
        f"DeLong) and {cover[1]:.3f} (folds); two models differ at p < 0.05 in {alarm[0]:.3f} (DeLong) and "
        f"{alarm[1]:.3f} (folds)"
    )


def main() -> None:
    reader = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    reader.add_argument("what", nargs="*", default=["corrected", "auc", "null", "folds"])
    reader.add_argument("--cohorts", type=int, default=300)
    reader.add_argument("--resamples", type=int, default=200)
    asked = reader.parse_args()
    if "corrected" in asked.what:
        for n, beta in ((N, BETA), (100, np.array([0.8, -0.5, 0.3, 0, 0, 0, 0, 0]))):
            print(corrected(asked.cohorts, asked.resamples, n, beta), flush=True)
    if "auc" in asked.what:
        print(auc(asked.cohorts), flush=True)
    if "folds" in asked.what:
        print(folds(asked.cohorts, 60, seed=5), flush=True)
        print(folds(asked.cohorts, 120, seed=6), flush=True)
    if "null" in asked.what:
        print(null(min(asked.cohorts, 25), min(asked.resamples, 80), 20, seed=3), flush=True)
        print(null(min(asked.cohorts, 25), min(asked.resamples, 80), 50, seed=4), flush=True)


if __name__ == "__main__":
    main()
