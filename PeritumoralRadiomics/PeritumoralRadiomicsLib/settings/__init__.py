"""What is extracted: settings, presets of the studies, parameter files, names of features."""
