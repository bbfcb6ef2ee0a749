"""One patient's page: the picture of the tumour and what a model says."""
