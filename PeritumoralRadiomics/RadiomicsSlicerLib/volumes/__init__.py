"""Images of jobs as volumes of the scene: plain ones, and coloured overlays with a legend."""
