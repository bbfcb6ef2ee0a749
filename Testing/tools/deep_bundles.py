"""Small bundles for tests, walks and pictures of the panel: networks with random weights, a fusion that reads tables.

Their answers mean nothing; their form is that of bundles of ``train`` and ``fuse``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from DeepRadiomicsFusionLib.models.classifier_bundle import ClassifierBundle, save_bundle
from DeepRadiomicsFusionLib.models.cross_validation import MeanOfModels
from DeepRadiomicsFusionLib.models.fusion import FusedModel, LogisticFusion
from DeepRadiomicsFusionLib.models.rad_score import RadScore
from DeepRadiomicsFusionLib.networks.network_bundle import Architecture, NetworkBundle, save_network_bundle
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput
from DeepRadiomicsFusionLib.settings.training_settings import Task
from DeepRadiomicsFusionLib.tables.feature_tables import FeatureTables
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from RadiomicsCoreLib.jobs.registry import job_from

RING = "ring_0_3mm"
ENDPOINTS = ("egfr", "alk")
FIRST_ORDER = {
    "name": "few",
    "feature_classes": {"firstorder": ["Mean", "Entropy"]},
    "image_types": {"Original": {}},
    "setting": {"binWidth": 25},
}


def network_model(folder: Path, **changes: Any) -> Path:
    """Write a network of two end points that sees a ring of 3 mm, with a threshold for the first only."""
    architecture = Architecture("efficientnet_lite0", out_features=len(ENDPOINTS))
    values: dict[str, Any] = {
        "architecture": architecture,
        "task": Task.CLASSIFICATION,
        "outputs": ENDPOINTS,
        "phase": "ct",
        "input": NetworkInput("resized_slice", region=RING, size=64, masked=True),
        "rings": RingSettings(outer_mm=(3,)),
        "thresholds": {ENDPOINTS[0]: 0.5},
        "provenance": {"training_cases": ["a", "b", "c"]},
    }
    values |= changes
    network = values["architecture"].build(seed=3).eval()
    save_network_bundle(NetworkBundle(network=network, **values), folder)
    return folder


class _DrawsAll(Architecture):
    """A U-Net whose last layer prefers the second label everywhere."""

    def build(self, **given: Any) -> Any:
        network = super().build(**given)
        last: Any = [module for module in network.modules() if getattr(module, "bias", None) is not None][-1]
        last.bias.data[1] = 100.0
        return network


def mask_model(folder: Path) -> Path:
    """Write a small U-Net that draws on whole slices, and so needs no mask; it draws the whole of them."""
    return network_model(
        folder,
        architecture=_DrawsAll("unet", out_features=2, width=4),
        task=Task.SEGMENTATION,
        outputs=("background", "tumour"),
        input=NetworkInput("full_slice", size=64, masked=False),
        rings=RingSettings(),
        thresholds={},
    )


def fused_model(folder: Path, cohort: Path) -> Path:
    """Write a fusion of radiomic features of tumour and ring, as two folds made it, for patients like those of a table.

    Args:
        folder: of the bundle.
        cohort: table of a patient or more, whose features it is fitted around.
    """
    values = {"verb": "extract", "cohort": str(cohort), "measure": {"full": FIRST_ORDER}, "rings": {"outer_mm": [3]}}
    job_from({**values, "overlays": False, "workers": 1}).run(folder.parent / "extracted")
    tables = FeatureTables.read({"radiomics": folder.parent / "extracted" / "features.csv"})
    mean = {name: float(tables.table[name].mean()) for name in tables.table.columns}
    folds = MeanOfModels((_fold(mean, 1.0), _fold(mean, 0.6)))
    provenance = {"cases": 40, "training_cases": ["someone else"]}
    save_bundle(ClassifierBundle(folds, "recurrence", 0.4, tables.record, {}, {}, provenance), folder)
    return folder


def _fold(mean: Mapping[str, float], strength: float) -> FusedModel:
    signatures = {
        f"{region}.signature": _score({name: value for name, value in mean.items() if f".{region}." in name}, strength)
        for region in ("intratumour", RING)
    }
    fusion = LogisticFusion(tuple(signatures), np.array([1.5, 2.5]), -1.5 * strength, np.ones(2), False)
    return FusedModel(signatures, fusion)


def _score(mean: Mapping[str, float], strength: float) -> RadScore:
    names, centre = tuple(mean), np.array(list(mean.values()))
    scale = 0.2 * np.abs(centre) + 1.0
    weights = strength / scale * np.array([1.0, -0.5])
    return RadScore(names, weights, float(-(weights @ (1.05 * centre))), centre, scale, 0.1)
