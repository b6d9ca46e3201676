"""An auditor comes by an invitation, for a time and a reason, and is out when it ends or is revoked."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.exc import DBAPIError

from trust_portal.access.actors import CONSOLE
from trust_portal.access.audits.model import (
    InvitationAct,
    InvitationState,
    InviteAuditor,
    RevokeInvitation,
)
from trust_portal.access.audits.tables import audit_invitation_steps, audit_invitations
from trust_portal.access.credentials import parse_cookie
from trust_portal.access.sessions.model import Client
from trust_portal.access.tables import people, role_grants, sessions
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound, NotSignedIn
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.receipt_rows import receipts_page
from trust_portal.kernel.actor import Role
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import TenantScope

FIREFOX = Client("Firefox/140.0", "192.0.2.77")
PAGE = PageRequest(10)


@pytest.fixture
async def ada(acme, member):
    return (await member(acme, "ada@acme.example", Role.CUSTOMER_ADMIN)).as_actor()


@pytest.fixture
def invitation(acme, clock):
    return InviteAuditor(
        acme.id, "Rita@Auditors.example", "Rita", "SOC 2 fieldwork", clock.now() + timedelta(days=30)
    )


def secret_of(issued) -> str:
    assert issued.url.startswith("https://trust.example/audit-invitation/")
    return issued.url.rpartition("/")[2]


async def counts(access, tenant_id) -> tuple[int, ...]:
    """Invitations, steps, people, grants and sessions there are."""
    found = []
    async with access.storage.read(TenantScope(tenant_id)) as session:
        for table in (audit_invitations, audit_invitation_steps, people, role_grants, sessions):
            query = select(func.count()).select_from(table).where(table.c.tenant_id == tenant_id)
            found.append((await session.execute(query)).scalar_one())
    return tuple(found)


async def receipts_of(access, tenant_id) -> list[dict]:
    async with access.storage.read(TenantScope(tenant_id)) as session:
        page = await receipts_page(session, tenant_id, PageRequest(50), None)
    statements = [json.loads(Envelope.parse(each.envelope).payload) for each in page.items]
    return [each for each in statements if "audit_invitation" in each["predicateType"]]


async def test_who_accepts_reads_as_an_auditor_until_the_end_and_no_longer(
    access, acme, ada, invitation, clock
):
    issued = await access.audits.invite(invitation, ada)
    found, tenant = await access.audits.look(secret_of(issued))
    assert (found.reason, tenant.name) == ("SOC 2 fieldwork", "Acme Ltd")

    signed_in = await access.audits.accept(secret_of(issued), FIREFOX)

    assert (signed_in.actor.name, signed_in.actor.roles) == ("Rita", frozenset({Role.AUDITOR}))
    assert (await access.sessions.authenticate(signed_in.cookie)).actor.roles == frozenset({Role.AUDITOR})
    shown = (await access.audits.page(ada, acme.id, PAGE)).items[0]
    assert (shown.email, shown.state(clock.now())) == ("rita@auditors.example", InvitationState.ACCEPTED)
    assert await access.audits.own(signed_in.actor) == shown
    created, accepted = sorted(await receipts_of(access, acme.id), key=lambda each: each["predicate"]["at"])[
        :2
    ]
    results = {
        each["predicateType"].split(":")[3]: each["predicate"]["result"] for each in (created, accepted)
    }
    assert results == {
        "audit_invitation.created": {
            "invitation": str(shown.id),
            "reason": "SOC 2 fieldwork",
            "until": "2026-08-09T09:00:00Z",
            "waits_until": "2026-07-17T09:00:00Z",
        },
        "audit_invitation.accepted": {
            "invitation": str(shown.id),
            "person": str(signed_in.actor.id),
            "role": "auditor",
            "until": "2026-08-09T09:00:00Z",
        },
    }
    assert "rita@" not in json.dumps([created, accepted])

    clock.advance(timedelta(days=30))
    again = await access.links.create(ada, acme.id, signed_in.actor.id, brought_by=())
    later = await access.links.consume(again.url.rpartition("/")[2], FIREFOX)
    assert later.actor.roles == frozenset()
    assert await access.audits.own(later.actor) is None


async def test_only_the_hash_of_an_invitation_is_stored(access, acme, ada, invitation):
    issued = await access.audits.invite(invitation, ada)
    async with access.storage.read(TenantScope(acme.id)) as session:
        query = select(audit_invitations).where(audit_invitations.c.tenant_id == acme.id)
        row = (await session.execute(query)).one()
    secret = parse_cookie(secret_of(issued)).secret
    assert row.secret_hash == parse_cookie(secret_of(issued)).hash
    assert secret not in repr(row) + repr(issued)


async def test_twenty_at_once_accept_an_invitation_once(access, acme, ada, invitation):
    issued = await access.audits.invite(invitation, ada)
    before = await counts(access, acme.id)

    answers = await asyncio.gather(
        *(access.audits.accept(secret_of(issued), FIREFOX) for _ in range(20)), return_exceptions=True
    )

    assert sum(isinstance(each, NotSignedIn) for each in answers) == 19
    assert await counts(access, acme.id) == (
        before[0],
        before[1] + 1,
        before[2] + 1,
        before[3] + 1,
        before[4] + 1,
    )


async def test_accepted_and_revoked_at_once_is_one_or_both_in_order_and_nobody_is_left_inside(
    access, acme, ada, invitation, clock
):
    issued = await access.audits.invite(invitation, ada)
    revoking = RevokeInvitation(acme.id, issued.invitation.id, "wrong person")

    answers = await asyncio.gather(
        access.audits.accept(secret_of(issued), FIREFOX),
        access.audits.revoke(revoking, ada),
        return_exceptions=True,
    )
    if isinstance(answers[1], Conflict):
        assert answers[1].code == "ALREADY_DECIDED"
        await access.audits.revoke(revoking, ada)

    shown = (await access.audits.page(ada, acme.id, PAGE)).items[0]
    assert shown.state(clock.now()) is InvitationState.REVOKED
    if not isinstance(answers[0], Exception):
        assert await access.sessions.authenticate(answers[0].cookie) is None


async def test_every_invitation_that_is_over_gets_the_same_answer_and_lets_nobody_in(
    access, acme, globex, ada, invitation, clock
):
    spent = await access.audits.invite(invitation, ada)
    await access.audits.accept(secret_of(spent), FIREFOX)
    revoked = await access.audits.invite(replace(invitation, email="b@auditors.example"), ada)
    await access.audits.revoke(RevokeInvitation(acme.id, revoked.invitation.id, "not needed"), ada)
    late = await access.audits.invite(replace(invitation, email="c@auditors.example"), ada)
    foreign = secret_of(late).replace(acme.id.hex, globex.id.hex)
    clock.advance(timedelta(days=7))
    before = await counts(access, acme.id)

    messages = set()
    for secret in (secret_of(spent), secret_of(revoked), secret_of(late), foreign, "nonsense"):
        for use in (access.audits.look(secret), access.audits.accept(secret, FIREFOX)):
            with pytest.raises(NotSignedIn) as refusal:
                await use
            messages.add((refusal.value.code, refusal.value.message))
    assert messages == {
        ("BAD_CREDENTIAL", "this invitation is spent, withdrawn or too old; ask for a new one")
    }
    assert await counts(access, acme.id) == before


async def test_revoking_ends_role_and_sessions_at_once(access, acme, ada, invitation, clock):
    issued = await access.audits.invite(invitation, ada)
    signed_in = await access.audits.accept(secret_of(issued), FIREFOX)

    ended = await access.audits.revoke(
        RevokeInvitation(acme.id, issued.invitation.id, "engagement ended"), ada
    )

    assert ended.state(clock.now()) is InvitationState.REVOKED
    assert [each.act for each in ended.steps] == [InvitationAct.ACCEPTED, InvitationAct.REVOKED]
    assert await access.sessions.authenticate(signed_in.cookie) is None
    revoked = next(
        each["predicate"]["result"]
        for each in await receipts_of(access, acme.id)
        if each["predicateType"].endswith("audit_invitation.revoked:v1")
    )
    assert revoked == {
        "invitation": str(issued.invitation.id),
        "reason": "engagement ended",
        "person": str(signed_in.actor.id),
        "sessions_ended": "1",
        "tokens_revoked": "0",
    }
    with pytest.raises(Conflict) as refusal:
        await access.audits.revoke(RevokeInvitation(acme.id, issued.invitation.id, "again"), ada)
    assert refusal.value.code == "NOTHING_TO_REVOKE"


async def test_who_was_here_before_is_the_same_person_and_keeps_the_longer_term(
    access, acme, ada, invitation, clock
):
    first = await access.audits.accept(secret_of(await access.audits.invite(invitation, ada)), FIREFOX)
    shorter = replace(invitation, until=clock.now() + timedelta(days=1))
    again = await access.audits.accept(secret_of(await access.audits.invite(shorter, ada)), FIREFOX)

    assert again.actor.id == first.actor.id
    async with access.storage.read(TenantScope(acme.id)) as session:
        query = select(role_grants.c.expires_at).where(
            role_grants.c.tenant_id == acme.id,
            role_grants.c.person_id == first.actor.id,
            role_grants.c.revoked_at.is_(None),
        )
        assert (await session.execute(query)).scalars().all() == [invitation.until]


async def test_who_is_shown_out_of_one_audit_is_out_of_all_they_came_by_and_each_says_so(
    access, acme, ada, invitation, clock
):
    longer = replace(invitation, reason="ISO 27001", until=clock.now() + timedelta(days=60))
    other = replace(invitation, email="paul@auditors.example", name="Paul")
    waits = replace(invitation, reason="next year")
    shorter = replace(invitation, reason="a day", until=clock.now() + timedelta(days=1))
    over = await access.audits.invite(shorter, ada)
    await access.audits.accept(secret_of(over), FIREFOX)
    clock.advance(timedelta(days=2))
    first, second, pauls = [await access.audits.invite(each, ada) for each in (invitation, longer, other)]
    still_open = await access.audits.invite(waits, ada)
    paul = await access.audits.accept(secret_of(pauls), FIREFOX)
    await access.audits.accept(secret_of(first), FIREFOX)
    rita = await access.audits.accept(secret_of(second), FIREFOX)
    own = await access.audits.own(rita.actor)
    assert (own.id, own.until) == (second.invitation.id, longer.until), "the one that ends last"
    before = await counts(access, acme.id)

    ended = await access.audits.revoke(
        RevokeInvitation(acme.id, first.invitation.id, "engagement ended"), ada
    )
    assert ended.id == first.invitation.id
    assert await access.sessions.authenticate(rita.cookie) is None
    assert await access.sessions.authenticate(paul.cookie) is not None
    assert await access.audits.own(rita.actor) is None
    page = await access.audits.page(ada, acme.id, PAGE)
    assert {each.id: each.state(clock.now()) for each in page.items} == {
        over.invitation.id: InvitationState.ENDED,
        first.invitation.id: InvitationState.REVOKED,
        second.invitation.id: InvitationState.REVOKED,
        pauls.invitation.id: InvitationState.ACCEPTED,
        still_open.invitation.id: InvitationState.OPEN,
    }
    with_it = await access.audits.get(ada, acme.id, second.invitation.id)
    assert [(each.act, each.by, each.reason) for each in with_it.steps[1:]] == [
        (InvitationAct.REVOKED, ada.name, "engagement ended")
    ]
    assert await counts(access, acme.id) == (before[0], before[1] + 2, *before[2:])
    revoked = {
        each["predicate"]["result"]["invitation"]: each["predicate"]["result"]
        for each in await receipts_of(access, acme.id)
        if each["predicateType"].endswith("audit_invitation.revoked:v1")
    }
    assert revoked == {
        str(first.invitation.id): {
            "invitation": str(first.invitation.id),
            "reason": "engagement ended",
            "person": str(rita.actor.id),
            "sessions_ended": "3",
            "tokens_revoked": "0",
        },
        str(second.invitation.id): {
            "invitation": str(second.invitation.id),
            "reason": "engagement ended",
            "person": str(rita.actor.id),
            "ended_with": str(first.invitation.id),
        },
    }
    with pytest.raises(Conflict) as refusal:
        await access.audits.revoke(RevokeInvitation(acme.id, second.invitation.id, "again"), ada)
    assert refusal.value.code == "NOTHING_TO_REVOKE"


async def test_an_invitation_lets_nobody_in_who_works_here_since(access, acme, ada, invitation, member):
    """Its link would be a way in as an administrator that went through other hands."""
    issued = await access.audits.invite(invitation, ada)
    await member(acme, "rita@auditors.example", Role.CUSTOMER_ADMIN)
    before = await counts(access, acme.id)
    with pytest.raises(NotSignedIn, match="spent, withdrawn or too old"):
        await access.audits.accept(secret_of(issued), FIREFOX)
    assert await counts(access, acme.id) == before


async def test_an_invitation_ends_with_the_access_of_whoever_invited(access, acme, ada, invitation, member):
    issued = await access.audits.invite(invitation, ada)
    bea = (await member(acme, "bea@acme.example", Role.CUSTOMER_ADMIN)).as_actor()
    await access.people.suspend(bea, acme.id, ada.id)
    before = await counts(access, acme.id)
    for way_in in (access.audits.look(secret_of(issued)), access.audits.accept(secret_of(issued), FIREFOX)):
        with pytest.raises(NotSignedIn, match="spent, withdrawn or too old"):
            await way_in
    assert await counts(access, acme.id) == before


@pytest.mark.parametrize("at_vendor", [False, True])
async def test_an_invitation_ends_with_the_right_of_whoever_invited(
    access, acme, invitation, member, at_vendor
):
    house, role = (None, Role.VENDOR_ADMIN) if at_vendor else (acme, Role.CUSTOMER_ADMIN)
    maker = await member(house, "maker@admin.example", role)
    issued = await access.audits.invite(invitation, maker.as_actor())
    await access.audits.look(secret_of(issued))
    await access.people.revoke(CONSOLE, maker.tenant_id, maker.id, role)
    before = await counts(access, acme.id)
    for way_in in (access.audits.look(secret_of(issued)), access.audits.accept(secret_of(issued), FIREFOX)):
        with pytest.raises(NotSignedIn, match="spent, withdrawn or too old"):
            await way_in
    assert await counts(access, acme.id) == before


async def test_what_cannot_be_is_refused_with_its_field_and_nothing_changes(
    access, acme, ada, invitation, member, clock
):
    await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    gone = await member(acme, "gone@acme.example")
    await access.people.suspend(ada, acme.id, gone.id)
    before = await counts(access, acme.id)

    for changes, field in (
        ({"until": clock.now()}, "until"),
        ({"until": clock.now() + timedelta(days=93)}, "until"),
        ({"until": clock.now().replace(tzinfo=None) + timedelta(days=1)}, "until"),
        ({"email": "nobody"}, "email"),
        ({"name": " "}, "name"),
        ({"reason": " "}, "reason"),
        ({"email": "vera@acme.example"}, "email"),
        ({"email": "gone@acme.example"}, "email"),
    ):
        with pytest.raises((InvalidInput, Conflict)) as refusal:
            await access.audits.invite(replace(invitation, **changes), ada)
        assert refusal.value.field == field, changes
    assert await counts(access, acme.id) == before


async def test_who_may_not_invite_invites_nobody(access, acme, globex, ada, invitation, member):
    issued = await access.audits.invite(invitation, ada)
    auditor = (await access.audits.accept(secret_of(issued), FIREFOX)).actor
    viewer = (await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)).as_actor()
    stranger = (await member(globex, "gus@globex.example", Role.CUSTOMER_ADMIN)).as_actor()
    operator = (await member(None, "sam@vendor.example", Role.SRE_OPERATOR)).as_actor()
    before = await counts(access, acme.id)

    for actor in (auditor, viewer, stranger, operator):
        with pytest.raises((Denied, NotFound)):
            await access.audits.invite(replace(invitation, email="x@y.example"), actor)
        with pytest.raises((Denied, NotFound)):
            await access.audits.revoke(RevokeInvitation(acme.id, issued.invitation.id, "mine"), actor)
    with pytest.raises(Denied):
        await access.audits.page(viewer, acme.id, PAGE)
    assert await counts(access, acme.id) == before


async def test_the_tables_hold_it_too(access, acme, ada, invitation, clock):
    """Through SQL as the application, by the constraint that says so; there are no grants to change what was written."""
    issued = await access.audits.invite(invitation, ada)
    other = await access.audits.invite(replace(invitation, email="else@auditors.example"), ada)
    revoked = await access.audits.revoke(RevokeInvitation(acme.id, issued.invitation.id, "no"), ada)
    step = {
        "tenant_id": acme.id,
        "invitation_id": other.invitation.id,
        "ordinal": 1,
        "at": clock.now(),
        "by_id": ada.id,
        "by_name": "Ada",
        "receipt_id": revoked.steps[0].receipt_id,
    }
    accepted = step | {"act": "accepted", "person_id": ada.id}
    second = step | {"ordinal": 2, "previous": 1, "act": "revoked", "reason": "no"}
    ended = {"invitation_id": issued.invitation.id}
    now = clock.now()
    before = await counts(access, acme.id)

    for constraint, values in (
        ("audit_invitation_steps_pkey", accepted | ended),
        ("follows_its_step", accepted | ended | {"ordinal": 2, "previous": 1, "previous_act": "revoked"}),
        ("follows_its_step", accepted | {"ordinal": 3}),
        ("audit_invitation_steps_previous_fkey", second | ended | {"previous_act": "accepted"}),
        ("acceptance_has_a_person", accepted | {"person_id": None}),
        ("acceptance_has_a_person", step | {"act": "revoked", "reason": "no", "person_id": ada.id}),
        ("revocation_has_a_reason", step | {"act": "revoked"}),
        ("revocation_has_a_reason", step | {"act": "revoked", "reason": " "}),
        ("revocation_has_a_reason", accepted | {"reason": "she asked"}),
    ):
        await refused_by(constraint, access, acme.id, insert(audit_invitation_steps).values(**values))

    async with access.storage.read(TenantScope(acme.id)) as session:
        query = select(audit_invitations).where(
            audit_invitations.c.tenant_id == acme.id, audit_invitations.c.id == other.invitation.id
        )
        row = dict((await session.execute(query)).one()._mapping)
    anew = {"id": uuid4(), "secret_hash": b"another"}
    for constraint, wrong in (
        ("time_is_limited", {"until": now + timedelta(days=93)}),
        ("time_is_limited", {"until": row["at"]}),
        ("time_is_limited", {"waits_until": row["until"] + timedelta(seconds=1)}),
        ("reason_is_given", {"reason": " "}),
        ("audit_invitations_secret_key", {"secret_hash": row["secret_hash"], "id": uuid4()}),
        ("audit_invitations_receipt_fkey", {"receipt_id": uuid4()}),
    ):
        await refused_by(constraint, access, acme.id, insert(audit_invitations).values(**row | anew | wrong))
    longer = audit_invitations.update().where(audit_invitations.c.tenant_id == acme.id)
    await refused_by("permission denied", access, acme.id, longer.values(until=now + timedelta(days=90)))
    assert await counts(access, acme.id) == before


async def refused_by(constraint: str, access, acme_id, statement) -> None:
    with pytest.raises(DBAPIError, match=constraint):
        async with access.storage.write(TenantScope(acme_id)) as session:
            await session.execute(statement)
