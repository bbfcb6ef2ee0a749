"""Fuse radiomic and deep features: signatures, seven classifiers, nested cross-validation, a bundle.

Run: ``python Examples/05_fusion_from_two_tables.py RADIOMICS.csv DEEP.csv COHORT.csv ENDPOINT OUT``, after
``pip install peritumoral-radiomics[deep]``. The first two tables come from ``peritumoral extract`` and
``peritumoral deep-features``; the cohort table has case_id, the endpoint as 0 and 1 (empty where it is not known)
and possibly a column split with train and test.
"""

import sys
from pathlib import Path

from DeepRadiomicsFusionLib.jobs.apply import ApplyJob
from DeepRadiomicsFusionLib.jobs.fuse import FuseJob
from DeepRadiomicsFusionLib.models.cross_validation import CrossValidationSettings
from DeepRadiomicsFusionLib.models.selection_plan import SelectionSettings
from RadiomicsCoreLib.files.tables import read_csv


def tell(fraction: float, message: str) -> None:
    print(f"{fraction:4.0%} {message}")


def main(radiomics: Path, deep: Path, cohort: Path, endpoint: str, out: Path) -> None:
    tables = {"radiomics": radiomics, "deep": deep}
    job = FuseJob(
        cohort=cohort,
        endpoint=endpoint,
        features=tables,
        selection=SelectionSettings(correlation_below=0.9, selector="lasso", largest=10),
        cross_validation=CrossValidationSettings(folds=5, repeats=2),
        sweep=True,  # which ring size, and what choosing it is really worth
        workers=2,
    )
    done = job.run(out / "fusion", tell)
    print(*done.notes, sep="\n")
    models = read_csv(out / "fusion" / "models.csv")
    print(models[["model", "auc", "auc_lower", "auc_upper", "pooled_auc"]].to_string(index=False))
    # The bundle is a folder that can be sent to another hospital: it holds no code and checks what it is given.
    ApplyJob(bundle=out / "fusion" / "model", cohort=cohort, features=tables).run(out / "applied", tell)
    print(read_csv(out / "applied" / "predictions.csv").head().to_string(index=False))


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], Path(sys.argv[5]))
