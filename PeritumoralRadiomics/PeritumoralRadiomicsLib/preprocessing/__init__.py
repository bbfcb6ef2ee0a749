"""From the scanner's image to the image that is measured: resampling, margins, bin edges, checks."""
