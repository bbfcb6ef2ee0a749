"""CNN features, training, signatures, fusion and explanation. Never imports slicer, qt or ctk."""
