"""Synthetic patients with a known truth: for a first look, and for whole studies."""
