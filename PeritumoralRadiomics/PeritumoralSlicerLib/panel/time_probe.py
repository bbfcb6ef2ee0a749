"""The time that a map will take, found out by another process: its question as a folder, its answer as a line.

Like the map itself, so that the window stays alive: with large neighbourhoods a sample of some voxels takes seconds.
Nothing here needs Slicer; :func:`main` runs in ``PythonSlicer``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from PeritumoralRadiomicsLib.jobs.job_folder import free_cores
from PeritumoralRadiomicsLib.maps.feature_maps import estimate_seconds
from RadiomicsCoreLib.errors import InputError, RadiomicsError
from RadiomicsCoreLib.files.tables import read_json, write_json

_QUESTION, _IMAGE, _MASK = "question.json", "image.mha", "mask.mha"
_START = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); "
    "from PeritumoralSlicerLib.panel.time_probe import main; sys.exit(main(sys.argv[1:]))"
)


def write_question(folder: Path, request: Any) -> None:
    """Write what the time is asked of.

    Args:
        folder: made if it is not there.
        request: a :class:`~PeritumoralSlicerLib.logic.maps.MapRequest`.

    Raises:
        InputError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sitk.WriteImage(request.image, str(folder / _IMAGE))
        sitk.WriteImage(request.mask, str(folder / _MASK))
    except (OSError, RuntimeError):
        raise InputError(f"{folder} cannot be written; check free space and permissions of {folder.parent}") from None
    asked = {"feature": request.feature, "kernel_radius": request.kernel_radius, "setting": request.setting}
    write_json(folder / _QUESTION, asked)


def probe_command(python: str, folder: Path) -> list[str]:
    """Return the words that start another Python on a question."""
    return [python, "-c", _START, str(Path(__file__).resolve().parents[1]), str(folder)]


def read_answer(line: str) -> float | None:
    """Return the seconds that a line of the process states; None for any other line.

    Example:
        >>> read_answer('{"seconds": 12.5}'), read_answer("something else")
        (12.5, None)
    """
    if not line.startswith('{"seconds"'):
        return None
    return float(json.loads(line)["seconds"])


def main(argv: Sequence[str]) -> int:
    """Answer the question in a folder with a line on standard output; 0 done, 1 failed."""
    folder = Path(argv[0])
    asked = read_json(folder / _QUESTION)
    try:
        seconds = estimate_seconds(
            sitk.ReadImage(str(folder / _IMAGE)),
            sitk.ReadImage(str(folder / _MASK)),
            [asked["feature"]],
            kernel_radius=asked["kernel_radius"],
            settings=asked["setting"],
            threads=free_cores(),
        )
    except RadiomicsError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")
    return 0
