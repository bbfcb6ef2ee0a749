"""The mesh between a region's voxels and the others: area, volume and vertices, without building it.

Each cube of 2 x 2 x 2 voxels holds one of 256 patterns of voxels inside the region, and each pattern a fixed
surface: triangles between the middles of the cut edges. So the whole mesh is known from how often each
pattern occurs (area) and where (volume).

Reference: Lorensen and Cline 1987, doi 10.1145/37402.37422. Which of the possible surfaces is taken for an
ambiguous pattern is pyradiomics' choice; ``Testing/reference/make_marching_cubes_table.py`` finds it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CORNERS = np.array([(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)])
"""Corners 0 to 7 of a cube, (k, j, i)."""

EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))
"""Edges 0 to 11 of a cube, by the corners they join."""

MIDDLES = np.array([(CORNERS[a] + CORNERS[b]) / 2 for a, b in EDGES])

_TRIANGLES = [
    "",
    "083",
    "190",
    "193 983",
    "2a1",
    "083 2a1",
    "2a0 a90",
    "2a3 a98 a83",
    "3b2",
    "8b0 b20",
    "3b2 190",
    "8b9 b29 219",
    "3b1 ba1",
    "8ba 8a0 a10",
    "3b0 ba9 b90",
    "8b9 ba9",
    "478",
    "043 473",
    "478 190",
    "197 947 173",
    "478 2a1",
    "043 473 2a1",
    "478 2a0 a90",
    "2a3 a94 a43 473",
    "23b 478",
    "7b4 b24 204",
    "23b 478 190",
    "7b4 b24 214 194",
    "a1b 13b 478",
    "7b4 ba1 b14 104",
    "a9b 90b 03b 478",
    "7b4 ba9 b94",
    "495",
    "083 495",
    "150 540",
    "153 543 483",
    "2a1 495",
    "083 2a1 495",
    "2a4 a54 240",
    "2a3 a53 543 483",
    "3b2 495",
    "8b0 b20 495",
    "3b2 150 540",
    "8b4 b24 214 154",
    "3b1 ba1 495",
    "8ba 8a0 a10 495",
    "3b0 ba5 b50 540",
    "8ba 8a4 a54",
    "958 578",
    "093 953 573",
    "018 157 178",
    "153 573",
    "958 578 2a1",
    "093 953 573 2a1",
    "028 2a8 a58 578",
    "2a3 a53 573",
    "23b 958 578",
    "7b5 b20 b05 095",
    "23b 018 157 178",
    "7b1 b21 715",
    "a1b 13b 958 578",
    "7b0 ba0 a10 705 095",
    "a50 570 780 a0b 03b",
    "7b5 ba5",
    "5a6",
    "083 5a6",
    "5a6 019",
    "193 983 5a6",
    "261 651",
    "083 261 651",
    "260 650 590",
    "263 653 593 983",
    "3b2 5a6",
    "8b0 b20 5a6",
    "3b2 5a6 019",
    "8b9 b29 219 5a6",
    "3b5 b65 351",
    "8b0 b60 650 510",
    "3b0 b60 650 590",
    "8b9 b69 659",
    "478 5a6",
    "043 473 5a6",
    "478 5a6 019",
    "197 947 173 5a6",
    "478 261 651",
    "043 473 261 651",
    "478 260 650 590",
    "269 659 293 947 973",
    "23b 478 5a6",
    "7b4 b24 204 5a6",
    "23b 478 5a6 019",
    "7b4 b24 214 194 5a6",
    "65b 513 53b 478",
    "7b4 b65 b51 b10 b04",
    "65b 59b 90b 03b 478",
    "7b4 b69 659 b94",
    "496 9a6",
    "083 496 9a6",
    "406 016 1a6",
    "1a3 a64 a43 483",
    "264 241 491",
    "083 264 241 491",
    "260 640",
    "264 243 483",
    "3b2 496 9a6",
    "8b0 b20 496 9a6",
    "3b2 406 016 1a6",
    "8b1 b21 814 1a6 164",
    "3b1 b64 b41 491",
    "8b1 b61 641 491 810",
    "3b0 b60 640",
    "8b4 b64",
    "9a8 a68 678",
    "093 9a6 963 673",
    "018 1a8 a68 678",
    "1a7 a67 173",
    "918 126 168 678",
    "093 912 926 967 973",
    "026 068 678",
    "263 673",
    "23b 9a8 a68 678",
    "7b2 720 709 79a 7a6",
    "23b 018 1a8 a68 678",
    "7b1 b21 716 1a6",
    "678 689 691 613 63b",
    "7b6 091",
    "670 780 60b 03b",
    "7b6",
]
"""Triangles of the patterns 0 to 127 by edge numbers in hexadecimal, outer side first; pattern p has bit c
set if corner c is inside. A pattern with corner 7 has the surface of its complement, turned inside out."""

_PATTERN_OF_TRIANGLES = np.repeat(np.arange(128), [len(triangles.split()) for triangles in _TRIANGLES])
_EDGES_OF_TRIANGLES = np.array([[int(edge, 16) for edge in t] for triangles in _TRIANGLES for t in triangles.split()])


def area_and_volume(mask: np.ndarray, spacing: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Area (mm²) and volume (mm³) of the mesh around the voxels of a mask.

    Args:
        mask: shape (k, j, i), bool.
        spacing: voxel size (k, j, i) in mm.

    Example:
        >>> area, volume = area_and_volume(np.ones((1, 1, 1), dtype=bool), (1, 1, 1))
        >>> round(area, 6), round(volume, 6)
        (1.732051, 0.166667)
    """
    pattern = _patterns(mask)
    turned = pattern > 127
    pattern[turned] ^= 255
    places = np.flatnonzero(pattern)
    kind, sign = pattern.ravel()[places].astype(np.intp), np.where(turned.ravel()[places], -1.0, 1.0)
    scale = np.asarray(spacing, dtype=np.float64)
    areas, vector_areas, volumes = _surface_of_patterns(scale)
    area = np.bincount(kind, minlength=128) @ areas
    # A triangle (a, b, c) moved by o spans det(a, b, c) + o . (a x b + b x c + c x a) with the origin.
    signed = np.bincount(kind, weights=sign, minlength=128)
    volume = signed @ volumes
    for axis, index in enumerate(np.unravel_index(places, pattern.shape)):
        origin_sums = np.bincount(kind, weights=sign * (index * scale[axis]), minlength=128)
        volume += origin_sums @ vector_areas[:, axis]
    return float(area), float(volume / 6)


def vertices(mask: np.ndarray) -> np.ndarray:
    """Mesh vertices: the middles between voxels inside and their face neighbours outside.

    Returns:
        Shape (n, 3), in half voxels (whole numbers), (k, j, i), counted from the centre of voxel 0.
    """
    padded = np.pad(mask, 1)
    found = []
    for axis in range(3):
        ahead = np.moveaxis(padded, axis, 0)
        index = np.argwhere(np.moveaxis(ahead[1:] != ahead[:-1], 0, axis))
        index = 2 * (index - 1)
        index[:, axis] += 1
        found.append(index)
    return np.concatenate(found)


def _patterns(mask: np.ndarray) -> np.ndarray:
    """Pattern number of every cube of 2 x 2 x 2 voxels, one voxel of margin included."""
    padded = np.pad(mask, 1).astype(np.uint8)
    size = [n - 1 for n in padded.shape]
    pattern = np.zeros(size, dtype=np.uint8)
    for corner, (k, j, i) in enumerate(CORNERS):
        pattern |= padded[k : k + size[0], j : j + size[1], i : i + size[2]] << corner
    return pattern


def _surface_of_patterns(scale: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Area, twice the vector area, and six times the signed volume of each pattern's surface at the origin."""
    a, b, c = (MIDDLES[_EDGES_OF_TRIANGLES[:, n]] * scale for n in range(3))
    doubled = np.cross(a, b) + np.cross(b, c) + np.cross(c, a)
    areas = np.bincount(_PATTERN_OF_TRIANGLES, weights=np.linalg.norm(doubled, axis=1) / 2, minlength=128)
    volume = np.sum(np.cross(a, b) * c, axis=1)
    vector_areas = [np.bincount(_PATTERN_OF_TRIANGLES, weights=part, minlength=128) for part in doubled.T]
    volumes = np.bincount(_PATTERN_OF_TRIANGLES, weights=volume, minlength=128)
    return areas, np.stack(vector_areas, axis=1), volumes
