"""One picture of a case: the largest tumour slice with tumour and rings as contours and a scale bar."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.files.safe_names import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TUMOUR_COLOUR = "#ff4d4d"
RIM_COLOUR = "#ff9ecb"
_MARGIN_MM = 15.0
_SCALE_BAR_STEPS_MM = (1, 2, 5, 10, 20, 50, 100)
_PANEL_INCHES = 4.6
_TEXT_INCHES = 1.2
_OUTLINE_STEPS = 8


@dataclass(frozen=True)
class OverlayPanel:
    """What one panel of the picture shows.

    Attributes:
        title: text above the panel, for example the phase.
        image: 3D image, whole or a crop around the regions.
        regions: name to UInt8 mask, on the image's grid or an aligned crop; ``intratumour`` comes first.
        window: lowest and highest intensity shown; None: 1st and 99th percentile of what is shown.
    """

    title: str
    image: sitk.Image
    regions: Mapping[str, sitk.Image]
    window: tuple[float, float] | None = None


def overlay_figure(panels: Sequence[OverlayPanel], title: str = "") -> Figure:
    """Draw the panels side by side, each at its own largest tumour slice, in radiological orientation.

    The patient's right is at the left of the picture and anterior at the top, for axial images.

    Args:
        panels: one for each phase.
        title: text above all panels, for example the case id.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    from matplotlib.figure import Figure

    slices = [_largest_slice_of(panel) for panel in panels]
    tallest = max((each.height_to_width for each in slices), default=1.0)
    size = (_PANEL_INCHES * max(1, len(panels)), _PANEL_INCHES * tallest + _TEXT_INCHES)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    axes = figure.subplots(1, max(1, len(panels)), squeeze=False)[0]
    for axis, panel, shown in zip(axes, panels, slices, strict=False):
        _draw_panel(axis, panel, shown)
    if title:
        figure.suptitle(one_line(title), fontsize=11, parse_math=False)  # an id may hold dollar signs
    return figure


def save_overlay(path: Path, panels: Sequence[OverlayPanel], title: str = "") -> None:
    """Write the picture as PNG. See :func:`overlay_figure`."""
    with warnings.catch_warnings():
        # An id in letters that the font lacks becomes boxes in the picture; the folder still has its name.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        overlay_figure(panels, title).savefig(path, dpi=130, format="png")


def ring_colours(count: int) -> list[str]:
    """Return the graded colours of rings, from the tumour border outwards.

    Example:
        >>> len(ring_colours(3))
        3
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    # viridis from yellow to blue: distinguishable in grey print and for colour-blind readers
    return [to_hex(colormaps["viridis"](position)) for position in np.linspace(0.95, 0.35, max(1, count))]


@dataclass(frozen=True)
class _Slice:
    """What is drawn of a panel: the picture (rows, columns), the masks on it, and its pixels in mm."""

    picture: np.ndarray
    masks: dict[str, np.ndarray]
    row_mm: float
    column_mm: float

    @property
    def height_to_width(self) -> float:
        rows, columns = self.picture.shape
        return rows * self.row_mm / (columns * self.column_mm)


def _largest_slice_of(panel: OverlayPanel) -> _Slice:
    crop = _crop_around(panel.image, panel.regions)
    # Anterior up, the patient's right at the left, whatever the file's axes are.
    shown = sitk.DICOMOrient(crop, "LPS")
    arrays = {
        name: sitk.GetArrayFromImage(sitk.DICOMOrient(_on_grid(mask, crop), "LPS")) > 0
        for name, mask in panel.regions.items()
    }
    k = int(np.argmax(next(iter(arrays.values())).sum(axis=(1, 2))))
    column_mm, row_mm, _ = shown.GetSpacing()
    picture = sitk.GetArrayFromImage(shown)[k]
    return _Slice(picture, {name: array[k] for name, array in arrays.items()}, row_mm, column_mm)


def _draw_panel(axis: Axes, panel: OverlayPanel, shown: _Slice) -> None:
    low, high = panel.window or tuple(np.percentile(shown.picture, (1, 99)))
    axis.imshow(
        shown.picture,
        cmap="gray",
        vmin=low,
        vmax=max(high, low + 1e-6),
        aspect=shown.row_mm / shown.column_mm,
        interpolation="nearest",
    )
    _draw_contours(axis, shown.masks)
    _draw_scale_bar(axis, shown.picture.shape, shown.column_mm)
    axis.set_title(panel.title, fontsize=9, parse_math=False)
    axis.set_axis_off()


def _draw_contours(axis: Axes, masks: Mapping[str, np.ndarray]) -> None:
    rings = [name for name in masks if name != "intratumour" and not name.startswith(("intra_", "rim_"))]
    colours = {"intratumour": TUMOUR_COLOUR, **dict(zip(rings, ring_colours(len(rings)), strict=False))}
    for name in masks:
        if name.startswith("rim_") and "intratumour" in masks:
            _draw_rim(axis, masks["intratumour"] & ~masks[name], name)
    filled = masks.get("intratumour", np.zeros(next(iter(masks.values())).shape, bool)).copy()
    for name in ("intratumour", *rings):
        if name not in masks:
            continue
        # A ring's outer border: the ring and all that lies inside it.
        filled = filled | masks[name]
        if filled.any() and not filled.all():
            _draw_outline(axis, filled, colours[name])
        axis.plot([], [], color=colours[name], linewidth=2, label=name)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.01), ncols=2, fontsize=8, frameon=False)


def _draw_rim(axis: Axes, left: np.ndarray, name: str) -> None:
    """Draw a rim by its inner end: the outline of the part of the tumour that it leaves."""
    if left.any():
        _draw_outline(axis, left, RIM_COLOUR)
    axis.plot([], [], color=RIM_COLOUR, linewidth=2, label=name)


def _draw_outline(axis: Axes, mask: np.ndarray, colour: str) -> None:
    """Outline the voxels along their edges, so that the picture shows which voxels belong to a region."""
    fine = np.kron(mask, np.ones((_OUTLINE_STEPS, _OUTLINE_STEPS), np.uint8))
    rows, columns = ((np.arange(n) + 0.5) / _OUTLINE_STEPS - 0.5 for n in fine.shape)
    axis.contour(columns, rows, fine, levels=[0.5], colors=[colour], linewidths=1.2)


def _draw_scale_bar(axis: Axes, shape: tuple[int, ...], spacing_mm: float) -> None:
    from matplotlib.patheffects import withStroke

    rows, columns = shape
    wanted = columns * spacing_mm / 4
    length_mm = max((step for step in _SCALE_BAR_STEPS_MM if step <= wanted), default=_SCALE_BAR_STEPS_MM[0])
    x, y = 0.04 * columns, 0.95 * rows
    bar = axis.plot([x, x + length_mm / spacing_mm], [y, y], color="white", linewidth=3, solid_capstyle="butt")[0]
    bar.set_path_effects([withStroke(linewidth=5, foreground="black")])
    label = axis.text(x, y - 0.02 * rows, f"{length_mm} mm", color="white", fontsize=8, va="bottom")
    label.set_path_effects([withStroke(linewidth=3, foreground="black")])  # readable on bone


def _crop_around(image: sitk.Image, regions: Mapping[str, sitk.Image]) -> sitk.Image:
    lower, upper = _bounds_of(image, regions)
    margin = [round(_MARGIN_MM / spacing) for spacing in image.GetSpacing()]
    start = [max(0, low - pad) for low, pad in zip(lower, margin, strict=True)]
    stop = [min(size, high + 1 + pad) for high, pad, size in zip(upper, margin, image.GetSize(), strict=True)]
    return image[tuple(slice(int(a), int(b)) for a, b in zip(start, stop, strict=True))]


def _bounds_of(image: sitk.Image, regions: Mapping[str, sitk.Image]) -> tuple[np.ndarray, np.ndarray]:
    """Lowest and highest (i, j, k) index of any region, in the image's own indices."""
    lows, highs = [], []
    for mask in regions.values():
        occupied = np.nonzero(sitk.GetArrayViewFromImage(mask))
        if not len(occupied[0]):
            continue
        shift = np.array(image.TransformPhysicalPointToIndex(mask.TransformIndexToPhysicalPoint((0, 0, 0))))
        lows.append(shift + [axis.min() for axis in occupied[::-1]])
        highs.append(shift + [axis.max() for axis in occupied[::-1]])
    if not lows:
        return np.zeros(3, int), np.array(image.GetSize()) - 1
    return np.min(lows, axis=0), np.max(highs, axis=0)


def _on_grid(mask: sitk.Image, reference: sitk.Image) -> sitk.Image:
    return sitk.Resample(mask, reference, sitk.Transform(), sitk.sitkNearestNeighbor, 0, sitk.sitkUInt8)
