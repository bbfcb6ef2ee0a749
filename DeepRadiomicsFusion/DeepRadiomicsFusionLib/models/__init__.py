"""Signatures, classifiers, fusion, cross-validation and the ring sweep."""
