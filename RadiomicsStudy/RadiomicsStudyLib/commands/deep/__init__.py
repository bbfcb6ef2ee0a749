"""Verbs of networks, fusion and explanation."""
