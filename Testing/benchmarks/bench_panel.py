"""How long the panel takes to open, and the ring preview on a large CT, in the stand-in of Slicer's window.

    python Testing/benchmarks/bench_panel.py [--size 512,512,300] [--repeat 5]

Both are given as wall time and processor time: on a busy machine only the second one tells. The aims are 0.5 s for
opening (import and setup) and 0.3 s for a preview.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in ("PeritumoralRadiomics", "RadiomicsStudy", "Testing/gui/slicer_stand_in"):
    sys.path.insert(0, str(ROOT / folder))

OPEN = "--open"
SPACING = (1.0, 1.0, 1.0)  # as in bench_rings.py
RADIUS_MM = 20.0


def timed(work: Callable[[], Any]) -> tuple[float, float]:
    """Return seconds of wall time and of processor time."""
    wall, processor = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - processor


def open_once() -> None:
    """Print how long import and setup take, in a process that holds what Slicer holds when it has started."""
    import slicer_window

    with slicer_window.window() as window:
        print(*timed(lambda: window.open_panel("PeritumoralRadiomics")))


def opening(repeat: int) -> list[tuple[float, float]]:
    """Return the times of opening, each in a fresh process."""
    found = []
    for _ in range(repeat):
        run = subprocess.run([sys.executable, __file__, OPEN], capture_output=True, text=True, check=True)
        wall, processor = run.stdout.split()[-2:]
        found.append((float(wall), float(processor)))
    return found


def preview(size: tuple[int, int, int], repeat: int) -> list[tuple[float, float]]:
    """Return the times of showing the outlines of three rings around a ball of 20 mm."""
    import numpy as np
    import slicer_window

    with slicer_window.window() as window:
        panel = window.open_panel("PeritumoralRadiomics")
        _large_case(np, size)
        panel.enter()
        panel._parameterNode.tumourSegment = "Tumour"
        found = []
        for number in range(repeat):
            panel._parameterNode.distancesMm = f"3, 6, {9 + 0.1 * number:g}"
            found.append(timed(panel.onPreview))
        print(f"volume {size}, tumour of {RADIUS_MM:g} mm: {panel.ui.previewLabel.text}")
    return found


def _large_case(np: Any, size: tuple[int, int, int]) -> None:
    import slicer
    import slicer.util

    voxels = np.zeros(size[::-1], np.int16)
    volume = slicer.util.addVolumeFromArray(voxels, np.diag([*SPACING, 1.0]), "Large CT")
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Large CT segmentation")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    segmentation.GetSegmentation().AddEmptySegment("Tumour", "Tumour")
    axes = np.ogrid[tuple(slice(0, n) for n in size[::-1])]
    steps = zip(axes, size[::-1], SPACING[::-1], strict=True)
    inside = sum(((axis - n / 2) * step) ** 2 for axis, n, step in steps) <= RADIUS_MM**2
    slicer.util.updateSegmentBinaryLabelmapFromArray(inside.astype(np.uint8), segmentation, "Tumour", volume)


def report(title: str, times: list[tuple[float, float]], aim: float) -> None:
    """Print the middle and the best of some times."""
    walls, processors = (sorted(column) for column in zip(*times, strict=True))
    middle = len(times) // 2
    print(
        f"{title}: wall {walls[middle]:.3f} s (best {walls[0]:.3f}), "
        f"processor {processors[middle]:.3f} s (best {processors[0]:.3f}); aim {aim} s"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(OPEN, dest="open_once", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--size", default="512,512,300", help="voxels of the volume, i,j,k")
    parser.add_argument("--repeat", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.open_once:
        open_once()
        sys.exit()
    i, j, k = (int(n) for n in arguments.size.split(","))
    report("opening the panel", opening(arguments.repeat), 0.5)
    report("ring preview", preview((i, j, k), arguments.repeat), 0.3)
