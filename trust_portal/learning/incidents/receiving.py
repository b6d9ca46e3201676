"""Alarms of pagers become events like any other: checked, mapped by the rules in force, stored once."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final
from uuid import UUID

from trust_portal.access.tenants.repository import active_customers
from trust_portal.errors import Conflict, InvalidInput, NotSignedIn
from trust_portal.facts.events import (
    INCIDENT_DECLARED,
    INCIDENT_RESOLVED,
    INCIDENT_UPDATED,
    PORTAL,
    AlarmSource,
)
from trust_portal.kernel.actor import SYSTEM
from trust_portal.kernel.canonical import Json
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents import integrations_repository as pagers
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.alarms import Alarm, AlarmKind, read_alarm, signature_holds
from trust_portal.learning.incidents.facts_repository import facts_of
from trust_portal.learning.incidents.following import Following
from trust_portal.learning.incidents.integrations_model import Integration, Reception, RefusedDelivery
from trust_portal.learning.incidents.mapping import Ignored, Mapped, Unmatched, apply_mapping, parse_mapping
from trust_portal.learning.incidents.model import Incident, Severity
from trust_portal.learning.incidents.pager_secrets import PagerSecrets
from trust_portal.learning.incidents.telling import ALREADY_TOLD, event_of, store_event
from trust_portal.learning.incidents.weights import by_itself
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage, WriteSession

_VENDOR: Final = TenantScope(VENDOR_ID)
_WRONG: Final = "this pager is not known here, or did not prove that it is the one"


@dataclass(frozen=True, slots=True)
class _Event:
    """An event to store: its type and what it says beside the incident."""

    type: str
    data: Mapping[str, Json]
    tenants: tuple[UUID, ...] | None = None
    #: What tells several events of one alarm apart.
    part: str = ""


@dataclass(frozen=True, slots=True)
class _Before:
    """``said``: what this very alarm was stored as before. ``spoken``: what is in force of the incident by itself, or claimed.

    Whoever made an incident less has seen what was ``said``. What only weighs on it goes with its merger, and is not ``spoken``.
    """

    said: frozenset[Severity] = frozenset()
    spoken: frozenset[Severity | None] = frozenset()


class AlarmDesk:
    """Where pagers deliver. A pager proves itself by its token or signature; the gate knows people only."""

    def __init__(self, storage: Storage, following: Following, secrets: PagerSecrets) -> None:
        self._storage = storage
        self._following = following
        self._secrets = secrets

    async def receive(
        self, kind: AlarmSource, name: str, body: bytes, *, signature: str | None, token: str | None
    ) -> Reception:
        """Store what the delivery tells. Sent again it changes nothing.

        Raises ``NotSignedIn`` for an unknown or unproved pager, ``InvalidInput`` for what is no delivery.
        """
        async with self._storage.read(_VENDOR) as session:
            integration = await pagers.find_integration(session, f"{kind.value}/{name}")
        if integration is None:
            raise NotSignedIn(_WRONG)
        if not self._proved(integration, body, signature, token):
            await self._refuse(integration, RefusedDelivery.UNPROVED)
            raise NotSignedIn(_WRONG)
        if not integration.enabled:
            await self._refuse(integration, RefusedDelivery.OFF)
            raise NotSignedIn(_WRONG)
        try:
            alarm = read_alarm(kind, body)
            if alarm.kind is AlarmKind.PING:
                return Reception.PONG
            if alarm.kind is AlarmKind.OTHER:
                return Reception.IGNORED
            now = self._storage.clock.now()
            # A pager's clock that is ahead of ours tells of what is now.
            alarm = replace(alarm, at=min(alarm.at, now), began_at=min(alarm.began_at, now))
            mapped = await self._mapped(integration, alarm)
            return await self._tell(integration, alarm, mapped)
        except InvalidInput:
            await self._refuse(integration, RefusedDelivery.UNREADABLE)
            raise
        except Conflict as conflict:
            if conflict.code != ALREADY_TOLD:
                raise
            return Reception.DUPLICATE

    async def refuse(self, kind: AlarmSource, name: str, *, token: str | None) -> None:
        """A delivery that the door could not take in whole: a gap, where there is such a pager.

        Only a token proves it then: a signature is over the whole of it.
        """
        async with self._storage.read(_VENDOR) as session:
            integration = await pagers.find_integration(session, f"{kind.value}/{name}")
        if integration is None:
            return
        proved = not integration.kind.signs and self._proved(integration, b"", None, token)
        await self._refuse(integration, RefusedDelivery.UNREADABLE if proved else RefusedDelivery.UNPROVED)

    async def _refuse(self, integration: Integration, why: RefusedDelivery) -> None:
        """Turned away, but not unseen: it is a gap in the coverage until the pager is set anew."""
        async with self._storage.write(_VENDOR) as session:
            await pagers.add_refusal(session, integration, why)

    def _proved(
        self, integration: Integration, body: bytes, signature: str | None, token: str | None
    ) -> bool:
        if integration.kind.signs:
            return signature is not None and signature_holds(
                signature, self._secrets.secret(integration), body
            )
        expected = self._secrets.token(integration.source, integration.generation)
        return token is not None and hmac.compare_digest(expected.encode(), token.encode())

    async def _mapped(
        self, integration: Integration, alarm: Alarm
    ) -> tuple[Mapped, tuple[UUID, ...] | None] | Unmatched | Ignored:
        """With the ids of the customers that the rule names."""
        found = apply_mapping(parse_mapping(integration.rules), alarm.fields)
        if not isinstance(found, Mapped):
            return found
        if found.tenants is None:
            return found, None
        async with self._storage.read(StaffScope()) as session:
            known = {tenant.key: tenant.id for tenant in await active_customers(session)}
        if strange := [key for key in found.tenants if key not in known]:
            why = f"rule {found.rule} fits and names {strange[0]}, which is no customer"
            return Unmatched(why, found.severity)
        return found, tuple(known[key] for key in found.tenants)

    async def _tell(
        self,
        integration: Integration,
        alarm: Alarm,
        mapped: tuple[Mapped, tuple[UUID, ...] | None] | Unmatched | Ignored,
    ) -> Reception:
        async with self._storage.write(_VENDOR) as session:
            await repository.lock_register(session)
            if alarm.kind in {AlarmKind.NOTE, AlarmKind.REOPENED}:
                # How bad it was until now may wait to be taken in.
                await self._following.take_in_told(session, alarm.key, SYSTEM)
            known = await _known(session, integration, alarm)
            needs_rule = known is None or alarm.kind in {
                AlarmKind.FIRING,
                AlarmKind.TRIGGERED,
                AlarmKind.SEVERITY,
            }
            if not isinstance(mapped, tuple):
                if needs_rule and isinstance(mapped, Ignored):
                    return Reception.IGNORED
                # How bad it is when it burns again nobody has said then.
                burns_again = alarm.kind is AlarmKind.REOPENED and isinstance(mapped, Unmatched)
                if burns_again and known is not None:
                    for event in _steps(alarm):
                        await self._store(session, integration, alarm, event)
                if isinstance(mapped, Unmatched) and (needs_rule or burns_again):
                    if known is not None:
                        # What waits may say that it is over.
                        await self._following.take_in_told(session, alarm.key, SYSTEM)
                        known = await _known(session, integration, alarm)
                    going_on = known if known is not None and known.is_open else None
                    await pagers.add_unmatched(session, integration, alarm, mapped, going_on)
                    return Reception.UNMATCHED
                events = _steps(alarm)
            else:
                await pagers.settle_taken(session, integration, alarm)
                before = await _before(session, integration, alarm, known)
                events = _events(integration, alarm, known, before, *mapped)
            if not events:
                return Reception.DUPLICATE
            for event in events:
                await self._store(session, integration, alarm, event)
            await self._following.take_in_told(session, alarm.key, SYSTEM)
        return Reception.TOLD

    async def _store(
        self, session: WriteSession, integration: Integration, alarm: Alarm, event: _Event
    ) -> None:
        now = session.clock.now()
        id_ = f"{alarm.id}{event.part}"
        data = {"incident": alarm.key, **event.data}
        read = event_of(event.type, id_, alarm.at, data, now, source=integration.source)
        await store_event(session, read, event.tenants)


async def _known(session: WriteSession, integration: Integration, alarm: Alarm) -> Incident | None:
    """What somebody declared at the portal by an alarm's key is what its pager goes on to tell of."""
    own = await repository.find_by_name(session, integration.source, alarm.key)
    return own or await repository.find_by_name(session, PORTAL, alarm.key)


async def _before(
    session: WriteSession, integration: Integration, alarm: Alarm, known: Incident | None
) -> _Before:
    if alarm.kind is not AlarmKind.FIRING or known is None:
        return _Before()  # of every other alarm the store itself says that it was told before
    said = frozenset(
        Severity(fact.body["severity"])
        for fact in await facts_of(session, [alarm.key])
        if fact.source == integration.source
        and fact.origin.event_id.partition("/")[0] == alarm.id
        and "severity" in fact.body
    )
    own = await by_itself(session, known)
    return _Before(said, frozenset({own.severity, known.claimed_severity}))


def _events(
    integration: Integration,
    alarm: Alarm,
    known: Incident | None,
    before: _Before,
    mapped: Mapped,
    tenants: tuple[UUID, ...] | None,
) -> list[_Event]:
    """What an alarm that a rule fits tells of an incident as it is ``known``."""
    begins = alarm.kind in {AlarmKind.FIRING, AlarmKind.REOPENED} and known is None
    if alarm.kind is AlarmKind.TRIGGERED or begins:
        return [_declaration(integration, alarm, mapped, tenants)]
    if alarm.kind is AlarmKind.SEVERITY:
        return [_severity(alarm, mapped)]
    if alarm.kind is not AlarmKind.FIRING or known is None:
        worse = known is not None and mapped.severity.outranks(known.worst_severity)
        says_how_bad = worse and alarm.kind in {AlarmKind.NOTE, AlarmKind.REOPENED}
        return [*_steps(alarm), *([_severity(alarm, mapped)] if says_how_bad else [])]
    # Alertmanager says it anew as long as it fires: only what changed is told.
    events = []
    if known.resolved_at is not None:
        if alarm.at <= known.resolved_at:
            # Late, and of what is over: it was as bad as that all the same.
            return [_severity(alarm, mapped)] if mapped.severity.outranks(known.worst_severity) else []
        events.append(_Event(INCIDENT_UPDATED, {"kind": "reopened", "text": alarm.text}, part="/reopened"))
    if mapped.severity in before.said:
        return events
    if mapped.severity in before.spoken:
        # Nothing new, but on record: sent again once it was made less, it is known for what was told before.
        data = {"kind": "note", "text": alarm.text, "severity": mapped.severity.value}
        return [*events, _Event(INCIDENT_UPDATED, data, part="/note")]
    return [*events, _severity(alarm, mapped)]


def _steps(alarm: Alarm) -> list[_Event]:
    if alarm.kind is AlarmKind.RESOLVED:
        return [_Event(INCIDENT_RESOLVED, {"at": rfc3339(alarm.at), "text": alarm.text})]
    kind = "reopened" if alarm.kind is AlarmKind.REOPENED else "note"
    return [_Event(INCIDENT_UPDATED, {"kind": kind, "text": alarm.text})]


def _severity(alarm: Alarm, mapped: Mapped) -> _Event:
    data: dict[str, Json] = {"kind": "severity", "text": alarm.text, "severity": mapped.severity.value}
    return _Event(INCIDENT_UPDATED, data, part=f"/{mapped.severity.value}")


def _declaration(
    integration: Integration, alarm: Alarm, mapped: Mapped, tenants: tuple[UUID, ...] | None
) -> _Event:
    data: dict[str, Json] = {
        "severity": mapped.severity.value,
        "title": mapped.title,
        "service": mapped.service,
        "team": mapped.team,
        "tenants": None if mapped.tenants is None else list(mapped.tenants),
        "objectives": None if mapped.objectives is None else list(mapped.objectives),
        "began_at": rfc3339(min(alarm.began_at, alarm.at)),
        "detected_at": rfc3339(alarm.at),
        "owner": mapped.owner or integration.source,
    }
    return _Event(INCIDENT_DECLARED, data, tenants)
