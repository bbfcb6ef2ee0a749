# Reference values of the survival models: Rscript make_reference.R, in this folder, after
# python export_lifelines.py. Writes data/*.csv (from R's survival) and *.json (numbers with versions).
suppressMessages({library(survival); library(glmnet); library(MASS); library(jsonlite)})

save_csv <- function(frame, name) write.csv(frame, file.path("data", name), row.names = FALSE, na = "", quote = FALSE)
save_csv(lung, "lung.csv")
save_csv(subset(colon, etype == 2, -c(id, study, etype)), "colon.csv")
save_csv(veteran, "veteran.csv")
light <- subset(flchain, futime > 0, c(age, sex, kappa, lambda, creatinine, mgus, futime, death))
save_csv(light[seq(1, nrow(light), 5), ], "flchain.csv")

load_csv <- function(name) read.csv(file.path("data", paste0(name, ".csv")), stringsAsFactors = TRUE)
versions <- list(R = R.version.string, survival = as.character(packageVersion("survival")),
                 glmnet = as.character(packageVersion("glmnet")), MASS = as.character(packageVersion("MASS")))
save_json <- function(value, name) {
  value$versions <- versions
  write(toJSON(value, digits = NA, auto_unbox = TRUE, matrix = "rowmajor"), paste0(name, ".json"))
}
strict <- coxph.control(eps = 1e-11, toler.chol = 1e-13, iter.max = 100)

models <- list(
  lung = list(time = "time", event = "status", factors = "sex",
              terms = c("age", "sex", "ph.ecog", "ph.karno", "wt.loss")),
  rossi = list(time = "week", event = "arrest", factors = character(),
               terms = c("fin", "age", "race", "wexp", "mar", "paro", "prio")),
  gbsg2 = list(time = "time", event = "cens", factors = character(),
               terms = c("horTh", "age", "menostat", "tsize", "tgrade", "pnodes", "progrec", "estrec")),
  colon = list(time = "time", event = "status", factors = c("differ", "extent"),
               terms = c("rx", "sex", "age", "obstruct", "perfor", "adhere", "nodes", "differ", "extent", "surg",
                         "node4")),
  veteran = list(time = "time", event = "status", factors = c("trt", "prior"),
                 terms = c("trt", "celltype", "karno", "diagtime", "age", "prior")),
  flchain = list(time = "futime", event = "death", factors = character(),
                 terms = c("age", "sex", "kappa", "lambda", "creatinine", "mgus")))

prepare <- function(name) {
  m <- models[[name]]
  d <- load_csv(name)[, c(m$time, m$event, m$terms)]
  d <- d[complete.cases(d), ]
  if (name == "lung") d$status <- d$status - 1
  for (f in m$factors) d[[f]] <- factor(d[[f]])
  d
}
outcome <- function(m) sprintf("Surv(%s, %s)", m$time, m$event)
formula_of <- function(m, terms = m$terms) as.formula(paste(outcome(m), "~", paste(c("1", terms), collapse = " + ")))

zph_table <- function(fit, transform) {
  z <- cox.zph(fit, transform = transform)
  list(terms = rownames(z$table), chisq = unname(z$table[, 1]), df = unname(z$table[, 2]), p = unname(z$table[, 3]),
       x = head(z$x, 20), y = unname(head(z$y, 20)), var = unname(diag(z$var)))
}

cox_reference <- function(name) {
  m <- models[[name]]
  d <<- prepare(name)
  fit <- coxph(formula_of(m), d, control = strict, x = TRUE)
  base <- basehaz(fit, centered = FALSE)
  patients <- d[c(1, 7, 20), ]
  horizons <- unname(quantile(d[[m$time]], c(0.2, 0.5, 0.8), type = 1))
  curves <- summary(survfit(fit, patients), times = horizons)
  alone <- lapply(m$terms, function(term) {
    one <- coxph(formula_of(m, term), d, control = strict)
    list(coef = as.list(unname(coef(one))), se = as.list(unname(sqrt(diag(one$var)))),
         lr = 2 * diff(one$loglik), lr_p = pchisq(2 * diff(one$loglik), length(coef(one)), lower.tail = FALSE))
  })
  list(time = m$time, event = m$event, factors = as.list(m$factors), terms = m$terms, n = fit$n, events = fit$nevent,
       columns = names(coef(fit)), coef = unname(coef(fit)), covariance = unname(fit$var), loglik = fit$loglik,
       baseline_at_zero = list(time = base$time, hazard = base$hazard),
       patients = c(0, 6, 19), horizons = horizons, survival = t(curves$surv),
       median = unname(summary(survfit(fit, patients))$table[, "median"]),
       zph = list(km = zph_table(fit, "km"), rank = zph_table(fit, "rank"), identity = zph_table(fit, "identity")),
       univariable = alone)
}
save_json(sapply(names(models), cox_reference, simplify = FALSE), "cox")

path_of <- function(fit) list(change = as.character(fit$anova$Step), aic = fit$anova$AIC,
                              final = attr(terms(fit), "term.labels"))
step_reference <- function(name) {
  m <- models[[name]]
  d <<- prepare(name)
  all <- formula_of(m)
  full <- coxph(all, d, control = strict)
  null <- coxph(formula_of(m, NULL), d, control = strict)
  bic <- log(full$nevent)
  list(backward = path_of(stepAIC(full, direction = "backward", trace = 0)),
       forward = path_of(stepAIC(null, scope = list(lower = ~1, upper = all), direction = "forward", trace = 0)),
       both = path_of(stepAIC(full, direction = "both", trace = 0)),
       both_from_none = path_of(stepAIC(null, scope = list(lower = ~1, upper = all), direction = "both", trace = 0)),
       backward_bic = path_of(stepAIC(full, direction = "backward", trace = 0, k = bic)))
}
save_json(sapply(names(models), step_reference, simplify = FALSE), "stepwise")

logistic_reference <- function(name) {
  m <- models[[name]]
  d <- prepare(name)
  fit <- glm(as.formula(paste(m$event, "~", paste(m$terms, collapse = " + "))), binomial, d,
             control = glm.control(epsilon = 1e-14, maxit = 100))
  list(coef = unname(coef(fit)), covariance = unname(vcov(fit)), loglik = as.numeric(logLik(fit)),
       null_loglik = -fit$null.deviance / 2, probability = unname(fitted(fit))[1:20])
}
save_json(sapply(c("lung", "gbsg2", "veteran", "flchain"), logistic_reference, simplify = FALSE), "logistic")

# A wide cohort that any language can make again: Park and Miller's generator, exact in doubles.
minstd <- function(count, seed) {
  state <- seed
  out <- numeric(count)
  for (i in seq_len(count)) { state <- (state * 16807) %% 2147483647; out[i] <- state / 2147483647 }
  out
}
wide <- function() {
  n <- 150; p <- 500
  u <- minstd(n * p + 2 * n, 20261121)
  x <- matrix(qnorm(u[1:(n * p)]), n, p, byrow = TRUE)
  x[, 2:p] <- x[, 2:p] + 0.5 * x[, 1:(p - 1)]
  eta <- drop(x[, 1:6] %*% c(0.8, -0.8, 0.6, -0.6, 0.4, -0.4))
  time <- -log(u[n * p + 1:n]) * exp(-eta) * 400
  censored <- u[n * p + n + 1:n] * 1500
  list(x = x, time = ceiling(pmin(time, censored)), event = as.numeric(time <= censored))
}
lasso_reference <- function(x, time, event, alpha, step) {
  n <- nrow(x)
  fold <- rep_len(1:10, n)
  # glmnet keeps a patient who is censored at an event's time at risk by adding 2e-14 to his time, which is lost
  # to rounding from 256 on; only the order of the times matters, so give it small ones.
  y <- Surv(match(time, sort(unique(time))) / 1000, event)
  exact <- glmnet(x, y, family = "cox", alpha = alpha, thresh = 1e-12, maxit = 1e8)
  shared <- cv.glmnet(x, y, family = "cox", alpha = alpha, foldid = fold, lambda = exact$lambda, thresh = 1e-10,
                      maxit = 1e8)
  own <- cv.glmnet(x, y, family = "cox", alpha = alpha, foldid = fold, thresh = 1e-10, maxit = 1e8)
  shown <- unique(c(seq(1, length(exact$lambda), step), length(exact$lambda)))
  beta <- as.matrix(exact$beta)[, shown, drop = FALSE]
  nonzero <- which(beta != 0, arr.ind = TRUE)
  list(alpha = alpha, lambda = exact$lambda, dev_ratio = exact$dev.ratio, shown = shown - 1, n = n, p = ncol(x),
       row = unname(nonzero[, 1]) - 1, place = unname(nonzero[, 2]) - 1, value = beta[nonzero],
       shared = list(cvm = shared$cvm, cvsd = shared$cvsd, index = as.vector(shared$index) - 1),
       own = list(cvm = own$cvm, cvsd = own$cvsd, index = as.vector(own$index) - 1, count = length(own$lambda)))
}
lasso_data <- function(name) {
  m <- models[[name]]
  d <- prepare(name)
  x <- model.matrix(as.formula(paste("~", paste(m$terms, collapse = " + "))), d)[, -1]
  list(x = x, time = d[[m$time]], event = d[[m$event]])
}
lasso <- list()
for (name in c(names(models), "wide")) for (alpha in c(1, 0.5)) {
  s <- if (name == "wide") wide() else lasso_data(name)
  lasso[[paste(name, alpha)]] <- lasso_reference(s$x, s$time, s$event, alpha, if (name == "wide") 5 else 3)
}
save_json(lasso, "lasso_cox")
