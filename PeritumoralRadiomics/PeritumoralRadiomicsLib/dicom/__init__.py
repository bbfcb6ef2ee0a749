"""Regions, features and maps as DICOM objects beside the patient's scan: SEG, SR, Parametric Map, RTSTRUCT."""
