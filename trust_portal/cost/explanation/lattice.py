"""All parts of a table that can be named, and what is gained by calling one of them a cause.

A *part* fixes some dimensions to one value each (``region=eu``, ``region=eu & operation=export``).
Parts that fix the same dimensions form a cuboid. The gain is a difference of description lengths, in
nats: how much shorter the shifts of the part's leaves can be said with one common shift than as
noise around zero, less what it costs to name the part among all that could have been named
(minimum description length: Rissanen 1978). Whether a finer, coarser or other part explains the same
movement better is thereby one comparison of numbers, without thresholds per dimension.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from trust_portal.cost.explanation.movement import Floats, Movement

Codes = NDArray[np.int64]

#: Cuboids looked at, besides the single leaves: all of 8 dimensions, two at a time of 20.
_MOST_CUBOIDS = 256
#: A common shift below this is too small to be anybody's cause …
_LEAST_SHIFT = 0.005
#: … and so is one below this many σ of the leaf's noise: a wrong scale would look the same.
_LEAST_SIGMAS = 0.75
#: A shift is common when at least this part of the movement is shared.
_LEAST_UNIFORM = 0.5
#: The spread inside a cause is one noise variance a priori, worth one leaf; never below a tenth of it.
_PRIOR_LEAVES = 1.0
_LEAST_SPREAD = 0.1


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums over the leaves of each part of a cuboid: count, Σw, Σw·d, Σw·d², Σ surprise."""

    count: Floats
    weight: Floats
    first: Floats
    second: Floats
    surprise: Floats

    @classmethod
    def over(cls, key: Codes, parts: int, movement: Movement, leaves: NDArray[np.intp] | slice) -> Sums:
        """Sums by ``key`` over the chosen ``leaves`` only."""
        return cls._of(key[leaves], parts, movement, leaves)

    @classmethod
    def _of(cls, chosen: Codes, parts: int, movement: Movement, leaves: NDArray[np.intp] | slice) -> Sums:
        def total(values: Floats) -> Floats:
            return np.bincount(chosen, weights=values[leaves], minlength=parts).astype(np.float64, copy=False)

        return cls(
            np.bincount(chosen, minlength=parts).astype(np.float64),
            total(movement.weight),
            total(movement.first),
            total(movement.second),
            total(movement.surprise),
        )

    @classmethod
    def joined(cls, sums: Sequence[Sums]) -> Sums:
        """Of several cuboids, one after the other."""
        return cls(*map(np.concatenate, zip(*(each.columns() for each in sums), strict=True)))

    def less(self, parts: Codes, key: Codes, movement: Movement, leaves: NDArray[np.intp]) -> Sums:
        """Take ``leaves`` away in place; ``key`` numbers their parts within ``parts``, whose sums return."""
        gone = Sums._of(key, len(parts), movement, leaves)
        for mine, theirs in zip(self.columns(), gone.columns(), strict=True):
            mine[parts] -= theirs
        return Sums(*(column[parts] for column in self.columns()))

    def columns(self) -> tuple[Floats, ...]:
        return self.count, self.weight, self.first, self.second, self.surprise

    def gains(self) -> Floats:
        """Nats saved by one common shift per part, before the price of its name; −∞ where none is due."""
        gains = np.full(len(self.count), -np.inf)
        # Counts are whole; what subtraction leaves of sums is not exactly 0.
        some = np.flatnonzero(self.count > 0.5)
        common = self.first[some] / self.weight[some]
        apart = np.abs(common) > _LEAST_SHIFT
        apart &= common**2 * self.weight[some] > _LEAST_SIGMAS**2 * self.count[some]
        apart &= self.first[some] * common >= _LEAST_UNIFORM * self.second[some]
        some, common = some[apart], common[apart]
        count, first = self.count[some], self.first[some]
        within = np.maximum(self.second[some] - first * common, 0.0)
        spread = np.maximum((within + _PRIOR_LEAVES) / (count + _PRIOR_LEAVES), _LEAST_SPREAD)
        gains[some] = (
            self.surprise[some] - 0.5 * count * np.log(spread) - 0.5 * within / spread - np.log(count)
        )
        return gains

    def uniformity(self) -> float:
        """0 to 1, for a single part: how much of its movement is the common shift."""
        second = float(self.second[0])
        return float(self.first[0]) ** 2 / (float(self.weight[0]) * second) if second > 0 else 0.0


@dataclass(frozen=True, slots=True)
class Cuboid:
    """The parts that fix ``dimensions``; ``key`` numbers each leaf's part; ``price`` names one (nats)."""

    dimensions: tuple[int, ...]
    key: Codes
    parts: int
    price: float


@dataclass(frozen=True, slots=True)
class Lattice:
    """The cuboids of a table of leaves. ``codes``: shape (dimensions, leaves)."""

    codes: Codes
    cards: tuple[int, ...]
    cuboids: tuple[Cuboid, ...]

    @classmethod
    def of(cls, codes: Codes, cards: tuple[int, ...]) -> Lattice:
        """Coarse cuboids first. The empty one, "everything", is among them."""
        width = len(cards)
        layers = [0]
        looked_at = 1
        for layer in range(1, width):
            looked_at += math.comb(width, layer)
            if looked_at > _MOST_CUBOIDS and layer > 1:
                break
            layers.append(layer)
        layers.append(width)
        return cls(
            codes,
            cards,
            tuple(
                _cuboid(codes, cards, dimensions)
                for layer in layers
                for dimensions in combinations(range(width), layer)
            ),
        )


def _cuboid(codes: Codes, cards: tuple[int, ...], dimensions: tuple[int, ...]) -> Cuboid:
    key, parts = number_parts(codes, cards, dimensions)
    width = len(cards)
    price = math.log(width) + math.log(math.comb(width, len(dimensions))) + math.log(max(2, parts))
    return Cuboid(dimensions, key, parts, price)


def number_parts(codes: Codes, cards: tuple[int, ...], dimensions: tuple[int, ...]) -> tuple[Codes, int]:
    """A number per column of ``codes`` that tells its part, and how many numbers there are at most."""
    columns = codes.shape[1]
    roomy = max(4 * columns, 1 << 16)
    key = np.zeros(columns, dtype=np.int64)
    parts = 1
    for dimension in dimensions:
        key = key * cards[dimension] + codes[dimension]
        parts *= cards[dimension]
        if parts > roomy:  # most numbers would stand for nothing: keep those that occur
            occurring, key = np.unique(key, return_inverse=True)
            parts = len(occurring)
    return key, parts
