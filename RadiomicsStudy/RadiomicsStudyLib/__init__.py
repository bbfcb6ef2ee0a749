"""Study recipes, command line, report and sample cohort: the top floor."""
