"""How values read in text. Pure; English; the same on screen, on paper and in tables.

Figures arrive as the strings that were signed, so nothing here rounds, rescales or re-derives one:
digits are only grouped and units set beside them.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from trust_portal.kernel.money import Money, exponent

NO_BREAK = "\u00a0"
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_NUMBER = re.compile(r"([+-]?)(\d+)(\.\d+)?")


def number(value: str | int) -> str:
    """An exact decimal with thousands grouped: ``"43200"`` → ``43,200``. A typographic minus sign."""
    match = _NUMBER.fullmatch(str(value))
    if match is None:
        raise ValueError(f"{value!r} is no decimal number")
    sign = {"-": "\u2212", "+": "+"}.get(match[1], "")
    return f"{sign}{int(match[2]):,}{match[3] or ''}"


def percent(value: str) -> str:
    """A percentage as it was signed, every digit kept: ``"99.900463"`` → ``99.900463 %``, unbroken.

    One that no decimal can write stays the fraction that it is: ``2500/27 %``.
    """
    return f"{value if '/' in value else number(value)}{NO_BREAK}%"


def money(value: Money | str, currency: str | None = None) -> str:
    """``EUR 1,234.50``: the ISO code first, the amount unbroken behind it."""
    if isinstance(value, Money):
        return f"{value.currency}{NO_BREAK}{number(value.decimal)}"
    return f"{currency}{NO_BREAK}{number(value)}" if currency else number(value)


def amount(value: Decimal, currency: str | None = None, digits: int = 0, *, signed: bool = False) -> str:
    """An exact amount in major units: no digit dropped, filled up to the currency's and to ``digits``.

    ``currency`` None leaves out the code; ``signed`` sets a plus before what is above zero.
    """
    text = f"{value:f}"
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0").ljust(max(digits, exponent(currency) if currency else 0), "0")
    text = f"{'+' if signed and value > 0 else ''}{whole}{'.' if fraction else ''}{fraction}"
    return money(text, currency)


def as_instant(value: str | datetime) -> datetime:
    """An aware instant from RFC 3339 text or a datetime; naive ones are refused."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    if at.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return at


def instant(value: str | datetime, zone: str | None = None) -> str:
    """``14 June 2026, 09:32 UTC``, or in an IANA zone with its abbreviation. Seconds if there are any."""
    at = as_instant(value).astimezone(ZoneInfo(zone) if zone else UTC)
    name = at.tzname() or ""
    if name[:1] in "+-":
        name = f"UTC{name}".replace("-", "\u2212")
    return f"{day(at)}, {_clock(at)}{NO_BREAK}{name}"


def clock_time(value: str | datetime, zone: str | None = None) -> str:
    """The time of day alone, for tables whose rows already name the day."""
    return _clock(as_instant(value).astimezone(ZoneInfo(zone) if zone else UTC))


def _clock(at: datetime) -> str:
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


_INSTANT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def with_instants(text: str) -> str:
    """A signed sentence as people read it: its RFC 3339 instants to the second, all else as it is."""
    return _INSTANT.sub(lambda found: instant(as_instant(found[0]).replace(microsecond=0)), text)


def day(value: str | datetime | date, zone: str | None = None) -> str:
    """``14 June 2026``, in the value's own zone unless one is named; a date is in none."""
    at = _day_of(value, zone)
    return f"{at.day}{NO_BREAK}{MONTHS[at.month - 1]} {at.year}"


def short_day(value: str | datetime | date, zone: str | None = None) -> str:
    """``14 Jun``, for axes and dense tables."""
    at = _day_of(value, zone)
    return f"{at.day}{NO_BREAK}{MONTHS[at.month - 1][:3]}"


def _day_of(value: str | datetime | date, zone: str | None) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    at = as_instant(value)
    return at.astimezone(ZoneInfo(zone)) if zone else at


def period(label: str) -> str:
    """``2026-06`` → ``June 2026``; ``2026-Q2`` → ``Q2 2026``."""
    year, _, rest = label.partition("-")
    return f"{rest} {year}" if rest.startswith("Q") else f"{MONTHS[int(rest) - 1]} {year}"


def duration(value: timedelta | int | str) -> str:
    """``1 h 12 min`` from a timedelta or a whole number of minutes; the two largest units."""
    seconds = int(value.total_seconds()) if isinstance(value, timedelta) else int(value) * 60
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count}{NO_BREAK}{unit}")
    return f"{NO_BREAK}".join(parts[:2]) or f"0{NO_BREAK}min"


def size(value: int) -> str:
    """Bytes in decimal units, as file managers show them: ``1.4 MB``."""
    amount, unit = Decimal(value), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if amount < 1000:
            break
        amount, unit = amount / 1000, larger
    text = str(value) if unit == "B" else f"{amount:.1f}"
    return f"{text}{NO_BREAK}{unit}"


def digest(value: str, keep: int = 12) -> str:
    """The first hex digits of a digest, an ellipsis behind them; the whole value belongs in a title."""
    text = value.removeprefix("sha256:")
    return f"{text[:keep]}…" if len(text) > keep else text


def grouped(value: str, every: int = 8) -> str:
    """A fingerprint in groups that two people can read to each other over the telephone."""
    return " ".join(value[at : at + every] for at in range(0, len(value), every))


FILTERS = {
    "amount": amount,
    "number": number,
    "percent": percent,
    "money": money,
    "instant": instant,
    "with_instants": with_instants,
    "clock_time": clock_time,
    "day": day,
    "short_day": short_day,
    "period": period,
    "duration": duration,
    "size": size,
    "digest": digest,
    "grouped": grouped,
}
