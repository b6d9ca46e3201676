"""The baseline: Adtributor (Bhagwan et al., "Adtributor: revenue debugging in advertising systems", NSDI 2014).

One dimension explains everything: the one whose values are most surprising (Jensen–Shannon divergence of
their shares) among those that make up two thirds of the delta, values below a tenth of it left out.
"""

from __future__ import annotations

import numpy as np

from trust_portal.cost.explanation.model import Table

_LEAST_PART = 0.1
_ENOUGH = 0.67


def adtributor(table: Table) -> frozenset[frozenset[tuple[str, str]]]:
    """The values it blames, each as a part of one dimension."""
    expected, actual = table.expected.astype(np.float64), table.actual.astype(np.float64)
    delta = actual.sum() - expected.sum()
    best: tuple[float, frozenset[frozenset[tuple[str, str]]]] = (-1.0, frozenset())
    for name, values, codes in zip(table.dimensions, table.values, table.codes, strict=True):
        before = np.bincount(codes, weights=expected, minlength=len(values))
        after = np.bincount(codes, weights=actual, minlength=len(values))
        part = (after - before) / delta
        surprise = _divergence(before / expected.sum(), after / actual.sum())
        blamed, explained, total = [], 0.0, 0.0
        for value in np.argsort(-surprise):
            if part[value] > _LEAST_PART:
                blamed.append(values[value])
                explained += part[value]
                total += surprise[value]
            if explained > _ENOUGH:
                break
        if explained > _ENOUGH and total > best[0]:
            best = (total, frozenset(frozenset({(name, value)}) for value in blamed))
    return best[1]


def _divergence(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    middle = (before + after) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.where(before > 0, before * np.log(before / middle), 0.0)
        right = np.where(after > 0, after * np.log(after / middle), 0.0)
    return np.nan_to_num((left + right) / 2)
