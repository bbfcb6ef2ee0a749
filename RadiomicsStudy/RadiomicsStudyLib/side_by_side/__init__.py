"""Scores of many models of one binary end point: who is better, by how much, and how that goes with ring size."""
