"""From a tumour mask to rings: surface distances, barriers, quality figures, perturbed contours."""
