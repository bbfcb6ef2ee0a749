"""Steps that scale and choose features: each is fitted on training data, and works in a scikit-learn pipeline."""
