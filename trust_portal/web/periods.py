"""The periods that a page offers to choose from: months and quarters, the latest first. Pure.

Addresses and GraphQL take any period; these are those there are.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, TypeAlias

from trust_portal.access.tenants.model import Tenant
from trust_portal.documents import formats
from trust_portal.kernel.period import (
    day_in,
    first_day_anywhere,
    month_label,
    previous_label,
    quarter_label,
)

Offered: TypeAlias = list[tuple[str, list[tuple[str, str]]]]
"""By heading, each period's label and how it reads; for ``forms.period``."""

#: How far back the pages over all customers offer.
_YEARS_BACK: Final = 2


def offered_of(tenant: Tenant, now: datetime, *, running: bool = False) -> Offered:
    """Since the tenant came and until it left, by its own calendar; ``running``: with those under way as well."""
    until = now if tenant.offboarded_at is None else min(now, tenant.offboarded_at)
    since = min(tenant.onboarded_at, until)
    found = offered(day_in(since, tenant.time_zone), day_in(until, tenant.time_zone), running=running)
    today = day_in(now, tenant.time_zone)
    under_way = {label(today) for _, label in _KINDS}
    return [
        (heading, [(each, f"{text}, still running" if each in under_way else text) for each, text in periods])
        for heading, periods in found
    ]


def offered_of_everybody(now: datetime) -> Offered:
    """Of the last two years, those that are over somewhere."""
    until = first_day_anywhere(now)
    return offered(date(until.year - _YEARS_BACK, until.month, 1), until, running=False)


def offered(since: date, until: date, *, running: bool) -> Offered:
    """Of every period that ``since`` or a later day until ``until`` lies in."""
    named = ((name, label(until), label(since)) for name, label in _KINDS)
    groups = [(name, _back(latest, earliest, running=running)) for name, latest, earliest in named]
    return [(name, periods) for name, periods in groups if periods]


_KINDS: Final = (("Months", month_label), ("Quarters", quarter_label))


def _back(latest: str, earliest: str, *, running: bool) -> list[tuple[str, str]]:
    """Labels of one kind sort as they follow each other in time."""
    labels, label = list[str](), latest if running else previous_label(latest)
    while label >= earliest:
        labels.append(label)
        label = previous_label(label)
    return [(each, formats.period(each)) for each in labels]
