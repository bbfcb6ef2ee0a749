"""Regions, preprocessing and radiomic features of tumour and surroundings. Never imports slicer, qt or ctk."""
