# Reference values of LASSO-logistic paths (glmnet) and intraclass correlations (psych).
# Run in this folder: Rscript make_reference.R   (writes reference.json and the CSV files beside itself)
library(glmnet)
library(psych)
library(jsonlite)

# --- LASSO: more cases than features, and fewer ------------------------------------------------------------
set.seed(20)
make_table <- function(n, p) {
  x <- matrix(rnorm(n * p), n, p)
  x[, 2] <- x[, 1] + 0.3 * x[, 2]                       # correlated features, as radiomic ones are
  x <- sweep(x, 2, 10^runif(p, -2, 3), "*")             # and of very different scales
  z <- scale(x)
  y <- rbinom(n, 1, plogis(1.4 * z[, 1] - 1.1 * z[, 4] + 0.8 * z[, 7] - 0.3))
  x <- signif(x, 8)
  list(x = x, y = y)
}
lasso <- function(name, n, p, alpha) {
  data <- make_table(n, p)
  write.csv(cbind(y = data$y, as.data.frame(data$x)), paste0(name, ".csv"), row.names = FALSE)
  foldid <- integer(n)
  for (value in 0:1) foldid[data$y == value] <- rep_len(1:5, sum(data$y == value))
  first <- glmnet(data$x, data$y, family = "binomial", alpha = alpha)
  lambda <- max(first$lambda) * 10^seq(0, -1.6, length.out = 25)
  fit <- glmnet(data$x, data$y, family = "binomial", alpha = alpha, lambda = lambda, thresh = 1e-14, maxit = 1e7)
  cv <- cv.glmnet(data$x, data$y, family = "binomial", alpha = alpha, lambda = lambda, foldid = foldid,
                  thresh = 1e-14, maxit = 1e7)
  list(name = name, alpha = alpha, lambda = lambda, largest_lambda = max(first$lambda),
       intercept = as.numeric(fit$a0), coefficients = t(as.matrix(fit$beta)), deviance_ratio = fit$dev.ratio,
       foldid = foldid, cvm = cv$cvm, cvsd = cv$cvsd, lambda_min = cv$lambda.min, lambda_1se = cv$lambda.1se)
}
paths <- list(lasso("lasso_tall", 90, 12, 1), lasso("lasso_wide", 50, 120, 1), lasso("elastic_net", 60, 20, 0.5))

# --- ICC ---------------------------------------------------------------------------------------------------
shrout_fleiss <- matrix(c(9, 2, 5, 8, 6, 1, 3, 2, 8, 4, 6, 8, 7, 1, 2, 6, 10, 5, 6, 9, 6, 2, 4, 7), ncol = 4, byrow = TRUE)
set.seed(7)
true <- rnorm(30, 100, 20)
two_readers <- signif(cbind(true + rnorm(30, 0, 8), true + rnorm(30, 5, 8)), 10)
noise <- signif(matrix(rnorm(40), 20, 2), 10)
five <- signif(outer(rnorm(12, 0, 3), rep(1, 5)) + matrix(rnorm(60), 12, 5), 10)
iccs <- lapply(list(shrout_fleiss = shrout_fleiss, two_readers = two_readers, noise = noise, five = five), function(m) {
  r <- ICC(m, lmer = FALSE)$results                     # the analysis of variance, as in Shrout and Fleiss
  pick <- function(row) list(value = r[row, "ICC"], lower = r[row, "lower bound"], upper = r[row, "upper bound"])
  list(readings = m, agreement = pick(2), consistency = pick(3))
})

write_json(list(versions = list(R = R.version.string, glmnet = as.character(packageVersion("glmnet")),
                                psych = as.character(packageVersion("psych"))),
                paths = paths, iccs = iccs), "reference.json", digits = 17, auto_unbox = TRUE)
