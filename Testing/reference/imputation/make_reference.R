# Reference values of multiple imputation: R's mice, pooled by Rubin's rules.
# Run in this folder:  Rscript make_reference.R
# The data are lung of ../survival_validation/data with values taken out at random given age and event.
suppressPackageStartupMessages({ library(survival); library(mice); library(jsonlite) })
set.seed(12)
M <- 100
d <- read.csv("../survival_validation/data/lung.csv")
d <- d[, c("time", "event", "age", "sex", "ecog", "karno", "wt_loss")]
d$ecog <- c("none", "some", "much", "much")[d$ecog + 1]
gone <- function(column, share) {
  p <- plogis(qlogis(share) + 0.6 * scale(d$age)[, 1] + 0.4 * (d$event - mean(d$event)))
  replace(column, runif(nrow(d)) < p, NA)
}
d$sex <- gone(d$sex, 0.20); d$ecog <- gone(d$ecog, 0.20)
d$karno <- gone(d$karno, 0.25); d$wt_loss <- gone(d$wt_loss, 0.25)
write.csv(d, "data/lung_missing.csv", row.names = FALSE, na = "")

d$sex <- factor(d$sex); d$ecog <- factor(d$ecog, c("none", "some", "much"))
d$hazard <- nelsonaalen(d, time, event)
method <- c(time = "", event = "", age = "", sex = "logreg", ecog = "polyreg", karno = "pmm", wt_loss = "pmm",
            hazard = "")
use <- make.predictorMatrix(d); use[, "time"] <- 0; diag(use) <- 0
imputed <- mice(d, m = M, maxit = 5, method = method, predictorMatrix = use, seed = 3, printFlag = FALSE)
pooled <- function(fit) {
  p <- pool(fit)$pooled
  s <- summary(pool(fit), conf.int = TRUE)
  list(term = as.character(p$term), estimate = p$estimate, within = p$ubar, between = p$b, total = p$t, df = p$df,
       fmi = p$fmi, se = s$std.error, lower = s[["2.5 %"]], upper = s[["97.5 %"]], p = s$p.value)
}
cox <- with(imputed, coxph(Surv(time, event) ~ age + sex + ecog + karno + wt_loss))
means <- sapply(c("karno", "wt_loss"), function(v) mean(sapply(seq_len(M), function(k) mean(complete(imputed, k)[[v]]))))
# Logistic: death as the outcome, the follow-up left out of both models.
use2 <- use; use2[, "hazard"] <- 0
imputed2 <- mice(d, m = M, maxit = 5, method = method, predictorMatrix = use2, seed = 4, printFlag = FALSE)
logistic <- with(imputed2, glm(event ~ age + sex + ecog + karno + wt_loss, family = binomial))
# Rubin's rules alone, on estimates that both sides read.
few <- mice(d, m = 5, maxit = 5, method = method, predictorMatrix = use, seed = 5, printFlag = FALSE)
few_cox <- with(few, coxph(Surv(time, event) ~ age + sex + karno))
out <- list(versions = list(R = R.version.string, mice = as.character(packageVersion("mice")),
                            survival = as.character(packageVersion("survival"))),
            m = M, cox = pooled(cox), logistic = pooled(logistic), means = as.list(means),
            rubin = list(n = nrow(d), events = sum(d$event),
                         coef = t(sapply(few_cox$analyses, coef)),
                         var = t(sapply(few_cox$analyses, function(f) diag(vcov(f)))),
                         dfcom = mice:::get.dfcom(few_cox, NULL),
                         pooled = pooled(few_cox)))
write_json(out, "reference.json", digits = NA, auto_unbox = TRUE, null = "null", na = "null")
