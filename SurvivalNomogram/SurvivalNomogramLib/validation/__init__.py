"""How good a model is: concordance, ROC, Brier, calibration, decision curves, optimism."""
