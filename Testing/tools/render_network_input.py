"""Draw what networks see of one patient: ``python Testing/tools/render_network_input.py [FILE.png] [IMAGE MASK]``.

The five kinds of input, each for the tumour, the 3 mm ring and both together, as the studies use them. Without an image
and a mask the patient is one of the sample cohort, who is made up.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
for module in ("PeritumoralRadiomics", "DeepRadiomicsFusion", "SurvivalNomogram", "RadiomicsStudy"):
    sys.path.insert(0, str(ROOT / module))

from DeepRadiomicsFusionLib.inputs.patches import NetworkImage, network_image  # noqa: E402
from DeepRadiomicsFusionLib.jobs.deep_features import DeepFeaturesJob  # noqa: E402
from DeepRadiomicsFusionLib.settings.input_settings import InputKind, NetworkInput  # noqa: E402
from PeritumoralRadiomicsLib.regions.growing import grow_regions  # noqa: E402
from PeritumoralRadiomicsLib.regions.ring_settings import RingSettings  # noqa: E402
from RadiomicsCoreLib.images.reading import read_image  # noqa: E402
from RadiomicsStudyLib.sample.sample_cohort import draw_person, scan_phases  # noqa: E402

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def shown_by(study: str) -> NetworkInput:
    """What the network of a published study sees."""
    return DeepFeaturesJob.from_dict({"cohort": "cohort.csv", "study": study}).shown(None)


REGIONS = {"intratumour": "tumour", "ring_0_3mm": "ring 0–3 mm", "intra_ring_0_3mm": "tumour and ring"}
INPUTS: dict[str, NetworkInput] = {
    "masked full slice\nwu2021, ResNet-18": shown_by("wu2021"),
    "rough box of three slices\nsong2021, U-Net": shown_by("song2021_arterial"),
    "resized slice\nyang2023, ResNet-50": shown_by("yang2023"),
    "centred patch\nzhang2024, DenseNet-121": shown_by("zhang2024"),
    "resized 3D box\nliu2025, 3D-SE-ResNet": shown_by("liu2025"),
}
FIRST_TRY = "resized slice, masked\nfirst try, EfficientNet-Lite0"


def draw(image: sitk.Image, tumour: sitk.Image, who: str) -> Figure:
    """One column a kind of input, one row a region."""
    from matplotlib.figure import Figure

    masks = grow_regions(tumour, RingSettings(outer_mm=(3.0,), union=True), image=image).masks
    columns = INPUTS | {FIRST_TRY: NetworkInput(InputKind.RESIZED_SLICE, masked=True)}
    figure = Figure(figsize=(2.3 * len(columns) + 0.5, 2.55 * len(REGIONS) + 1.0), layout="constrained")
    figure.set_facecolor("white")
    axes = figure.subplots(len(REGIONS), len(columns), squeeze=False)
    for column, (label, settings) in enumerate(columns.items()):
        for row, (region, name) in enumerate(REGIONS.items()):
            _panel(axes[row, column], network_image(image, masks, replace(settings, region=region)))
            axes[row, 0].set_ylabel(name, fontsize=11, labelpad=8)
        axes[0, column].set_title(label, fontsize=9, pad=7)
    figure.suptitle(f"What a network sees: {who}", fontsize=12)
    return figure


def _panel(axes: Axes, shown: NetworkImage) -> None:
    values, mask = sitk.GetArrayViewFromImage(shown.image), sitk.GetArrayViewFromImage(shown.mask)
    k = int(np.argmax([_box_area(slice_) for slice_ in mask]))
    inside = values[k][mask[k] != 0] if shown.settings.is_masked else values[k]
    low, high = np.percentile(inside, (0.5, 99.5))
    axes.imshow(values[k], cmap="gray", vmin=min(low, 0.0), vmax=max(high, low + 1e-6), interpolation="nearest")
    if mask[k].any() and not mask[k].all():
        axes.contour(mask[k], levels=[0.5], colors=["#ff5a4d"], linewidths=0.9)
    size = " × ".join(str(n) for n in shown.array.shape[2:])
    many = len(values) > 1 and shown.settings.spatial_dims == 2
    what = f"{size}, slice {k + 1} of {len(values)}" if many else size
    axes.set_xlabel(what, fontsize=8, color="#555555", labelpad=3)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color("#bbbbbb")


def _box_area(mask: np.ndarray) -> int:
    """Area of the box around a mask: a ring is widest where it is a ring, not where it is a cap."""
    rows, columns = np.nonzero(mask)
    return int((np.ptp(rows) + 1) * (np.ptp(columns) + 1)) if len(rows) else 0


def main(target: Path, files: list[str]) -> None:
    """Draw a patient of the sample cohort, or the one in the files."""
    if files:
        image, tumour = read_image(files[0]), sitk.Cast(read_image(files[1]) > 0, sitk.sitkUInt8)
        who = Path(files[0]).name
    else:
        person = draw_person(1, 4)
        scan = scan_phases(person.traits, 1, 4, ("ct",))["ct"]
        image, tumour, who = scan.image, scan.tumour, "a patient of the sample cohort (made up)"
    target.parent.mkdir(parents=True, exist_ok=True)
    draw(image, tumour, who).savefig(target, dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/pictures/network_input.png", sys.argv[2:])
