"""Walk through our panels in the real 3D Slicer: press buttons, check what happens, take a picture of each step.

    Slicer --no-splash --additional-module-paths FOLDERS --python-script walk_in_slicer.py OUT [MODULE ...]

FOLDERS are our module folders, all paths absolute; without them the installed extension is walked. OUT gets pictures
and ``walk.txt``: a line a check ("ok" or "FAILED") and a line a part with the longest time that the window stood still.
Every module of ours that Slicer has loaded is walked, or those that are named; a module that has no walk is a failed
check. With ``PERITUMORAL_SHARED_DATA``, or the shared data beside this repository, a real patient is walked, too.

The exit code is 0 if all went as expected, 1 if a check failed, 2 if a walk could not go on. A broken panel ends the
walk within a minute, and a window that hangs is ended (``hung.txt`` says where). ``Testing/gui/test_walk_in_slicer.py``
walks in the stand-in.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import slicer
import slicer.util
from slicer_walk.modules import WALKS, modules_here, panel_of, walk_of
from slicer_walk.views import have_room
from slicer_walk.walk import PATIENCE_S, Walk, WalkEnded

WINDOW = (1600, 1000)


def walk_through(modules: Sequence[str], folder: Path, grab: Callable[[str], Any], *, end_if_hung: bool = False) -> int:
    """Walk through modules, each on an empty scene, and return the exit code.

    Args:
        modules: their names.
        folder: for the pictures and ``walk.txt``.
        grab: saves a picture of the window to a path.
        end_if_hung: end the process if the window hangs.
    """
    broken = False
    with Walk(folder, grab, end_if_hung=end_if_hung) as step:
        step.check("there is a module to walk through", modules)
        step.check("the views have room", step.waited(have_room, PATIENCE_S))
        for module in modules:
            if step.check(f"there is a walk through {module}", module in WALKS):
                broken = not _walked(module, step) or broken
        step.note(f"{len(step.failed)} findings")
    return 2 if broken else 1 if step.failed else 0


def _walked(module: str, step: Walk) -> bool:
    """Walk through a module; return whether the walk came to its end."""
    slicer.mrmlScene.Clear(0)
    try:
        with step.part(f"open {module}"):
            slicer.util.selectModule(module)
        walk_of(module)(panel_of(module), step)
    except WalkEnded as error:
        step.note(f"ENDED  {error}")
        return False
    except Exception:  # Slicer would go on running after an exception in its script
        step.failed.append(module)
        step.note(f"BROKEN {traceback.format_exc()}")
        return False
    return True


def main(words: list[str]) -> int:
    """Walk in the application, and return the exit code."""
    window = slicer.util.mainWindow()
    window.resize(*WINDOW)
    slicer.app.processEvents()
    modules = words[1:] or modules_here()
    folder = Path(words[0] if words else "walk")
    return walk_through(modules, folder, lambda path: window.grab().save(path), end_if_hung=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
