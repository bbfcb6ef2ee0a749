"""Make the sample of the module SurvivalNomogram: patients with measured features, a model of them, small figures.

    python Testing/tools/make_survival_sample.py          fit the model anew on the patients that are there
    python Testing/tools/make_survival_sample.py 120      measure so many patients anew first (some seconds each)

The patients are those of ``RadiomicsStudyLib.sample`` with seed 1. Their features are those that the panel
PeritumoralRadiomics measures with its preset of wu2021 on rings of 3, 6 and 9 mm inside the liver: patient 3 is the
sample case of that module. ``Testing/unit/survival/test_survival_sample.py`` measures one of them again.
"""

from __future__ import annotations

import csv
import io
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in ("PeritumoralRadiomics", "SurvivalNomogram", "RadiomicsStudy"):
    sys.path.insert(0, str(ROOT / folder))

from RadiomicsStudyLib.sample.sample_cohort import STAGES, draw_person, scan_phases  # noqa: E402

SAMPLE = ROOT / "SurvivalNomogram" / "Resources" / "Sample"
SEED = 1
RING_MM = (3, 6, 9)
FEATURES = {
    "intratumour": ("original_shape_Sphericity", "original_firstorder_Entropy"),
    "ring_0_3mm": ("original_glcm_JointEntropy",),
    "ring_0_6mm": ("original_firstorder_Entropy", "original_glcm_JointEntropy"),
}
COVARIATES = ("age", "sex", "stage", "ct.ring_0_6mm.original_glcm_JointEntropy")
FIGURES = (
    "nomogram",
    "kaplan_meier_test",
    "kaplan_meier_train_out_of_fold",
    "risk_by_outcome",
    "schoenfeld",
    "calibration_test",
    "calibration_train",
    "roc_test",
    "decision_curve_test_1095",
    "decision_curve_train_1095",
    "forest_test",
)
FIGURE_WIDTH, COLOURS = 1000, 32
"""Of the figures that come with the module, pixels; so many colours are enough for lines."""
DIGITS = 6


def measured(index: int) -> dict[str, Any]:
    """Return the row of a patient."""
    from PeritumoralRadiomicsLib.engines.extraction import extract_features
    from PeritumoralRadiomicsLib.regions.growing import grow_regions
    from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
    from PeritumoralRadiomicsLib.settings.presets import preset

    person = draw_person(SEED, index)
    scan = scan_phases(person.traits, SEED, index, ("ct",))["ct"]
    regions = grow_regions(scan.tumour, RingSettings(outer_mm=RING_MM), organ=scan.organ).regions
    classes: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(name for names in FEATURES.values() for name in names):
        _image, kind, feature = name.split("_")
        classes[kind] = (*classes.get(kind, ()), feature)
    settings = replace(preset("wu2021"), feature_classes=classes)
    found = extract_features(scan.image, {name: regions[name].mask for name in FEATURES}, settings).features
    row: dict[str, Any] = {
        "case_id": f"sample_{index:03d}",
        "split": "test" if index % 3 == 2 else "train",
        "age": person.age,
        "sex": person.sex,
        "stage": STAGES[person.stage],
        "recurrence": person.recurrence,
        "follow_up_days": person.follow_up_days,
        "death": person.death,
    }
    for region, names in FEATURES.items():
        row |= {f"ct.{region}.{name}": f"{found[region][name]:.{DIGITS}g}" for name in names}
    return row


def write_patients(count: int) -> None:
    """Measure patients and write their table."""
    rows = [measured(index) for index in range(count)]
    with (SAMPLE / "sample_patients.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def fit(out: Path) -> None:
    """Fit and validate the model of the sample."""
    from SurvivalNomogramLib.jobs.cox import CoxJob
    from SurvivalNomogramLib.jobs.validate import ValidateJob

    cohort = str(SAMPLE / "sample_patients.csv")
    CoxJob.from_dict(
        {
            "cohort": cohort,
            "time": "follow_up_days",
            "event": "death",
            "covariates": list(COVARIATES),
            "columns": {"missing": "median"},
            "horizons": [365, 1095],
            "formats": ["png"],
        }
    ).run(out / "cox")
    ValidateJob.from_dict(
        {"cohort": cohort, "bundle": str(out / "cox" / "model"), "subgroups": ["sex", "stage"], "formats": ["png"]}
    ).run(out / "validation")


def keep(out: Path) -> None:
    """Keep what the module shows: tables, the bundle, and small pictures; no record of this machine."""
    for name in ("cox", "validation"):
        target = SAMPLE / name
        shutil.rmtree(target, ignore_errors=True)
        (target / "figures").mkdir(parents=True)
        for path in (out / name).glob("*.csv"):
            shutil.copy(path, target)
        for path in (out / name / "figures").glob("*.png"):
            if path.stem in FIGURES:
                (target / "figures" / path.name).write_bytes(small_picture(path))
    (SAMPLE / "cox" / "model").mkdir()
    shutil.copy(out / "cox" / "model" / "model.json", SAMPLE / "cox" / "model")


def small_picture(path: Path) -> bytes:
    """Return a PNG with few pixels and few colours."""
    from PIL import Image

    picture = Image.open(path).convert("RGB")
    height = round(picture.height * FIGURE_WIDTH / picture.width)
    small = picture.resize((FIGURE_WIDTH, height), Image.Resampling.LANCZOS)
    stream = io.BytesIO()
    small.quantize(COLOURS).save(stream, "PNG", optimize=True)
    return stream.getvalue()


def main(words: list[str]) -> int:
    """Make the sample."""
    SAMPLE.mkdir(parents=True, exist_ok=True)
    if words:
        write_patients(int(words[0]))
    with tempfile.TemporaryDirectory() as folder:
        fit(Path(folder))
        keep(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
