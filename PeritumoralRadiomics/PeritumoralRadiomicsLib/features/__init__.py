"""Radiomic feature families, one file each."""
