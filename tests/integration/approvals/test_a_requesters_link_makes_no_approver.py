"""Whoever makes a sign-in link can come in by it as another. What they ask for is approved by no passkey of that."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from dual_control import Desk, add_person
from sqlalchemy import select
from support.passkeys import device_of, signed_by

from trust_portal.access.actors import CONSOLE
from trust_portal.access.approvals.decision import state_of
from trust_portal.access.approvals.model import ApprovalRequest, ApprovalState, Approve, Deny, StepAct
from trust_portal.access.passkeys.model import FinishEnrolment, NameOfPasskey, Passkey
from trust_portal.access.passkeys.tables import passkeys
from trust_portal.access.sessions.model import Client, SignedIn
from trust_portal.demo.authenticator import Authenticator
from trust_portal.errors import Denied
from trust_portal.kernel.actor import Actor, Role
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.storage.tenancy import TenantScope

REASON = "looked at it, fine"
CODE = "PASSKEY_BY_REQUESTERS_LINK"


@pytest.fixture
async def office(desk: Desk) -> Desk:
    """Ann and Ben administer people; Ann also runs things, and asks for what others approve."""
    ann = await add_person(desk.house, "ann@vendor.example", Role.VENDOR_ADMIN, Role.SRE_OPERATOR)
    ben = await add_person(desk.house, "ben@vendor.example", Role.VENDOR_ADMIN)
    return replace(desk, people={**desk.people, "ann": ann, "ben": ben})


async def come_in(desk: Desk, name: str, maker: Actor | SignedIn) -> SignedIn:
    """By a link that ``maker`` makes; as every later request of that browser is recognised."""
    actor, brought_by = (maker.actor, maker.brought_by) if isinstance(maker, SignedIn) else (maker, ())
    links, person = desk.house.sign_in_links, desk.people[name]
    link = await links.create(actor, VENDOR_ID, person.id, brought_by=brought_by)
    opened = await links.consume(link.url.rpartition("/")[2], Client())
    known = await desk.house.sessions.authenticate(opened.cookie or "")
    assert known is not None
    assert known.brought_by == opened.brought_by
    return known


async def enrol_in(desk: Desk, signed_in: SignedIn) -> tuple[Passkey, Authenticator]:
    device = device_of(desk.house)
    ceremony = await desk.house.passkeys.begin(NameOfPasskey("Any key"), signed_in)
    answer = FinishEnrolment(ceremony.id, device.create(json.loads(ceremony.options)))
    return await desk.house.passkeys.finish(answer, signed_in), device


async def approve(desk: Desk, request: ApprovalRequest, name: str, device: Authenticator):
    slot = next(at for at, role in enumerate(request.roles, 1) if role in desk.people[name].roles)
    signature = signed_by(device, request, desk.by(name), REASON, slot=slot)
    command = Approve(desk.tenant.id, request.id, request.digest, REASON, slot, signature)
    return await desk.house.decisions.approve(command, desk.by(name))


async def refused(desk: Desk, request: ApprovalRequest, name: str, device: Authenticator) -> Denied:
    before = await desk.stored()
    with pytest.raises(Denied) as denied:
        await approve(desk, request, name, device)
    assert await desk.stored() == before, "nothing changed"
    return denied.value


async def test_who_makes_links_for_two_approvers_cannot_approve_her_own_request_as_them(office: Desk):
    request = await office.ask(office.by("ann"))
    for name in ("sam", "sid", "both"):
        passkey, device = await enrol_in(office, await come_in(office, name, office.by("ann")))
        assert passkey.brought_by == {office.by("ann").id}
        found = await refused(office, request, name, device)
        assert found.code == CODE
        assert "have somebody else make you a link" in found.message


async def test_the_same_passkey_approves_what_others_ask_for(office: Desk):
    _, device = await enrol_in(office, await come_in(office, "sam", office.by("ann")))
    request = await office.ask(office.by("olive"))
    done = await approve(office, request, "sam", device)
    assert [step.person_id for step in done.approvals] == [office.by("sam").id]


async def test_what_was_enrolled_by_anothers_link_or_by_none_approves_what_she_asks_for(office: Desk):
    request = await office.ask(office.by("ann"))
    _, by_ben = await enrol_in(office, await come_in(office, "sam", office.by("ben")))
    assert len((await approve(office, request, "sam", by_ben)).approvals) == 1
    request = await office.ask(office.by("ann"))
    _, by_console = await enrol_in(office, await come_in(office, "sid", CONSOLE))
    assert len((await approve(office, request, "sid", by_console)).approvals) == 1


async def test_links_made_by_who_came_in_by_her_link_are_hers_too(office: Desk):
    """As Ben she makes the links; Ben's own name on them does not help."""
    request = await office.ask(office.by("ann"))
    as_ben = await come_in(office, "ben", office.by("ann"))
    passkey, device = await enrol_in(office, await come_in(office, "sam", as_ben))
    assert passkey.brought_by == {office.by("ann").id, office.by("ben").id}
    assert (await refused(office, request, "sam", device)).code == CODE


async def test_to_deny_it_any_passkey_will_do(office: Desk):
    """Nobody is kept from stopping something."""
    request = await office.ask(office.by("ann"))
    _, device = await enrol_in(office, await come_in(office, "sam", office.by("ann")))
    signature = signed_by(device, request, office.by("sam"), "not so", slot=1, act=StepAct.DENY)
    command = Deny(office.tenant.id, request.id, request.digest, "not so", signature)
    denied = await office.house.decisions.deny(command, office.by("sam"))
    assert state_of(denied, office.house.clock.now()) is ApprovalState.DENIED


async def test_with_each_passkey_stands_by_whose_links_its_owner_had_come_in(office: Desk):
    _, _ = await enrol_in(office, await come_in(office, "sam", office.by("ann")))
    async with office.house.storage.read(TenantScope(VENDOR_ID)) as session:
        rows = await session.execute(select(passkeys.c.brought_by).where(passkeys.c.tenant_id == VENDOR_ID))
        assert [row.brought_by for row in rows] == [[office.by("ann").id]]
