"""Verbs of networks and classifiers."""
