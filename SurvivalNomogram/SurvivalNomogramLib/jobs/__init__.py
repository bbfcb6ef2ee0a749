"""The jobs of this Lib: cox, logistic, pca, nomogram, validate, predict."""
