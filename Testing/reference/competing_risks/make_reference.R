# Reference values for competing events and for intervals of a predicted survival.
# Run in this folder:  Rscript make_reference.R
# pbc.csv, lung.csv and veteran.csv are those of ../survival_validation/data; mgus2.csv (many ties) is made here.
pdf(NULL)  # plotCalibration opens a device even with plot = FALSE
suppressPackageStartupMessages({
  library(survival); library(cmprsk); library(riskRegression); library(prodlim); library(jsonlite)
})
mg <- survival::mgus2
mg <- na.omit(data.frame(time = ifelse(mg$pstat == 1, mg$ptime, mg$futime),
                         state = ifelse(mg$pstat == 1, 1, 2 * mg$death),
                         age = mg$age, sex = as.character(mg$sex), hgb = mg$hgb, mspike = mg$mspike))
mg <- mg[mg$time > 0, ]
mg <- mg[seq(1, nrow(mg), by = 3), ]
write.csv(mg, "data/mgus2.csv", row.names = FALSE)
pbc <- read.csv("../survival_validation/data/pbc.csv")
pbc$log_bili <- log(pbc$bili)
sets <- list(
  pbc = list(data = pbc, x = c("age", "sex", "log_bili", "albumin"),
             cause = 2, times = c(500, 1500, 3000)),
  mgus2 = list(data = read.csv("data/mgus2.csv"), x = c("age", "sex", "mspike"), cause = 1, times = c(24, 60, 180)))

out <- list(versions = list(R = R.version.string))
for (p in c("survival", "cmprsk", "riskRegression", "prodlim"))
  out$versions[[p]] <- as.character(packageVersion(p))

one <- function(s) {
  d <- s$data
  d$sex <- factor(d$sex, levels = c(if ("f" %in% d$sex) "f" else "F", if ("m" %in% d$sex) "m" else "M"))
  other <- setdiff(1:2, s$cause)
  f <- reformulate(s$x, "Surv(time, state)")
  covariates <- model.matrix(reformulate(s$x), d)[, -1]
  rows <- c(1, 2, 7, 30, 60)

  # Cause-specific Cox models combined: survival's multi-state curves, and riskRegression's two forms.
  d$kind <- factor(d$state, 0:2, c("censored", "one", "two"))
  # survival's multi-state models know Breslow's ties alone, so that ties are broken by the row's number. Its
  # summary(times = ) gives values of an earlier time (3.5-3), so that the curve is read directly.
  apart <- d
  apart$time <- d$time + 1e-4 * seq_len(nrow(d))
  multi <- coxph(reformulate(s$x, "Surv(time, kind)"), apart, id = seq_len(nrow(d)),
                 control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50))
  curves <- survfit(multi, newdata = apart[rows, ])
  incidence <- curves$pstate[findInterval(s$times, curves$time), , match(c("one", "two")[s$cause], curves$states)]
  csc <- CSC(reformulate(s$x, "Hist(time, state)"), data = apart, cause = s$cause)
  product <- predict(csc, newdata = apart[rows, ], times = s$times, cause = s$cause, product.limit = TRUE)$absRisk
  exponential <- predict(csc, newdata = apart[rows, ], times = s$times, cause = s$cause, product.limit = FALSE)$absRisk

  fg <- crr(d$time, d$state, covariates, failcode = s$cause, cencode = 0, gtol = 1e-10)
  predicted <- predict(fg, covariates[rows, ])
  at_time <- function(t) { k <- findInterval(t, predicted[, 1]); if (k) predicted[k, -1] else rep(0, length(rows)) }
  everyone <- predict(fg, covariates)
  risk <- sapply(s$times, function(t) everyone[findInterval(t, everyone[, 1]), -1])

  score <- Score(list(model = risk), Hist(time, state) ~ 1, data = d, times = s$times, cause = s$cause,
                 cens.model = "km", metrics = c("auc", "brier"), null.model = TRUE, se.fit = TRUE,
                 plots = "calibration")
  a <- as.data.frame(score$AUC$score); b <- as.data.frame(score$Brier$score)
  groups <- lapply(s$times, function(t) {
    frame <- plotCalibration(score, times = t, method = "quantile", q = 5, plot = FALSE,
                             cens.method = "local")$plotFrames$model
    as.list(as.data.frame(frame))
  })
  # The smooth calibration of Austin, Putter, Giardiello and van Klaveren (2022): Fine and Gray's model with a
  # restricted cubic spline of log(-log(1 - risk)), knots at the 10th, 50th and 90th percentile.
  cubic <- function(v, k) {
    p <- function(u) pmax(u, 0)^3
    (p(v - k[1]) - p(v - k[2]) * (k[3] - k[1]) / (k[3] - k[2]) + p(v - k[3]) * (k[2] - k[1]) / (k[3] - k[2])) /
      (k[3] - k[1])^2
  }
  smooth <- lapply(seq_along(s$times), function(j) {
    z <- log(-log(1 - pmin(pmax(risk[, j], 1e-12), 1 - 1e-12))); k <- quantile(z, c(0.1, 0.5, 0.9))
    basis <- cbind(z, cubic(z, k))
    fit <- crr(d$time, d$state, basis, failcode = s$cause, cencode = 0, gtol = 1e-10)
    p <- predict(fit, basis)
    observed <- p[findInterval(s$times[j], p[, 1]), -1]
    error <- abs(observed - risk[, j])
    line <- crr(d$time, d$state, cbind(z), failcode = s$cause, cencode = 0, gtol = 1e-10)
    list(ici = mean(error), e50 = median(error), e90 = unname(quantile(error, 0.9)), slope = unname(line$coef))
  })
  ci <- cuminc(d$time, d$state)
  list(cause = s$cause, covariates = s$x, reference_sex = levels(d$sex)[1], times = s$times, rows = rows,
       survival_incidence = incidence, csc_product = product, csc_exponential = exponential,
       csc_coef = lapply(csc$models, function(m) unname(coef(m))),
       crr = list(columns = colnames(covariates), coef = unname(fg$coef), se = sqrt(diag(fg$var)), var = fg$var,
                  loglik = fg$loglik, null = fg$loglik.null, incidence = t(sapply(s$times, at_time))),
       risk = risk,
       auc = a$AUC, auc_se = a$se, auc_lower = a$lower, auc_upper = a$upper,
       brier = b$Brier[b$model == "model"], brier_se = b$se[b$model == "model"],
       null_brier = b$Brier[b$model == "Null model"],
       groups = groups, smooth = smooth,
       overall = unname(timepoints(ci, s$times)$est[paste("1", s$cause), ]))
}
out$competing <- lapply(sets, one)

# Interval of a predicted survival: survfit(coxph, conf.type = "log-log").
survival_sets <- list(
  veteran = list(data = read.csv("../survival_validation/data/veteran.csv"), x = c("karno", "celltype", "age"),
                 times = c(30, 90, 180, 365)),
  lung = list(data = read.csv("../survival_validation/data/lung.csv"), x = c("age", "sex", "ecog"),
              times = c(90, 180, 365, 730)))
out$intervals <- lapply(survival_sets, function(s) {
  fit <- coxph(reformulate(s$x, "Surv(time, event)"), s$data, ties = "efron",
               control = coxph.control(eps = 1e-12, toler.chol = 1e-13, iter.max = 50))
  rows <- c(1, 2, 50, 100, 130)
  r <- summary(survfit(fit, newdata = s$data[rows, ], conf.type = "log-log"), times = s$times)
  list(covariates = s$x, times = s$times, rows = rows, survival = r$surv, se = r$std.err, lower = r$lower,
       upper = r$upper)
})
write_json(out, "reference.json", digits = NA, auto_unbox = TRUE, null = "null", na = "null")
