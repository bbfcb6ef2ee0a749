"""Image filters: wavelet, LoG, LBP and the others."""
