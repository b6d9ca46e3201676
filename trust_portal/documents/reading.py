"""Sentences that hold exact values, as people read them. Pure; for reading only, nothing is decided by it."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Final

from trust_portal.documents import formats
from trust_portal.documents.amounts import rounded
from trust_portal.kernel.currencies import EXPONENTS

_AMOUNT: Final = re.compile(r"(?<![\w.,])(-?\d+(?:\.\d+)?) ([A-Z]{3})(?!\w)")
_SPELLED_AMOUNT: Final = re.compile(
    r"(?<!\w)([A-Z]{3})[ \u00a0]([-\u2212]?)(\d[\d,]*(?:\.\d+)?)(?![\d.,]*\d)"
)
_COUNT: Final = re.compile(r"(?<![\w.,-])\d{5,}(?= [a-z])")
_PERIOD: Final = re.compile(r"(?<![\w-])\d{4}-(?:\d\d|Q[1-4])(?![\w-])")
_DATE: Final = re.compile(r"(?<![\w-])\d{4}-\d\d-\d\d(?![\w-])")
_NONE: Final = re.compile(r"\b(adapter|deploy|flag|operation|region|resource|tier) none\b")
_TIGHT_PERCENT: Final = re.compile(r"(?<=\d)%")


def readable(text: str) -> str:
    """Instants, days, periods, counts and amounts in ``text`` as every page writes them; all else as it is.

    Amounts come in their currency's digits: ``EUR 868.806016`` → ``EUR 868.81``.
    """
    text = _AMOUNT.sub(lambda found: _money(found[0], found[2], found[1]), text)
    text = _SPELLED_AMOUNT.sub(
        lambda found: _money(found[0], found[1], f"{'-' if found[2] else ''}{found[3].replace(',', '')}"),
        text,
    )
    text = formats.with_instants(text)
    text = _DATE.sub(_or_itself(lambda day: formats.day(date.fromisoformat(day))), text)
    text = _PERIOD.sub(_or_itself(formats.period), text)
    text = _COUNT.sub(lambda found: formats.number(found[0]), text)
    text = _NONE.sub(r"no \1", text)
    return _TIGHT_PERCENT.sub(f"{formats.NO_BREAK}%", text)


def _money(text: str, currency: str, amount: str) -> str:
    """``text`` itself where the letters are no currency."""
    return rounded(Decimal(amount), currency) if currency in EXPONENTS else text


def _or_itself(read: Callable[[str], str]) -> Callable[[re.Match[str]], str]:
    """What only looks like a date or a period stays as it is."""

    def replaced(found: re.Match[str]) -> str:
        try:
            return read(found[0])
        except (ValueError, IndexError):
            return found[0]

    return replaced
