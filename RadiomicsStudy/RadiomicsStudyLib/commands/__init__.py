"""The verbs of the command line, one file each: ``add_parser`` describes it, ``run`` does it."""
