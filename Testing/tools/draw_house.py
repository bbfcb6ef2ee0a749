"""Draw the house: layers and rooms with their numbers of files, and which Lib imports which.

Run: ``python Testing/tools/draw_house.py``; it writes ``docs/house.png``. The rooms are read from the folders and the
arrows from the imports, so that the picture cannot say what is not so.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

ROOT = Path(__file__).resolve().parents[2]
MODULES = ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy")
# (left, bottom, width) of each Lib; a row is a layer.
PLACES = {
    "RadiomicsStudyLib": (0.0, 3, 4.4),
    "DeepFusionSlicerLib": (4.6, 3, 2.4),
    "SurvivalNomogramSlicerLib": (7.15, 3, 2.4),
    "PeritumoralSlicerLib": (9.7, 3, 2.3),
    "DeepRadiomicsFusionLib": (0.0, 2, 4.4),
    "SurvivalNomogramLib": (4.6, 2, 4.4),
    "RadiomicsSlicerLib": (9.2, 2, 2.8),
    "PeritumoralRadiomicsLib": (0.0, 1, 12.0),
    "RadiomicsCoreLib": (0.0, 0, 12.0),
}
COLOURS = {
    "RadiomicsStudyLib": "#e7dff2",
    "RadiomicsSlicerLib": "#dfe9f5",
    "PeritumoralSlicerLib": "#dfe9f5",
    "DeepFusionSlicerLib": "#dfe9f5",
    "SurvivalNomogramSlicerLib": "#dfe9f5",
    "DeepRadiomicsFusionLib": "#fbe3d6",
    "SurvivalNomogramLib": "#fdf0cf",
    "PeritumoralRadiomicsLib": "#dcefdd",
    "RadiomicsCoreLib": "#ececec",
}


def libraries() -> dict[str, Path]:
    """Name of each Lib to its folder."""
    return {folder.name: folder for module in MODULES for folder in sorted((ROOT / module).glob("*Lib"))}


def rooms(library: Path) -> dict[str, int]:
    """Room to its number of files, ``__init__`` aside; "" is the Lib's own folder."""
    folders = sorted({path.parent for path in library.rglob("*.py") if "__pycache__" not in path.parts})
    counts = {
        folder.relative_to(library).as_posix(): sum(path.name != "__init__.py" for path in folder.glob("*.py"))
        for folder in folders
    }
    own = counts.pop(".", 0)
    return counts | ({"": own} if own else {})


def imports(library: Path) -> set[str]:
    """Names of the Libs that a Lib imports."""
    found = set()
    for path in library.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
                found.add(node.module.split(".")[0])
    return found & set(PLACES) - {library.name}


def house_figure() -> Figure:
    """Draw the house."""
    figure = Figure(figsize=(14, 8.4))
    axes = figure.add_axes((0.02, 0.02, 0.96, 0.92))
    axes.set_xlim(-0.1, 12.1)
    axes.set_ylim(-0.05, 4.0)
    axes.axis("off")
    figure.suptitle("Layers and rooms: imports go down only; a room's number is that of its files", fontsize=12)
    for name, folder in libraries().items():
        _draw(axes, name, rooms(folder), imports(folder))
    return figure


def _draw(axes: Axes, name: str, found: dict[str, int], below: set[str]) -> None:
    left, bottom, width = PLACES[name]
    box = FancyBboxPatch(
        (left, bottom + 0.04), width, 0.86, boxstyle="round,pad=0,rounding_size=0.06", fc=COLOURS[name], ec="#666666"
    )
    axes.add_patch(box)
    axes.text(left + 0.12, bottom + 0.77, name, fontsize=10.5, weight="bold", va="center")
    told = ", ".join(sorted(word.removesuffix("Lib") for word in below)) or "nothing of ours"
    lines = textwrap.fill(f"imports {told}", int(20 * width))
    axes.text(left + 0.12, bottom + 0.09, lines, fontsize=6.5, va="bottom", color="#444444")
    words = [f"{room or 'itself'} {count}" for room, count in found.items()]
    _lines(axes, words, left + 0.12, bottom + 0.61, width - 0.24)


def _lines(axes: Axes, words: list[str], left: float, top: float, width: float) -> None:
    """Write words in as many lines as they need; 15 letters take one unit of width."""
    line, row = "", 0
    for word in [*words, None]:
        longer = f"{line}   {word}" if line else str(word)
        if word is not None and len(longer) <= 15 * width:
            line = longer
            continue
        axes.text(left, top - 0.11 * row, line, fontsize=8.5, va="center")
        line, row = str(word), row + 1


def main() -> int:
    """Write the picture."""
    house_figure().savefig(ROOT / "docs" / "house.png", dpi=130)
    return 0


if __name__ == "__main__":
    sys.exit(main())
