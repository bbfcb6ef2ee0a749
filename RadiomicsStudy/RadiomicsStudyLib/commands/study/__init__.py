"""The verbs of whole studies: recipes, the study, and what joins its stages."""
