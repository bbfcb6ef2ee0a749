"""Verbs of regions and radiomic features."""
