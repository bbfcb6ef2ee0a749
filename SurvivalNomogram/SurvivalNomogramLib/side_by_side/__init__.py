"""Several Cox models on the same cohorts, side by side: C, AUC, hazard ratios, paired tests, figures."""
