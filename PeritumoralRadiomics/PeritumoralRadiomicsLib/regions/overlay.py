"""One picture of a case: the largest tumour slice with tumour and rings as contours and a scale bar."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from RadiomicsCoreLib.figures.ring_palette import Colour, region_palette, ring_distance
from RadiomicsCoreLib.figures.text_width import text_width_in
from RadiomicsCoreLib.files.safe_names import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARGIN_MM = 15.0
_SCALE_BAR_STEPS_MM = (1, 2, 5, 10, 20, 50, 100)
_PANEL_INCHES = 4.6
_TEXT_INCHES = 0.8
_LEGEND_PT = 8
_LEGEND_ROW_INCHES, _LEGEND_HANDLE_INCHES = 0.19, 0.62
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


def overlay_figure(
    panels: Sequence[OverlayPanel], title: str = "", colours: Mapping[str, Colour] | None = None
) -> Figure:
    """Draw the panels side by side, each at its own largest tumour slice, in radiological orientation.

    The patient's right is at the left of the picture and anterior at the top, for axial images.

    Args:
        panels: one for each phase.
        title: text above all panels, for example the case id.
        colours: region to colour; None: graded by distance over the rings of all panels. A picture of some of a
            case's regions gets the colours of all, so that a ring looks the same in every picture of the case.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    from matplotlib.figure import Figure

    slices = [_largest_slice_of(panel) for panel in panels]
    names = list(dict.fromkeys(name for panel in panels for name in panel.regions))
    palette = region_palette(names) if colours is None else colours
    named = [name for name in palette if name in names]
    tallest = max((each.height_to_width for each in slices), default=1.0)
    width = _PANEL_INCHES * max(1, len(panels))
    columns = _legend_columns(named, width)
    legend = _LEGEND_ROW_INCHES * -(-len(named) // columns)
    size = (width, _PANEL_INCHES * tallest + _TEXT_INCHES + legend)
    figure = Figure(figsize=size, layout="constrained", facecolor="white")
    axes = figure.subplots(1, max(1, len(panels)), squeeze=False)[0]
    for axis, panel, shown in zip(axes, panels, slices, strict=False):
        _draw_panel(axis, panel, shown, palette)
    _draw_legend(figure, [(name, palette[name]) for name in named], columns)
    if title:
        figure.suptitle(one_line(title), fontsize=11, parse_math=False)  # an id may hold dollar signs
    return figure


def save_overlay(path: Path, panels: Sequence[OverlayPanel], title: str = "") -> None:
    """Write the picture as PNG. See :func:`overlay_figure`."""
    with warnings.catch_warnings():
        # An id in letters that the font lacks becomes boxes in the picture; the folder still has its name.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        overlay_figure(panels, title).savefig(path, dpi=130, format="png")


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


def _draw_panel(axis: Axes, panel: OverlayPanel, shown: _Slice, palette: Mapping[str, Colour]) -> None:
    low, high = panel.window or tuple(np.percentile(shown.picture, (1, 99)))
    axis.imshow(
        shown.picture,
        cmap="gray",
        vmin=low,
        vmax=max(high, low + 1e-6),
        aspect=shown.row_mm / shown.column_mm,
        interpolation="nearest",
    )
    _draw_contours(axis, shown.masks, palette)
    _draw_scale_bar(axis, shown.picture.shape, shown.column_mm)
    axis.set_title(panel.title, fontsize=9, parse_math=False)
    axis.set_axis_off()


def _draw_contours(axis: Axes, masks: Mapping[str, np.ndarray], palette: Mapping[str, Colour]) -> None:
    nothing = np.zeros(next(iter(masks.values())).shape, bool)
    tumour = masks.get("intratumour", nothing)
    rings = [name for name in masks if name in palette and name != "intratumour" and not name.startswith("rim_")]
    outlines: list[tuple[str, np.ndarray]] = []
    within: dict[int, np.ndarray] = {}
    for name in sorted(rings, key=ring_distance):
        # A ring's outer border: the ring and all that lies inside it, of the rings of the same unit. One in radii
        # may lie inside one in millimetres that was drawn before it.
        unit = ring_distance(name)[0]
        within[unit] = within.get(unit, tumour) | masks[name]
        outlines.append((name, within[unit]))
    # The innermost last: a ring that begins away from the tumour has an inner border, too, along another's outer one.
    for name, mask in reversed(outlines):
        _draw_outline(axis, mask, palette[name])
    if "intratumour" in palette:
        _draw_outline(axis, tumour, palette["intratumour"])
    for name in masks:
        if name.startswith("rim_") and name in palette and "intratumour" in masks:
            # A rim is drawn by its inner end: the outline of the part of the tumour that it leaves.
            _draw_outline(axis, tumour & ~masks[name], palette[name])


def _draw_legend(figure: Figure, entries: Sequence[tuple[str, Colour]], columns: int) -> None:
    from matplotlib.lines import Line2D

    if not entries:
        return
    handles = [Line2D([], [], color=colour, linewidth=2) for _, colour in entries]
    # Below all panels, where constrained layout makes room: a legend under each panel is cut at ten regions.
    figure.legend(
        handles,
        [name for name, _ in entries],
        loc="outside lower center",
        ncols=columns,
        fontsize=_LEGEND_PT,
        frameon=False,
        columnspacing=1.2,
    )


def _legend_columns(names: Sequence[str], width_in: float) -> int:
    widest = max((text_width_in(name, _LEGEND_PT) for name in names), default=0.0) + _LEGEND_HANDLE_INCHES
    return max(1, min(len(names), int((width_in - 0.2) / widest)))


def _draw_outline(axis: Axes, mask: np.ndarray, colour: Colour) -> None:
    """Outline the voxels along their edges, so that the picture shows which voxels belong to a region."""
    if not mask.any() or mask.all():
        return
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
