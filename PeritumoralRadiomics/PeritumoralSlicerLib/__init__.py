"""What only the PeritumoralRadiomics panel needs."""
