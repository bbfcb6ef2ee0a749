"""A fitted model as a file, and new patients read by it."""
