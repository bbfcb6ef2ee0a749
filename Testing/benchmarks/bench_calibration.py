"""Time of a 1000-bootstrap calibration of a 6-variable model on 500 patients, on 2 cores; the aim is 60 s.

python Testing/benchmarks/bench_calibration.py          (R's rms::calibrate beside it where Rscript is present)
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd

from SurvivalNomogramLib.tables.survival_table import read_survival_table
from SurvivalNomogramLib.validation.bootstrap import BootstrapSettings, CoxRefit
from SurvivalNomogramLib.validation.calibration import calibrate_with_optimism
from SurvivalNomogramLib.validation.cox_modelling import CoxModelling, fit_resamples

DATA = Path(__file__).resolve().parents[1] / "reference" / "survival_validation" / "data" / "gbsg2.csv"
SIX = ["horTh", "age", "tsize", "tgrade", "pnodes", "progrec"]
HORIZON, REPEATS, JOBS = 1000.0, 1000, 2
R_SCRIPT = """
suppressMessages(library(rms))
d <- read.csv(commandArgs(TRUE))[1:500, ]
for (v in c("horTh", "tgrade")) d[[v]] <- factor(d[[v]])
f <- cph(Surv(time, event) ~ horTh + age + tsize + tgrade + pnodes + progrec, d, x = TRUE, y = TRUE, surv = TRUE,
         time.inc = 1000)
s <- system.time(capture.output(suppressWarnings(calibrate(f, cmethod = "KM", u = 1000, m = 100, B = 1000))))
cat(s[["elapsed"]])
"""


def main() -> None:
    data = pd.read_csv(DATA)[:500]
    table = read_survival_table(data, time="time", event="event", covariates=SIX)
    x = np.asarray(pd.get_dummies(data[SIX], drop_first=True), float)
    settings = BootstrapSettings(REPEATS, 1, JOBS)
    start = time.perf_counter()
    calibrate_with_optimism(
        table.time, table.event, CoxRefit(x, table.time, table.event, (HORIZON,)), HORIZON, settings=settings
    )
    fixed = time.perf_counter() - start
    start = time.perf_counter()
    fitted = fit_resamples(table, CoxModelling(selection="backward"), settings)
    calibrate_with_optimism(table.time, table.event, fitted.at(HORIZON), HORIZON, settings=settings)
    selected = time.perf_counter() - start
    print(
        f"{REPEATS} resamples, 500 patients, {JOBS} processes: fixed covariates {fixed:.1f} s, "
        f"backward selection in every resample {selected:.1f} s (groups and smooth curve)"
    )
    if shutil.which("Rscript"):
        done = subprocess.run(["Rscript", "-e", R_SCRIPT, str(DATA)], capture_output=True, text=True, check=True)
        print(f"rms::calibrate, groups alone, one process: {float(done.stdout.split()[-1]):.1f} s")


if __name__ == "__main__":
    main()
