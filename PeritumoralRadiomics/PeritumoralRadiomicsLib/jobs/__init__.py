"""The jobs of this Lib: rings, extraction and maps, for one patient or a cohort."""
