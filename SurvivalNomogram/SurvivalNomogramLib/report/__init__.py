"""What is written of a model: tables, figures and notes, which every job shares."""
