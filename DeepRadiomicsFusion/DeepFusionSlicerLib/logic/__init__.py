"""Behind the panel and the console: a scene's patient to jobs of networks and classifiers, their results to nodes."""
