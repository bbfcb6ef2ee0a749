"""The one style of all figures, and what text and axes need."""
