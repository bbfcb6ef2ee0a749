"""Regions, preprocessing and radiomic features of tumours and surroundings. Never imports slicer, qt or ctk."""
