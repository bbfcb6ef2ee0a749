"""Draw wu2021's chart of both families: ``python Testing/tools/render_ring_sweep.py [FILE.png] [PATIENTS]``.

Radiomics (first order, GLCM) and deep features (EfficientNet-Lite0, ImageNet weights, channels of its ninth block) of
the sample cohort's tumours, rings of 3, 6 and 9 mm and unions; a RadScore for each, cross-validated. The cohort's
outcome hangs on a texture that is planted in the 0 to 3 mm rim, so the chart has a known truth. 80 patients take
about two minutes on one core.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
for module in ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy"):
    sys.path.insert(0, str(ROOT / module))

from DeepRadiomicsFusionLib.deep_features.computing import compute_deep_features  # noqa: E402
from DeepRadiomicsFusionLib.evaluation.figures import sweep_figure  # noqa: E402
from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings  # noqa: E402
from DeepRadiomicsFusionLib.models.rad_score import RadScoreLearner  # noqa: E402
from DeepRadiomicsFusionLib.models.ring_sweep import RingSweep, ring_sweep, sweep_sources  # noqa: E402
from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings, Selector  # noqa: E402
from DeepRadiomicsFusionLib.networks.catalogue import build_network  # noqa: E402
from DeepRadiomicsFusionLib.networks.weights import load_imagenet  # noqa: E402
from DeepRadiomicsFusionLib.settings.deep_feature_settings import DeepFeatureSettings  # noqa: E402
from DeepRadiomicsFusionLib.settings.input_settings import NetworkInput  # noqa: E402
from DeepRadiomicsFusionLib.tables.samples import Samples, make_samples  # noqa: E402
from PeritumoralRadiomicsLib.engines.extraction import extract_features  # noqa: E402
from PeritumoralRadiomicsLib.regions.growing import grow_regions  # noqa: E402
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings  # noqa: E402
from PeritumoralRadiomicsLib.settings.extraction_settings import ExtractionSettings  # noqa: E402
from RadiomicsStudyLib.sample.sample_cohort import draw_person, scan_phases  # noqa: E402

LOG = logging.getLogger("render_ring_sweep")
SEED = 1
NETWORK = "efficientnet_lite0"
RADIOMICS = ExtractionSettings(feature_classes={"firstorder": None, "glcm": None}, setting={"binWidth": 25})
DEEP = DeepFeatureSettings(
    layer="_blocks.8", input=NetworkInput("patch", size=64, masked=True, slices="all"), batch_size=32
)


def two_families(patients: int, rings: tuple[float, ...]) -> Samples:
    """Features of both families, of the tumour, every ring and every union; the outcome is the recurrence."""
    network = build_network(NETWORK, seed=0)
    load_imagenet(network, NETWORK)
    rows, outcome = {}, []
    for index in range(patients):
        person = draw_person(SEED, index)
        scan = scan_phases(person.traits, SEED, index, ("ct",))["ct"]
        settings = RingSettings(outer_mm=rings, union=True)
        regions = grow_regions(scan.tumour, settings, image=scan.image, organ=scan.organ)
        masks = {name: region.mask for name, region in regions.regions.items()}
        radiomics = extract_features(scan.image, masks, RADIOMICS, engine="native").features
        deep = compute_deep_features(network, NETWORK, scan.image, masks, DEEP)
        rows[f"sample_{index:03d}"] = {
            f"ct.{region}.{name}": value for region, found in radiomics.items() for name, value in found.items()
        } | deep.named("ct", NETWORK)
        outcome.append(person.recurrence)
        LOG.info("patient %d of %d", index + 1, patients)
    return make_samples(pd.DataFrame.from_dict(rows, orient="index"), np.array(outcome))


def sweep_of(samples: Samples, repeats: int = 2) -> RingSweep:
    """Both families, every region; the size also chosen inside the folds."""
    plan = SelectionSettings(correlation_below=0.9, selector=Selector.NONE).plan()
    return ring_sweep(
        samples,
        sweep_sources(samples.table.columns),
        RadScoreLearner(plan),
        CrossValidationSettings(5, repeats),
        inner_folds=3,
        progress=lambda fraction, message: LOG.info("%3.0f %% %s", 100 * fraction, message),
    )


def main(target: Path, patients: int) -> None:
    """Draw the chart and say its figures."""
    sweep = sweep_of(two_families(patients, (3.0, 6.0, 9.0)))
    figure = sweep_figure(sweep, "sample cohort")
    target.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(target, dpi=110)
    columns = ["family", "region", "auc", "auc_lower", "auc_upper"]
    LOG.info(sweep.table()[columns].round(3).to_string(index=False))
    for choice in sweep.honest:
        LOG.info(choice.summary)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures" / "ring_sweep.png",
        int(sys.argv[2]) if len(sys.argv) > 2 else 80,
    )
