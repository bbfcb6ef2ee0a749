"""Pictures in a panel: sketches painted while a slider moves, figures that a job wrote, the slices as they are seen."""
