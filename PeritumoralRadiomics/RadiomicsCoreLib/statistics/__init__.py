"""Statistics that more than one Lib needs: ROC, ICC, folds, penalised paths, logistic fits."""
