"""Risk groups, subgroups and their figures."""
