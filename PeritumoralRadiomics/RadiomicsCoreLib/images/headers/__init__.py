"""Headers of image files, read and checked by our own code before ITK opens the file."""
