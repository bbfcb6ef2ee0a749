"""What the Slicer modules share: nodes, background jobs, layouts. The only library that may import slicer, vtk, qt."""
