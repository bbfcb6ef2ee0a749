"""Rings around a tumour, in Slicer's Python console.

Paste this into the console (View > Python Console), or run it there with
``exec(open("01_rings_in_the_console.py").read())``. It makes a small scan of its own; with your data, take your
nodes instead: ``volume = getNode("CT")`` and ``segmentation = getNode("Segmentation")``.
"""

import numpy as np
import slicer

from PeritumoralRadiomics import PeritumoralRadiomicsLogic
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings

# A bright ball in noise stands for a tumour.
k, j, i = np.ogrid[:40, :60, :60]
ball = (2 * (k - 20)) ** 2 + (j - 30) ** 2 + (i - 30) ** 2 <= 12**2
scan = np.random.default_rng(0).normal(40, 10, ball.shape) + 30 * ball
volume = slicer.util.addVolumeFromArray(scan.astype(np.int16), np.diag([1, 1, 2, 1]), "Scan")
segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Segmentation")
segmentation.CreateDefaultDisplayNodes()
segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
tumour = segmentation.GetSegmentation().AddEmptySegment("Tumour", "Tumour", (0.9, 0.25, 0.25))
slicer.util.updateSegmentBinaryLabelmapFromArray(ball.astype(np.uint8), segmentation, tumour, volume)

logic = PeritumoralRadiomicsLogic()

# Three rings: from the border to 3, 6 and 9 mm.
rings = logic.createRings(segmentation, "Tumour", volume, RingSettings(outer_mm=(3, 6, 9)))

# Other settings replace them: bands of a sixth of the tumour's mean radius, in the plane of every slice.
adaptive = RingSettings(fractions=(1 / 6, 2 / 6, 3 / 6), layout="bands", plane="every_slice")
rings = logic.createRings(segmentation, "Tumour", volume, adaptive)

# Millimetres, voxels, millilitres, what is retained of each ring, and warnings.
quality = logic.qualityTable(segmentation, volume)
for row in range(quality.GetNumberOfRows()):
    print([quality.GetCellText(row, column) for column in (0, 3, 4, 6, 7, 8)])
