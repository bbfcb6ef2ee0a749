"""A map of a texture feature over the scan, in Slicer's Python console.

Run ``01_rings_in_the_console.py`` first: it makes the scan and the segmentation; or name your own nodes.
"""

import slicer

from PeritumoralRadiomics import PeritumoralRadiomicsLogic
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsSlicerLib.layouts import show_map

volume = slicer.util.getNode("Scan")
segmentation = slicer.util.getNode("Segmentation")
logic = PeritumoralRadiomicsLogic()
(ring,) = logic.createRings(segmentation, "Tumour", volume, RingSettings(outer_mm=(4,)))

# How long will it take?
request = logic.requestMap(volume, segmentation, ring, "glcm_Contrast", kernelRadius=1)
print(f"about {request.seconds():.1f} s")

# The feature of each voxel's neighbourhood inside the ring.
contrast = logic.featureMap(volume, segmentation, ring, "glcm_Contrast", kernelRadius=1)

# Over the scan with its legend, if there is a window.
show_map(contrast, 0.7, volume)
