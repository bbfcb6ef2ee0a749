"""Ground floor of the project: cohorts, images, tables, batches, provenance. Imports nothing above it."""

__version__ = "0.1.0"
