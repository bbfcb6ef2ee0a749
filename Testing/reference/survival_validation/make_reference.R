# Reference values for SurvivalNomogramLib's validation, groups and nomogram.
# Run in this folder:  Rscript make_reference.R
# rossi.csv and gbsg2.csv are lifelines' copies of the public data; the others come from R's survival package.
# Each data set gets a column lp: a Cox model's linear predictor rounded to two decimals, so that ties occur.
suppressPackageStartupMessages({
  library(survival); library(rms); library(riskRegression); library(cmprsk); library(jsonlite)
  library(prodlim); library(Hmisc); library(rms)
})
keep <- function(d, file) write.csv(d, file.path("data", file), row.names = FALSE)

lung <- na.omit(survival::lung[, c("time", "status", "age", "sex", "ph.ecog", "ph.karno", "wt.loss")])
lung <- data.frame(time = lung$time, event = lung$status - 1, age = lung$age,
                   sex = ifelse(lung$sex == 1, "male", "female"), ecog = lung$ph.ecog,
                   karno = lung$ph.karno, wt_loss = lung$wt.loss)
vet <- survival::veteran
veteran <- data.frame(time = vet$time, event = vet$status, trt = vet$trt - 1, celltype = as.character(vet$celltype),
                      karno = vet$karno, diagtime = vet$diagtime, age = vet$age, prior = vet$prior / 10)
col <- survival::colon
col <- na.omit(col[col$etype == 2, c("time", "status", "rx", "sex", "age", "obstruct", "adhere", "nodes", "differ",
                                     "extent", "surg", "perfor", "node4")])
colon <- data.frame(time = col$time, event = col$status, rx = as.character(col$rx), col[, 4:13])
fl <- survival::flchain
fl <- fl[fl$futime > 0, ][seq(1, 7800, by = 5), ]
flchain <- data.frame(time = fl$futime, event = fl$death, age = fl$age, sex = fl$sex, kappa = fl$kappa,
                      lambda = fl$lambda, flc_grp = fl$flc.grp)
gb <- read.csv("data/gbsg2.csv")
gbsg2 <- if ("event" %in% names(gb)) gb else data.frame(time = gb$time, event = gb$cens, horTh = gb$horTh,
  age = gb$age, menostat = gb$menostat, tsize = gb$tsize, tgrade = gb$tgrade, pnodes = gb$pnodes,
  progrec = gb$progrec, estrec = gb$estrec)
ro <- read.csv("data/rossi.csv")
rossi <- if ("event" %in% names(ro)) ro else data.frame(time = ro$week, event = ro$arrest, ro[, 3:9])
pbc <- survival::pbc[1:312, c("time", "status", "trt", "age", "sex", "edema", "bili", "albumin")]
pbc <- data.frame(time = pbc$time, state = pbc$status, trt = pbc$trt, age = pbc$age, sex = as.character(pbc$sex),
                  bili = pbc$bili, albumin = pbc$albumin)

with_lp <- function(d, formula) {
  d$lp <- NULL
  d$lp <- round(as.vector(predict(coxph(formula, d), type = "lp")), 2)
  d
}
lung <- with_lp(lung, Surv(time, event) ~ age + sex + ecog + wt_loss)
veteran <- with_lp(veteran, Surv(time, event) ~ karno + celltype)
colon <- with_lp(colon, Surv(time, event) ~ rx + node4 + extent)
flchain <- with_lp(flchain, Surv(time, event) ~ age + sex + flc_grp)
gbsg2 <- with_lp(gbsg2, Surv(time, event) ~ horTh + age + tsize + tgrade + pnodes + progrec)
rossi <- with_lp(rossi, Surv(time, event) ~ fin + age + prio)
sets <- list(lung = lung, veteran = veteran, colon = colon, flchain = flchain, gbsg2 = gbsg2, rossi = rossi)
for (n in names(sets)) keep(sets[[n]], paste0(n, ".csv"))
keep(pbc, "pbc.csv")
out <- list(versions = list(R = R.version.string))
for (p in c("survival", "rms", "riskRegression", "cmprsk", "Hmisc", "prodlim"))
  out$versions[[p]] <- as.character(packageVersion(p))

# ---- concordance ---------------------------------------------------------------------------------
horizon <- list(lung = 500, veteran = 150, colon = 1500, flchain = 3000, gbsg2 = 1500, rossi = 40)
out$concordance <- lapply(names(sets), function(n) {
  d <- sets[[n]]
  h <- concordance(Surv(time, event) ~ lp, d, reverse = TRUE)
  u <- concordance(Surv(time, event) ~ lp, d, reverse = TRUE, timewt = "n/G2", ymax = horizon[[n]])
  list(data = n, c = unname(h$concordance), se = sqrt(h$var), uno_tau = horizon[[n]], uno = unname(u$concordance),
       counts = as.list(h$count))
})

# ---- time-dependent AUC and Brier ---------------------------------------------------------------------
score_times <- list(lung = c(180, 365, 540), gbsg2 = c(500, 1000, 1500, 2000), colon = c(500, 1500, 2500),
                    veteran = c(60, 120, 200))
out$score <- lapply(names(score_times), function(n) {
  d <- sets[[n]]; times <- score_times[[n]]
  # A risk that every program can rebuild from lp: exponential model with a fixed rate.
  rate <- log(2) / median(d$time)
  risk <- outer(exp(d$lp), times, function(r, t) 1 - exp(-rate * r * t))
  s <- Score(list(model = risk), Surv(time, event) ~ 1, data = d, times = times, cens.model = "km",
             metrics = c("auc", "brier"), null.model = TRUE, se.fit = TRUE, summary = "ibs", plots = "ROC")
  a <- as.data.frame(s$AUC$score); b <- as.data.frame(s$Brier$score)
  roc <- as.data.frame(s$ROC$plotframe); roc <- roc[roc$times == times[2], ]
  list(data = n, times = times, rate = rate, auc = a$AUC, auc_se = a$se, auc_lower = a$lower, auc_upper = a$upper,
       brier = b$Brier[b$model == "model"], brier_se = b$se[b$model == "model"], ibs = b$IBS[b$model == "model"],
       null = b$Brier[b$model == "Null model"], fpr = roc$FPR, tpr = roc$TPR)
})

# ---- Kaplan-Meier ------------------------------------------------------------------------------------------
groups <- list(lung = "sex", veteran = "celltype", colon = "rx", gbsg2 = "tgrade")
out$kaplan_meier <- lapply(names(groups), function(n) {
  d <- sets[[n]]; d$group <- d[[groups[[n]]]]; times <- quantile(d$time, c(0.2, 0.4, 0.6, 0.8), names = FALSE)
  curves <- lapply(sort(unique(d$group)), function(g) {
    r <- list(level = g, times = times)
    for (type in c("log-log", "log", "plain")) {
      f <- survfit(Surv(time, event) ~ 1, d[d$group == g, ], conf.type = type)
      s <- summary(f, times = times, extend = TRUE)
      r[[type]] <- list(survival = s$surv, se = s$std.err, lower = s$lower, upper = s$upper, at_risk = s$n.risk,
                        median = unname(summary(f)$table[c("median", "0.95LCL", "0.95UCL")]))
    }
    for (limit in c(0.5, 1)) {
      f <- survfit(Surv(time, event) ~ 1, d[d$group == g, ])
      tab <- survival:::survmean(f, rmean = limit * max(f$time))$matrix
      r[[paste0("rmean_", limit)]] <- unname(tab[c("rmean", "se(rmean)")])
    }
    r
  })
  lr <- survdiff(Surv(time, event) ~ group, d)
  cx <- summary(coxph(Surv(time, event) ~ group, d))
  list(data = n, column = groups[[n]], curves = curves, chisq = lr$chisq, p = 1 - pchisq(lr$chisq, length(lr$n) - 1),
       hr = unname(cx$conf.int[, 1]), hr_lower = unname(cx$conf.int[, 3]), hr_upper = unname(cx$conf.int[, 4]))
})

# ---- cumulative incidence ------------------------------------------------------------------------------------
ci_times <- c(200, 500, 1000, 2000, 3000, 4000)
ci <- cuminc(pbc$time, pbc$state, cencode = 0)
ci_by <- cuminc(pbc$time, pbc$state, pbc$sex, cencode = 0)
tp <- timepoints(ci, ci_times); tpb <- timepoints(ci_by, ci_times)
out$cuminc <- list(times = ci_times, rows = rownames(tp$est), est = unname(tp$est), var = unname(tp$var),
                   by_rows = rownames(tpb$est), by_est = unname(tpb$est), by_var = unname(tpb$var))

# ---- calibration -------------------------------------------------------------------------------------------------
d <- gbsg2; d500 <- d[1:500, ]
dd <- datadist(d500); options(datadist = "dd")
six <- Surv(time, event) ~ horTh + age + tsize + tgrade + pnodes + progrec
for (v in c("horTh", "tgrade")) d500[[v]] <- factor(d500[[v]])
f <- cph(six, d500, x = TRUE, y = TRUE, surv = TRUE, time.inc = 1000)
set.seed(20261121)
invisible(capture.output(cal <- suppressWarnings(calibrate(f, cmethod = "KM", u = 1000, m = 100, B = 1000))))
out$calibration <- list(horizon = 1000, groups = 5, predicted = unname(cal[, "mean.predicted"]), km = unname(cal[, "KM"]),
  std_err = unname(cal[, "std.err"]), optimism = unname(cal[, "mean.optimism"]), corrected = unname(cal[, "KM.corrected"]),
  B = 1000)
# Flexible curve of Austin, Harrell and van Klaveren (2020): Cox model with a spline of log(-log S).
surv <- as.vector(survest(f, newdata = d500, times = 1000, se.fit = FALSE)$surv)
z <- log(-log(surv))
knots <- rcspline.eval(z, nk = 3, knots.only = TRUE)
flex <- coxph(Surv(time, event) ~ rcs(z, knots), data.frame(time = d500$time, event = d500$event, z = z))
grid <- seq(0.45, 0.9, by = 0.05)
fs <- survfit(flex, newdata = data.frame(z = log(-log(grid))))
own <- survfit(flex, newdata = data.frame(z = z))
at <- function(s) as.vector(summary(s, times = 1000)$surv)
out$flexible <- list(predicted = surv, grid = grid, observed = at(fs), ici = mean(abs(at(own) - surv)),
                     e50 = median(abs(at(own) - surv)), e90 = quantile(abs(at(own) - surv), 0.9, names = FALSE))
set.seed(20261121)
invisible(capture.output(v <- rms::validate(f, B = 1000, dxy = TRUE)))
out$validate <- list(c = (v["Dxy", "index.orig"] + 1) / 2, optimism = v["Dxy", "optimism"] / 2,
                     corrected = (v["Dxy", "index.corrected"] + 1) / 2)

# ---- comparison of models -----------------------------------------------------------------------------------------
small <- coxph(Surv(time, event) ~ age + sex, lung); big <- coxph(Surv(time, event) ~ age + sex + ecog + wt_loss, lung)
a <- anova(small, big)
cc <- concordance(small, big)
contrast <- c(-1, 1)
out$comparison <- list(chisq = a$Chisq[2], df = a$Df[2], p = a[["Pr(>|Chi|)"]][2], lp_small = unname(predict(small)),
  lp_big = unname(predict(big)), c = unname(coef(cc)), delta = sum(contrast * coef(cc)),
  delta_se = sqrt(drop(contrast %*% vcov(cc) %*% contrast)))
# Without censoring before the horizon NRI and IDI are the binary ones.
y <- as.numeric(veteran$time <= 80); full <- veteran[veteran$event == 1, ]
g1 <- glm(time <= 80 ~ age + trt, binomial, full); g2 <- glm(time <= 80 ~ age + trt + karno + celltype, binomial, full)
ip <- improveProb(fitted(g1), fitted(g2), as.numeric(full$time <= 80))
out$improvement <- list(horizon = 80, p1 = unname(fitted(g1)), p2 = unname(fitted(g2)), nri = ip$nri, nri_event = ip$nri.ev,
  nri_nonevent = ip$nri.ne, nri_se = ip$se.nri, idi = ip$idi, idi_se = ip$se.idi)

# ---- nomograms -----------------------------------------------------------------------------------------------------
nomo <- function(name, formula, d, logistic = FALSE, ...) {
  for (v in names(d)) if (is.character(d[[v]])) d[[v]] <- factor(d[[v]])
  dd <<- datadist(d); options(datadist = "dd")
  f <- if (logistic) lrm(formula, d, tol = 1e-14, eps = 1e-12) else
    cph(formula, d, x = TRUE, y = TRUE, surv = TRUE, eps = 1e-12, iter.max = 60)
  n <- nomogram(f, ...)
  info <- attr(n, "info")
  vars <- lapply(f$Design$name, function(v) list(name = v, values = n[[v]][[v]], points = as.vector(n[[v]]$points)))
  list(name = name, logistic = logistic, coefficients = as.list(coef(f)), center = if (logistic) 0 else unname(f$center),
       variables = vars, total = n$total.points$x, lp_at = n$lp$x.real, lp_points = n$lp$x, sc = info$sc,
       intercept = unname(info$Intercept))
}
out$nomograms <- list(
  nomo("lung", Surv(time, event) ~ age + sex + ecog + wt_loss, lung),
  nomo("gbsg2", Surv(time, event) ~ horTh + age + menostat + tsize + tgrade + pnodes + progrec + estrec, gbsg2),
  nomo("veteran", Surv(time, event) ~ trt + celltype + karno + diagtime + age, veteran),
  nomo("colon", Surv(time, event) ~ rx + sex + age + obstruct + perfor + adhere + nodes + differ + extent + surg + node4,
       colon),
  nomo("veteran_ranges", Surv(time, event) ~ karno + age, veteran, karno = c(20, 50, 90), age = c(40, 80)),
  nomo("lung_year", event ~ age + sex + ecog, transform(lung, event = as.numeric(time <= 365 & event == 1)), logistic = TRUE))
out$pretty <- lapply(list(c(0, 1, 10), c(39, 82, 10), c(-24, 68, 10), c(0, 385.5, 10), c(-2.43, 1.17, 10), c(1, 51, 10),
  c(0.001, 0.0037, 5), c(0, 2380, 10), c(3, 3, 5), c(-1e-3, 7.77, 4), c(21, 80, 10)),
  function(v) list(input = v, pretty = pretty(v[1:2], n = v[3])))

# ---- subgroups and baseline table -----------------------------------------------------------------------------------
sub <- lapply(c("sex", "node4", "differ"), function(v) {
  d <- colon; d$arm <- as.numeric(d$rx == "Lev+5FU"); d$s <- factor(d[[v]])
  hr <- lapply(levels(d$s), function(l) {
    s <- summary(coxph(Surv(time, event) ~ arm, d[d$s == l, ])); c(s$conf.int[c(1, 3, 4)], s$n, s$nevent)
  })
  p <- anova(coxph(Surv(time, event) ~ arm + s, d), coxph(Surv(time, event) ~ arm * s, d))[["Pr(>|Chi|)"]][2]
  list(column = v, levels = levels(d$s), hr = hr, p = p)
})
out$subgroups <- sub
by <- gbsg2$horTh
out$baseline <- list(
  shapiro_age = c(shapiro.test(gbsg2$age[by == "no"])$p.value, shapiro.test(gbsg2$age[by == "yes"])$p.value),
  t_age = t.test(age ~ horTh, gbsg2)$p.value,
  wilcox_tsize = wilcox.test(tsize ~ horTh, gbsg2, exact = FALSE, correct = TRUE)$p.value,
  chisq_tgrade = chisq.test(table(gbsg2$tgrade, by), correct = FALSE)$p.value,
  chisq_menostat = chisq.test(table(gbsg2$menostat, by), correct = FALSE)$p.value,
  fisher_small = fisher.test(matrix(c(3, 1, 2, 9), 2))$p.value,
  fisher_3x2 = fisher.test(table(lung$ecog, lung$sex))$p.value,
  kruskal = kruskal.test(tsize ~ tgrade, gbsg2)$p.value,
  anova = oneway.test(age ~ tgrade, gbsg2)$p.value)
write_json(out, "references.json", digits = NA, auto_unbox = TRUE, na = "null")
