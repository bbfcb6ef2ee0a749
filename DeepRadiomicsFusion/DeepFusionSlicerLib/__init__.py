"""What the module DeepRadiomicsFusion alone needs of Slicer: nodes to jobs and back, and its panel."""
