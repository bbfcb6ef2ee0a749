"""A network and its deep features beside the scan, in Slicer's Python console.

Paste this into the console (View > Python Console) after ``01_rings_in_the_console.py``, whose nodes it works on, or
name your own. It needs PyTorch (the extension PyTorch) and the packages of
``DeepRadiomicsFusion/Resources/requirements.txt``; the panel asks for them at its buttons.
"""

import tempfile
from pathlib import Path

import slicer

from DeepRadiomicsFusion import DeepRadiomicsFusionLogic
from DeepRadiomicsFusionLib.networks.network_bundle import Architecture, NetworkBundle, save_network_bundle
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput
from DeepRadiomicsFusionLib.settings.training_settings import Task
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsSlicerLib.tables import table_columns

volume = slicer.util.getNode("Scan")
segmentation = slicer.util.getNode("Segmentation")
deep = DeepRadiomicsFusionLogic()
print(deep.weights("efficientnet_lite0"))

# 1280 numbers of the tumour and of the ring, one row a feature, one column a region.
features = deep.deepFeatures(volume, segmentation, "Tumour", ringsMm="3", regions=["intratumour", "ring_0_3mm"])
print(features.GetNumberOfRows(), "features")

# A model for the example, with random weights; yours is a folder that train or fuse wrote.
shown = NetworkInput("resized_slice", region="ring_0_3mm", size=64, masked=True)
architecture = Architecture("efficientnet_lite0")
made = NetworkBundle(
    architecture, architecture.build(), Task.CLASSIFICATION, ("relapse",), "ct", shown, RingSettings(outer_mm=(3,))
)
model = Path(tempfile.mkdtemp()) / "model"
save_network_bundle(made, model)

# What it is, its answer for this patient, and a map of what decided it, as an overlay.
print(deep.card(model).words)
answer = deep.apply(model, volume, segmentation, "Tumour")
print(dict(zip(table_columns(answer)["output"], table_columns(answer)["value"], strict=True)))
decided_by = deep.explain(model, volume, segmentation, "Tumour", kind="input_gradient")
print(decided_by.GetName())
