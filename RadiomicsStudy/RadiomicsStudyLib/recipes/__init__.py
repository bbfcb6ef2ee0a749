"""Recipes: the stages of a published study as a file of jobs; read, checked against a cohort and expanded here."""
