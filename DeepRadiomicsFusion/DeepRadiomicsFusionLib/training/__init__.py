"""Training: cases, folds, batches, losses, the loop."""
