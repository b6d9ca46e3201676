"""What comes beside a storm of events: pagers, people at the portal, a token for some customers, approvals, signatures."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from support.incident_storms import Paged
from support.learning_world import BEGAN, Vendor, by, declared, step, updated
from support.postmortem_desk import Desk

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.decision import NeedsApproval
from trust_portal.access.approvals.recording import load
from trust_portal.access.tokens.model import Admission, Bounds
from trust_portal.facts.events import AlarmSource
from trust_portal.facts.framing import lines
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.clock import rfc3339
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.learning.incidents import repository
from trust_portal.learning.incidents.acts_model import (
    AssignGap,
    ChangeSeverity,
    DeclareIncident,
    MergeIncident,
    MitigateIncident,
    ReopenIncident,
    ResolveIncident,
    TellOfIncident,
    UnmergeIncident,
)
from trust_portal.learning.incidents.facts_repository import all_keys, downgrades_of, facts_about
from trust_portal.learning.incidents.folding import fold, ids_in
from trust_portal.learning.incidents.integrations_model import Reception, SetIntegration
from trust_portal.learning.incidents.model import Incident, IncidentGap, Severity, incident_id
from trust_portal.learning.postmortems.repository import postmortem_of
from trust_portal.learning.switchboard.coverage import Cover
from trust_portal.learning.switchboard.repository import read_ledger
from trust_portal.storage.tenancy import TenantScope

VENDOR = TenantScope(VENDOR_ID)
RULES = "- {severity: '{%s}', service: s, title: t}"
SECRET = "made by PagerDuty"
#: Whose token may speak for one customer only.
BOUND = "team-a/x"


@dataclass(frozen=True)
class Heard:
    """An alarm that says it is a P1 or P2, or may be, as the pager was answered. ``went_on``: its incident, just then."""

    source: str
    key: str
    paged: Paged
    reception: Reception
    went_on: bool


async def register(vendor: Vendor) -> tuple[list[Incident], tuple[IncidentGap, ...]]:
    async with vendor.house.storage.read(VENDOR) as session:
        keys = await all_keys(session)
        return list(await repository.incidents_of_keys(session, keys)), await repository.gaps(session)


@dataclass
class Weather:
    vendor: Vendor
    sre: Actor
    two: list[Actor]
    token: str
    desk: Desk
    lowered: int = 0
    heard: list[Heard] = field(default_factory=list)
    #: The incident to which somebody said that it belongs.
    assigned: dict[Heard, UUID] = field(default_factory=dict)
    signed: list[UUID] = field(default_factory=list)
    #: Whose merger two have undone.
    parted: list[UUID] = field(default_factory=list)
    #: Made less by two, and a P1 again by what they could not see.
    burning: list[UUID] = field(default_factory=list)

    async def alarm(self, paged: Paged, run: int) -> Reception:
        """Delivered twice, as pagers do that had no answer; a P1 or P2 of them is remembered by name."""
        source, key = f"{paged.source.value}/main", f"{run}-{paged.key}"
        went_on, body = await self.goes_on(source, key), paged.body(run)
        signature = "v1=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
        first, again = [
            await self.vendor.house.alarms.receive(
                paged.source, "main", body, signature=signature, token=self.token
            )
            for _ in range(2)
        ]
        assert again in {Reception.DUPLICATE, Reception.UNMATCHED}
        heard = Heard(source, key, paged, first, went_on)
        states = paged.word in {
            "triggered",
            "priority_updated",
            "reopened",
            "firing",
        } and paged.severity not in {
            "P3",
            "P4",
        }
        # The same alarm again is no other: what counts is when it came first.
        if states and all((each.key, each.paged) != (key, paged) for each in self.heard):
            self.heard.append(heard)
        return first

    async def goes_on(self, source: str, key: str) -> bool:
        """Whether by all that was told so far, taken in or not, there is an incident of that name that is not over."""
        async with self.vendor.house.storage.read(VENDOR) as session:
            told = await facts_about(session, [key])
            lowered = await downgrades_of(session, ids_in(told))
        named = [each for each in fold(told, lowered).incidents if (each.source, each.key) == (source, key)]
        return any(each.resolved_at is None for each in named)

    async def unheard(self) -> list[Heard]:
        """Alarms of which the ledger has neither an incident nor a gap.

        An alarm that no rule took is only of the incident that went on as it came, and that is as bad as the alarm, or
        as it may have been. That is decided when it comes; nothing that is told later takes the gap away.
        """
        async with self.vendor.house.storage.read(VENDOR, snapshot=True) as session:
            ledger = await read_ledger(session)
            found = await repository.incidents_of_keys(session, {each.key for each in self.heard})
        majors = {each.incident.id for each in ledger.lines if each.incident is not None}
        gaps = {each.name for each in ledger.gaps}
        known = {(each.source, each.key): each for each in found}

        def has(heard: Heard) -> bool:
            if f"{heard.source}/{heard.key}" in gaps:
                return True
            if heard in self.assigned:
                return self.assigned[heard] in majors
            incident = known.get((heard.source, heard.key))
            if incident is None or incident.id not in majors:
                return False
            if heard.reception is not Reception.UNMATCHED:
                return True
            # The rules here take every alarm that names a severity.
            return heard.went_on and incident.worst_severity is Severity.P1

        return [each for each in self.heard if not has(each)]

    async def again_and_again(self, run: int) -> None:
        """One name for whatever fires in one place: an alarm of no severity while a P2 goes on, and when that is over;
        then it fires anew and is over again.
        """
        for minute, (word, severity) in enumerate(
            (
                ("firing", "P2"),
                ("firing", "urgent"),
                ("resolved", "P2"),
                ("firing", "urgent"),
                ("firing", "P1"),
                ("resolved", "P1"),
            )
        ):
            self.vendor.clock.advance(timedelta(seconds=1))
            await self.alarm(Paged(AlarmSource.ALERTMANAGER, word, "AGAIN", 10 * minute, severity), run)
            assert await self.unheard() == []

    async def lower(self, severity: Severity, run: int) -> None:
        """The first P1 or P2 of this storm that is worse, asked for by one, approved by two, and settled."""
        house = self.vendor.house
        await house.incident_following.follow()
        incidents, _ = await register(self.vendor)
        worse = [
            each for each in incidents if each.key.startswith(f"{run}-") and each.severity.outranks(severity)
            and each.severity.is_major
        ]  # fmt: skip
        if not worse:
            return
        self.vendor.clock.advance(timedelta(seconds=1))
        settled = await self.approved(worse[0].id, severity)
        assert (settled.severity, settled.needs_postmortem) == (severity, True)

    async def approved(self, id_: UUID, severity: Severity) -> Incident:
        """Asked for by one, approved by two, and settled: what the incident is then."""
        house = self.vendor.house
        command = ChangeSeverity(id_, "It hurt nobody", severity=severity)
        request_id = await house.downgrades.ask(command, self.sre)
        async with house.storage.read(VENDOR) as session:
            request = (await load(session, VENDOR_ID, request_id)).request
        for actor in self.two:
            await self.desk.devices.approve(request, actor)
        settled = await house.downgrades.approval_settled(request_id)
        assert settled is not None
        self.lowered += 1
        return settled

    async def made_less(self, run: int) -> None:
        """A producer's clock is five minutes ahead; two make a P1 less; its alarm is sent again; an end is told of the
        future; and then it burns again, of a time that was before the first.
        """
        clock, key = self.vendor.clock, f"{run}-MADE-LESS"
        paged = Paged(AlarmSource.ALERTMANAGER, "firing", "MADE-LESS", run, "P1")
        assert await self.alarm(paged, run) is Reception.TOLD
        id_ = incident_id("alertmanager/main", key)
        ahead = updated(key, "severity", minute=1, severity="P1") | {
            "time": rfc3339(clock.now() + timedelta(minutes=5))
        }
        await self.vendor.tell(ahead)
        await self.vendor.house.incident_following.follow()
        clock.advance(timedelta(seconds=1))
        less = await self.approved(id_, Severity.P3)
        assert less.severity is Severity.P3
        clock.advance(timedelta(seconds=1))
        assert await self.alarm(paged, run) is Reception.DUPLICATE
        far = step(key, "resolved", minute=2)
        outcome = await self.vendor.send(far | {"data": far["data"] | {"at": "2062-06-01T10:00:00Z"}})
        assert (outcome.accepted, [each.code for each in outcome.rejected]) == (0, ["TIME_IN_FUTURE"])
        await self.vendor.house.incident_following.follow()
        assert await self._known(id_) == [less]
        await self.vendor.tell(
            updated(key, "severity", minute=3, severity="P1") | {"time": rfc3339(clock.now())}
        )
        await self.vendor.house.incident_following.follow()
        [again] = await self._known(id_)
        assert (again.severity, again.is_open) == (Severity.P1, True)
        assert await self.cover(id_) is Cover.UNSIGNED
        self.burning.append(id_)

    async def bound(self, run: int, key: str) -> dict[str, Any]:
        """A P2 of one customer, by a token for that one: the event."""
        [event] = by(BOUND, declared(f"{run}-{key}", "P2", minute=run, tenants=["contoso"]))

        async def parts() -> AsyncIterator[bytes]:
            yield json.dumps(event).encode()

        sender = Admission(CONSOLE, Bounds(sources=(BOUND,), tenants=frozenset({self.desk.contoso})))
        outcome = await self.vendor.house.intake.deliver(lines(parts()), sender)
        assert (outcome.accepted, outcome.rejected) == (1, [])
        return event

    async def by_hand(self, run: int) -> Incident:
        """Declared at the portal as a P3 and raised there."""
        incidents = self.vendor.house.incidents
        began = BEGAN + timedelta(minutes=run)
        told = DeclareIncident(
            title="Told by hand", severity=Severity.P3, service="s", began_at=began, detected_at=began,
            tenants=None, objectives=None, key=f"{run}-HAND",
        )  # fmt: skip
        declared_ = await incidents.declare(told, self.sre)
        raised = await incidents.tell(
            ChangeSeverity(declared_.id, "It spreads", severity=Severity.P1), self.sre
        )
        async with self.vendor.house.storage.read(VENDOR, snapshot=True) as session:
            ledger = await read_ledger(session)
        [line] = [each for each in ledger.lines if each.incident and each.incident.id == raised.id]
        assert (line.cover, line.worst_severity) == (Cover.UNSIGNED, Severity.P1)
        return raised

    async def merged_and_undone(self, part: Incident, run: int) -> None:
        """A P1 of this storm is merged into a P3, mitigated and reopened there, and parted from it again: by one it is
        not, by two it is.
        """
        house = self.vendor.house
        began = BEGAN + timedelta(minutes=run)
        told = DeclareIncident(
            title="Told as less", severity=Severity.P3, service="s", began_at=began, detected_at=began,
            key=f"{run}-LESS",
        )  # fmt: skip
        into = await house.incidents.declare(told, self.sre)
        for act, (mitigated, reopened) in (
            (MergeIncident(part.id, "The same", into_id=into.id), (False, 0)),
            (MitigateIncident(part.id, "Better here"), (False, 0)),
            (MitigateIncident(into.id, "Better there, too"), (True, 0)),
            (ReopenIncident(part.id, "It began anew here"), (False, 1)),
        ):
            self.vendor.clock.advance(timedelta(seconds=1))
            after = await house.incidents.tell(act, self.sre)
            known = await self._known(part.id, into.id)
            assert (known[0].mitigated_at is not None, known[0].reopened) == (mitigated, reopened), act
            assert {each.severity for each in known} == {Severity.P1}, after.key
            assert await self.unheard() == []
        undo = UnmergeIncident(part.id, "Not the same after all")
        with pytest.raises(NeedsApproval):
            await house.incidents.tell(undo, self.sre)
        request_id = await house.lowering.tell_or_ask(undo, self.sre)
        assert request_id is not None
        assert await self._known(part.id, into.id) == known
        async with house.storage.read(VENDOR) as session:
            request = (await load(session, VENDOR_ID, request_id)).request
        self.vendor.clock.advance(timedelta(seconds=1))
        for actor in self.two:
            await self.desk.devices.approve(request, actor)
        assert await house.retractions.approval_settled(request_id) is not None
        one, other = await self._known(part.id, into.id)
        assert (one.merged_into, one.severity, one.is_open) == (None, Severity.P1, True)
        assert (other.severity, other.needs_postmortem) == (Severity.P3, False)
        assert await self.cover(part.id) in {Cover.UNSIGNED, Cover.OUTDATED}
        self.parted.append(part.id)

    async def _known(self, *ids: UUID) -> list[Incident]:
        async with self.vendor.house.storage.read(VENDOR) as session:
            return [await repository.find_incident(session, each) for each in ids]

    async def assign(self, into: Incident, run: int) -> None:
        """The first alarm of this storm that no rule took is said to belong to a P1."""
        waiting = await self.vendor.house.switchboard.coverage(self.sre)
        for line in waiting[0].gaps:
            source, _, key = line.name.rpartition("/")
            if line.cover is Cover.UNMATCHED and key.startswith(f"{run}-"):
                command = AssignGap(source, key, into.id, "The pager knows it by another name")
                await self.vendor.house.incident_gaps.assign(command, self.sre)
                these = [each for each in self.heard if (each.source, each.key) == (source, key)]
                self.assigned |= {each: into.id for each in these if each.reception is Reception.UNMATCHED}
                return

    async def sign(self, run: int) -> None:
        """One postmortem of this storm is signed; then its incident is reopened, worse, or of one customer alone."""
        house = self.vendor.house
        await house.incident_following.follow()
        incidents, _ = await register(self.vendor)
        owed = [
            each for each in incidents
            if each.key.startswith(f"{run}-") and each.needs_postmortem and each.ends_in is None
        ]  # fmt: skip
        if not owed:
            return
        self.vendor.clock.advance(timedelta(seconds=1))
        async with house.storage.read(VENDOR) as session:
            postmortem = await postmortem_of(session, owed[0].id)
        assert postmortem is not None
        await self.desk.signed(postmortem)
        assert await self.cover(owed[0].id) is Cover.SIGNED
        self.vendor.clock.advance(timedelta(seconds=1))
        for act in _burning_on(owed[0]):
            await house.incidents.tell(act, self.sre)
            self.vendor.clock.advance(timedelta(seconds=1))
        assert await self.cover(owed[0].id) is Cover.OUTDATED
        self.signed.append(owed[0].id)

    async def cover(self, id_: UUID) -> Cover:
        async with self.vendor.house.storage.read(VENDOR, snapshot=True) as session:
            ledger = await read_ledger(session)
        [line] = [each for each in ledger.lines if each.incident is not None and each.incident.id == id_]
        assert (line in ledger.gaps) is line.cover.is_gap
        return line.cover


def _burning_on(incident: Incident) -> Sequence[TellOfIncident]:
    again = ReopenIncident(incident.id, "It was not over")
    if not incident.is_open:
        return [again]
    if incident.severity is not Severity.P1:
        return [ChangeSeverity(incident.id, "It is worse", severity=Severity.P1)]
    return [ResolveIncident(incident.id, "It is over"), again]


async def weather_over(vendor: Vendor, desk: Desk) -> Weather:
    """Two pagers whose rules take a severity as it is said, and two persons who approve."""
    sre = (await vendor.person("Sam Operator", Role.SRE_OPERATOR)).as_actor()
    two = [
        (await vendor.person("Rob Reliable", Role.APPROVER_RELIABILITY)).as_actor(),
        (await vendor.person("Sue Secure", Role.APPROVER_SECURITY)).as_actor(),
    ]
    pagers = vendor.house.incident_integrations
    for kind, place in (
        (AlarmSource.PAGERDUTY, "priority.summary"),
        (AlarmSource.ALERTMANAGER, "labels.severity"),
    ):
        secret = SECRET if kind is AlarmSource.PAGERDUTY else None
        await pagers.set(SetIntegration(kind, "main", RULES % place, "It wakes us", secret=secret), sre)
    view = await pagers.get(sre, AlarmSource.ALERTMANAGER, "main")
    assert view.token is not None
    return Weather(vendor, sre, two, view.token, desk)
