"""Nodes to images and back: rings, features, maps, the sample case."""
