"""Verbs of survival and logistic models."""
