"""RTSTRUCT masks against analytic contours, another library's filling, and a real patient."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from RadiomicsCoreLib.errors import GeometryError, InputError, RegionError
from RadiomicsCoreLib.images.masks import read_mask
from RadiomicsCoreLib.images.rtstruct import Structure, rasterise, read_structure

OBLIQUE = np.linalg.qr(np.random.default_rng(5).normal(size=(3, 3)))[0]
OBLIQUE *= np.sign(np.linalg.det(OBLIQUE))


def grid(size=(64, 64, 5), spacing=(1.0, 1.0, 1.0), origin=(0.0, 0.0, 0.0), direction=None) -> sitk.Image:
    image = sitk.Image(size, sitk.sitkInt16)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    if direction is not None:
        image.SetDirection(np.asarray(direction).ravel().tolist())
    return image


def ellipse(centre, radii, k=2.0, points=400) -> np.ndarray:
    """Contour in index space whose polygon has the area of the ellipse (not that of the inscribed polygon)."""
    angle = np.arange(points) / points * 2 * np.pi
    swell = np.sqrt(2 * np.pi / points / np.sin(2 * np.pi / points))
    return np.stack(
        [
            centre[0] + swell * radii[0] * np.cos(angle),
            centre[1] + swell * radii[1] * np.sin(angle),
            np.full(points, k),
        ],
        axis=1,
    )


def in_world(image: sitk.Image, index: np.ndarray) -> np.ndarray:
    return np.array([image.TransformContinuousIndexToPhysicalPoint(row.tolist()) for row in index])


def fill(image: sitk.Image, *index_contours: np.ndarray, warnings: list[str] | None = None) -> np.ndarray:
    structure = Structure("GTV", 1, tuple(in_world(image, points) for points in index_contours), "")
    seen: list[str] = []
    mask = rasterise(structure, image, warn=seen.append)
    if warnings is None:
        assert not seen
    else:
        warnings += seen
    return sitk.GetArrayFromImage(mask)


def square(low, high, k=2.0) -> np.ndarray:
    return np.array([[low, low, k], [high, low, k], [high, high, k], [low, high, k]], float)


def test_circles_at_any_subvoxel_place_have_the_analytic_area_and_centroid():
    random = np.random.default_rng(0)
    area_errors, shifts = [], []
    for _ in range(200):
        radius = random.uniform(10, 30)
        centre = random.uniform(31, 33, size=2)
        j, i = np.nonzero(fill(grid(), ellipse(centre, (radius, radius)))[2])
        area_errors.append(len(i) / (np.pi * radius**2) - 1)
        shifts.append((i.mean() - centre[0], j.mean() - centre[1]))
    assert np.abs(area_errors).max() < 0.02
    assert abs(np.mean(area_errors)) < 0.001
    # What a mask of whole voxels can hold: the places of the border voxels scatter, they do not shift.
    assert np.sqrt(np.mean(np.square(shifts))) < 0.05
    assert np.abs(shifts).max() < 0.15
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.005  # half a voxel off would be 0.5


@pytest.mark.parametrize("direction", [None, OBLIQUE, np.diag([-1.0, 1.0, -1.0])])
def test_a_sphere_written_as_rtstruct_has_the_analytic_volume_and_centre(direction, made_dicom, tmp_path):
    image = grid((60, 70, 40), (0.7, 0.9, 1.5), (-30.0, 12.0, 100.0), direction)
    centre, radius = np.array([29.3, 35.6, 19.4]), 17.0  # voxels, mm
    contours = []
    for k in range(40):
        height = (k - centre[2]) * 1.5
        if abs(height) < radius:
            r = np.sqrt(radius**2 - height**2)
            contours.append(in_world(image, ellipse(centre, (r / 0.7, r / 0.9), k)))
    path = made_dicom.rtstruct(tmp_path / "rs.dcm", {"GTV": contours, "other": contours[:1]})
    mask = sitk.GetArrayFromImage(read_mask(path, roi="gtv", reference=image))
    analytic = 4 / 3 * np.pi * radius**3
    assert abs(mask.sum() * 0.7 * 0.9 * 1.5 / analytic - 1) < 0.003
    np.testing.assert_allclose(np.argwhere(mask)[:, ::-1].mean(axis=0), centre, atol=0.05)


def test_contours_through_voxel_centres_count_on_one_side_only():
    mask = fill(grid(), square(10, 20))[2]
    assert mask.sum() == 100  # 81 or 121 if both sides were out or in
    assert mask[10:20, 10:20].all()


@pytest.mark.parametrize("seed", range(5))
def test_wild_contours_are_filled_as_scikit_image_fills_them(seed):
    from skimage.draw import polygon

    points = np.random.default_rng(seed).uniform(-20, 84, size=(40, 2))  # crosses itself and leaves the image
    expected = np.zeros((64, 64), np.uint8)
    expected[polygon(points[:, 1], points[:, 0], (64, 64))] = 1
    found = fill(grid(), np.column_stack([points, np.full(40, 2.0)]))[2]
    np.testing.assert_array_equal(found, expected)


def test_an_inner_contour_and_a_keyhole_are_holes():
    ring = fill(grid(), square(9.5, 29.5), square(14.5, 19.5))[2]
    assert ring.sum() == 400 - 25
    keyhole = np.array(
        [[9.5, 9.5], [29.5, 9.5], [29.5, 29.5], [9.5, 29.5], [9.5, 9.5],
         [14.5, 14.5], [14.5, 19.5], [19.5, 19.5], [19.5, 14.5], [14.5, 14.5]]
    )  # fmt: skip
    np.testing.assert_array_equal(fill(grid(), np.column_stack([keyhole, np.full(10, 2.0)]))[2], ring)


def test_two_islands_on_a_slice_are_both_inside():
    assert fill(grid(), square(4.5, 9.5), square(19.5, 29.5)).sum() == 25 + 100


def test_contours_between_slices_go_to_the_nearest_and_are_told():
    warnings: list[str] = []
    mask = fill(grid(), square(4.5, 9.5, 2.4), warnings=warnings)
    assert mask[2].sum() == 25
    assert "up to 0.40 slices off" in warnings[0]


def test_slices_skipped_between_contours_are_told():
    warnings: list[str] = []
    mask = fill(grid(), square(4.5, 9.5, 0), square(4.5, 9.5, 3), warnings=warnings)
    assert [int(plane.any()) for plane in mask] == [1, 0, 0, 1, 0]
    assert "2 slices between contours have none and stay empty (slice index 1, 2)" in warnings[0]


def test_planes_finer_than_the_slices_do_not_cancel_each_other():
    warnings: list[str] = []
    planes = [square(4.5, 9.5, k) for k in (1.75, 2.0, 2.25)]
    assert fill(grid(), *planes, warnings=warnings)[2].sum() == 25
    assert "contours on several planes" in warnings[0]


def test_contours_that_leave_the_image_are_cut_and_told():
    warnings: list[str] = []
    mask = fill(grid(), square(-10.5, 4.5, 4), square(-10.5, 4.5, 5), warnings=warnings)
    assert mask.sum() == 25
    assert "1 planes lie outside the image" in warnings[0]


def test_contours_outside_the_image_or_of_another_orientation_are_refused():
    with pytest.raises(GeometryError, match="lies outside the image"):
        fill(grid(), square(100, 120))
    with pytest.raises(GeometryError, match=r"leaves the plane of its slice by 10.00 slices"):
        fill(grid((64, 64, 64)), square(4.5, 14.5)[:, [0, 2, 1]])
    with pytest.raises(RegionError, match="smaller than a voxel"):
        fill(grid(), square(4.2, 4.4))


def test_a_file_without_a_usable_structure_is_refused(made_dicom, tmp_path):
    path = made_dicom.rtstruct(tmp_path / "rs.dcm", {"GTV": [], "POI": [np.zeros((1, 3))]})
    with pytest.raises(RegionError, match="'GTV' has no closed contour"):
        read_structure(path, "GTV")
    (tmp_path / "junk.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"junk")
    with pytest.raises(InputError, match="not a sound RTSTRUCT"):
        read_structure(tmp_path / "junk.dcm")


def test_a_damaged_contour_is_refused(made_dicom, tmp_path):
    import pydicom

    path = made_dicom.rtstruct(tmp_path / "rs.dcm", {"GTV": [square(4.5, 9.5)]})
    file = pydicom.dcmread(path)
    for points in ([1, 2, 3, 4], [np.nan, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 1e9, 4, 5, 1e9, 7, 8, 1e9]):
        file.ROIContourSequence[0].ContourSequence[0].ContourData = points
        file.save_as(path)
        with pytest.raises(InputError, match="'GTV' has a damaged contour"):
            read_structure(path)


def test_another_frame_of_reference_is_refused(made_dicom, tmp_path):
    from RadiomicsCoreLib.images.reading import read_image

    made_dicom.series(tmp_path / "ct", np.zeros((4, 20, 20)))
    reference = read_image(tmp_path / "ct")
    contours = {"GTV": [square(4.5, 9.5, 1.0)]}
    good = made_dicom.rtstruct(tmp_path / "good.dcm", contours)
    bad = made_dicom.rtstruct(tmp_path / "bad.dcm", contours, frame="1.2.3")
    assert sitk.GetArrayFromImage(read_mask(good, reference=reference)).sum() == 25
    with pytest.raises(GeometryError, match=r"another frame of reference \(1.2.3\)"):
        read_mask(bad, reference=reference)
    bare = sitk.Image(reference)
    bare.EraseMetaData("0020|0052")
    with pytest.raises(GeometryError, match="another frame of reference"):
        read_mask(bad, reference=bare, reference_path=tmp_path / "ct")


@pytest.mark.shared_data
def test_the_tumour_of_lung1_has_the_volume_of_its_contours(shared_data):
    from RadiomicsCoreLib.images.reading import read_image

    folder = shared_data / "lung1_001" / "LUNG1-001"
    image = read_image(folder / "image")
    warnings: list[str] = []
    mask = read_mask(folder / "mask_rtstruct", roi="GTV-1", reference=image, warn=warnings.append)
    structure = read_structure(folder / "mask_rtstruct" / "1-1.dcm", "GTV-1")
    area = sum(
        abs(np.sum(p[:, 0] * np.roll(p[:, 1], -1) - np.roll(p[:, 0], -1) * p[:, 1])) / 2 for p in structure.contours
    )
    voxels = int(sitk.GetArrayViewFromImage(mask).sum())
    assert abs(voxels * np.prod(image.GetSpacing()) / (area * 3.0) - 1) < 0.001
    assert not warnings
