"""LASSO-Cox with 10-fold cross-validation against R's cv.glmnet, on one core, in one run.

    PYTHONPATH=PeritumoralRadiomics:SurvivalNomogram python Testing/benchmarks/bench_lasso_cox.py

Both fit the same simulated radiomics cohorts (n = 200) with the same folds: ours to a relative error of the
optimality conditions of 1e-5, cv.glmnet at its default tolerance. Needs Rscript with glmnet and survival.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from SurvivalNomogramLib.models.lasso_cox import LassoCoxFit, LassoCoxSettings, fit_lasso_cox
from SurvivalNomogramLib.tables.survival_table import read_survival_table

N = 200
TOLERANCE = 1e-5
REPEATS = 3
R_SCRIPT = """
suppressMessages({library(glmnet); library(survival)})
for (name in commandArgs(TRUE)) {
  size <- scan(paste0(name, ".size"), quiet = TRUE)
  x <- matrix(readBin(paste0(name, ".x"), "double", prod(size)), size[1], size[2])
  y <- matrix(readBin(paste0(name, ".y"), "double", size[1] * 3), size[1], 3)
  seconds <- sapply(1:3, function(i) system.time(
    fit <<- cv.glmnet(x, Surv(y[, 1], y[, 2]), family = "cox", foldid = y[, 3]))[["elapsed"]])
  beta <- as.matrix(fit$glmnet.fit$beta)
  writeBin(c(length(fit$lambda), fit$lambda, as.vector(beta)), paste0(name, ".out"))
  cat(name, min(seconds), fit$index, "\\n")
}
"""


def cohort(p: int, share: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features that a hidden factor for every 20 of them explains up to ``share``; ten have an effect."""
    rng = np.random.default_rng(seed)
    factors = rng.normal(size=(N, p // 20))
    loadings = rng.normal(size=(p // 20, p)) * (rng.random((p // 20, p)) < 3 / (p // 20))
    x = np.sqrt(share) * (factors @ loadings) / np.sqrt(3) + np.sqrt(1 - share) * rng.normal(size=(N, p))
    hazard = np.exp(x[:, :10] @ np.linspace(0.6, -0.6, 10))
    life, censored = rng.exponential(1000 / hazard), rng.uniform(0, 2500, N)
    return x, np.minimum(life, censored), (life <= censored).astype(int)


def worst_kkt(x: np.ndarray, life: np.ndarray, event: np.ndarray, lambdas: np.ndarray, beta: np.ndarray) -> float:
    """Largest violation of the optimality conditions along a path, relative to the penalty, from the definition."""
    spread = x.std(axis=0)
    standard = (x - x.mean(axis=0)) / spread
    at_risk = (life[np.newaxis] >= life[event == 1][:, np.newaxis]).astype(float)
    worst = 0.0
    for penalty, row in zip(lambdas, beta, strict=True):
        scaled = row * spread
        risk = np.exp(standard @ scaled)
        expected = risk * (1 / (at_risk @ risk) @ at_risk)
        gradient = standard.T @ (event - expected) / N
        on, off = np.abs(gradient - penalty * np.sign(scaled)), np.maximum(np.abs(gradient) - penalty, 0)
        worst = max(worst, float(np.where(scaled != 0, on, off).max() / penalty))
    return worst


def ours(x: np.ndarray, life: np.ndarray, event: np.ndarray, folds: np.ndarray) -> tuple[float, LassoCoxFit]:
    frame = pd.DataFrame(x, columns=[f"f{k}" for k in range(x.shape[1])])
    table = read_survival_table(frame.assign(t=life, e=event), time="t", event="e")
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        fit = fit_lasso_cox(table, settings=LassoCoxSettings(kkt_tolerance=TOLERANCE), fold_of=folds)
        seconds.append(time.perf_counter() - start)
    return min(seconds), fit


def main() -> int:
    folds = np.random.default_rng(0).permutation(np.arange(N) % 10 + 1)
    cases = [(p, share) for p in (1316, 4000) for share in (0.0, 0.5, 0.8)]
    worst_ratio = 0.0
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bench.R"
        script.write_text(R_SCRIPT, encoding="utf-8")
        for p, share in cases:
            x, life, event = cohort(p, share, seed=p)
            name = Path(folder) / f"case_{p}_{share}"
            name.with_name(name.name + ".size").write_text(f"{N} {p}", encoding="utf-8")
            np.asfortranarray(x).ravel(order="F").tofile(f"{name}.x")
            np.concatenate([life, event, folds]).astype(float).tofile(f"{name}.y")
            mine, fit = ours(x, life, event, folds)
            done = subprocess.run(["Rscript", str(script), str(name)], check=True, capture_output=True, text=True)
            _, seconds, at_minimum, at_1se = done.stdout.split()
            raw = np.fromfile(f"{name}.out")
            count = int(raw[0])
            glmnets = raw[1 + count :].reshape(count, p)
            ratio = mine / float(seconds)
            worst_ratio = max(worst_ratio, ratio)
            assert fit.validation is not None
            chosen = (fit.validation.at_minimum + 1, fit.validation.at_one_standard_error + 1)
            print(
                f"p={p} correlated share={share}: ours {mine:.2f} s, cv.glmnet {float(seconds):.2f} s, "
                f"ratio {ratio:.2f}; KKT error ours "
                f"{worst_kkt(x, life, event, fit.path.lambdas, fit.path.coefficients):.1e}, glmnet "
                f"{worst_kkt(x, life, event, raw[1 : 1 + count], glmnets):.1e}; lambda.min, lambda.1se at "
                f"{chosen[0]}, {chosen[1]} (glmnet {at_minimum}, {at_1se})",
                flush=True,
            )
    print(f"worst ratio {worst_ratio:.2f} (at most 1.2 is asked for)")
    return int(worst_ratio > 1.2)


if __name__ == "__main__":
    with threadpool_limits(1):
        sys.exit(main())
