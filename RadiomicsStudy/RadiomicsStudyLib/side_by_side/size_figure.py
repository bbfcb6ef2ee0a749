"""AUC over ring size: a panel a part and unit, a line a kind of region (wu2021's charts)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from DeepRadiomicsFusionLib.models.ring_sweep import RegionKind, SweepRegion, parse_region
from RadiomicsCoreLib.figures.legends import legend_below
from RadiomicsCoreLib.figures.style import FAINT, GREY, LIGHT_GREY, SMALL_PT, colour, literal, new_figure, style_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_KINDS = {RegionKind.RING: "ring", RegionKind.UNION: "tumour and ring"}
Row = Mapping[str, Any]


def region_of(model: str) -> SweepRegion | None:
    """Return the region that a model's name tells, ``deep.ring_0_3mm`` or ``ring_0_3mm``; None where it tells none.

    Example:
        >>> region_of("deep.ring_0_3mm").size, region_of("clinical")
        (3.0, None)
    """
    return next((found for part in model.split(".") if (found := parse_region(part)) is not None), None)


def family_of(model: str) -> str:
    """Return what a model's name says beside its region.

    Example:
        >>> family_of("deep.ring_0_3mm"), family_of("ring_0_3mm")
        ('deep', '')
    """
    return ".".join(part for part in model.split(".") if parse_region(part) is None)


def has_sizes(rows: Sequence[Row]) -> bool:
    """Whether two models are of rings of different sizes."""
    found = {region.size for row in rows if (region := region_of(row["model"])) is not None and region.unit}
    return len(found) > 1


def size_figure(rows: Sequence[Row], title: str = "") -> Figure:
    """AUC over ring size with its interval; the grey band is the tumour alone.

    Args:
        rows: of ``scores.csv``; at least two sizes.
        title: above.
    """
    parts = list(dict.fromkeys(row["part"] for row in rows))
    lines = list(dict.fromkeys(_line(row) for row in rows if _line(row) is not None))
    figure = new_figure(3.4 * len(parts), 2.7 * len(lines) + 0.3)
    grid = figure.subplots(len(lines), len(parts), squeeze=False, sharey=True)
    for i, (family, unit) in enumerate(line for line in lines if line is not None):
        for j, part in enumerate(parts):
            own = [row for row in rows if row["part"] == part and family_of(row["model"]) == family]
            axes = grid[i][j]
            what = "Ring size (mm)" if unit == "mm" else "Ring size (of the mean radius)"
            style_axes(axes, x_label=what, y_label=f"{family} AUC".strip() if j == 0 else "")
            _panel(axes, own, unit)
            if i == 0:
                axes.set_title(literal(part), fontsize=SMALL_PT, loc="left")
    if title:
        figure.suptitle(literal(title), fontsize=SMALL_PT + 2, x=0.02, ha="left")
    legend_below(figure, [axes for row in grid for axes in row])
    return figure


def _line(row: Row) -> tuple[str, str] | None:
    region = region_of(row["model"])
    return (family_of(row["model"]), region.unit) if region is not None and region.unit else None


def _panel(axes: Axes, rows: Sequence[Row], unit: str) -> None:
    axes.axhline(0.5, color=LIGHT_GREY, linewidth=0.8, linestyle="--")
    by_kind: dict[RegionKind, list[tuple[float, Row]]] = {}
    for row in rows:
        region = region_of(row["model"])
        if region is None:
            continue
        if region.kind is RegionKind.INTRATUMOUR:
            axes.axhspan(row["auc_lower"], row["auc_upper"], color=FAINT, linewidth=0, zorder=0)
            axes.axhline(row["auc"], color=GREY, linewidth=1.2, label="tumour")
        elif region.unit == unit:
            by_kind.setdefault(region.kind, []).append((region.size, row))
    for k, (kind, found) in enumerate(by_kind.items()):
        found.sort(key=lambda item: item[0])
        size = [item[0] for item in found]
        low, middle, high = ([item[1][name] for item in found] for name in ("auc_lower", "auc", "auc_upper"))
        axes.plot(size, middle, "o-", color=colour(k), linewidth=1.4, markersize=4, label=_KINDS[kind])
        axes.fill_between(size, low, high, color=colour(k), alpha=0.13, linewidth=0)
    axes.set_ylim(0, 1.02)
