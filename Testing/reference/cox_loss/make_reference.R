# Cox's partial log-likelihood (Efron) at given risks, and its gradient, by R's survival package.
# The gradient by each patient's log risk is the martingale residual at that point.
# Run: Rscript Testing/reference/cox_loss/make_reference.R > Testing/reference/cox_loss/reference.json
suppressMessages(library(survival))
suppressMessages(library(jsonlite))

at <- function(time, event, risk) {
  fit <- coxph(Surv(time, event) ~ risk, ties = "efron", init = 1, control = coxph.control(iter.max = 0))
  list(time = time, event = event, risk = risk, log_likelihood = fit$loglik[2],
       gradient = unname(residuals(fit, type = "martingale")))
}

set.seed(20261121)
n <- 60
tied_time <- sample(1:9, n, replace = TRUE)
event <- rbinom(n, 1, 0.6)
cases <- list(
  many_ties = at(tied_time, event, round(rnorm(n), 6)),
  no_ties = at(round(rexp(n), 6), event, round(rnorm(n), 6)),
  large_risks = at(tied_time, event, round(rnorm(n, sd = 6), 6)),
  all_at_one_time = at(rep(3, 8), c(1, 1, 1, 1, 1, 0, 0, 0), round(rnorm(8), 6)),
  lung = with(lung, at(time, status - 1, (age - 62) / 10))
)
cat(toJSON(list(
  made_by = paste("R", getRversion(), "survival", packageVersion("survival")), cases = cases
), digits = NA, auto_unbox = TRUE, pretty = FALSE), "\n")
