# Reference values for what lifelines computes here: Rscript make_reference.R, in this folder. Reads the tables of
# ../survival_validation/data and writes reference.json (numbers with versions). Needs R's survival and jsonlite.
suppressMessages({library(survival); library(jsonlite)})

sets <- list(lung = c("age", "ecog"), gbsg2 = c("age", "tsize", "pnodes"), veteran = c("karno", "age"))
strict <- survreg.control(rel.tolerance = 1e-12, maxiter = 200)
values <- lapply(names(sets), function(name) {
  data <- read.csv(file.path("../survival_validation/data", paste0(name, ".csv")))
  curve <- survfit(Surv(time, event) ~ 1, data, ctype = 1)
  models <- sapply(c("weibull", "lognormal", "loglogistic"), function(dist) {
    model <- survreg(reformulate(sets[[name]], "Surv(time, event)"), data, dist = dist, control = strict)
    list(coefficients = unname(coef(model)), scale = model$scale, log_likelihood = model$loglik[2], aic = AIC(model))
  }, simplify = FALSE)
  list(covariates = sets[[name]], times = curve$time, nelson_aalen = curve$cumhaz, models = models)
})
names(values) <- names(sets)
versions <- list(R = R.version.string, survival = as.character(packageVersion("survival")))
write(toJSON(c(values, list(versions = versions)), digits = NA, auto_unbox = TRUE), "reference.json")
