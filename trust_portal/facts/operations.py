"""What the vendor says of its own operation: maintenance windows.

These are the vendor's facts and may name several tenants, so they are stored once, at the vendor.
A customer is shown them through here, without the names of the others: read in
``TenantScope(VENDOR_ID)`` or in the staff scope, always naming the tenant it is for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

import msgspec
from sqlalchemy import ColumnElement, Row, and_, cast, or_, select
from sqlalchemy.dialects.postgresql import TIMESTAMP

from trust_portal.errors import Broken
from trust_portal.facts import events
from trust_portal.facts.operations_model import FactSource, MaintenanceWindow
from trust_portal.facts.tables import facts
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession

_MAINTENANCE: Final = (events.MAINTENANCE_SCHEDULED, events.MAINTENANCE_CANCELLED)


async def read_maintenance(
    session: ReadSession, tenant_id: UUID, start: datetime, end: datetime, *, include_cancelled: bool = False
) -> tuple[MaintenanceWindow, ...]:
    """Windows that touch ``start`` .. ``end`` and concern the tenant, by start.

    Scheduling a window again replaces it; a cancellation holds for what was scheduled before it.
    A key belongs to the source that uses it: what another source calls by the same key is another
    window, so nobody's announcement can be overwritten by a stranger's. What a token for some tenants
    told says nothing to the others, nor takes anything from them.
    """
    told = await _histories(session, _MAINTENANCE, and_(_within(start, end), _concerns(tenant_id)))
    return _windows_of(told, tenant_id, start, end, include_cancelled=include_cancelled)


class Announced:
    """All maintenance that touches ``start`` .. ``end``, for whoever asks of several tenants at once."""

    def __init__(self, told: Sequence[Row[Any]]) -> None:
        self._told = told

    def of(self, tenant_id: UUID, start: datetime, end: datetime) -> tuple[MaintenanceWindow, ...]:
        """As ``read_maintenance``, for a span within the one that was read."""
        return _windows_of(self._told, tenant_id, start, end, include_cancelled=False)


async def read_announced(session: ReadSession, start: datetime, end: datetime) -> Announced:
    return Announced(await _histories(session, _MAINTENANCE, _within(start, end)))


def _windows_of(
    told: Sequence[Row[Any]], tenant_id: UUID, start: datetime, end: datetime, *, include_cancelled: bool
) -> tuple[MaintenanceWindow, ...]:
    rows = [row for row in told if row.bounds is None or tenant_id in row.bounds]
    owners = _owners(rows, events.MAINTENANCE_SCHEDULED)
    windows: dict[_Name, tuple[MaintenanceWindow, bool]] = {}
    for row in rows:
        concerned = row.tenants is None or tenant_id in row.tenants
        name = _name(row, owners)
        if row.type == events.MAINTENANCE_SCHEDULED:
            windows[name] = _window(row), concerned
        elif name in windows and concerned:
            window, was_concerned = windows[name]
            windows[name] = replace(window, cancelled_at=row.received_at), was_concerned
    return tuple(
        sorted(
            (
                window
                for window, concerned in windows.values()
                if concerned
                and window.start < end
                and window.end > start
                and (include_cancelled or window.cancelled_at is None)
            ),
            key=lambda window: (window.start, window.key),
        )
    )


#: Source and key: whose window it is.
_Name = tuple[str, str]


def _owners(rows: Sequence[Row[Any]], beginning: str) -> dict[str, set[str]]:
    """The sources that began something by each key."""
    owners: dict[str, set[str]] = {}
    for row in rows:
        if row.type == beginning:
            owners.setdefault(row.subject, set()).add(row.source)
    return owners


def _name(row: Row[Any], owners: dict[str, set[str]]) -> _Name:
    """What a fact is about. A step from elsewhere counts where one source alone uses the key."""
    sources = owners.get(row.subject, set())
    if row.source not in sources and len(sources) == 1:
        return next(iter(sources)), row.subject
    return row.source, row.subject


async def _histories(
    session: ReadSession, types: Sequence[str], wanted: ColumnElement[bool]
) -> Sequence[Row[Any]]:
    """All facts of ``types`` about the subjects that some ``wanted`` fact names, as they happened."""
    if isinstance(session.scope, TenantScope) and session.scope.tenant_id != VENDOR_ID:
        # Row-level security would answer "none", and a report would count maintenance as downtime.
        raise Broken("the vendor's facts are not visible in a customer's scope", code="WRONG_SCOPE")
    subjects = select(facts.c.subject).where(facts.c.tenant_id == VENDOR_ID, wanted)
    query = (
        select(facts)
        .where(facts.c.tenant_id == VENDOR_ID, facts.c.type.in_(types), facts.c.subject.in_(subjects))
        .order_by(facts.c.time, facts.c.received_at, facts.c.event_key)
    )
    return (await session.execute(query)).all()


def _within(start: datetime, end: datetime) -> ColumnElement[bool]:
    return and_(
        facts.c.type == events.MAINTENANCE_SCHEDULED, _instant_of("start") < end, _instant_of("end") > start
    )


def _concerns(tenant_id: UUID) -> ColumnElement[bool]:
    return or_(facts.c.tenants.is_(None), facts.c.tenants.contains([tenant_id]))


def _instant_of(name: str) -> ColumnElement[datetime]:
    return cast(facts.c.body[name].astext, TIMESTAMP(timezone=True))


def _window(row: Row[Any]) -> MaintenanceWindow:
    body = row.body
    return MaintenanceWindow(
        key=row.subject,
        start=_parsed(body["start"]),
        end=_parsed(body["end"]),
        announced_at=_parsed(body["announced_at"]),
        reason=body["reason"],
        objectives=_objectives(body),
        origin=_origin(row),
    )


def _origin(row: Row[Any]) -> FactSource:
    return FactSource(row.source, row.event_id, row.digest, row.received_at)


def _objectives(body: dict[str, Any]) -> tuple[str, ...] | None:
    named = body.get("objectives")
    return None if named is None else tuple(named)


def _parsed(text: str) -> datetime:
    """As the door read it: RFC 3339, whatever number of digits behind the second."""
    return msgspec.convert(text, datetime).astimezone(UTC)
