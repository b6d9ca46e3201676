"""Who plays in the demo, and when: an invented vendor with five invented customers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from trust_portal.kernel.period import Period, month_label, parse_period, previous_label

VENDOR: Final = "Meridian Cloud"
#: Where Meridian says that the portal's database lies, by every name that an agreement has for it. It is as
#: invented as Meridian is; that no backups are kept is true.
DATABASE_LOCATION: Final = "Germany, EEA"
BACKUP_LOCATION: Final = "none"
#: Every event of the simulated product has a source that begins so.
SOURCE: Final = "urn:meridian-cloud:"
AVAILABILITY: Final = "api-availability"
SEARCH: Final = "search-latency"


@dataclass(frozen=True, slots=True)
class Customer:
    """``residency`` is where its data must stay, empty where nothing was agreed; ``region`` where the product
    runs for it; ``busiest`` how many requests a minute an objective sees at noon of a working day.
    """

    key: str
    name: str
    time_zone: str
    residency: str
    region: str
    currency: str
    objectives: tuple[str, ...]
    busiest: int

    def month(self, label: str) -> Period:
        return parse_period(label, self.time_zone)


BRIGHTWATER: Final = Customer(
    "brightwater",
    "Brightwater Logistics",
    "Europe/Berlin",
    "Germany",
    "eu-central",
    "EUR",
    (AVAILABILITY,),
    900,
)
KESTREL: Final = Customer(
    "kestrel", "Kestrel Outdoor", "America/Denver", "", "us-west", "USD", (AVAILABILITY,), 640
)
HOSHINO: Final = Customer(
    "hoshino", "Hoshino Print", "Asia/Tokyo", "", "ap-northeast", "JPY", (AVAILABILITY, SEARCH), 420
)
WATTLE: Final = Customer(
    "wattle", "Wattle Clinics", "Australia/Adelaide", "", "ap-southeast", "AUD", (AVAILABILITY,), 260
)
NORDLYS: Final = Customer(
    "nordlys", "Nordlys Energi", "Europe/Oslo", "EEA", "eu-north", "EUR", (AVAILABILITY,), 180
)

CUSTOMERS: Final = (BRIGHTWATER, KESTREL, HOSHINO, WATTLE, NORDLYS)


def last_full_month(now: datetime) -> str:
    """The latest month that is over for every customer, in its own time zone."""
    label = month_label(now.astimezone(UTC))
    while any(customer.month(label).end > now for customer in CUSTOMERS):
        label = previous_label(label)
    return label


def local(label: str, day: int, clock: str, customer: Customer) -> datetime:
    """``clock`` (``HH:MM``) on a day of the month ``label``, at the customer's, as UTC."""
    hour, minute = map(int, clock.split(":"))
    year, month = map(int, label.split("-"))
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(customer.time_zone)).astimezone(UTC)
