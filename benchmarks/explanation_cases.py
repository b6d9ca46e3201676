"""Tables with known causes, made from a seed.

``lattice``: every combination of a few dimensions exists once. Sizes, noise, severities and numbers
of causes follow the synthetic data sets on which the literature compares itself (dimensions of 10, 12,
10, 8 and 5 values; Weibull amounts, up to a quarter of them zero; forecast errors of up to 25 %; one to
three anomalies of one to three parts, over one to five dimensions).
``leaves``: the same with dimensions of 10, 24, 10 and 15 values, and only single combinations as causes.
``usage``: cost by resource, operation and so on as a vendor meters it: sparse, a few values carry most of
it, small amounts are forecast worse, causes multiply what they touch, evenly or (``uneven``) not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trust_portal.cost.explanation.model import Table
from trust_portal.cost.explanation.table import build_table

Where = frozenset[tuple[str, str]]
Floats = NDArray[np.float64]
Codes = NDArray[np.int64]

USAGE_DIMENSIONS = {
    "region": 6, "resource": 24, "operation": 9, "adapter": 5, "version": 4, "flag": 2, "label": 6,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A table and the parts that were made to move in it."""

    table: Table
    causes: frozenset[Where]


def lattice(seed: int) -> Case:
    """A dense table with causes of any depth."""
    return _dense(seed, (10, 12, 10, 8, 5), noise=0.25, severity=(0.2, 1.0), spread=0.1, anomalies=3, parts=3)


def leaves(seed: int) -> Case:
    """A dense table with one to five single combinations as causes."""
    return _dense(
        seed, (10, 24, 10, 15), noise=0.1, severity=(0.5, 1.0), spread=0.0, anomalies=5, parts=1, deepest=True
    )


def _dense(
    seed: int,
    cards: tuple[int, ...],
    *,
    noise: float,
    severity: tuple[float, float],
    spread: float,
    anomalies: int,
    parts: int,
    deepest: bool = False,
) -> Case:
    random = np.random.default_rng(seed)
    codes = np.stack([grid.ravel() for grid in np.meshgrid(*map(np.arange, cards), indexing="ij")])
    count = codes.shape[1]
    error = random.uniform(0, noise)
    amounts = random.weibull(random.uniform(0.5, 1.0), count) * 100
    amounts *= random.random(count) >= random.uniform(0, 0.25)
    missed = np.maximum(amounts * (1 + random.normal(0, error, count)), 0)
    swap = random.random(count) < 0.5
    expected, actual = np.where(swap, amounts, missed), np.where(swap, missed, amounts)
    falling = actual.sum() <= expected.sum()  # noise alone must not outweigh the causes
    used: list[tuple[tuple[int, ...], list[tuple[int, ...]]]] = []
    for _ in range(random.integers(1, anomalies + 1)):
        drop = random.uniform(*severity) + error
        uneven = random.uniform(0, spread)
        found = _choose(random, codes, cards, used, parts, deepest, (expected > 0) & (actual > 0))
        if found is None:
            continue
        used.append(found)
        moved = np.logical_or.reduce([_inside(codes, found[0], part) for part in found[1]])
        factor = np.maximum(1 - random.normal(drop, uneven, moved.sum()), 0)
        if falling:
            actual[moved] = expected[moved] * factor
        else:
            expected[moved] = actual[moved] * factor
    names = tuple("abcdef"[: len(cards)])
    causes = [(dimensions, part) for dimensions, chosen in used for part in chosen]
    return _case(names, cards, codes, expected, actual, causes)


def _choose(
    random: np.random.Generator,
    codes: Codes,
    cards: tuple[int, ...],
    used: list[tuple[tuple[int, ...], list[tuple[int, ...]]]],
    most: int,
    deepest: bool,
    visible: NDArray[np.bool_],
) -> tuple[tuple[int, ...], list[tuple[int, ...]]] | None:
    """Parts of one cuboid that share no value with those in use; None if there is no room left."""
    for _ in range(200):
        depth = len(cards) if deepest else int(random.integers(1, len(cards) + 1))
        dimensions = tuple(sorted(int(each) for each in random.choice(len(cards), depth, replace=False)))
        if depth < len(cards) and any(dimensions == taken for taken, _ in used):
            continue
        free = [_free_values(each, cards, used) for each in dimensions]
        if not all(free):
            continue
        count = int(random.integers(1, most + 1))
        columns = [[int(value) for value in random.choice(values, count)] for values in free]
        parts = list(dict.fromkeys(zip(*columns, strict=True)))
        if len(parts) == count and all((_inside(codes, dimensions, part) & visible).any() for part in parts):
            return dimensions, parts
    return None


def _free_values(
    dimension: int, cards: tuple[int, ...], used: list[tuple[tuple[int, ...], list[tuple[int, ...]]]]
) -> list[int]:
    taken = {
        part[dimensions.index(dimension)]
        for dimensions, parts in used
        if dimension in dimensions
        for part in parts
    }
    return [value for value in range(cards[dimension]) if value not in taken]


def usage(seed: int, *, depth: int, count: int, noise: float, uneven: bool, rows: int = 20_000) -> Case:
    """``count`` causes that each fix ``depth`` dimensions, in a sparse table made of ``rows`` draws."""
    random = np.random.default_rng(seed)
    cards = tuple(USAGE_DIMENSIONS.values())
    columns = []
    for card in cards:
        weight = 1 / np.arange(1, card + 1) ** 0.8
        columns.append(random.choice(card, rows, p=weight / weight.sum()))
    codes = np.unique(np.stack(columns), axis=1)
    size = codes.shape[1]
    expected: NDArray[np.float64] = np.multiply(random.lognormal(2, 1.2, size), random.random(size) > 0.03)
    error = noise * (1 + 2 / np.sqrt(1 + expected))
    actual: NDArray[np.float64] = np.maximum(expected * (1 + random.normal(0, 1, size) * error), 0)
    causes: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    touched = np.zeros(size, dtype=np.bool_)
    for _ in range(500):
        if len(causes) == count:
            break
        dimensions = tuple(sorted(int(each) for each in random.choice(len(cards), depth, replace=False)))
        part = tuple(int(random.integers(cards[each])) for each in dimensions)
        inside = _inside(codes, dimensions, part)
        weight = expected[inside].sum() / expected.sum()
        if not 0.003 <= weight <= 0.4 or inside.sum() < 4 or (inside & touched).any():
            continue
        growth = random.uniform(0.6, 4.0)
        spread = random.uniform(0.3, 0.6) if uneven else random.uniform(0.0, 0.1)
        actual[inside] *= np.maximum(1 + growth * (1 + random.normal(0, spread, inside.sum())), 0)
        touched |= inside
        causes.append((dimensions, part))
    return _case(tuple(USAGE_DIMENSIONS), cards, codes, expected, actual, causes)


def _inside(codes: Codes, dimensions: tuple[int, ...], part: tuple[int, ...]) -> NDArray[np.bool_]:
    fits = [codes[each] == value for each, value in zip(dimensions, part, strict=True)]
    inside: NDArray[np.bool_] = np.logical_and.reduce(fits)
    return inside


def _case(
    names: tuple[str, ...],
    cards: tuple[int, ...],
    codes: Codes,
    expected: Floats,
    actual: Floats,
    causes: list[tuple[tuple[int, ...], tuple[int, ...]]],
) -> Case:
    values = [[f"{name}{value}" for value in range(card)] for name, card in zip(names, cards, strict=True)]
    table = build_table(
        {name: [values[row][code] for code in codes[row]] for row, name in enumerate(names)},
        [round(amount * 1e6) for amount in expected.tolist()],
        [round(amount * 1e6) for amount in actual.tolist()],
        digits=6,
    )
    truth = frozenset(
        frozenset((names[each], values[each][value]) for each, value in zip(dimensions, part, strict=True))
        for dimensions, part in causes
    )
    return Case(table, truth)
