"""Pagers and their unmatched alarms in and out of their tables. In the vendor's own scope."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, and_, exists, func, insert, literal, not_, select
from sqlalchemy.dialects.postgresql import insert as insert_or

from trust_portal.access.approvals.model import person_behind
from trust_portal.errors import Conflict
from trust_portal.facts.events import AlarmSource
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.learning.incidents.alarms import Alarm
from trust_portal.learning.incidents.integrations_model import (
    Integration,
    Refusal,
    RefusedDelivery,
    UnmatchedAlarm,
)
from trust_portal.learning.incidents.mapping import Ignored, Mapped, Unmatched, apply_mapping, parse_mapping
from trust_portal.learning.incidents.model import Incident, Severity
from trust_portal.learning.incidents.tables import (
    incident_integrations,
    incident_refusals,
    incident_unmatched,
    incident_unmatched_settled,
)
from trust_portal.storage.errors import duplicates_are
from trust_portal.storage.unit_of_work import ReadSession, WriteSession

_ROWS_AT_A_TIME = 1000


async def find_integration(session: ReadSession, source: str) -> Integration | None:
    """As it holds now."""
    row = incident_integrations.c
    query = select(incident_integrations).where(row.tenant_id == VENDOR_ID, row.source == source)
    found = (await session.execute(query.order_by(row.version.desc()).limit(1))).first()
    return None if found is None else _integration(found)


async def integrations(session: ReadSession) -> tuple[Integration, ...]:
    """All of them as they hold now, by source."""
    row = incident_integrations.c
    newest = (
        select(row.source, func.max(row.version).label("version"))
        .where(row.tenant_id == VENDOR_ID)
        .group_by(row.source)
        .subquery()
    )
    query = (
        select(incident_integrations)
        .join(newest, (newest.c.source == row.source) & (newest.c.version == row.version))
        .where(row.tenant_id == VENDOR_ID)
        .order_by(row.source)
    )
    return tuple(_integration(each) for each in await session.execute(query))


async def versions_of(session: ReadSession, source: str) -> tuple[Integration, ...]:
    """Everything it ever was, the newest first."""
    row = incident_integrations.c
    query = select(incident_integrations).where(row.tenant_id == VENDOR_ID, row.source == source)
    return tuple(_integration(each) for each in await session.execute(query.order_by(row.version.desc())))


async def add_version(session: WriteSession, integration: Integration, actor: Actor) -> None:
    """``Conflict`` (STALE) where somebody else changed it meanwhile."""
    stale = Conflict("somebody changed it meanwhile; read it again", code="STALE")
    with duplicates_are(stale, incident_integrations.name):
        await session.execute(
            insert(incident_integrations).values(
                tenant_id=VENDOR_ID,
                source=integration.source,
                version=integration.version,
                rules=integration.rules,
                enabled=integration.enabled,
                generation=integration.generation,
                sealed=integration.sealed,
                at=integration.at,
                by_id=person_behind(actor),
                by_name=integration.by,
                reason=integration.reason,
                receipt_id=integration.receipt_id,
            )
        )


async def add_unmatched(
    session: WriteSession,
    integration: Integration,
    alarm: Alarm,
    unmatched: Unmatched,
    going_on: Incident | None,
) -> None:
    """Listed once, however often it is sent; anew where rules settled it and take it no longer, or it is worse by now.

    ``going_on``: the incident of its name that is not over as it comes.
    """
    row, settled = incident_unmatched.c, incident_unmatched_settled.c
    by_rules = select(settled.version).where(
        settled.tenant_id == VENDOR_ID, settled.source == row.source, settled.alarm_id == row.alarm_id
    )
    listed = await session.execute(
        select(row.severity, by_rules.scalar_subquery().label("by_rules")).where(
            row.tenant_id == VENDOR_ID, row.source == integration.source, _is_of(alarm)
        )
    )
    found, now = listed.all(), unmatched.severity or Severity.P1
    if any(
        each.by_rules is None and not now.outranks(Severity(each.severity or Severity.P1)) for each in found
    ):
        return
    await session.execute(
        insert(incident_unmatched).values(
            tenant_id=VENDOR_ID,
            source=integration.source,
            alarm_id=f"{alarm.id}/{new_id()}" if found else alarm.id,
            kind=alarm.kind.value,
            key=alarm.key,
            why=unmatched.why,
            severity=None if unmatched.severity is None else unmatched.severity.value,
            version=integration.version,
            fields=dict(alarm.fields),
            received_at=session.clock.now(),
            began_at=alarm.began_at,
            incident_id=None if going_on is None else going_on.id,
        )
    )


async def unmatched_of(session: ReadSession, source: str, limit: int) -> tuple[UnmatchedAlarm, ...]:
    """The newest first."""
    row = incident_unmatched.c
    query = select(incident_unmatched, not_(_unsettled(source)).label("settled")).where(
        row.tenant_id == VENDOR_ID, row.source == source
    )
    rows = await session.execute(query.order_by(row.received_at.desc()).limit(limit))
    return tuple(replace(_unmatched(each), settled=each.settled) for each in rows)


async def settle_unmatched(session: WriteSession, integration: Integration) -> None:
    """What the rules of ``integration`` make no P1 or P2 of is a gap no longer. The rules have a receipt."""
    row = incident_unmatched.c
    query = select(row.alarm_id, row.fields).where(_unsettled(integration.source))
    rules = parse_mapping(integration.rules)
    found = [
        {
            "tenant_id": VENDOR_ID,
            "source": integration.source,
            "alarm_id": each.alarm_id,
            "version": integration.version,
        }
        for each in await session.execute(query)
        if _is_minor(apply_mapping(rules, each.fields))
    ]
    for start in range(0, len(found), _ROWS_AT_A_TIME):
        await session.execute(
            insert(incident_unmatched_settled).values(found[start : start + _ROWS_AT_A_TIME])
        )


async def settle_taken(session: WriteSession, integration: Integration, alarm: Alarm) -> None:
    """The rules of ``integration`` take ``alarm`` by now: if it was listed before, it is a gap no longer."""
    row = incident_unmatched.c
    query = select(row.tenant_id, row.source, row.alarm_id, literal(integration.version)).where(
        _unsettled(integration.source), _is_of(alarm)
    )
    columns = ["tenant_id", "source", "alarm_id", "version"]
    await session.execute(insert(incident_unmatched_settled).from_select(columns, query))


async def open_alarms(session: ReadSession, source: str, key: str) -> tuple[UnmatchedAlarm, ...]:
    """Those by one key that no rule took and nothing has settled, the first first."""
    rows = await session.execute(
        select(incident_unmatched)
        .where(_unsettled(source), incident_unmatched.c.key == key)
        .order_by(incident_unmatched.c.received_at, incident_unmatched.c.alarm_id)
    )
    return tuple(_unmatched(each) for each in rows)


async def settle_alarms(
    session: WriteSession,
    source: str,
    incident: Incident,
    key: str,
    receipt_id: UUID,
    said: Severity | None = None,
) -> None:
    """By somebody's word, in the receipt, these alarms were of ``incident``: a gap no longer.

    One that named no severity is what is ``said``, and the P1 that it may have been where nothing is. ``Conflict``:
    NO_GAP where there is none like that; LESS_SEVERE where one was a P1 or P2 and worse than the incident ever was.
    """
    found = await open_alarms(session, source, key)
    if not found:
        raise Conflict(f"no alarm {key} of {source} waits for an incident", code="NO_GAP", field="key")
    worst = min(each.severity or said or Severity.P1 for each in found)
    if worst.is_major and worst.outranks(incident.worst_severity):
        named = any(each.severity is worst for each in found) or said is worst
        raise Conflict(
            f"the alarm was a {worst.value}: the incident is at least that"
            if named
            else "the alarm named no severity, and may have been a P1: say what it was, and why",
            code="LESS_SEVERE",
            field="severity",
        )
    await session.execute(
        insert(incident_unmatched_settled).values(
            [
                {
                    "tenant_id": VENDOR_ID,
                    "source": source,
                    "alarm_id": each.alarm_id,
                    "incident_id": incident.id,
                    "receipt_id": receipt_id,
                }
                for each in found
            ]
        )
    )


async def add_refusal(session: WriteSession, integration: Integration, why: RefusedDelivery) -> None:
    """Once for each version of a pager, however many deliveries: strangers can send many."""
    await session.execute(
        insert_or(incident_refusals)
        .values(
            tenant_id=VENDOR_ID,
            source=integration.source,
            version=integration.version,
            why=why.value,
            first_at=session.clock.now(),
        )
        .on_conflict_do_nothing(index_elements=["tenant_id", "source", "version", "why"])
    )


async def refusals_of(session: ReadSession, integration: Integration) -> tuple[Refusal, ...]:
    """Of the pager as it is set up now, the first first."""
    row = incident_refusals.c
    rows = await session.execute(
        select(row.why, row.first_at)
        .where(
            row.tenant_id == VENDOR_ID,
            row.source == integration.source,
            row.version == integration.version,
        )
        .order_by(row.first_at, row.why)
    )
    return tuple(Refusal(RefusedDelivery(each.why), each.first_at) for each in rows)


def _is_of(alarm: Alarm) -> ColumnElement[bool]:
    """Every row of ``alarm``: the first by its id, what it is listed by anew with another behind that."""
    of_it: ColumnElement[bool] = incident_unmatched.c.alarm_id == alarm.id
    return of_it | func.starts_with(incident_unmatched.c.alarm_id, f"{alarm.id}/")


def _unsettled(source: str) -> ColumnElement[bool]:
    row, settled = incident_unmatched.c, incident_unmatched_settled.c
    return and_(
        row.tenant_id == VENDOR_ID,
        row.source == source,
        ~exists().where(
            settled.tenant_id == VENDOR_ID, settled.source == row.source, settled.alarm_id == row.alarm_id
        ),
    )


def _unmatched(row: Row[Any]) -> UnmatchedAlarm:
    return UnmatchedAlarm(
        row.alarm_id,
        row.kind,
        row.key,
        row.why,
        row.version,
        row.fields,
        row.received_at,
        None if row.severity is None else Severity(row.severity),
    )


def _is_minor(outcome: Mapped | Unmatched | Ignored) -> bool:
    return isinstance(outcome, Ignored) or (isinstance(outcome, Mapped) and not outcome.severity.is_major)


def _integration(row: Row[Any]) -> Integration:
    kind, _, name = row.source.partition("/")
    return Integration(
        kind=AlarmSource(kind),
        name=name,
        version=row.version,
        rules=row.rules,
        enabled=row.enabled,
        generation=row.generation,
        sealed=row.sealed,
        at=row.at,
        by=row.by_name,
        reason=row.reason,
        receipt_id=row.receipt_id,
    )
