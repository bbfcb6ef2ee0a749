"""Voxel maps of a feature."""
