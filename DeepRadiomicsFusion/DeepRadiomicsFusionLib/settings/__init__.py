"""Settings records: inputs, training, augmentation, deep features, and those of the studies."""
