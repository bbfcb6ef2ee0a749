"""How long the panel takes to open, and for how long the ring preview holds up the window, in the stand-in of it.

    python Testing/benchmarks/bench_panel.py [--size 512,512,300] [--repeat 5]

Times are given as wall time and processor time: on a busy machine only the second one tells. The aims are 0.5 s for
opening (import and setup), and 0.1 s for the longest time that the window is held up after a change of the distances.
The preview is measured on a patient of the shared data, where it is there, and on a large volume with a large tumour.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
for folder in ("PeritumoralRadiomics", "RadiomicsStudy", "Testing/gui/slicer_stand_in", "Testing/tools"):
    sys.path.insert(0, str(ROOT / folder))

OPEN = "--open"
SPACING = (1.0, 1.0, 1.0)  # as in bench_rings.py


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


def longest_block(change: Callable[[], None], quiet_s: float = 3.0) -> tuple[float, float]:
    """Return the longest time that a change, and the events that follow it, hold up the window.

    Args:
        change: what the user does.
        quiet_s: the events are followed until the window has been free for so long.

    Returns:
        Seconds of wall time and of processor time.
    """
    import slicer_window

    longest = timed(change)
    free = time.monotonic()
    while time.monotonic() < free + quiet_s:
        block = timed(slicer_window.APPLICATION.processEvents)
        if block[0] > 0.005:
            free = time.monotonic()
        longest = (max(longest[0], block[0]), max(longest[1], block[1]))
        time.sleep(0.002)
    return longest


def previews(size: tuple[int, int, int], repeat: int) -> None:
    """Print the longest blocks of some inputs."""
    import slicer
    import slicer_window

    with slicer_window.window() as window:
        panel = window.open_panel("PeritumoralRadiomics")
        for title, load in (("STS_023", load_patient), (f"{size} with a tumour of 60 mm", lambda: load_large(size))):
            slicer.mrmlScene.Clear(0)
            if not load():
                print(f"{title} is not here")
                continue
            blocks = [longest_block(panel.enter)]
            panel._parameterNode.tumourSegment = "Tumour"
            for distances in ("3, 6, 9", "60", "200"):
                for number in range(repeat):
                    text = f"{distances}.{number + 1}"
                    blocks.append(longest_block(lambda text=text: setattr(panel.ui.distancesEdit, "text", text)))
                report(f"{title}, {distances} mm, longest block", blocks, 0.1)
                blocks = []
                print("   ", panel.ui.previewLabel.text.replace("\n", " | "))


def load_patient() -> bool:
    """Put a patient into the scene; False where the shared data are absent."""
    folder = Path(os.environ.get("PERITUMORAL_SHARED_DATA", ROOT.parent / "shared" / "data")) / "sts" / "STS_023"
    if not folder.is_dir():
        return False
    from render_slices import load_patient as load

    load(folder)
    return True


def load_large(size: tuple[int, int, int], radius_mm: float = 60.0) -> bool:
    """Put a large volume with a ball in it, and a segment around everything, into the scene."""
    import numpy as np
    import slicer
    import slicer.util

    voxels = np.zeros(size[::-1], np.int16)
    volume = slicer.util.addVolumeFromArray(voxels, np.diag([*SPACING, 1.0]), "Large CT")
    segmentation = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLSegmentationNode", "Large CT segmentation")
    segmentation.SetReferenceImageGeometryParameterFromVolumeNode(volume)
    axes = np.ogrid[tuple(slice(0, n) for n in size[::-1])]
    steps = zip(axes, size[::-1], SPACING[::-1], strict=True)
    inside = sum(((axis - n / 2) * step) ** 2 for axis, n, step in steps) <= radius_mm**2
    for name, mask in (("Tumour", inside), ("Body", np.ones(size[::-1], bool))):
        segmentation.GetSegmentation().AddEmptySegment(name, name)
        slicer.util.updateSegmentBinaryLabelmapFromArray(mask.astype(np.uint8), segmentation, name, volume)
    return True


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
    previews((i, j, k), arguments.repeat)
