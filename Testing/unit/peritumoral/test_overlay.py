"""The picture of a case."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from PeritumoralRadiomicsLib.regions.overlay import OverlayPanel, overlay_figure, save_overlay


def volume(array: np.ndarray, direction: tuple[float, ...] = (1, 0, 0, 0, 1, 0, 0, 0, 1)) -> sitk.Image:
    image = sitk.GetImageFromArray(array)
    image.SetSpacing((0.8, 0.8, 3.0))
    image.SetDirection(direction)
    return image


@pytest.fixture
def panel() -> OverlayPanel:
    k, j, i = np.ogrid[:12, :60, :60]
    distance = np.sqrt(((k - 6) * 3.0) ** 2 + ((j - 30) * 0.8) ** 2 + ((i - 25) * 0.8) ** 2)
    noise = np.random.default_rng(0).normal(40, 10, (12, 60, 60)).astype(np.float32)
    tumour = (distance <= 8).astype(np.uint8)
    ring = ((distance > 8) & (distance <= 12)).astype(np.uint8)
    return OverlayPanel("ct", volume(noise), {"intratumour": volume(tumour), "ring_0_4mm": volume(ring)})


def test_contours_enclose_the_tumour_and_the_tumour_with_its_ring(panel):
    axis = overlay_figure([panel]).axes[0]
    paths = [collection.get_paths()[0] for collection in axis.collections]
    areas = [np.ptp(path.vertices[:, 0]) * 0.8 for path in paths]
    assert areas == pytest.approx([24, 16], abs=2)  # the innermost is drawn last
    assert [text.get_text() for text in axis.figure.legends[0].get_texts()] == ["intratumour", "ring_0_4mm"]
    assert any(text.get_text().endswith(" mm") for text in axis.texts)


def test_scale_bar_is_as_long_as_it_says(panel):
    axis = overlay_figure([panel]).axes[0]
    bar = next(line for line in axis.lines if len(line.get_xdata()) == 2 and line.get_color() == "white")
    label = next(text.get_text() for text in axis.texts)
    assert np.ptp(bar.get_xdata()) * 0.8 == pytest.approx(float(label.split()[0]))


def test_flipped_axes_are_shown_the_right_way_round(panel):
    flipped = OverlayPanel(
        "ct",
        sitk.Flip(panel.image, (True, True, False)),
        {name: sitk.Flip(mask, (True, True, False)) for name, mask in panel.regions.items()},
    )
    shown = [overlay_figure([each]).axes[0].images[0].get_array() for each in (panel, flipped)]
    np.testing.assert_array_equal(*shown)


def test_masks_on_a_crop_are_drawn_in_their_place(panel):
    cropped = {name: mask[10:50, 12:50, 2:11] for name, mask in panel.regions.items()}
    extents = [
        overlay_figure([OverlayPanel("ct", panel.image, regions)]).axes[0].collections[0].get_paths()[0].get_extents()
        for regions in (panel.regions, cropped)
    ]
    np.testing.assert_allclose(extents[0].bounds, extents[1].bounds)


def test_picture_is_written_for_two_phases_and_for_an_empty_ring(panel, tmp_path):
    empty = dict(panel.regions, ring_0_4mm=volume(np.zeros((12, 60, 60), np.uint8)))
    save_overlay(tmp_path / "case.png", [panel, OverlayPanel("pet", panel.image, empty)], "case 1")
    assert (tmp_path / "case.png").read_bytes().startswith(b"\x89PNG")


def test_a_tumour_without_rings_is_drawn_alone(panel):
    alone = OverlayPanel("ct", panel.image, {"intratumour": panel.regions["intratumour"]})
    axis = overlay_figure([alone]).axes[0]
    assert [text.get_text() for text in axis.figure.legends[0].get_texts()] == ["intratumour"]


def test_a_rim_is_drawn_where_it_ends_inside_the_tumour(panel):
    tumour = panel.regions["intratumour"]
    rim = sitk.And(tumour, sitk.BinaryErode(tumour, (3, 3, 0)) == 0)
    axis = overlay_figure([OverlayPanel("ct", panel.image, {**panel.regions, "rim_0_2mm": rim})]).axes[0]
    widths = [np.ptp(collection.get_paths()[0].vertices[:, 0]) * 0.8 for collection in axis.collections]
    assert widths == pytest.approx([24, 16, 16 - 2 * 3 * 0.8], abs=2)
    assert "rim_0_2mm" in [text.get_text() for text in axis.figure.legends[0].get_texts()]
