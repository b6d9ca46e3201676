"""What the vendor's people do and announce: deploys, flags, maintenance, and the month's incidents."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Final

from trust_portal.demo.product import exports
from trust_portal.demo.product.controls import Controls, Knob
from trust_portal.demo.product.episodes import episodes
from trust_portal.demo.product.events import Line, line, rfc3339
from trust_portal.demo.product.incidents import declared, step, update
from trust_portal.demo.scene import AVAILABILITY, BRIGHTWATER, HOSHINO, KESTREL, SEARCH, local
from trust_portal.demo.script import Script

_RELEASE_DAYS: Final = {1: "gateway", 3: "orders-api"}
"""Weekday (Monday is 0) and the service that is released on it, at half past nine UTC."""


def releases(start: datetime, end: datetime) -> Iterator[Line]:
    """The regular deploys between ``start`` and ``end``."""
    day = start.astimezone(UTC).date()
    while day <= end.date():
        at = datetime.combine(day, time(9, 30), UTC)
        service = _RELEASE_DAYS.get(day.weekday())
        if service is not None and start <= at < end:
            data = {
                "service": service,
                "version": f"{day:%Y.%m.%d}",
                "previous": f"{day - timedelta(days=7):%Y.%m.%d}",
                "environment": "production",
                "by": "release train",
            }
            yield line("delivery", f"{service}/{day}", "change.deployed", at, data)
        day += timedelta(days=1)


def ramp(script: Script, controls: Controls) -> list[Line]:
    """The new export engine's flag: the steps that were planned, unless it is held, and what held it."""
    steps = [(script.at(hours), share, "Nadia Brandt") for hours, share in exports.RAMP]
    held = controls.of(BRIGHTWATER.key, Knob.PERCENTAGE, exports.FLAG)
    found = [each for each in steps if not any(setting.holds(each[0]) for setting in held)]
    for setting in held:
        found.append((setting.at, exports.percentage(script, controls, setting.at), "control call"))
        if setting.ended is not None:
            found.append((setting.ended, exports.percentage(script, controls, setting.ended), "control call"))
    return [_step_of_ramp(script, controls, *each) for each in sorted(found)]


def _step_of_ramp(script: Script, controls: Controls, at: datetime, share: int, by: str) -> Line:
    before = exports.percentage(script, controls, at - timedelta(microseconds=1))
    data = {
        "flag": exports.FLAG,
        "variant": "on",
        "percentage": share,
        "previous": {"percentage": before},
        "tenants": [BRIGHTWATER.key],
        "by": by,
    }
    return line("delivery", f"{exports.FLAG}/{at.isoformat()}", "change.flag", at, data)


def retagging(script: Script) -> Line:
    """The release that books one customer's archive to another, until somebody notices."""
    at = episodes(script).misbooked.start - timedelta(minutes=9)
    data = {
        "service": "usage-tagger",
        "version": "4.2.0",
        "previous": "4.1.3",
        "environment": "production",
        "by": "release train",
    }
    return line("delivery", f"usage-tagger/{rfc3339(at)}", "change.deployed", at, data)


def story(month: str) -> list[Line]:
    """Everything people did about the month's faults, by time."""
    return sorted([*_failed_upgrade(month), *_slow_search(month), *_short_outage(month)])


def _failed_upgrade(month: str) -> Iterator[Line]:
    """A database upgrade in an announced window goes wrong and outlasts it: the breach."""
    customer, key = BRIGHTWATER, f"INC-{month}-1"
    start, end = local(month, 12, "02:00", customer), local(month, 12, "03:00", customer)
    announced = start - timedelta(days=7)
    yield line(
        "status",
        f"maintenance/{month}",
        "maintenance.scheduled",
        announced,
        {
            "window": f"MW-{month}-1",
            "tenants": [customer.key],
            "objectives": [AVAILABILITY],
            "start": rfc3339(start),
            "end": rfc3339(end),
            "announced_at": rfc3339(announced),
            "reason": "Upgrade of the orders database",
        },
    )
    yield line(
        "delivery",
        f"orders-db/{month}",
        "change.deployed",
        start + timedelta(minutes=4),
        {
            "service": "orders-db",
            "version": "18.1",
            "previous": "17.6",
            "environment": "production",
            "tenants": [customer.key],
            "by": "Samir Rao",
        },
    )
    began = local(month, 12, "02:35", customer)
    yield declared(
        key, "P1", "Orders API answers with errors", "orders-api", customer, began, 7, AVAILABILITY
    )
    yield update(key, began, 12, "told_customer", "Status page and account contact told of failing orders.")
    yield update(
        key, began, 31, "note", "Replica does not catch up after the upgrade; rolling back.", key=True
    )
    yield update(key, began, 58, "mitigation", "Rollback to 17.6 started.", key=True)
    yield step(key, began, 95, "mitigated", "Orders are accepted again on 17.6.")
    yield step(key, began, 140, "resolved", "Replication healthy for 45 minutes.")


def _slow_search(month: str) -> Iterator[Line]:
    """A flag is ramped up, search becomes slow, the flag goes back to nothing: the latency breach."""
    customer, key = HOSHINO, f"INC-{month}-2"
    began = local(month, 17, "13:00", customer)
    for minutes, percentage, previous in ((-4320, 10, 0), (-1440, 50, 10), (-2, 100, 50), (179, 0, 100)):
        yield line(
            "delivery",
            f"search-reranker/{month}/{percentage}",
            "change.flag",
            began + timedelta(minutes=minutes),
            {
                "flag": "search-reranker",
                "variant": "on",
                "percentage": percentage,
                "previous": {"percentage": previous},
                "tenants": [customer.key],
                "by": "Ivo Petrov",
            },
        )
    yield declared(key, "P2", "Search is slow", "search", customer, began, 21, SEARCH)
    yield update(key, began, 40, "told_customer", "Told of slow searches; results are complete.")
    yield update(key, began, 170, "note", "The reranker at 100 % exhausts the search pool.", key=True)
    yield step(key, began, 180, "mitigated", "Flag search-reranker set to 0 %.")
    yield step(key, began, 215, "resolved", "Latency normal for half an hour.")


def _short_outage(month: str) -> Iterator[Line]:
    """Nine minutes of errors that the promise has room for."""
    customer, key = KESTREL, f"INC-{month}-3"
    began = local(month, 8, "11:20", customer)
    yield declared(
        key, "P3", "Errors after a configuration change", "orders-api", customer, began, 3, AVAILABILITY
    )
    yield step(key, began, 9, "mitigated", "Configuration reverted.")
    yield step(key, began, 20, "resolved", "No errors for ten minutes.")
