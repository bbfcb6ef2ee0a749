"""Runs a recipe on a cohort: plans the stages, runs what changed, and says how each ended."""
