"""Multiple imputation of missing covariates: chained equations and Rubin's rules."""
