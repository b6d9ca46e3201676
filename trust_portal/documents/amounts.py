"""Amounts as a page shows them: in the currency's own digits, with the exact value behind.

Metered cost comes with more digits than a currency has. Pages round it for reading only; the exact
amount stays in ``<data value>`` and in its title, in the events, and in whatever is downloaded.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Decimal

from markupsafe import Markup

from trust_portal.documents.formats import amount
from trust_portal.kernel.money import exponent


def rounded(value: Decimal, currency: str, *, code: bool = True, signed: bool = False) -> str:
    """``EUR 538.93`` for 538.934931, half to even; what is not zero is never shown as zero, but whole."""
    text = amount(_shown(value, currency), currency, signed=signed)
    return text if code else text.removeprefix(f"{currency}\N{NO-BREAK SPACE}")


def rounded_data(value: Decimal, currency: str, *, code: bool = True, signed: bool = False) -> Markup:
    """``rounded`` with the exact amount for programs and in the title, where the two differ."""
    text = rounded(value, currency, code=code, signed=signed)
    if _shown(value, currency) == value:
        return Markup("{}").format(text)
    exact = amount(value, currency, signed=signed)
    return Markup('<data value="{}" title="{}">{}</data>').format(f"{value:f}", exact, text)


def _shown(value: Decimal, currency: str) -> Decimal:
    found = value.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_EVEN)
    return found or value
