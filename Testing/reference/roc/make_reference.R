# Reference values of ROC areas and DeLong's tests, by pROC on its own data set aSAH (113 patients).
# Run: Rscript make_reference.R   (writes reference.json and asah.csv beside itself)
library(pROC)
library(jsonlite)
data(aSAH)
frame <- data.frame(outcome = as.integer(aSAH$outcome == "Poor"), s100b = aSAH$s100b, ndka = aSAH$ndka,
                    wfns = as.integer(as.character(aSAH$wfns)))
write.csv(frame, "asah.csv", row.names = FALSE)
curve <- function(name) roc(frame$outcome, frame[[name]], direction = "<", quiet = TRUE)
areas <- lapply(c("s100b", "ndka", "wfns"), function(name) {
  r <- curve(name); ci <- ci.auc(r, method = "delong")
  list(name = name, auc = as.numeric(auc(r)), lower = ci[1], upper = ci[3], variance = var(r, method = "delong"),
       youden = as.numeric(coords(r, "best", ret = "threshold", best.method = "youden", transpose = FALSE)[, 1]))
})
pairs <- list(c("s100b", "ndka"), c("s100b", "wfns"), c("ndka", "wfns"))
tests <- lapply(pairs, function(pair) {
  t <- roc.test(curve(pair[1]), curve(pair[2]), method = "delong", paired = TRUE)
  list(first = pair[1], second = pair[2], z = as.numeric(t$statistic), p = t$p.value,
       lower = t$conf.int[1], upper = t$conf.int[2])
})
exact <- lapply(list(c(5, 10), c(0, 7), c(7, 7), c(31, 41)), function(x)
  list(count = x[1], total = x[2], interval = as.numeric(binom.test(x[1], x[2])$conf.int)))
write_json(list(versions = list(R = R.version.string, pROC = as.character(packageVersion("pROC"))),
                areas = areas, tests = tests, exact = exact),
           "reference.json", digits = 17, auto_unbox = TRUE, pretty = TRUE)
