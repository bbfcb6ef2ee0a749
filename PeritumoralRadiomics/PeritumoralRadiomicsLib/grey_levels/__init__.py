"""Discretised regions and what textures are counted from."""
