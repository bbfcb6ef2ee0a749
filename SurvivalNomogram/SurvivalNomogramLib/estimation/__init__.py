"""Estimators that know no covariates beyond a matrix: Kaplan-Meier, partial likelihood, incidence."""
