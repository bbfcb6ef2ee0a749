"""Time of the Cox fit at n = 100,000 against R's coxph, in one run. Needs Rscript with survival.

OPENBLAS_NUM_THREADS=1 python Testing/benchmarks/bench_cox.py
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from SurvivalNomogramLib.models.cox import fit_cox
from SurvivalNomogramLib.tables.survival_table import read_survival_table

N = 100_000
COLUMNS = [f"x{k}" for k in range(6)]
R_SCRIPT = """
suppressMessages(library(survival))
name <- commandArgs(TRUE)
d <- as.data.frame(matrix(readBin(name, "double", 8e5), 1e5, 8))
seconds <- sapply(1:3, function(i) system.time(
  fit <<- coxph(Surv(V7, V8) ~ V1 + V2 + V3 + V4 + V5 + V6, d))[["elapsed"]])
cat(min(seconds), format(coef(fit), digits = 15), "\\n")
"""


def main() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 6))
    life, censored = rng.exponential(1000 / np.exp(x @ np.full(6, 0.2))), rng.uniform(0, 2000, N)
    event = life <= censored
    for kind, times in (("days", np.ceil(np.minimum(life, censored))), ("continuous", np.minimum(life, censored))):
        frame = pd.DataFrame(x, columns=COLUMNS).assign(t=times, e=event.astype(int))
        table = read_survival_table(frame, time="t", event="e")
        seconds = []
        for _ in range(3):
            start = time.perf_counter()
            model = fit_cox(table)
            seconds.append(time.perf_counter() - start)
        with tempfile.TemporaryDirectory() as folder:
            script, data = Path(folder) / "bench.R", Path(folder) / "data"
            script.write_text(R_SCRIPT, encoding="utf-8")
            np.column_stack([x, times, event]).astype(float).ravel(order="F").tofile(data)
            done = subprocess.run(["Rscript", str(script), str(data)], check=True, capture_output=True, text=True)
        theirs, *coefficients = (float(word) for word in done.stdout.split())
        off = np.abs(model.coefficients / np.array(coefficients) - 1).max()
        print(
            f"n={N}, 6 covariates, times in {kind} ({len(model.baseline.times)} distinct): ours "
            f"{min(seconds):.2f} s, coxph {theirs:.2f} s, ratio {min(seconds) / theirs:.2f}; "
            f"coefficients differ by {off:.0e} of themselves"
        )


if __name__ == "__main__":
    with threadpool_limits(1):
        main()
