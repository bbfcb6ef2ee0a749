"""The panel of DeepRadiomicsFusion, section by section."""
