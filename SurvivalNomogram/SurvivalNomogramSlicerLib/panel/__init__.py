"""The widgets of the SurvivalNomogram panel."""
