"""The jobs of this Lib: cox, logistic, nomogram, validate, predict."""
