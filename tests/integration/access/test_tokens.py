"""API tokens: issued, recognised, bounded, revoked."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from trust_portal.access.action import Action, TokenScope
from trust_portal.access.actors import CONSOLE
from trust_portal.access.audits.model import InviteAuditor
from trust_portal.access.audits.tables import audit_invitations
from trust_portal.access.people.suspension import may_still
from trust_portal.access.policy import Resource
from trust_portal.access.tables import api_tokens, sign_in_links
from trust_portal.access.tokens.model import CUSTOMER_SCOPES, Bounds, CreateToken
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound, NotSignedIn
from trust_portal.evidence.statement import ReceiptKind
from trust_portal.evidence.tables import receipts
from trust_portal.kernel.actor import ActorKind, Role
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.kernel.page import PageRequest
from trust_portal.storage.tenancy import TenantScope

READ = frozenset({TokenScope.READ})
INGEST = frozenset({TokenScope.INGEST})


@pytest.fixture
async def carl(acme, member):
    return await member(acme, "carl@acme.example", Role.CUSTOMER_ADMIN)


async def stored(access, tenant_id):
    async with access.storage.read(TenantScope(tenant_id)) as session:
        return (await session.execute(select(api_tokens).where(api_tokens.c.tenant_id == tenant_id))).all()


async def test_a_token_acts_in_its_issuers_name(access, acme, carl):
    issued = await access.tokens.create(CreateToken(acme.id, "nightly", READ), carl.as_actor())

    actor = await access.tokens.authenticate(issued.secret)

    assert (actor.kind, actor.id, actor.name) == (ActorKind.TOKEN, issued.token.id, "nightly")
    assert (actor.tenant_id, actor.person_id, actor.roles) == (acme.id, carl.id, carl.roles)
    assert actor.scopes == {"read"}
    assert issued.secret not in repr(issued)
    assert issued.secret.split("_")[2][:43] not in repr(await stored(access, acme.id))


async def test_creating_and_revoking_leave_receipts(access, acme, carl):
    issued = await access.tokens.create(CreateToken(acme.id, "nightly", READ), carl.as_actor())
    await access.tokens.revoke(carl.as_actor(), acme.id, issued.token.id)

    async with access.storage.read(TenantScope(acme.id)) as session:
        query = select(receipts.c.kind, receipts.c.subjects).where(receipts.c.tenant_id == acme.id)
        found = [(row.kind, row.subjects[0]["name"]) for row in await session.execute(query)]
    assert (ReceiptKind.TOKEN_CREATED, f"token/{issued.token.id}") in found
    assert (ReceiptKind.TOKEN_REVOKED, f"token/{issued.token.id}") in found


async def test_every_bad_token_gets_the_same_answer(access, acme, globex, carl, clock):
    actor = carl.as_actor()
    revoked = await access.tokens.create(CreateToken(acme.id, "revoked", READ), actor)
    await access.tokens.revoke(actor, acme.id, revoked.token.id)
    expired = await access.tokens.create(CreateToken(acme.id, "short", READ, life=timedelta(hours=1)), actor)
    good = await access.tokens.create(CreateToken(acme.id, "good", READ), actor)
    clock.advance(timedelta(hours=1))
    before = await stored(access, acme.id)

    answers = set()
    for secret in (
        revoked.secret,
        expired.secret,
        good.secret.replace(acme.id.hex, globex.id.hex),
        good.secret.replace(acme.id.hex, new_id().hex),
        good.secret[:-1],
        good.secret + " ",
        "",
        "tp_",
        "é" * 85,
    ):
        with pytest.raises(NotSignedIn) as refused:
            await access.tokens.authenticate(secret)
        answers.add((refused.value.message, refused.value.code))

    assert answers == {("this token is not valid; ask for a new one", "BAD_CREDENTIAL")}
    assert await stored(access, acme.id) == before


async def test_a_token_loses_what_its_issuer_loses(access, acme, carl):
    issued = await access.tokens.create(CreateToken(acme.id, "nightly", READ), carl.as_actor())
    report = Resource("SLA report", acme.id)
    assert access.gate.allows(await access.tokens.authenticate(issued.secret), Action.SLA_REPORT_READ, report)

    await access.people.revoke(CONSOLE, acme.id, carl.id, Role.CUSTOMER_ADMIN)

    actor = await access.tokens.authenticate(issued.secret)
    assert not access.gate.allows(actor, Action.SLA_REPORT_READ, report)


async def test_a_token_makes_no_tokens_and_no_people(access, acme, carl):
    scopes = frozenset({TokenScope.READ, TokenScope.OPERATE})
    issued = await access.tokens.create(CreateToken(acme.id, "nightly", scopes), carl.as_actor())
    actor = await access.tokens.authenticate(issued.secret)

    with pytest.raises(Denied, match="its scopes are operate, read") as refused:
        await access.tokens.create(CreateToken(acme.id, "child", READ), actor)

    assert refused.value.policies == ("tokens-within-scope",)
    assert len(await stored(access, acme.id)) == 1


async def test_an_ingest_token_carries_its_bounds(access, acme, globex, member):
    samir = await member(None, "samir@vendor.example", Role.SRE_OPERATOR)
    bounds = Bounds(("//probe.example/eu", "//agent.example/*"), frozenset({acme.id}))
    issued = await access.tokens.create(CreateToken(VENDOR_ID, "probe", INGEST, bounds), samir.as_actor())

    admission = await access.tokens.admit(issued.secret)

    assert admission.bounds == bounds
    assert access.gate.allows(admission.actor, Action.FACTS_INGEST, Resource.of_house("facts"))
    assert not access.gate.allows(admission.actor, Action.SLA_RUN_START, Resource.of_house("SLA run"))
    assert not access.gate.allows(samir.as_actor(), Action.FACTS_INGEST, Resource.of_house("facts"))


async def test_nobody_borrows_another_persons_roles(access, member):
    samir = await member(None, "samir@vendor.example", Role.SRE_OPERATOR)
    ada = await member(None, "ada@vendor.example", Role.VENDOR_ADMIN)

    with pytest.raises(InvalidInput, match="oneself"):
        await access.tokens.create(CreateToken(VENDOR_ID, "x", READ, person_id=ada.id), samir.as_actor())
    assert await stored(access, VENDOR_ID) == []

    issued = await access.tokens.create(CreateToken(VENDOR_ID, "x", READ, person_id=ada.id), CONSOLE)
    assert (await access.tokens.authenticate(issued.secret)).person_id == ada.id


async def test_last_use_is_written_at_most_once_a_minute(access, acme, carl, clock):
    issued = await access.tokens.create(CreateToken(acme.id, "nightly", READ), carl.as_actor())
    start = clock.now()

    seen = []
    for seconds in (0, 59, 1):
        clock.advance(timedelta(seconds=seconds))
        await access.tokens.authenticate(issued.secret)
        page = await access.tokens.page(carl.as_actor(), acme.id, PageRequest())
        seen.append(page.items[0].last_used_at - start)

    assert seen == [timedelta(0), timedelta(0), timedelta(seconds=60)]


async def test_a_token_is_revoked_once_and_only_in_its_tenant(access, acme, globex, carl, member):
    stranger = (await member(globex, "gus@globex.example", Role.CUSTOMER_ADMIN)).as_actor()
    issued = await access.tokens.create(CreateToken(acme.id, "nightly", READ), carl.as_actor())

    for tenant_id in (acme.id, globex.id):
        with pytest.raises(NotFound, match="no such token"):
            await access.tokens.revoke(stranger, tenant_id, issued.token.id)
    assert await access.tokens.authenticate(issued.secret)
    await access.tokens.revoke(carl.as_actor(), acme.id, issued.token.id)
    with pytest.raises(Conflict):
        await access.tokens.revoke(carl.as_actor(), acme.id, issued.token.id)


@pytest.mark.parametrize(("at_vendor", "role"), [(False, Role.CUSTOMER_ADMIN), (True, Role.VENDOR_ADMIN)])
async def test_a_token_of_every_scope_makes_no_way_in_for_anybody(
    access, acme, member, clock, at_vendor, role
):
    """A way in outlives the token that made it; so only a person makes one, whose right to it is asked when it is used."""
    maker = await member(None if at_vendor else acme, "maker@admin.example", role)
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    scopes = frozenset(TokenScope) if at_vendor else CUSTOMER_SCOPES
    bounds = Bounds(("//probe.example/eu",), frozenset({acme.id})) if at_vendor else Bounds()
    issued = await access.tokens.create(CreateToken(maker.tenant_id, "all", scopes, bounds), maker.as_actor())
    token = await access.tokens.authenticate(issued.secret)
    invitation = InviteAuditor(
        acme.id, "rita@auditors.example", "Rita", "SOC 2", clock.now() + timedelta(days=9)
    )
    for act in (
        access.links.create(token, acme.id, vera.id, brought_by=()),
        access.audits.invite(invitation, token),
    ):
        with pytest.raises(Denied) as denied:
            await act
        assert denied.value.policies == ("tokens-within-scope",)
    async with access.storage.read(TenantScope(acme.id)) as session:
        for table in (sign_in_links, audit_invitations):
            rows = await session.execute(select(table).where(table.c.tenant_id == acme.id))
            assert rows.all() == [], "nothing changed"
    invited = await access.audits.invite(invitation, maker.as_actor())
    assert (await access.audits.look(invited.url.rpartition("/")[2]))[0].by_id == maker.id


async def test_a_way_in_by_who_is_neither_a_person_nor_the_console_opens_nothing(access, acme, member):
    """Whatever policies a deployment has: of whom nobody can say whether they still may, nothing holds."""
    vera = await member(acme, "vera@acme.example", Role.CUSTOMER_VIEWER)
    resource = Resource("person", acme.id, vera.id)
    action = Action.SIGN_IN_LINK_CREATE
    known = [CONSOLE.id, new_id()]
    found = [await may_still(access.storage, access.gate, each, action, resource) for each in known]
    assert found == [True, False]
