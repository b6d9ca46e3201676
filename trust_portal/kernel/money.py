"""Money: integer minor units and an ISO 4217 currency with its own exponent."""

from __future__ import annotations

import re
from dataclasses import dataclass

from trust_portal.errors import InvalidInput
from trust_portal.kernel.currencies import EXPONENTS

#: Plain notation only: no exponent, so that ten characters cannot ask for a gigabyte of digits.
_AMOUNT = re.compile(r"(-?)([0-9]{1,20})(?:\.([0-9]{1,20}))?")
#: A ``bigint`` of the database.
_LARGEST = 2**63 - 1


def exponent(currency: str) -> int:
    """Digits behind the point of an ISO 4217 code (JPY 0, EUR 2, KWD 3)."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise InvalidInput(f"{currency!r} is no ISO 4217 currency code", field="currency") from None


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An exact amount; ``minor`` counts the currency's smallest unit and may be negative."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        exponent(self.currency)

    @classmethod
    def parse(cls, text: str, currency: str, *, field: str = "amount") -> Money:
        """``"10.01"`` in major units; more digits than the currency has is refused, not rounded."""
        match = _AMOUNT.fullmatch(text)
        if match is None:
            raise InvalidInput(
                f"{text[:40]!r} is no decimal number; write it as 1200.00, with a point and nothing else",
                field=field,
            )
        sign, whole, fraction = match[1], match[2], (match[3] or "").rstrip("0")
        digits = exponent(currency)
        if len(fraction) > digits:
            raise InvalidInput(f"{text} has more digits than {currency} counts ({digits})", field=field)
        minor = int(whole + fraction.ljust(digits, "0"))
        if minor > _LARGEST:
            raise InvalidInput(f"{text} is beyond what can be stored", field=field)
        return cls(-minor if sign else minor, currency)

    def __str__(self) -> str:
        return f"{self.decimal} {self.currency}"

    @property
    def decimal(self) -> str:
        """Major units as a plain decimal string with the currency's digits, as signed JSON wants."""
        digits = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, rest = divmod(abs(self.minor), 10**digits)
        return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"
