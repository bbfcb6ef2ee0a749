"""Nomograms: points, axes, the figure."""
