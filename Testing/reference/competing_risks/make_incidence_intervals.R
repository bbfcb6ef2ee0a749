# Standard errors and log-log intervals of a predicted cumulative incidence, and the incidence among patients with a high
# predicted risk (decision curves). Run in this folder:  Rscript make_incidence_intervals.R
suppressPackageStartupMessages({library(survival); library(riskRegression); library(prodlim); library(jsonlite)})
pbc <- read.csv("../survival_validation/data/pbc.csv")
pbc$log_bili <- log(pbc$bili)
sets <- list(pbc = list(data = pbc, x = c("age", "log_bili", "albumin"), cause = 2, times = c(500, 1500, 3000)),
             mgus2 = list(data = read.csv("data/mgus2.csv"), x = c("age", "mspike"), cause = 1, times = c(24, 60, 180)))
rows <- c(1, 2, 7, 30, 60)
out <- lapply(sets, function(s) {
  d <- s$data
  d$time <- d$time + 1e-4 * seq_len(nrow(d))  # CSC's errors are those of data without ties
  csc <- CSC(reformulate(s$x, "Hist(time, state)"), data = d, cause = s$cause)
  p <- predict(csc, newdata = d[rows, ], times = s$times, cause = s$cause, product.limit = TRUE, se = TRUE,
               confint = FALSE)
  p <- confint(p, absRisk.transform = "loglog")
  high <- d$age >= median(d$age)
  curve <- survfit(Surv(time, factor(state, 0:2)) ~ 1, d[high, ])
  observed <- summary(curve, times = s$times, extend = TRUE)$pstate[, s$cause + 1]
  list(covariates = s$x, cause = s$cause, times = s$times, rows = rows - 1, incidence = p$absRisk,
       se = p$absRisk.se, lower = p$absRisk.lower, upper = p$absRisk.upper, share_high = mean(high),
       incidence_high = observed)
})
out$versions <- list(R = R.version.string, riskRegression = as.character(packageVersion("riskRegression")))
write(toJSON(out, digits = NA, auto_unbox = TRUE), "incidence_intervals.json")
