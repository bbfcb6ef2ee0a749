"""The widgets of the PeritumoralRadiomics panel."""
