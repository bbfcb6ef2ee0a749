"""Write docs/ibsi.md: every IBSI 1 reference value that the feature set covers, and ours.

    python Testing/reference/make_ibsi_table.py DATA docs/ibsi.md

DATA is the folder that holds ``ibsi1`` (see Testing/conftest.py).
"""

from __future__ import annotations

import importlib.util
import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "PeritumoralRadiomics"), str(ROOT / "Testing" / "tools")]

from ibsi_reference import CONFIGURATIONS, covered_values  # noqa: E402

_SPEC = importlib.util.spec_from_file_location(
    "test_ibsi", ROOT / "Testing" / "unit" / "peritumoral" / "test_ibsi_reference.py"
)
assert _SPEC is not None and _SPEC.loader is not None
test_ibsi = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(test_ibsi)

NOT_COVERED = {
    "img": "facts about the image, not features",
    "vox": "facts about the image, not features",
    "mean": "facts about the image, not features",
    "min": "facts about the image, not features",
    "max": "facts about the image, not features",
    "int": "facts about the intensity mask, not features (voxel counts are tested)",
    "morph": "pyradiomics has no asphericity, centre of mass shift, volume and area densities, integrated "
    "intensity, Moran's I and Geary's C",
    "loc": "pyradiomics has no local intensity features",
    "stat": "pyradiomics has no median absolute deviation, coefficient of variation and quartile coefficient",
    "ih": "the same three, the mode and the gradients of the histogram",
    "ivh": "pyradiomics has no intensity-volume histogram features",
    "dzm": "pyradiomics has no distance zone matrix",
    "ngl": "pyradiomics has no dependence count energy",
}
HEAD = """# IBSI 1 reference values

The IBSI profile (`profile="ibsi"`) of the native engine on the phantoms of the Image Biomarker
Standardisation Initiative (Zwanenburg et al. 2020, doi 10.1148/radiol.2020191145): every reference value that
the feature set covers. Within tolerance means: no farther from the reference value than its tolerance, plus
half a unit of the third significant digit to which the references are rounded. This file is made by
`Testing/reference/make_ibsi_table.py`; `Testing/unit/peritumoral/test_ibsi_reference.py` holds it.

`2D`: each slice by itself, then the mean; `2_5D`: the slices' matrices merged (`force2D`); `3D`; `avg`: mean over
the directions; `comb`: the directions' matrices merged (`weightingNorm: no_weighting`). `ih` are the statistics
of the grey levels.
"""


def write(data: Path, target: Path) -> None:
    tables, summary = [], ["| configuration | covered | within tolerance |", "|---|---|---|"]
    for name, configuration in CONFIGURATIONS.items():
        values = covered_values(*test_ibsi.read_phantom(data, name), configuration)
        reference = test_ibsi.read_reference(data, name)
        rows, within = [], 0
        for tag, value in values.items():
            expected, tolerance = reference[tag]
            close = abs(value - expected) <= tolerance + test_ibsi.half_of_last_digit(expected) * (1 + 1e-9)
            within += close
            rows.append(f"| {tag} | {expected:g} | {tolerance:g} | {value:.6g} | {'yes' if close else '**no**'} |")
        missing = Counter(tag.split("_")[0] for tag in reference if tag not in values)
        summary.append(f"| {name} | {len(values)} of {len(reference)} | {within} |")
        tables += [f"\n## {name}\n", "| tag | reference | tolerance | ours | within |", "|---|---|---|---|---|", *rows]
        tables.append("\nNot covered: " + ", ".join(f"{count} `{group}`" for group, count in missing.items()) + ".")
    reasons = [f"- `{group}`: {reason}." for group, reason in NOT_COVERED.items()]
    why = ["\nTags without a consensus value are left out. What is not covered, and why:\n", *reasons]
    target.write_text("\n".join([HEAD, *summary, *why, *tables]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))
