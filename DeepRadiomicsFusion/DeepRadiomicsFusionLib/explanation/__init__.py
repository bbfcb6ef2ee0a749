"""Where a network looks and what a model uses."""
