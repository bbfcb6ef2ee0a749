"""Results of jobs in the window: charts of series of points, small tables of texts."""
