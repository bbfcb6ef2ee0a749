"""What the panel does by itself runs with the packages that Slicer brings: no other one can be imported here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Bundled with Slicer 5.10 to 5.13, and our own.
BUNDLED = ("numpy", "scipy", "SimpleITK", "vtk", "vtkmodules", "pydicom", "requests", "packaging", "pip", "setuptools")
SCRIPT = """
import importlib.abc, json, sys
sys.path[:0] = json.loads(sys.argv[1])
allowed = set(json.loads(sys.argv[2]))
import slicer_core_app
slicer_core_app.bring_up()

class Block(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.split(".")[0]
        ours = top.startswith(("Peritumoral", "Radiomics", "slicer", "_"))
        if top not in allowed and not ours and top not in sys.stdlib_module_names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Block())
import PeritumoralRadiomics as module
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
from PeritumoralSlicerLib.logic.sample_case import load_sample
volume, segmentation = load_sample(module._sampleScan)
logic = module.PeritumoralRadiomicsLogic()
rings = logic.createRings(segmentation, "Tumour", volume, RingSettings(outer_mm=(3, 6)), organSegment="Liver")
table = logic.extract(segmentation, None, volume)
# The same work as jobs, as another process does it.
from RadiomicsCoreLib.jobs.process import run_with_lines
job = logic.exportJob(sys.argv[3] + "/job", segmentation, None, volume)
assert run_with_lines(job.folder / "job.yaml", job.out, lambda line: None) == 0
request = logic.requestMap(volume, segmentation, "Tumour", "firstorder_Range", 1)
asked = logic.exportMapJob(sys.argv[3] + "/map", request, volume, segmentation)
lines = []
assert run_with_lines(asked.folder / "job.yaml", asked.out, lines.append) == 0
print(json.dumps({
    "rings": rings,
    "quality": logic.qualityTable(segmentation, volume).GetNumberOfRows(),
    "features": [table.GetNumberOfRows(), table.GetNumberOfColumns()],
    "chart": logic.distanceChart(table, "original_firstorder_Mean").GetTitle(),
    "map": logic.featureMap(volume, segmentation, "Tumour", "firstorder_Range", 1).GetName(),
    "job": logic.importResult(job).GetNumberOfRows(),
    "seconds": json.loads(lines[0])["seconds_left"] > 0,
}))
"""


@pytest.mark.slow
def test_sample_rings_features_chart_and_map_need_no_other_package(tmp_path):
    folders = [str(ROOT / name) for name in ("PeritumoralRadiomics", "RadiomicsStudy", "Testing/tools")]
    words = [sys.executable, "-c", SCRIPT, json.dumps(folders), json.dumps(BUNDLED), str(tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == {
        "rings": ["Tumour_ring_0_3mm", "Tumour_ring_0_6mm"],
        "quality": 3,
        "features": [107, 4],
        "chart": "original_firstorder_Mean",
        "map": "firstorder_Range of Tumour",
        "job": 107,
        "seconds": True,
    }
