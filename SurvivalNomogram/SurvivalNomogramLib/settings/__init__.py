"""Settings that several jobs share, each said once."""
