"""Cox, LASSO-Cox, logistic models, selection, signatures."""
