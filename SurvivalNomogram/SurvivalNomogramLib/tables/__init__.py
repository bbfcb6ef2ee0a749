"""Tables of patients: covariates, event coding, missing values, baseline tables."""
