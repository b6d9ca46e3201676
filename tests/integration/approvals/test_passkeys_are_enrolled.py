"""Everybody enrols their own passkey, just after signing in, with a receipt, and can revoke it."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from dual_control import Desk
from sqlalchemy import select, text
from support.passkeys import device_of, enrol, just_signed_in

from trust_portal.access.actors import CONSOLE
from trust_portal.access.passkeys.model import FinishEnrolment, NameOfPasskey
from trust_portal.access.passkeys.relying_party import relying_party
from trust_portal.errors import Conflict, Denied, InvalidInput, NotFound, Refused
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.strict import encode_base64url
from trust_portal.evidence.tables import receipts
from trust_portal.house import House
from trust_portal.kernel.actor import SYSTEM, ActorKind
from trust_portal.kernel.clock import ManualClock
from trust_portal.kernel.ids import VENDOR_ID
from trust_portal.notify.topics import RULES, Topic
from trust_portal.storage.tenancy import TenantScope


async def kept(house: House) -> tuple[object, ...]:
    """Everything of the vendor's passkeys, to compare before and after; but for what is spent by trying."""
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        found = []
        for table in ("passkeys", "passkey_uses", "passkey_revocations", "receipts"):
            rows = await session.execute(
                text(f"SELECT * FROM {table} WHERE tenant_id = :t"), {"t": VENDOR_ID}
            )
            found.append(sorted(map(repr, rows)))
    return tuple(found)


async def refused(house: House, act) -> tuple[type[Refused], str]:
    before = await kept(house)
    with pytest.raises(Refused) as refusal:
        await act
    assert await kept(house) == before
    return type(refusal.value), refusal.value.code


async def said(house: House, kind: str) -> list[dict]:
    """What the vendor's receipts of a kind say."""
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        query = select(receipts.c.envelope).where(receipts.c.tenant_id == VENDOR_ID, receipts.c.kind == kind)
        return [
            Statement.parse(Envelope.parse(each).payload).predicate
            for each in (await session.execute(query)).scalars()
        ]


async def test_a_passkey_is_enrolled_with_a_receipt_in_the_log_of_its_owner_and_revoked_with_another(
    desk: Desk,
):
    house, fay = desk.house, desk.by("fay")
    passkey, device = await enrol(house, fay)
    (enrolled,) = await said(house, "passkey.enrolled")
    assert enrolled["actor"]["id"] == str(fay.id)
    assert enrolled["result"] == {
        "passkey": str(passkey.id),
        "person": str(fay.id),
        "user_handle": encode_base64url(fay.id.bytes),
        "credential_id": encode_base64url(device.credential_id),
        "public_key": encode_base64url(device.public_key),
        "algorithm": "-7",
        "aaguid": "00000000-0000-0000-0000-000000000000",
        "synced": False,
        "rp_id": "trust.example",
        "origin": "https://trust.example",
        "sign_count": "0",
    }
    assert [each.name for each in await house.passkeys.of(fay)] == ["Test key"]
    await house.passkeys.revoke(passkey.id, fay)
    (revoked,) = await said(house, "passkey.revoked")
    assert revoked["result"] == {"passkey": str(passkey.id), "person": str(fay.id)}
    assert await house.signatures.usable(fay) == ()
    assert await refused(house, house.passkeys.revoke(passkey.id, fay)) == (Conflict, "PASSKEY_REVOKED")


async def test_the_owner_and_security_are_told_and_cannot_turn_it_off(desk: Desk):
    house, fay = desk.house, desk.by("fay")
    passkey, _ = await enrol(house, fay)
    await house.passkeys.revoke(passkey.id, fay)
    async with house.storage.read(TenantScope(VENDOR_ID)) as session:
        query = text(
            "SELECT title, audience FROM notifications WHERE tenant_id = :t AND topic = :topic ORDER BY at, id"
        )
        told = (await session.execute(query, {"t": VENDOR_ID, "topic": Topic.PASSKEY_CHANGED.value})).all()
    assert sorted(row.title for row in told) == [
        "A passkey of Fay was revoked",
        "A passkey was added for Fay",
    ]
    assert all(str(fay.id) in str(row.audience) and "approver_security" in str(row.audience) for row in told)
    assert RULES[Topic.PASSKEY_CHANGED].insistent


async def test_nobody_minds_the_passkeys_of_others_and_no_program_has_any(desk: Desk):
    house, fay, sam = desk.house, desk.by("fay"), desk.by("sam")
    passkey, _ = await enrol(house, fay)
    assert await refused(house, house.passkeys.revoke(passkey.id, sam)) == (NotFound, "NOT_FOUND")
    assert await house.passkeys.of(sam) == ()
    for actor in (
        SYSTEM,
        CONSOLE,
        replace(fay, kind=ActorKind.TOKEN, scopes=frozenset({"admin", "operate"})),
    ):
        begun = house.passkeys.begin(NameOfPasskey("mine"), just_signed_in(house, actor))
        assert await refused(house, begun) == (Denied, "DENIED")


async def test_a_browser_left_open_adds_no_passkey(desk: Desk, clock: ManualClock):
    house, fay = desk.house, desk.by("fay")
    signed_in = just_signed_in(house, fay)
    ceremony = await house.passkeys.begin(NameOfPasskey("late"), signed_in)
    clock.advance(timedelta(minutes=15, seconds=1))
    begin = house.passkeys.begin(NameOfPasskey("late"), signed_in)
    assert await refused(house, begin) == (Denied, "SIGN_IN_AGAIN")
    answer = device_of(house).create(json.loads(ceremony.options))
    finish = house.passkeys.finish(FinishEnrolment(ceremony.id, answer), signed_in)
    assert await refused(house, finish) == (Denied, "SIGN_IN_AGAIN")


async def test_an_answer_is_taken_once_in_its_time_and_from_the_browser_that_was_asked(
    desk: Desk, clock: ManualClock
):
    house, fay, device = desk.house, desk.by("fay"), device_of(desk.house)
    signed_in = just_signed_in(house, fay)

    async def begun() -> FinishEnrolment:
        ceremony = await house.passkeys.begin(NameOfPasskey("mine"), signed_in)
        return FinishEnrolment(ceremony.id, device.create(json.loads(ceremony.options)))

    command = await begun()
    for stranger in (just_signed_in(house, fay), just_signed_in(house, desk.by("sam"))):
        assert await refused(house, house.passkeys.finish(command, stranger)) == (Conflict, "ENROLMENT_OVER")
    await house.passkeys.finish(command, signed_in)
    assert await refused(house, house.passkeys.finish(command, signed_in)) == (Conflict, "ENROLMENT_OVER")
    assert await refused(house, house.passkeys.finish(await begun(), signed_in)) == (
        Conflict,
        "PASSKEY_KNOWN",
    )
    command = await begun()
    clock.advance(timedelta(minutes=10, seconds=1))
    assert await refused(house, house.passkeys.finish(command, signed_in)) == (Conflict, "ENROLMENT_OVER")


async def test_what_the_device_answers_is_for_this_portal_and_this_challenge(desk: Desk):
    house, signed_in = desk.house, just_signed_in(desk.house, desk.by("fay"))
    ceremony = await house.passkeys.begin(NameOfPasskey("mine"), signed_in)
    options = json.loads(ceremony.options)
    device = device_of(house)
    for answer in (
        replace(device, origin="https://evil.example").create(options),
        replace(device, rp_id="evil.example").create(options),
        device.create(options | {"challenge": "AAAA"}),
        "",
        "{}",
        "[1]",
        "x" * 70_000,
    ):
        finish = house.passkeys.finish(FinishEnrolment(ceremony.id, answer), signed_in)
        assert await refused(house, finish) == (InvalidInput, "BAD_CREDENTIAL"), answer[:80]
    await house.passkeys.finish(FinishEnrolment(ceremony.id, device.create(options)), signed_in)


async def test_ten_passkeys_are_the_most(desk: Desk):
    house, fay = desk.house, desk.by("fay")
    for _ in range(10):
        await enrol(house, fay)
    begin = house.passkeys.begin(NameOfPasskey("one more"), just_signed_in(house, fay))
    assert await refused(house, begin) == (Conflict, "TOO_MANY_PASSKEYS")


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "two\nlines", "hidden\u202e"])
def test_a_name_is_one_line_that_shows_itself(name: str):
    with pytest.raises(InvalidInput) as refusal:
        NameOfPasskey(name)
    assert refusal.value.field == "name"


@pytest.mark.parametrize(
    ("base_url", "domain", "party"),
    [
        ("https://trust.example.com", None, ("trust.example.com", "https://trust.example.com")),
        ("https://Trust.Example.com:443/x", None, ("trust.example.com", "https://trust.example.com")),
        ("https://trust.example.com:8443", "example.com", ("example.com", "https://trust.example.com:8443")),
        ("http://localhost:8400", None, ("localhost", "http://localhost:8400")),
    ],
)
def test_passkeys_are_bound_to_the_name_of_the_portal_or_a_domain_above(base_url, domain, party):
    found = relying_party(base_url, domain)
    assert (found.id, found.origin) == party


@pytest.mark.parametrize(
    ("base_url", "domain", "field"),
    [
        ("https://127.0.0.1:8400", None, "BASE_URL"),
        ("https://[::1]", None, "BASE_URL"),
        ("http://trust.example.com", None, "BASE_URL"),
        ("https://trust.example.com", "com", "PASSKEY_DOMAIN"),
        ("https://trust.example.com", "ample.com", "PASSKEY_DOMAIN"),
        ("https://trust.example.com", "other.example", "PASSKEY_DOMAIN"),
    ],
)
def test_where_browsers_would_make_none_the_setting_is_named(base_url, domain, field):
    with pytest.raises(InvalidInput) as refusal:
        relying_party(base_url, domain)
    assert refusal.value.field == field
