"""From nodes to jobs and from results to nodes: cohorts, fits, models, the patient, the page. No window is needed."""
