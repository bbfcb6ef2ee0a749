"""Draw every kind of figure with crowded input: ``python Testing/tools/render_gallery.py FOLDER [NAME ...]``.

Look at all of them after a change of a figure; ``test_gallery.py`` checks what a program can see.
"""

from __future__ import annotations

import logging
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for module in ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy"):
    sys.path.insert(0, str(ROOT / module))

from gallery import GALLERY  # noqa: E402

from RadiomicsCoreLib.figures.style import save_figure  # noqa: E402

LOG = logging.getLogger("render_gallery")


def main(folder: Path, names: list[str]) -> None:
    """Write ``<name>.png`` of every figure, or of those named."""
    folder.mkdir(parents=True, exist_ok=True)
    for draw in GALLERY:
        if not names or draw.__name__ in names:
            started = time.monotonic()
            save_figure(draw(), folder / draw.__name__, ["png"])
            LOG.info("%s, %.1f s", draw.__name__, time.monotonic() - started)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    main(Path(sys.argv[1]), sys.argv[2:])
