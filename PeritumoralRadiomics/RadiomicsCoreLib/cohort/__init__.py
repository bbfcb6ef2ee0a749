"""The cohort table: patients, their phases, their second readings."""
