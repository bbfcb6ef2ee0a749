"""The published recipes in a small form: same stages, a few patients, an epoch or two, networks from random weights.

python Testing/tools/small_recipes.py liu2025 FOLDER        makes sample patients and runs the recipe on them
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class SmallStudy:
    """A recipe in small.

    Attributes:
        phases: of the sample patients.
        patients: how many.
        values: changes of the recipe.
    """

    phases: Sequence[str]
    patients: int
    values: Mapping[str, Any]


SMALL: Mapping[str, SmallStudy] = {
    "wu2021": SmallStudy(
        ("ct",),
        24,
        {
            "rings": [3, 6],
            "adaptive": [0.33333333],
            "regions": ["intratumour", "ring_0_3mm", "ring_0_6mm", "ring_r2", "intra_ring_0_3mm"],
            "network_regions": ["intratumour", "ring_0_3mm"],
            "fused_regions": ["intratumour"],
            "shown_cases": ["sample_001"],
            "networks": [],
            "pretrained": [],
            "size": 32,
            "epochs": 1,
            "folds": 2,
            "sweep_folds": 2,
            "sweep_repeats": 1,
        },
    ),
    "song2021": SmallStudy(
        ("arterial", "venous"), 26, {"size": 32, "width": 2, "epochs": 1, "folds": 2, "difference_p": 0.5}
    ),
    "yang2023": SmallStudy(
        ("arterial", "venous"),
        24,
        {
            "weights": "random",
            "architecture": "resnet18",
            "box_mm": 32,
            "folds": 3,
            "bootstrap": 2,
            "horizons": [400],
            "clinical": ["age", "sex"],
            "combined": ["age"],
        },
    ),
    "zhang2024": SmallStudy(
        ("ct",),
        18,
        {
            "preset": "wu2021",
            "endpoints": ["recurrence"],
            "architecture": "resnet18",
            "weights": "random",
            "patch": 64,
            "epochs": 1,
            "score_folds": 2,
            "network_folds": 2,
            "classifiers": ["lr", "lda"],
            "folds": 2,
            "repeats": 1,
            "shown_cases": ["sample_001"],
            "backbones": ["resnet18"],
            "backbone_regions": ["ring_0_3mm"],
        },
    ),
    "liu2025": SmallStudy(
        ("ct",),
        20,
        {
            "preset": "wu2021",
            "rings": [3, 6],
            "box": 16,
            "epochs": 1,
            "network_folds": 2,
            "folds": 3,
            "univariable_p": 1.0,
            "share": 0.4,
            "bootstrap": 2,
            "horizons": [400],
            "subgroups": ["sex"],
            "cuts": {},
        },
    ),
}


def small_job(name: str, cohort: Path, **more: Any) -> dict[str, Any]:
    """Return the plain values of a small study's job."""
    study = SMALL[name]
    common = {"workers": 1, "formats": ["png"], "device": "cpu", "seed": 1}
    return {"verb": "study", "recipe": name, "cohort": str(cohort), "values": dict(study.values), **common, **more}


def main(name: str, folder: Path) -> int:
    """Make the patients, run the recipe, and say how its stages ended."""
    sys.path[:0] = [str(ROOT / m) for m in ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram")]
    sys.path.insert(0, str(ROOT / "RadiomicsStudy"))
    from RadiomicsCoreLib.jobs.registry import job_from
    from RadiomicsStudyLib.sample.sample_cohort import make_sample_cohort
    from RadiomicsStudyLib.study_run.layout import read_stages

    study = SMALL[name]
    cohort = folder / "cohort" / "cohort.csv"
    if not cohort.is_file():  # its images keep their times, so that a second run finds the first one's stages
        make_sample_cohort(cohort.parent, patients=study.patients, seed=1, phases=study.phases)
    job_from(small_job(name, cohort)).run(folder / "out")
    for row in read_stages(folder / "out"):
        print(f"{row.name:32} {row.state:8} {row.seconds:7.1f} s  {row.why}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
