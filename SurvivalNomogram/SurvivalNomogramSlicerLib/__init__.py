"""What only the SurvivalNomogram panel needs."""
