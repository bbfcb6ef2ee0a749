"""Jobs from a panel: the current patient as a cohort of one, jobs in a folder, boxes that a job's settings fill."""
