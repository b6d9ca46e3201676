"""Money: integer minor units and an ISO 4217 currency with its own exponent."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from babel.numbers import get_currency_precision, list_currencies

from trust_portal.errors import InvalidInput

_CURRENCIES = frozenset(list_currencies())


def exponent(currency: str) -> int:
    """Digits behind the point of an ISO 4217 code (JPY 0, EUR 2, KWD 3)."""
    if currency not in _CURRENCIES:
        raise InvalidInput(f"{currency!r} is no ISO 4217 currency code", field="currency")
    return get_currency_precision(currency)


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
        try:
            value = Decimal(text)
        except InvalidOperation as error:
            raise InvalidInput(f"{text!r} is no decimal number", field=field) from error
        if not value.is_finite():
            raise InvalidInput(f"{text!r} is no amount", field=field)
        minor = value.scaleb(exponent(currency))
        if minor != minor.to_integral_value():
            raise InvalidInput(
                f"{text} has more digits than {currency} counts ({exponent(currency)})", field=field
            )
        return cls(int(minor), currency)

    def __str__(self) -> str:
        return f"{self.decimal} {self.currency}"

    @property
    def decimal(self) -> str:
        """Major units as a plain decimal string with the currency's digits, as signed JSON wants."""
        digits = exponent(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, rest = divmod(abs(self.minor), 10**digits)
        return f"{sign}{whole}.{rest:0{digits}d}" if digits else f"{sign}{whole}"
