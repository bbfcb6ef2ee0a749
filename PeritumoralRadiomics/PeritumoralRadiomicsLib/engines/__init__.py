"""Programs that compute features of many regions of one image in one call."""
