"""Make the PNG icons from their SVG drawings, and the thumbnail of the sample case from the sample case.

python Testing/tools/render_icons.py
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
ROOT = Path(__file__).resolve().parents[2]
for folder in ("PeritumoralRadiomics", "RadiomicsStudy"):
    sys.path.insert(0, str(ROOT / folder))

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from PySide6 import QtCore, QtGui, QtSvg  # noqa: E402

ICON_PIXELS = 128
THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT = 260, 280
THUMBNAIL_MM = 130
WINDOW = (-120, 220)
RING_MM = (3, 6, 9)


def render_svg(drawing: Path, *targets: Path) -> None:
    """Save a drawing as square PNG files."""
    renderer = QtSvg.QSvgRenderer(str(drawing))
    if not renderer.isValid():
        raise ValueError(f"{drawing} is no SVG drawing")
    image = QtGui.QImage(ICON_PIXELS, ICON_PIXELS, QtGui.QImage.Format.Format_ARGB32)
    image.fill(QtCore.Qt.GlobalColor.transparent)
    painter = QtGui.QPainter(image)
    renderer.render(painter)
    painter.end()
    for target in targets:
        image.save(str(target))
        print(target)


def sample_picture() -> np.ndarray:
    """Return the sample case around its tumour, rings as outlines, as (height, width, 3) bytes."""
    from PeritumoralRadiomicsLib.regions.growing import grow_regions
    from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings
    from RadiomicsCoreLib.figures.ring_palette import ring_colours
    from RadiomicsStudyLib.sample.sample_cohort import draw_person, scan_phases

    scan = scan_phases(draw_person(seed=1, index=3).traits, 1, 3, ("ct",))["ct"]
    regions = grow_regions(scan.tumour, RingSettings(outer_mm=RING_MM), organ=scan.organ).regions
    middle = np.argwhere(sitk.GetArrayViewFromImage(scan.tumour)).mean(axis=0)
    plane = _plane_around(scan.image, middle)
    grey = sitk.GetArrayFromImage(sitk.Resample(scan.image, plane, sitk.Transform(), sitk.sitkLinear, -1000.0))[0]
    scaled = np.clip((grey.astype(float) - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1) * 255
    picture = np.repeat(scaled[..., None], 3, axis=2).astype(np.uint8)
    names = [f"ring_0_{mm}mm" for mm in RING_MM]
    shown = [("intratumour", (0.84, 0.27, 0.25)), *zip(names, ring_colours(len(names)), strict=True)]
    for name, colour in shown:
        mask = sitk.Resample(regions[name].mask, plane, sitk.Transform(), sitk.sitkNearestNeighbor)
        line = sitk.GetArrayFromImage(sitk.LabelContour(mask))[0] != 0
        picture[line] = np.array(colour) * 255
    return picture


def _plane_around(image: sitk.Image, middle: np.ndarray) -> sitk.Image:
    """Return an empty axial plane of the thumbnail's size around an index (k, j, i)."""
    pixel = THUMBNAIL_MM / THUMBNAIL_WIDTH
    plane = sitk.Image(THUMBNAIL_WIDTH, THUMBNAIL_HEIGHT, 1, sitk.sitkUInt8)
    plane.SetSpacing((pixel, pixel, 1.0))
    centre = image.TransformContinuousIndexToPhysicalPoint([float(n) for n in middle[::-1]])
    half = (THUMBNAIL_WIDTH * pixel / 2, THUMBNAIL_HEIGHT * pixel / 2, 0.0)
    plane.SetOrigin([c - h for c, h in zip(centre, half, strict=True)])
    return plane


def save_picture(picture: np.ndarray, target: Path) -> None:
    """Save (height, width, 3) bytes."""
    height, width, _ = picture.shape
    data = np.ascontiguousarray(picture)
    QtGui.QImage(data.data, width, height, 3 * width, QtGui.QImage.Format.Format_RGB888).save(str(target))
    print(target)


if __name__ == "__main__":
    application = QtGui.QGuiApplication([])
    icons = ROOT / "PeritumoralRadiomics" / "Resources" / "Icons"
    render_svg(
        icons / "PeritumoralRadiomics.svg",
        icons / "PeritumoralRadiomics.png",
        ROOT / "Resources" / "PeritumoralRadiomics.png",
    )
    survival = ROOT / "SurvivalNomogram" / "Resources" / "Icons"
    render_svg(survival / "SurvivalNomogram.svg", survival / "SurvivalNomogram.png")
    deep = ROOT / "DeepRadiomicsFusion" / "Resources" / "Icons"
    render_svg(deep / "DeepRadiomicsFusion.svg", deep / "DeepRadiomicsFusion.png")
    save_picture(sample_picture(), icons / "PeritumoralSample.png")
