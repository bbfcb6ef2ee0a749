"""A map of what a network looked at, drawn over the slice that it was made on, with the regions' outlines."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from PeritumoralRadiomicsLib.regions.overlay import OverlayPanel, overlay_figure
from RadiomicsCoreLib.figures.ring_palette import region_palette

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = "inferno"
_OPAQUE = 0.75
_TOP_PERCENTILE = 99.5


def map_figure(
    image: sitk.Image,
    map_on_patient: sitk.Image,
    regions: Mapping[str, sitk.Image],
    *,
    title: str = "",
    what: str = "Grad-CAM",
    window: tuple[float, float] | None = None,
    seen: str | None = None,
) -> Figure:
    """Draw the largest tumour slice twice, plain and under the map; the higher the map, the less shines through.

    Args:
        image: 3D image, LPS, mm.
        map_on_patient: float map on the image's grid, 0 and above.
        regions: name to mask, ``intratumour`` first.
        title: text above, for example the case id.
        what: name of the map.
        window: lowest and highest intensity shown; None: 1st and 99th percentile of what is shown.
        seen: the region that the network was trained on, a union's name too; only it and the tumour border are
            outlined, in the colours that they have beside the others. None: all regions.

    Returns:
        A matplotlib figure that belongs to no window.
    """
    from matplotlib.cm import ScalarMappable

    outlined = _trained_on(regions, seen)
    figure = overlay_figure(
        [OverlayPanel("image", image, outlined, window), OverlayPanel(what, image, outlined, window)],
        title,
        region_palette(list(regions)),
    )
    # The panel of the map itself holds the same slice of the same crop, turned the same way.
    drawn = overlay_figure([OverlayPanel("", map_on_patient, outlined)]).axes[0].images[0].get_array()
    heat = np.asarray(drawn, float)
    highest = _top_of(map_on_patient)
    axis = figure.axes[1]
    shares = np.clip(heat / highest, 0.0, 1.0) if highest > 0 else np.zeros_like(heat)
    layer = axis.imshow(
        shares,
        cmap=COLOURS,
        vmin=0,
        vmax=1,
        alpha=_OPAQUE * np.sqrt(shares),
        aspect=axis.get_aspect(),
        interpolation="nearest",
        zorder=1.5,  # above the image, below the outlines
    )
    # The colour bar without transparency.
    bar = figure.colorbar(ScalarMappable(layer.norm, layer.get_cmap()), ax=axis, shrink=0.7, pad=0.02)
    bar.set_label(f"relative to the {_TOP_PERCENTILE:g}th percentile of the volume", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return figure


def save_map_figure(
    path: Path,
    image: sitk.Image,
    map_on_patient: sitk.Image,
    regions: Mapping[str, sitk.Image],
    *,
    title: str = "",
    what: str = "Grad-CAM",
    window: tuple[float, float] | None = None,
    seen: str | None = None,
) -> None:
    """Write the picture as PNG. See :func:`map_figure`."""
    figure = map_figure(image, map_on_patient, regions, title=title, what=what, window=window, seen=seen)
    figure.savefig(path, dpi=130, format="png")


def _trained_on(regions: Mapping[str, sitk.Image], seen: str | None) -> Mapping[str, sitk.Image]:
    """The tumour, by whose largest slice the picture is chosen, and the region seen (of a union: its ring)."""
    if seen is None:
        return regions
    wanted = {"intratumour", seen.removeprefix("intra_")}
    return {name: mask for name, mask in regions.items() if name in wanted}


def _top_of(volume: sitk.Image) -> float:
    """What is drawn in the brightest colour: single voxels of a gradient map would leave all others dark."""
    values = sitk.GetArrayViewFromImage(volume)
    positive = values[values > 0]
    return float(np.percentile(positive, _TOP_PERCENTILE)) if positive.size else 0.0
