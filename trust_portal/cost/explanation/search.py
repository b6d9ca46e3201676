"""The set of parts that says a table's movement most briefly: find, split, merge.

The part with the largest gain is taken first, then the next among the leaves that remain. Greed errs
in two ways, and each is put right: a coarse part may stand for some of its children only (*split*),
and several finds may be slices of one cause (*merge*). Two rounds are run, because only when the
first causes are set aside can the noise be measured without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trust_portal.cost.explanation.lattice import Cuboid, Lattice, Sums
from trust_portal.cost.explanation.movement import Floats, Movement, measure

Places = NDArray[np.intp]

#: A cause must be this much more likely than chance (nats), after its name is paid for.
_LEAST_GAIN = 3.0
#: Children replace their parent only when they say clearly more: noise alone always splits a little.
_CLEARLY_MORE = 1.15
_MOST_CAUSES = 24
#: With fewer quiet leaves than this share, the first round's view of the noise is the better one.
_ENOUGH_QUIET = 0.1


@dataclass(frozen=True, slots=True)
class Part:
    """A part found to be a cause: its name, the places of its own leaves, the gain in nats."""

    dimensions: tuple[int, ...]
    values: tuple[int, ...]
    places: Places
    gain: float
    uniformity: float


def find_causes(lattice: Lattice, shift: Floats, size: Floats) -> list[Part]:
    """Disjoint parts, strongest evidence first. All sizes must be above zero."""
    quiet = np.ones(len(shift), dtype=np.bool_)
    search, parts = _search(lattice, measure(shift, size, quiet))
    for part in parts:
        quiet[part.places] = False
    if np.count_nonzero(quiet) >= _ENOUGH_QUIET * len(shift):
        # One far leaf may be a cause, or a long tail.
        tails = quiet.copy()
        for part in parts:
            if len(part.places) == 1:
                tails[part.places] = True
        search, parts = _search(lattice, measure(shift, size, quiet, tails))
    return search.merge(parts)


def _search(lattice: Lattice, movement: Movement) -> tuple[_Search, list[Part]]:
    search = _Search(lattice, movement)
    return search, search.run()


class _Board:
    """The gains of all parts of all cuboids side by side, kept up to date while leaves find their causes."""

    def __init__(self, cuboids: Sequence[Cuboid], movement: Movement) -> None:
        self._cuboids = cuboids
        self._movement = movement
        self._ends = np.cumsum([cuboid.parts for cuboid in cuboids])
        self._starts = self._ends - [cuboid.parts for cuboid in cuboids]
        self._prices = np.array([cuboid.price for cuboid in cuboids])
        every = slice(None)
        self._sums = Sums.joined([Sums.over(cuboid.key, cuboid.parts, movement, every) for cuboid in cuboids])
        self._gains = self._sums.gains()

    def best(self) -> tuple[float, Cuboid, int]:
        """The largest gain, its name paid for, and whose it is: the cuboid and the part's number in it."""
        paid = np.maximum.reduceat(self._gains, self._starts) - self._prices
        place = int(np.argmax(paid))
        gains = self._gains[self._starts[place] : self._ends[place]]
        return float(paid[place]), self._cuboids[place], int(np.argmax(gains))

    def remove(self, leaves: Places) -> None:
        """These leaves are explained: only the parts they lie in have to be looked at again."""
        key = np.concatenate(
            [cuboid.key[leaves] + start for cuboid, start in zip(self._cuboids, self._starts, strict=True)]
        )
        touched, key = np.unique(key, return_inverse=True)
        rest = self._sums.less(touched, key, self._movement, np.tile(leaves, len(self._cuboids)))
        self._gains[touched] = rest.gains()


class _Search:
    """One greedy pass over a lattice with a given measure of noise."""

    def __init__(self, lattice: Lattice, movement: Movement) -> None:
        self._lattice = lattice
        self._movement = movement
        self._cuboids = {cuboid.dimensions: cuboid for cuboid in lattice.cuboids}
        self._free = np.ones(len(movement.shift), dtype=np.bool_)
        self._zeros = np.zeros(len(movement.shift), dtype=np.int64)

    def run(self) -> list[Part]:
        cuboids = [cuboid for cuboid in self._lattice.cuboids if cuboid.dimensions]
        if not cuboids:
            return []
        board = _Board(cuboids, self._movement)
        found: list[Part] = []
        while len(found) < _MOST_CAUSES:
            gain, cuboid, leader = board.best()
            if gain <= _LEAST_GAIN:
                break
            places = np.flatnonzero((cuboid.key == leader) & self._free)
            cuboid = self._closest(cuboid, places)
            values = tuple(int(self._lattice.codes[each][places[0]]) for each in cuboid.dimensions)
            parts = self._split(self._part(cuboid.dimensions, values, places))
            found += parts
            taken = np.concatenate([part.places for part in parts])
            self._free[taken] = False
            board.remove(taken)
        return found

    def _closest(self, cuboid: Cuboid, places: Places) -> Cuboid:
        """Of the names of as many dimensions that fit the free leaves at ``places``, the one that claims least else.

        A name that also fits leaves with another cause would mislead whoever reads it.
        """
        closest, claimed = cuboid, np.count_nonzero(cuboid.key == cuboid.key[places[0]])
        if claimed == len(places):
            return cuboid
        for other in self._lattice.cuboids:
            if len(other.dimensions) != len(cuboid.dimensions):
                continue
            whole = other.key == other.key[places[0]]
            same = whole[places].all() and np.count_nonzero(whole & self._free) == len(places)
            if same and np.count_nonzero(whole) < claimed:
                closest, claimed = other, np.count_nonzero(whole)
        return closest

    def _part(self, dimensions: tuple[int, ...], values: tuple[int, ...], places: Places) -> Part:
        sums = Sums.over(self._zeros, 1, self._movement, places)
        gain = float(sums.gains()[0]) - self._cuboids[dimensions].price
        return Part(dimensions, values, places, gain, sums.uniformity())

    def _split(self, part: Part) -> list[Part]:
        """The part, or those of its children (along one more dimension, recursively) that say clearly more."""
        best, children = max(part.gain, 0.0) * _CLEARLY_MORE + _LEAST_GAIN, None
        for dimension, card in enumerate(self._lattice.cards):
            finer = tuple(sorted({*part.dimensions, dimension}))
            if dimension in part.dimensions or finer not in self._cuboids:
                continue
            sums = Sums.over(self._lattice.codes[dimension], card, self._movement, part.places)
            gains = sums.gains() - self._cuboids[finer].price
            worth = gains > _LEAST_GAIN
            total = float(gains[worth].sum())
            if total > best:
                best, children = total, (dimension, finer, np.flatnonzero(worth))
        if children is None:
            return [part]
        dimension, finer, chosen = children
        position = finer.index(dimension)
        found: list[Part] = []
        for value in chosen:
            values = (*part.values[:position], int(value), *part.values[position:])
            places = part.places[self._lattice.codes[dimension][part.places] == value]
            found += self._split(self._part(finer, values, places))
        return found

    def merge(self, parts: list[Part]) -> list[Part]:
        """Replace parts by a coarser one that holds them, as long as that says more."""
        refused: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        while (merged := self._one_merge(parts, refused)) is not None:
            parts = merged
        return parts

    def _one_merge(
        self, parts: list[Part], refused: set[tuple[tuple[int, ...], tuple[int, ...]]]
    ) -> list[Part] | None:
        for part in parts:
            best: tuple[float, Part, list[Part]] | None = None
            for position in range(len(part.dimensions)):
                dimensions = part.dimensions[:position] + part.dimensions[position + 1 :]
                values = part.values[:position] + part.values[position + 1 :]
                if dimensions not in self._cuboids or (dimensions, values) in refused:
                    continue
                key = self._cuboids[dimensions].key
                whole = key == key[part.places[0]]
                inside = [each for each in parts if whole[each.places].all()]
                own = np.flatnonzero(whole & self._free)
                coarser = self._part(
                    dimensions, values, np.concatenate([own, *(each.places for each in inside)])
                )
                # The same leaves under a shorter name are always the better answer.
                alias = bool(dimensions) and len(coarser.places) == len(part.places)
                more = coarser.gain - sum(each.gain for each in inside)
                if not alias and more <= 0:
                    refused.add((dimensions, values))
                elif best is None or more > best[0]:
                    best = more, coarser, inside
            if best is not None:
                _, coarser, inside = best
                self._free[coarser.places] = False
                return [each for each in parts if all(each is not other for other in inside)] + [coarser]
        return None
