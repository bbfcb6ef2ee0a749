"""The jobs of this Lib: deep features, training, fusion, explanation, application."""
