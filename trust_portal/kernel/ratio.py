"""Ratios are two integers, compared by cross-multiplication and printed truncated."""

from __future__ import annotations

import re
from fractions import Fraction

#: No sign, no exponent, no fraction bar: what a contract prints.
_PERCENT = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,18})?)\s*%?")


def truncated_percent(value: Fraction, digits: int = 6) -> str:
    """``value`` as a percentage with ``digits`` decimals, cut and never rounded.

    Truncation is what keeps a figure just under a target from being printed as the target.
    """
    if value < 0:
        raise ValueError("a ratio here is never negative")
    scaled = value * 100 * 10**digits
    whole, rest = divmod(scaled.numerator // scaled.denominator, 10**digits)
    return f"{whole}.{rest:0{digits}d}" if digits else str(whole)


def parse_percent(text: str) -> Fraction:
    """``"99.9"`` (with or without a % sign) as the exact fraction 999/1000.

    ``ValueError`` for anything but a plain decimal number.
    """
    match = _PERCENT.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text[:40]!r} is no percentage")
    return Fraction(match[1]) / 100
