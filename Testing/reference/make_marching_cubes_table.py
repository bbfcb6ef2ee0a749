"""Find the surface that pyradiomics' mesh has in each of the 256 cubes of 2 x 2 x 2 voxels.

For every pattern of corners the script lists all possible surfaces: closed loops through the middles of the
cut edges (with both ways of cutting an ambiguous face) and all triangulations of each loop. It then keeps the
one whose area, for three voxel spacings, equals the area that ``radiomics.cShape`` gives for that cube.

Prints the table ``POLYGONS`` of ``PeritumoralRadiomicsLib/features/marching_cubes.py``: for the 128 patterns
without corner 7, the triangles by edge numbers in hexadecimal. Made with pyradiomics-bhklab 3.1.4.
"""

from __future__ import annotations

from functools import cache
from itertools import product

import numpy as np

CORNERS = np.array([(0, 0, 0), (0, 0, 1), (0, 1, 1), (0, 1, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0)])
EDGES = [(0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7)]
FACES = [(0, 1, 2, 3), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
MIDDLES = np.array([(CORNERS[a] + CORNERS[b]) / 2 for a, b in EDGES])
SPACINGS = np.array([(1.0, 1.0, 1.0), (1.3, 0.7, 2.1), (3.1, 1.7, 0.6)])


def edge_between(a: int, b: int) -> int:
    return next(e for e, ends in enumerate(EDGES) if set(ends) == {a, b})


def surfaces(pattern: int):
    """Yield every set of closed loops of edges that separates the pattern's corners from the others."""
    inside = [bool(pattern >> corner & 1) for corner in range(8)]
    options = []
    for face in FACES:
        edges = [edge_between(face[n], face[(n + 1) % 4]) for n in range(4)]
        cut = [e for e in edges if inside[EDGES[e][0]] != inside[EDGES[e][1]]]
        if len(cut) == 2:
            options.append([[(cut[0], cut[1])]])
        elif len(cut) == 4:
            options.append([[(cut[0], cut[1]), (cut[2], cut[3])], [(cut[1], cut[2]), (cut[3], cut[0])]])
    for choice in product(*options):
        yield loops_of([segment for segments in choice for segment in segments])


def loops_of(segments: list[tuple[int, int]]) -> list[list[int]]:
    loops, left = [], list(segments)
    while left:
        first, second = left.pop()
        loop = [first, second]
        while loop[0] != loop[-1]:
            following = next(s for s in left if loop[-1] in s)
            left.remove(following)
            loop.append(following[1] if following[0] == loop[-1] else following[0])
        loops.append(loop[:-1])
    return loops


@cache
def triangulations(loop: tuple[int, ...]) -> list[tuple[tuple[int, int, int], ...]]:
    if len(loop) < 3:
        return [()]
    found = []
    for n in range(1, len(loop) - 1):
        for before in triangulations(loop[: n + 1]):
            for after in triangulations(loop[n:]):
                found.append((*before, (loop[0], loop[n], loop[-1]), *after))
    return found


def area_and_volume(triangles, spacing) -> tuple[float, float]:
    a, b, c = (MIDDLES[[t[n] for t in triangles]] * spacing for n in range(3))
    area = np.linalg.norm(np.cross(a - c, b - c), axis=1).sum() / 2
    return area, np.einsum("ij,ij->", np.cross(a, b), c) / 6


def measured(pattern: int) -> list[tuple[float, float]]:
    from radiomics import cShape

    mask = np.zeros((2, 2, 2), dtype=bool)
    for corner in range(8):
        mask[tuple(CORNERS[corner])] = bool(pattern >> corner & 1)
    return [cShape.calculate_coefficients(mask, spacing)[:2] for spacing in SPACINGS]


def matching_triangles(pattern: int):
    wanted = measured(pattern)
    for loops in surfaces(pattern):
        directed = [outward(loop, pattern) for loop in loops]
        for parts in product(*(triangulations(tuple(loop)) for loop in directed)):
            triangles = [t for part in parts for t in part]
            got = [area_and_volume(triangles, spacing) for spacing in SPACINGS]
            if np.allclose(got, wanted, rtol=0, atol=1e-12):
                return triangles
    return None


def outward(loop: list[int], pattern: int) -> list[int]:
    """The loop in the direction in which its normal points from the corners inside to those outside."""
    inner = [a if pattern >> a & 1 else b for a, b in (EDGES[e] for e in loop)]
    outer = [b if pattern >> a & 1 else a for a, b in (EDGES[e] for e in loop)]
    points = MIDDLES[loop]
    normal = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)
    return loop if normal @ (CORNERS[outer] - CORNERS[inner]).sum(axis=0) > 0 else loop[::-1]


if __name__ == "__main__":
    for number in range(1, 128):
        triangles = matching_triangles(number)
        if triangles is None:
            print(f"{number:3d} no match, measured {measured(number)}")
        else:
            print(f'{number:3d} "{" ".join("".join(f"{e:x}" for e in t) for t in triangles)}"')
