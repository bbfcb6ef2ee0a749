"""Texture tables of many small neighbourhoods at once: one box of voxels around each of a block of voxels.

The boxes are stacked along the last axis, shape (K, J, I, V): all voxels at one place of their boxes lie side
by side, so that a step to a neighbour is a shift of the first three axes for all boxes together. Rank 0 means
outside the region; rank r is the grey level ``levels[r - 1]``. The tables are those of the families; each
box is an owner.
"""

from __future__ import annotations

import numpy as np

from ..features.ngtdm import ToneDifferences
from ..grey_levels.cooccurrence import Cooccurrence
from ..grey_levels.level_size import LevelSizes
from ..grey_levels.neighbours import Offset, lengths_mm, offsets
from ..grey_levels.settings import FeatureSettings


class Neighbourhoods:
    """Grey levels of a block of neighbourhoods.

    Args:
        ranks: shape (K, J, I, V), uint16.
        levels: shape (L,), grey levels that occur in the whole region, ascending.
        spacing: voxel size (k, j, i) in mm.
        settings: feature settings.
    """

    def __init__(
        self, ranks: np.ndarray, levels: np.ndarray, spacing: tuple[float, ...], settings: FeatureSettings
    ) -> None:
        self.ranks = ranks
        self.inside = ranks > 0
        self.levels = levels
        self.spacing = spacing
        self.settings = settings
        self.shape = ranks.shape[:3]
        self.count = ranks.shape[3]

    def offsets(self, distances: tuple[int, ...]) -> list[Offset]:
        """One of each pair of opposite offsets that fit into the box."""
        reach = tuple(d for d in distances if d < max(self.shape))
        return offsets(self.shape, reach, self.settings) if reach else []

    def level_counts(self) -> np.ndarray:
        """Number of voxels at each grey level, shape (V, L)."""
        size = len(self.levels) + 1
        code = self.ranks + size * np.arange(self.count)
        return np.bincount(code.ravel(), minlength=size * self.count).reshape(self.count, size)[:, 1:]

    def cooccurrence(self) -> Cooccurrence:
        """Co-occurrence matrices: one a box and direction (one a box with ``weightingNorm``)."""
        size = len(self.levels) + 1
        directions = self.offsets(self.settings.distances)
        merged = self.settings.weighting_norm is not None
        codes, weights = [], []
        for number, offset in enumerate(directions):
            one, other = (view.reshape(-1, self.count).T for view in self._ends(self.ranks, offset))
            # A pair that counts in both orders is counted once, low level first, and mirrored below.
            low, high = (np.minimum(one, other), np.maximum(one, other)) if self._symmetrical else (one, other)
            pair = low.astype(np.int32) * size + high
            pair[(one == 0) | (other == 0)] = -1
            pair.sort(axis=1)
            first = np.ones(pair.shape, dtype=bool)
            np.not_equal(pair[:, 1:], pair[:, :-1], out=first[:, 1:])
            starts = np.flatnonzero(first)
            length = np.diff(starts, append=pair.size)
            kept = pair.ravel()[starts] >= 0
            box = starts[kept] // max(pair.shape[1], 1)
            group = box if merged else box * len(directions) + number
            codes.append(group * size * size + pair.ravel()[starts[kept]])
            weights.append(length[kept] * self._weight(offset))
        return self._cooccurrence_of(np.concatenate(codes), np.concatenate(weights), 1 if merged else len(directions))

    @property
    def _symmetrical(self) -> bool:
        return self.settings.symmetrical_glcm

    def _cooccurrence_of(self, codes: np.ndarray, weights: np.ndarray, groups_a_box: int) -> Cooccurrence:
        size = len(self.levels) + 1
        if groups_a_box == 1:
            codes, index = np.unique(codes, return_inverse=True)
            weights = np.bincount(index, weights=weights, minlength=len(codes))
        number, pair = np.divmod(codes, size * size)
        row, column = np.divmod(pair, size)
        row, column = row - 1, column - 1
        if self._symmetrical:
            mirrored = np.flatnonzero(row != column)
            weights = np.where(row == column, 2 * weights, weights)
            number = np.concatenate([number, number[mirrored]])
            row, column = (
                np.concatenate([row, column[mirrored]]),
                np.concatenate([column, row[mirrored]]),
            )
            weights = np.concatenate([weights, weights[mirrored]])
        order = np.argsort(number, kind="stable")
        used, group = np.unique(number[order], return_inverse=True)
        return Cooccurrence(
            group,
            used // groups_a_box,
            self.count,
            row[order],
            column[order],
            weights[order].astype(np.float64),
            self.levels,
            int(self.levels[-1]),
        )

    def _weight(self, offset: Offset) -> float:
        norm = self.settings.weighting_norm
        if norm is None or norm == "no_weighting":
            return 1.0
        return float(np.exp(-(lengths_mm(offset, self.spacing, norm) ** 2)))

    def run_lengths(self) -> LevelSizes:
        """Run length matrices: one a box and direction (one a box with ``weightingNorm``)."""
        directions = self.offsets((1,))
        merged = self.settings.weighting_norm is not None
        numbers, ranks, sizes, weights = [], [], [], []
        for number, offset in enumerate(directions):
            length = self._lengths_of_runs_from(offset)
            starts = self.inside.copy()
            _, ahead = self._ends(starts, offset)
            ahead &= ~self._equal(offset)
            starts &= self._two_on_a_line(offset)
            place = np.nonzero(starts)
            numbers.append(place[3] if merged else place[3] * len(directions) + number)
            ranks.append(self.ranks[place])
            sizes.append(length[place])
            weights.append(np.full(len(place[3]), lengths_mm(offset, self.spacing, self.settings.weighting_norm)))
        return self._level_sizes(numbers, ranks, sizes, weights, 1 if merged else len(directions))

    def _lengths_of_runs_from(self, offset: Offset) -> np.ndarray:
        """Number of voxels of the run from each place on, in the direction of the offset."""
        length = np.ones(self.ranks.shape, dtype=np.uint8)
        equal = self._equal(offset)
        for _ in range(max(self.shape) - 1):
            following = length.copy()
            ahead = self._ends(length, offset)[1]
            self._ends(following, offset)[0][...] = 1 + np.where(equal, ahead, 0)
            if np.array_equal(following, length):
                break
            length = following
        return length

    def _two_on_a_line(self, offset: Offset) -> np.ndarray:
        """Boxes in which a straight line along the offset meets the region twice, shape (V,)."""
        found = np.zeros(self.count, dtype=bool)
        for steps in range(1, max(self.shape)):
            one, other = self._ends(self.inside, (offset[0] * steps, offset[1] * steps, offset[2] * steps))
            found |= (one & other).any(axis=(0, 1, 2))
        return found

    def size_zones(self) -> LevelSizes:
        """Size zone matrix of each box."""
        places, levels = int(np.prod(self.shape)), len(self.levels)
        code = self._zone_numbers().reshape(places, self.count) * np.intp(self.count)
        code += np.arange(self.count)
        size = np.bincount(code.ravel(), minlength=places * self.count)
        zone = np.flatnonzero((size > 0) & self.inside.ravel())
        box, rank, size = zone % self.count, self.ranks.ravel()[zone].astype(np.intp) - 1, size[zone]
        # Equal (box, level, size) side by side, boxes in order.
        entry = (box * levels + rank) * (places + 1) + size
        if self.count * levels * (places + 1) < 2**31:
            entry = entry.astype(np.int32)  # sorted in half the time
        entry.sort()
        starts = np.flatnonzero(np.append(True, entry[1:] != entry[:-1]))
        weight = np.diff(starts, append=len(entry))
        box, rest = np.divmod(entry[starts].astype(np.intp), levels * (places + 1))
        rank, size = np.divmod(rest, places + 1)
        starts_box = np.append(True, box[1:] != box[:-1])[: len(box)]
        return LevelSizes(np.cumsum(starts_box) - 1, box[starts_box], self.count, rank, size, weight, self.levels)

    def _zone_numbers(self) -> np.ndarray:
        """The place of the first voxel of each voxel's zone in its box, shape (K, J, I, V).

        Each voxel takes the lowest number among its neighbours of equal level until nothing changes; then all
        voxels of a zone carry the number of its first voxel. Voxels outside the region count as one more level.
        """
        places = int(np.prod(self.shape))
        kind: type[np.uint8] | type[np.uint16] = np.uint8 if places <= 256 else np.uint16
        first = np.arange(places, dtype=kind).reshape(*self.shape, 1)
        number: np.ndarray = np.broadcast_to(first, self.ranks.shape).copy()
        links = []
        # Backwards, as this order needs a pass or two fewer: low numbers start at the front.
        for offset in reversed(self.offsets((1,))):
            one, other = self._ends(self.ranks, offset)
            # All bits set where the levels differ: the lower of the two numbers is then never taken.
            apart = (one != other).astype(kind)
            links.append((*self._ends(number, offset), np.negative(apart, out=apart)))
        while True:
            before = number.copy()
            for one, other, apart in links:
                lowest = np.minimum(one, other)
                lowest |= apart
                np.minimum(one, lowest, out=one)
                np.minimum(other, lowest, out=other)
            if np.array_equal(number, before):
                return number

    def dependences(self) -> LevelSizes:
        """Dependence matrix of each box."""
        size = np.ones(self.ranks.shape, dtype=np.uint16)
        for offset in self.offsets(self.settings.distances):
            depends = self._depends(offset)
            for end in self._ends(size, offset):
                end += depends
        box = np.broadcast_to(np.arange(self.count), self.ranks.shape)[self.inside]
        return self._level_sizes([box], [self.ranks[self.inside]], [size[self.inside]], [np.ones(len(box))], 1)

    def _depends(self, offset: Offset) -> np.ndarray:
        if self.settings.gldm_alpha == 0:
            return self._equal(offset)
        level = np.concatenate([[0], self.levels])[self.ranks]
        one, other = self._ends(level, offset)
        return (np.abs(one - other) <= self.settings.gldm_alpha) & (one > 0) & (other > 0)

    def tone_differences(self) -> ToneDifferences:
        """Tone difference matrix of each box."""
        level = np.concatenate([[0], self.levels]).astype(np.int32)[self.ranks]
        total = np.zeros(level.shape, dtype=np.int32)
        count = np.zeros(level.shape, dtype=np.int32)
        for offset in self.offsets(self.settings.distances):
            for values, sums in ((level, total), (self.inside, count)):
                one, other = self._ends(values, offset)
                here, ahead = self._ends(sums, offset)
                here += other
                ahead += one
        difference = np.where(count > 0, np.abs(level - total / np.maximum(count, 1)), 0.0)
        size = len(self.levels) + 1
        code = (self.ranks + size * np.arange(self.count)).ravel()
        counted = (self.inside & (count > 0) if self.settings.profile == "ibsi" else self.inside).ravel()
        number = np.bincount(code[counted], minlength=size * self.count).reshape(self.count, size)[:, 1:]
        sums = np.bincount(code, weights=difference.ravel(), minlength=size * self.count)
        return ToneDifferences(number, sums.reshape(self.count, size)[:, 1:], self.levels)

    def _level_sizes(
        self,
        numbers: list[np.ndarray],
        ranks: list[np.ndarray],
        sizes: list[np.ndarray],
        weights: list[np.ndarray],
        groups_a_box: int,
    ) -> LevelSizes:
        """Count equal (group, level, size) and put them in the order of the groups."""
        longest = int(np.prod(self.shape)) + 1
        levels = len(self.levels)
        number, rank, size = (np.concatenate(parts).astype(np.int64) for parts in (numbers, ranks, sizes))
        codes, index = np.unique((number * levels + rank - 1) * longest + size, return_inverse=True)
        weight = np.bincount(index, weights=np.concatenate(weights), minlength=len(codes))
        used, group = np.unique(codes // (levels * longest), return_inverse=True)
        rank = codes // longest % levels
        return LevelSizes(group, used // groups_a_box, self.count, rank, codes % longest, weight, self.levels)

    def _equal(self, offset: Offset) -> np.ndarray:
        """Places inside the region whose level is that of their neighbour at the offset."""
        one, other = self._ends(self.ranks, offset)
        return (one == other) & (one > 0)

    def _ends(self, array: np.ndarray, offset: Offset) -> tuple[np.ndarray, np.ndarray]:
        """Views of all places that have a neighbour at the offset in the box, and of those neighbours."""
        here = tuple(slice(max(0, -d), max(0, n - max(0, d))) for d, n in zip(offset, self.shape, strict=True))
        ahead = tuple(slice(max(0, d), max(0, n + min(0, d))) for d, n in zip(offset, self.shape, strict=True))
        return array[here], array[ahead]
