"""Regions, preprocessing and radiomic features of tumours and their surroundings. Never imports slicer, qt or ctk."""
