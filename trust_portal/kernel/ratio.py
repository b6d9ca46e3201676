"""Ratios are two integers, compared by cross-multiplication and printed truncated."""

from __future__ import annotations

from fractions import Fraction


def truncated_percent(value: Fraction, digits: int = 6) -> str:
    """``value`` as a percentage with ``digits`` decimals, cut and never rounded.

    Truncation is what keeps a figure just under a target from being printed as the target.
    """
    if value < 0:
        raise ValueError("a ratio here is never negative")
    scaled = value * 100 * 10**digits
    whole, rest = divmod(scaled.numerator // scaled.denominator, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)
