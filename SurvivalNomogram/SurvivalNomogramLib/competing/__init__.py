"""Judges a predicted cumulative incidence: scores, calibration and decisions where events compete."""
