"""The sub-voxel surface against analytic bodies, a densely sampled mesh and brute force over voxel centres."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial import cKDTree

from PeritumoralRadiomicsLib.regions.ring_settings import SurfaceRule
from PeritumoralRadiomicsLib.regions.surface_distance import SubvoxelSurface, _level_set, within_distances

LEVELS = (2.0, 3.0, 4.5, 6.0, 9.0)
LATTICE = (0.0, 0.0, 0.0)


def centre_positions(shape, spacing):
    """Positions of all voxel centres in mm, shape (*shape, d)."""
    axes = [np.arange(n) * step for n, step in zip(shape, spacing, strict=True)]
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)


def ball(radius, spacing, shift, reach=11.0):
    """A voxelised ball whose centre is off a voxel centre by ``shift`` voxels, and each centre's radius."""
    half = [math.ceil((radius + reach) / step) for step in spacing]
    positions = centre_positions([2 * n + 1 for n in half], spacing)
    middle = (np.array(half) + shift) * spacing
    distances = np.linalg.norm(positions - middle, axis=-1)
    return distances <= radius, distances


def shell_errors(radius, spacing, shift, supersampling):
    """Relative error of each ring's volume against the analytic shell."""
    mask, _ = ball(radius, spacing, shift)
    within = within_distances(mask, spacing, LEVELS, supersampling=supersampling)
    tumour = np.count_nonzero(mask)
    volumes = [(np.count_nonzero(v) - tumour) * math.prod(spacing) for v in within]
    shells = [4 / 3 * math.pi * ((radius + d) ** 3 - radius**3) for d in LEVELS]
    return np.array(volumes) / shells - 1


def some_shifts(count, seed):
    return [LATTICE, *np.random.default_rng(seed).uniform(-0.5, 0.5, (count, 3))]


@pytest.mark.parametrize("radius", [8.0, 9.3, 12.0, 15.5])
def test_rings_of_a_ball_match_the_analytic_shell_within_one_percent_on_an_isotropic_grid(radius):
    errors = [shell_errors(radius, (1.0, 1.0, 1.0), shift, False) for shift in some_shifts(6, 1)]
    assert np.abs(errors).max() < 0.01


@pytest.mark.parametrize("shift", [(0.5, 0.0, 0.0), (0.5, 0.5, 0.0), (0.5, 0.5, 0.5)])
@pytest.mark.parametrize("radius", [8.0, 11.0, 15.5])
def test_where_the_lattice_falsifies_the_mask_itself_the_ring_is_no_worse_than_the_mask(radius, shift):
    """Centred on a face, edge or corner, a digital ball of radius 8 is up to 1.9 % smaller than the ball."""
    mask, _ = ball(radius, (1.0, 1.0, 1.0), shift)
    mask_error = abs(np.count_nonzero(mask) / (4 / 3 * math.pi * radius**3) - 1)
    assert np.abs(shell_errors(radius, (1.0, 1.0, 1.0), shift, False)).max() < max(0.01, mask_error)


def test_the_error_is_the_same_in_any_unit():
    fine = shell_errors(9.3, (1.0, 1.0, 1.0), (0.1, 0.2, 0.3), False)
    mask, _ = ball(9.3, (1.0, 1.0, 1.0), (0.1, 0.2, 0.3))
    half = within_distances(mask, (0.5, 0.5, 0.5), [d / 2 for d in LEVELS])
    assert [np.count_nonzero(v) for v in half] == [
        np.count_nonzero(v) for v in within_distances(mask, (1.0, 1.0, 1.0), LEVELS)
    ]
    assert np.abs(fine).max() < 0.01


@pytest.mark.parametrize("radius", [12.0, 24.0])
def test_rings_of_a_ball_match_the_analytic_shell_within_one_percent_on_thick_slices_when_supersampled(radius):
    errors = [shell_errors(radius, (3.0, 1.0, 1.0), shift, True) for shift in some_shifts(4, 2)]
    assert np.abs(errors).max() < 0.01


def test_on_five_slices_only_the_ring_is_as_uncertain_as_the_tumour_mask_itself():
    """A ball of 8 mm on 3 mm slices: its own mask is off by 0.7 % (one sigma), at most about 2 %."""
    errors = np.array([shell_errors(8.0, (3.0, 1.0, 1.0), shift, True) for shift in some_shifts(12, 3)])
    assert np.abs(errors).max() < 0.025
    assert np.abs(errors.mean(axis=0)).max() < 0.01


def test_supersampling_halves_the_error_on_thick_slices_at_least():
    plain, finer = (np.abs(shell_errors(24.0, (3.0, 1.0, 1.0), (0.2, 0.1, 0.4), on)).max() for on in (False, True))
    assert finer < plain / 2


@pytest.mark.parametrize("radius", [3.0, 5.0, 8.0, 14.0])
def test_a_balls_surface_lies_at_its_radius(radius):
    mask, distances = ball(radius, (1.0, 1.0, 1.0), (0.13, 0.31, -0.22))
    surface = SubvoxelSurface.of_mask(mask, (1.0, 1.0, 1.0), (1, 1, 1))
    far = np.argwhere((distances > radius + 2) & (distances < radius + 9)).astype(float)
    error = surface.distances(far) - (distances[tuple(far.astype(int).T)] - radius)
    # the mask of one ball fits balls whose radii differ by a few hundredths of a voxel
    assert abs(error.mean()) < 0.06
    assert error.std() < 0.1
    assert np.abs(error).max() < 0.5


def test_a_box_grows_by_whole_layers_from_its_faces():
    mask = np.zeros((22, 22, 22), bool)
    mask[6:16, 6:16, 6:16] = True
    inner, outer = within_distances(mask, (1, 1, 1), [-2.0, 3.0])
    for line in (outer[11, 11], outer[11, :, 11], outer[:, 11, 11]):
        assert np.flatnonzero(line).tolist() == list(range(3, 19))
    for line in (inner[11, 11], inner[11, :, 11], inner[:, 11, 11]):
        assert np.flatnonzero(line).tolist() == list(range(8, 14))
    assert not outer[3, 3, 3]  # the corner is rounded, as the Euclidean ring of a box is


def test_a_box_on_thick_slices_has_its_faces_half_a_slice_outside():
    mask = np.zeros((16, 40, 40), bool)
    mask[5:11, 12:28, 12:28] = True
    for supersampling in (False, True):
        (outer,) = within_distances(mask, (3, 1, 1), [6.0], supersampling=supersampling)
        assert np.flatnonzero(outer[:, 20, 20]).tolist() == list(range(3, 13))
        assert np.flatnonzero(outer[8, 20]).tolist() == list(range(6, 34))


def ellipsoid_distance(positions, middle, axes):
    """Signed distance to an ellipsoid by dense sampling of its surface."""
    count = 60000
    along = 1 - 2 * (np.arange(count) + 0.5) / count
    turn = np.pi * (1 + 5**0.5) * np.arange(count)
    aside = np.sqrt(1 - along**2)
    unit = np.stack([along, aside * np.cos(turn), aside * np.sin(turn)], axis=1)
    distance, _ = cKDTree(middle + unit * axes).query(positions.reshape(-1, 3))
    inside = (((positions - middle) / axes) ** 2).sum(axis=-1) <= 1
    return np.where(inside, -1, 1) * distance.reshape(positions.shape[:-1])


@pytest.mark.parametrize(
    ("axes", "spacing", "supersampling"),
    [((16, 11, 9), (1.0, 1.0, 1.0), False), ((18, 14, 12), (1.0, 1.0, 1.4), False), ((24, 15, 13), (3.0, 1, 1), True)],
)
def test_rings_of_an_ellipsoid_hold_the_voxels_that_dense_sampling_finds(axes, spacing, supersampling):
    shape = [2 * math.ceil((a + 8) / step) + 1 for a, step in zip(axes, spacing, strict=True)]
    middle = (np.array(shape) // 2 + (0.2, -0.3, 0.4)) * spacing
    truth = ellipsoid_distance(centre_positions(shape, spacing), middle, axes)
    mask = truth <= 0
    found = within_distances(mask, spacing, [-3.0, 3.0, 6.0], supersampling=supersampling)
    slack = 0.4 * max(spacing)
    for level, voxels in zip([-3.0, 3.0, 6.0], found, strict=True):
        assert voxels[truth < level - slack].all()
        assert not voxels[truth > level + slack].any()
        ideal = np.count_nonzero(truth <= level)
        assert np.count_nonzero(voxels) == pytest.approx(ideal, rel=0.02)


def test_distances_to_the_surface_equal_those_to_a_densely_sampled_mesh_of_it():
    """The points and discs against marching cubes of the same field, cut into many small pieces."""
    measure = pytest.importorskip("skimage.measure")
    rng = np.random.default_rng(4)
    grid = centre_positions((34, 34, 34), (1, 1, 1))
    mask = np.zeros((34, 34, 34), bool)
    for middle, radius in zip(rng.uniform(12, 22, (4, 3)), (6, 5, 4, 3), strict=True):
        mask |= np.linalg.norm(grid - middle, axis=-1) <= radius
    corners, faces, _, _ = measure.marching_cubes(_level_set(mask, (1, 1, 1), (1, 1, 1)), 0.0)
    weights = np.array([(i, j, 8 - i - j) for i, j in itertools.product(range(9), repeat=2) if i + j <= 8]) / 8
    dense = np.einsum("wv,fvd->fwd", weights, corners[faces]).reshape(-1, 3)
    points = grid.reshape(-1, 3).astype(float)
    expected, _ = cKDTree(dense).query(points)
    asked = expected > 0.7
    surface = SubvoxelSurface.of_mask(mask, (1, 1, 1), (1, 1, 1))
    error = surface.distances(points[asked]) - expected[asked]
    # the mesh's flat faces cut a convex surface short, the discs stand off it
    assert abs(error.mean()) < 0.04
    assert error.std() < 0.05
    assert np.abs(error).max() < 0.25


def small_masks(dimension=3, side=7):
    """Random masks with at least one voxel, with room around them."""
    shape = st.tuples(*[st.integers(1, side)] * dimension)
    masks = shape.flatmap(lambda s: hnp.arrays(bool, s)).filter(lambda m: m.any())
    return masks.map(lambda m: np.pad(m, 12))


spacings = st.sampled_from([(1.0, 1.0, 1.0), (3.0, 1.0, 1.0), (2.5, 0.8, 0.8), (1.0, 0.8, 1.3)])


def nearest_centres(asked, mask, spacing):
    """Distance from each voxel centre to the nearest one of the mask, by trying all; inf if there is none."""
    positions = centre_positions(mask.shape, spacing)
    if not mask.any():
        return np.full(np.count_nonzero(asked), np.inf)
    rays = positions[asked][:, None] - positions[mask][None]
    return np.sqrt((rays**2).sum(axis=-1)).min(axis=1)


@settings(max_examples=25, deadline=None)
@given(small_masks(side=5), spacings)
def test_voxel_centre_rings_equal_brute_force_over_all_pairs(mask, spacing):
    levels = [-1.0, 1.0, 2.5, 3.0]
    found = within_distances(mask, spacing, levels, SurfaceRule.VOXEL_CENTRES)
    outside = nearest_centres(~mask, mask, spacing)
    inside = nearest_centres(mask, ~mask, spacing)
    assert (found[0][mask] == (inside > 1.0 + 1e-4)).all()
    assert not (found[0] & ~mask).any()
    for level, voxels in zip(levels[1:], found[1:], strict=True):
        assert (voxels[~mask] == (outside <= level + 1e-4)).all()
        assert voxels[mask].all()


@settings(max_examples=40, deadline=None)
@given(small_masks(), spacings, st.booleans())
def test_larger_distances_hold_smaller_ones_and_the_mask_keeps_its_side(mask, spacing, supersampling):
    levels = [-2.0, -1.0, 0.0, 0.7, 1.5, 3.0]
    found = within_distances(mask, spacing, levels, supersampling=supersampling)
    for smaller, larger in itertools.pairwise(found):
        assert not (smaller & ~larger).any()
    assert (found[2] == mask).all()
    assert not (found[1] & ~mask).any()


@settings(max_examples=25, deadline=None)
@given(small_masks(), st.permutations([0, 1, 2]), st.tuples(st.booleans(), st.booleans(), st.booleans()))
def test_flipping_and_permuting_the_axes_moves_the_ring_along(mask, order, flips):
    spacing = (2.5, 0.7, 0.8)
    axes = tuple(axis for axis, flip in enumerate(flips) if flip)
    for supersampling in (False, True):
        (plain,) = within_distances(mask, spacing, [2.0], supersampling=supersampling)
        moved_mask = np.flip(mask, axes).transpose(order)
        moved_spacing = [spacing[axis] for axis in order]
        (moved,) = within_distances(moved_mask, moved_spacing, [2.0], supersampling=supersampling)
        assert (moved == np.flip(plain, axes).transpose(order)).all()


@settings(max_examples=25, deadline=None)
@given(small_masks(), spacings)
def test_a_ring_does_not_depend_on_which_others_are_asked_for_nor_on_the_room_around(mask, spacing):
    levels = [-1.0, 1.0, 2.0, 3.0]
    together = within_distances(mask, spacing, levels)
    alone = [within_distances(mask, spacing, [level])[0] for level in levels]
    roomy = within_distances(np.pad(mask, 5), spacing, levels)
    for one, other, wide in zip(together, alone, roomy, strict=True):
        assert (one == other).all()
        assert (wide[5:-5, 5:-5, 5:-5] == one).all()


@settings(max_examples=25, deadline=None)
@given(small_masks(side=4))
def test_the_subvoxel_ring_lies_between_what_the_voxels_corners_and_centres_allow(mask):
    """The surface lies between an outside centre and the inside one behind it: one diagonal at most."""
    (found,) = within_distances(mask, (1, 1, 1), [3.0])
    to_centre = nearest_centres(~mask, mask, (1, 1, 1))
    assert found[~mask][to_centre <= 2.9].all()
    assert not found[~mask][to_centre > 3.1 + math.sqrt(3)].any()


@pytest.mark.parametrize("radius", [8.0, 13.7])
def test_in_the_plane_rings_of_a_disc_match_the_analytic_ones(radius):
    for shift in np.random.default_rng(6).uniform(-0.5, 0.5, (6, 2)):
        mask, _ = ball(radius, (1.0, 1.0), shift)
        tumour = np.count_nonzero(mask)
        for level, voxels in zip(LEVELS, within_distances(mask, (1.0, 1.0), LEVELS), strict=True):
            area = np.count_nonzero(voxels) - tumour
            ideal = math.pi * ((radius + level) ** 2 - radius**2)
            assert area == pytest.approx(ideal, rel=0.02)


@pytest.mark.parametrize("size", [1, 2, 3])
def test_small_cubes_get_about_the_ring_of_the_ball_of_equal_volume(size):
    mask = np.zeros((20, 20, 20), bool)
    mask[8 : 8 + size, 8 : 8 + size, 8 : 8 + size] = True
    (found,) = within_distances(mask, (1, 1, 1), [5.0])
    equal = size * (3 / (4 * math.pi)) ** (1 / 3)
    assert np.count_nonzero(found) == pytest.approx(4 / 3 * math.pi * (equal + 5) ** 3, rel=0.06)


def nearest_boxes(asked, mask, spacing):
    """Distance from each voxel centre to the nearest voxel of the mask, taken as a box, by trying all."""
    positions = centre_positions(mask.shape, spacing)
    rays = np.abs(positions[asked][:, None] - positions[mask][None])
    return np.sqrt((np.maximum(rays - np.array(spacing) / 2, 0) ** 2).sum(axis=-1)).min(axis=1)


@settings(max_examples=30, deadline=None)
@given(small_masks(side=5), spacings, st.booleans())
def test_however_rugged_the_mask_the_surface_stays_within_half_a_voxel_of_its_boxes(mask, spacing, supersampling):
    level = 3.0
    (found,) = within_distances(mask, spacing, [level], supersampling=supersampling)
    to_box = nearest_boxes(~mask, mask, spacing)
    half = 0.5 * max(spacing)
    assert not found[~mask][to_box > level + half].any()
    assert found[~mask][to_box <= level - 1.5 * half].all()


def test_tumours_drawn_differently_from_slice_to_slice_keep_each_slices_outline():
    """Discs of 10 and 5 mm in turn, 5 mm apart: in the plane of each disc the ring begins at its outline."""
    mask = np.zeros((13, 61, 61), bool)
    radii = np.linalg.norm(centre_positions((61, 61), (0.8, 0.8)) - 24.0, axis=-1)
    for k in range(4, 9):
        mask[k] = radii <= (10 if k % 2 else 5)
    (found,) = within_distances(mask, (5.0, 0.8, 0.8), [3.0])
    for k in (5, 7):
        across = np.count_nonzero(found[k, 30]) * 0.8
        assert across == pytest.approx(26, abs=1.7)
