"""Outputs of a network as features of a region."""
