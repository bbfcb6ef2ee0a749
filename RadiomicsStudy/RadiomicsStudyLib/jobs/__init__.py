"""The jobs of this Lib: a whole study, and what joins its stages."""
