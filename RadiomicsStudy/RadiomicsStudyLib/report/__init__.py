"""The report of a study or of one job: what its folders hold, gathered into one page that needs no network."""
