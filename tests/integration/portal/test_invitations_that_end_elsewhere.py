"""An auditor's invitation ends where the role is taken, given anew, or the person suspended; the list says by whom and when."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.portal_fixtures import Portal

from schema.ids import decode, encode
from trust_portal.access.audits.model import InvitationState, InviteAuditor, RevokeInvitation
from trust_portal.access.people.model import GrantRole
from trust_portal.access.sessions.model import Client
from trust_portal.errors import Conflict
from trust_portal.evidence.receipt_rows import find_receipt
from trust_portal.kernel.actor import Actor, ActorKind, Role
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import TenantScope
from trust_portal.trust.compliance.reviews.model import RecordReview, ReviewAct

ADA = Actor(ActorKind.PERSON, new_id(), "Ada", VENDOR_ID, frozenset({Role.VENDOR_ADMIN}), person_id=new_id())
FIREFOX = Client("Firefox/140.0", "192.0.2.77")
PAGE = PageRequest(10)
HOUR = timedelta(hours=1)
_READ = """query ($id: ID!) { node(id: $id) { ... on Tenant { auditInvitations(first: 5) { nodes {
  state end { how at by receiptId } } } } } }"""


async def came_in(portal: Portal, *, days: int = 20) -> tuple[Any, Actor]:
    """An invitation of aurora's, and who came by it an hour ago."""
    until = portal.clock.now() + timedelta(days=days)
    command = InviteAuditor(
        portal.world.aurora.id, "rita@auditors.example", "Rita Rigor", "SOC 2 fieldwork", until
    )
    inviter = await portal.house.sessions.authenticate(portal.world.cookies["vendor_admin"])
    assert inviter is not None
    issued = await portal.house.audit_invitations.invite(command, inviter.actor)
    entered = await portal.house.audit_invitations.accept(issued.url.rpartition("/")[2], FIREFOX)
    portal.clock.advance(HOUR)
    return issued.invitation, entered.actor


async def taken(portal: Portal, rita: Actor) -> None:
    await portal.house.people.revoke(ADA, rita.tenant_id, rita.id, Role.AUDITOR)


async def suspended(portal: Portal, rita: Actor) -> None:
    await portal.house.people.suspend(ADA, rita.tenant_id, rita.id)


async def reviewed(portal: Portal, rita: Actor) -> None:
    held = await portal.house.access_reviews.held(ADA, rita.tenant_id)
    (grant,) = (each for each in held if each.person_id == rita.id)
    command = RecordReview(rita.tenant_id, grant.grant_id, ReviewAct.REVOKE, "nobody audits now")
    await portal.house.access_reviews.record(command, ADA)


async def given_anew(portal: Portal, rita: Actor) -> None:
    until = portal.clock.now() + timedelta(days=60)
    await portal.house.people.grant(GrantRole(rita.tenant_id, rita.id, Role.AUDITOR, until), ADA)


_WAYS = (
    (taken, "ROLE_TAKEN", "role.revoked", "the role was taken away"),
    (reviewed, "ROLE_TAKEN", "role.revoked", "the role was taken away"),
    (suspended, "SUSPENDED", "person.suspended", "the person was suspended"),
    (
        given_anew, "ROLE_GIVEN_ANEW", "role.granted",
        "the role was given anew, and is none of this invitation’s since",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("end", "how", "kind", "words"), _WAYS)
async def test_the_list_says_that_it_has_ended_by_whom_and_when_and_there_is_nothing_left_to_revoke(
    portal: Portal, end: Callable[[Portal, Actor], Awaitable[None]], how: str, kind: str, words: str
) -> None:
    house, aurora = portal.house, portal.world.aurora
    invitation, rita = await came_in(portal)
    (before,) = (await house.audit_invitations.page(ADA, aurora.id, PAGE)).items
    assert (before.state(portal.clock.now()), before.end) == (InvitationState.ACCEPTED, None)

    await end(portal, rita)
    ended_at = portal.clock.now()
    portal.clock.advance(HOUR)

    (after,) = (await house.audit_invitations.page(ADA, aurora.id, PAGE)).items
    assert after.state(portal.clock.now()) is InvitationState.ENDED
    assert after.end is not None
    assert (after.end.at, after.end.by, after.end.how.words) == (ended_at, "Ada", words)
    async with house.storage.read(TenantScope(aurora.id)) as session:
        receipt = await find_receipt(session, aurora.id, after.end.receipt_id)
    assert (receipt.kind.value, receipt.subjects[0].name) == (kind, f"person/{rita.id}")
    assert await house.audit_invitations.own(rita) is None
    held = {each.person_id: each.invitation_id for each in await house.audits_in_force.now(ADA, aurora.id)}
    assert held.get(rita.id) is None
    assert (rita.id in held) == (end is given_anew)
    with pytest.raises(Conflict) as refused:
        await house.audit_invitations.revoke(RevokeInvitation(aurora.id, invitation.id, "done"), ADA)
    assert refused.value.code == "NOTHING_TO_REVOKE"
    assert (await house.audit_invitations.page(ADA, aurora.id, PAGE)).items == (after,)
    assert (rita.id in {each.person_id for each in await house.audits_in_force.now(ADA, aurora.id)}) == (
        end is given_anew
    )

    async with portal.browser("customer_admin") as admin:
        page = (await admin.get("/t/aurora/auditors")).text
        asked = {"query": _READ, "variables": {"id": encode("Tenant", aurora.id, aurora.id)}}
        said = (await admin.post("/graphql", json=asked)).json()
    assert f'href="/t/aurora/receipts/{after.end.receipt_id}"' in page
    assert f"by Ada: {words}" in page
    assert f"/auditors/{invitation.id}/revoke" not in page
    (told,) = said["data"]["node"]["auditInvitations"]["nodes"]
    assert told["state"] == "ENDED"
    assert (told["end"]["how"], told["end"]["by"]) == (how, "Ada")
    assert decode(told["end"]["receiptId"], "Receipt").id == after.end.receipt_id


async def test_another_role_of_theirs_ends_no_invitation_and_neither_does_what_was_done_to_others(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    _, rita = await came_in(portal)
    await house.people.grant(GrantRole(aurora.id, rita.id, Role.CUSTOMER_VIEWER, None), ADA)
    await house.people.revoke(ADA, aurora.id, rita.id, Role.CUSTOMER_VIEWER)
    (born,) = (each for each in await house.audits_in_force.now(ADA, aurora.id) if each.name == "Auditor")
    await house.people.revoke(ADA, aurora.id, born.person_id, Role.AUDITOR)
    (still,) = (await house.audit_invitations.page(ADA, aurora.id, PAGE)).items
    assert (still.state(portal.clock.now()), still.end) == (InvitationState.ACCEPTED, None)


async def test_a_second_invitation_is_in_force_though_the_first_ended_elsewhere(portal: Portal) -> None:
    house, aurora = portal.house, portal.world.aurora
    first, rita = await came_in(portal)
    await taken(portal, rita)
    portal.clock.advance(HOUR)
    second, again = await came_in(portal, days=10)
    assert again.id == rita.id
    now = portal.clock.now()
    states = {
        each.id: each.state(now) for each in (await house.audit_invitations.page(ADA, aurora.id, PAGE)).items
    }
    assert states == {first.id: InvitationState.ENDED, second.id: InvitationState.ACCEPTED}
    held = {each.person_id: each.invitation_id for each in await house.audits_in_force.now(ADA, aurora.id)}
    assert held[rita.id] == second.id


async def test_what_ran_out_or_was_revoked_says_that_and_nothing_of_what_was_done_later(
    portal: Portal,
) -> None:
    house, aurora = portal.house, portal.world.aurora
    revoked, rita = await came_in(portal)
    await house.audit_invitations.revoke(RevokeInvitation(aurora.id, revoked.id, "done"), ADA)
    portal.clock.advance(HOUR)
    over, _ = await came_in(portal, days=1)
    portal.clock.advance(timedelta(days=2))
    await suspended(portal, rita)
    now = portal.clock.now()
    found = {each.id: each for each in (await house.audit_invitations.page(ADA, aurora.id, PAGE)).items}
    assert found[revoked.id].state(now) is InvitationState.REVOKED
    assert (found[over.id].state(now), found[over.id].end) == (InvitationState.ENDED, None)


class _Ticking(ManualClock):
    """As a real one: no two readings are the same."""

    def now(self) -> datetime:
        self.advance(timedelta(microseconds=1))
        return super().now()


async def test_who_came_reads_by_the_invitation_also_where_time_passes_while_they_come(
    portal: Portal, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = portal.house
    monkeypatch.setattr(portal.house.storage, "clock", _Ticking(portal.clock.now()))
    invitation, rita = await came_in(portal)
    held = {
        each.person_id: each.invitation_id for each in await house.audits_in_force.now(ADA, rita.tenant_id)
    }
    assert held[rita.id] == invitation.id
