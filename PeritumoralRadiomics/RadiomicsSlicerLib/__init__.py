"""What the Slicer modules share: nodes, jobs, layouts. The only library that may import slicer, vtk, qt."""
