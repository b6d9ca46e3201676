"""One row of a FOCUS export as usage (FOCUS 1.0 to 1.3, https://focus.finops.org). Pure.

A charge is spread evenly over the hours of its period, so that a monthly fee is no spike on the
first; the parts add up to it exactly. ``ChargeClass`` ``Correction`` needs nothing special: FOCUS
states a correction as a charge of its own, for the period that it corrects. A row is told apart
by what it is a charge for, never by its amounts, and spelled one way whatever file it comes from: so
what comes again (a file sent twice, an export that overlaps another) is recognised, and a row that
comes with other amounts is known to be the same row, restated.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any, Final
from urllib.parse import quote

from trust_portal.cost.metering.focus_files import Row
from trust_portal.cost.metering.focus_mapping import FocusMapping, TenantFrom
from trust_portal.facts.events import USAGE_RECORDED
from trust_portal.facts.fields import MAX_DECIMAL_FRACTION, MAX_DECIMAL_INTEGRAL
from trust_portal.kernel.clock import rfc3339

_HOUR: Final = timedelta(hours=1)
_LONGEST: Final = timedelta(days=3 * 366)
_UNIT: Final = Decimal(1).scaleb(-MAX_DECIMAL_FRACTION)
_MOST_TAGS: Final = 50
#: What a row is a charge for. Neither amounts and prices (a description may quote one) nor what is filled in
#: or renamed later (the invoice's number, names of what has an id).
_KEY: Final = (
    "SubAccountId", "BillingCurrency", "ChargeCategory", "ChargeClass", "ChargeFrequency", "ServiceCategory",
    "ServiceName", "AvailabilityZone", "SkuId", "SkuPriceId", "SkuMeter", "ConsumedUnit", "PricingCategory",
    "CommitmentDiscountId", "CommitmentDiscountStatus", "CapacityReservationId",
)  # fmt: skip
_KEY_INSTANTS: Final = ("BillingPeriodStart", "ChargePeriodStart", "ChargePeriodEnd")


class Unmappable(ValueError):
    """A row that is not ours to guess about; ``code`` says why in a word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Charge:
    """A row, read: whose, what, when, how much. ``rounded``: the cost had more digits than can be kept.

    ``key`` is what rows that are a charge for the same have in common.
    """

    source: str
    key: str
    tenant: str
    subsystem: str
    start: datetime
    hours: int
    cost: Decimal
    rounded: bool
    currency: str
    quantity: Decimal
    is_correction: bool
    fields: Mapping[str, Any] = field(repr=False)

    def events(self, until: datetime, *, nth: int = 0) -> Iterator[dict[str, Any]]:
        """Usage events, one an hour, of the hours that have begun by ``until``.

        ``nth``: how many rows of the file before this one have the same ``key``.
        """
        hours = self.hours
        row = f"{self.key}+{nth}" if nth else self.key
        units, rest = divmod(int(self.cost / _UNIT), hours)
        for number in range(hours):
            at = self.start + number * _HOUR
            if at > until:
                return
            part = Decimal(units + (number < rest)) * _UNIT
            yield {
                "specversion": "1.0",
                "type": USAGE_RECORDED,
                "source": self.source,
                "id": row if hours == 1 else f"{row}-{number}",
                "time": rfc3339(at),
                "data": {
                    "tenant": self.tenant,
                    "subsystem": self.subsystem,
                    **self.fields,
                    "quantity": float(max(self.quantity, Decimal(0)) / hours),
                    "cost": f"{part.normalize():f}",
                    "currency": self.currency,
                },
            }


def read_charge(row: Row, mapping: FocusMapping) -> Charge:
    """Raises ``Unmappable`` for a row without a tenant, a mapped category, a cost or a period."""
    tags = _tags(row.get("Tags"))
    tenant = _tenant(row, tags, mapping.tenant_from)
    category = str(row.get("ServiceCategory", ""))
    subsystem = mapping.subsystem(category)
    if subsystem is None:
        raise Unmappable("NO_SUBSYSTEM", f"ServiceCategory {category!r} is mapped to no subsystem")
    start, hours = _period(row)
    cost, rounded = _cost(row, mapping.cost)
    quantity = _decimal(row.get("ConsumedQuantity", row.get("PricingQuantity", 0)), "ConsumedQuantity")
    service = _first(row, "ServiceName", default=category)
    correction = str(row.get("ChargeClass", "")).casefold() == "correction"
    labels = {"service": service, "charge_category": str(row.get("ChargeCategory", "Usage")), **tags}
    if correction:
        labels["charge_class"] = "Correction"
    if quantity < 0:
        labels["quantity"] = f"{quantity.normalize():f}"
    fields: dict[str, Any] = {
        "resource": _first(row, "ResourceId", "ResourceName", "SkuId", default=service),
        "operation": _first(row, "SkuMeter", "ServiceSubcategory", default=service),
        "region": _first(row, "RegionId", "RegionName", "Region", default="global"),
        "unit": _first(row, "ConsumedUnit", "PricingUnit", default="unit"),
        "labels": labels,
    }
    if subsystem == "adapters":
        fields["adapter"] = service
    return Charge(
        source=_source(row),
        key=_key(row, tags, tenant),
        tenant=mapping.tenant(tenant),
        subsystem=subsystem,
        start=start,
        hours=hours,
        cost=cost,
        rounded=rounded,
        currency=str(row.get("BillingCurrency", "")),
        quantity=quantity,
        is_correction=correction,
        fields=fields,
    )


def _tenant(row: Row, tags: Mapping[str, str], place: TenantFrom) -> str:
    """As the row calls it."""
    tenant = tags.get(place.name) if place.is_tag else row.get(place.name)
    if tenant is None or not _spelled(tenant):
        raise Unmappable("NO_TENANT", f"nothing in {place} says whose this is")
    return _spelled(tenant)


def _period(row: Row) -> tuple[datetime, int]:
    """Start of the first hour, and the number of hours: at least one."""
    start = _instant(row.get("ChargePeriodStart"), "ChargePeriodStart")
    end = _instant(row["ChargePeriodEnd"], "ChargePeriodEnd") if "ChargePeriodEnd" in row else start + _HOUR
    if not start <= end <= start + _LONGEST:
        raise Unmappable("BAD_PERIOD", "the charge period ends before it starts, or lasts over three years")
    first = start.replace(minute=0, second=0, microsecond=0)
    return first, max(1, -((first - end) // _HOUR))


def _instant(value: object, column: str) -> datetime:
    if isinstance(value, datetime):
        moment = value
    elif isinstance(value, date):
        moment = datetime(value.year, value.month, value.day, tzinfo=UTC)
    else:
        try:
            moment = datetime.fromisoformat(str(value).strip().removesuffix(" UTC"))
        except ValueError:
            raise Unmappable("BAD_TIME", f"{column} {value!r} is no ISO 8601 date and time") from None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        raise Unmappable("BAD_TIME", f"{column} {value!r} is no time that UTC has too") from None


def _cost(row: Row, column: str) -> tuple[Decimal, bool]:
    """The cost, and whether it had to be rounded (half to even, beyond a trillionth)."""
    if column not in row:
        raise Unmappable("NO_COST", f"there is no {column}")
    exact = _decimal(row[column], column)
    if abs(exact) >= Decimal(10) ** MAX_DECIMAL_INTEGRAL:
        raise Unmappable("BAD_NUMBER", f"{column} is beyond what can be stored")
    cost = exact.quantize(_UNIT)
    return cost, cost != exact


def _decimal(value: object, column: str) -> Decimal:
    try:
        # The shortest decimal that is this double: what the exporter meant by it.
        number = Decimal(repr(value) if isinstance(value, float) else str(value).strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number.adjusted()) > 100:
        raise Unmappable("BAD_NUMBER", f"{column} {value!r} is no decimal number")
    return number


def _tags(value: object) -> dict[str, str]:
    """Tags as exports write them: a JSON object, a map, or a list of keys with values."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    pairs: list[tuple[Any, Any]] = []
    if isinstance(value, Mapping):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(each.get("key"), each.get("value")) for each in value if isinstance(each, Mapping)]
    return {
        str(name).strip()[:200]: str(text)[:1000]
        for name, text in pairs[:_MOST_TAGS]
        if name and text is not None
    }


def _first(row: Row, *columns: str, default: str) -> str:
    return next((_spelled(row[name])[:1000] for name in columns if name in row), default)


def _source(row: Row) -> str:
    """Who billed whom; FOCUS 1.3 has new names for the provider."""
    provider = _first(
        row, "ServiceProviderName", "ProviderName", "HostProviderName", "InvoiceIssuerName", default="unknown"
    )
    account = _first(row, "BillingAccountId", default="unknown")
    return f"focus:{quote(provider, safe='')}/{quote(account, safe='')}"


def _key(row: Row, tags: Mapping[str, str], tenant: str) -> str:
    """The same for every spelling of the same charge. What its source names already is left out."""
    parts = {name: _spelled(row[name]) for name in _KEY if name in row}
    parts |= {name: rfc3339(_instant(row[name], name)) for name in _KEY_INSTANTS if name in row}
    parts["resource"] = _first(row, "ResourceId", "ResourceName", default="")
    parts["region"] = _first(row, "RegionId", "RegionName", "Region", default="")
    content = json.dumps([parts, tags, tenant], sort_keys=True)
    return sha256(content.encode()).hexdigest()[:40]


def _spelled(value: object) -> str:
    """One spelling for CSV and Parquet: an account's number may be a number there."""
    if isinstance(value, float | Decimal):
        number = Decimal(repr(value)) if isinstance(value, float) else value
        return f"{number.normalize():f}" if number.is_finite() else str(value)
    return str(value).strip()
