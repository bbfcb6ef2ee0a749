"""Feature tables, end points and samples."""
