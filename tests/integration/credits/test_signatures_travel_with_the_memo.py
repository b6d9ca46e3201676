"""The approvers' signatures in a memo's bundle: other people's library agrees, and every change has its name."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace

import pytest
from credit_desk import Desk, memo_bundle, promise, trust_of
from evidence_sample import policy_of
from fido2 import cbor
from fido2.cose import CoseKey
from fido2.webauthn import AuthenticatorData, CollectedClientData
from sla_bundle import signed_again

from trust_portal.access.actors import CONSOLE
from trust_portal.demo.authenticator import Authenticator
from trust_portal.evidence import bundle
from trust_portal.evidence.assertion import challenge_of
from trust_portal.evidence.bundle import build
from trust_portal.evidence.checkpoint import TlogProof
from trust_portal.evidence.dsse import Envelope, sign_envelope
from trust_portal.evidence.links import result_of
from trust_portal.evidence.manifest import proof_name
from trust_portal.evidence.statement import PREDICATE_TYPES, ReceiptKind, Statement
from trust_portal.evidence.strict import decode_base64url, encode_base64url
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verification.passkeys import Logged, check_signatures
from trust_portal.evidence.verification.report import Report
from trust_portal.evidence.verify import verify
from trust_portal.house import House
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.kernel.ids import new_id
from trust_portal.reliability.verification import KINDS


def logged(files) -> list[Logged]:
    """The receipts of a bundle in the order of its log."""
    found = []
    for name in sorted(files):
        if name.startswith("receipts/") and name.endswith(".dsse.json"):
            statement = Statement.parse(Envelope.parse(files[name]).payload)
            index = TlogProof.parse(files[proof_name(name)]).index
            found.append(Logged(name, index, statement, sha256_hex(files[name])))
    return sorted(found, key=lambda each: each.index or 0)


def of_kind(receipts: list[Logged], kind: ReceiptKind) -> list[Logged]:
    return [each for each in receipts if each.statement.kind is kind]


def changed(receipts: list[Logged], target: Logged, change: Callable[[dict], None]) -> list[Logged]:
    """The same log, in which one receipt says something else and is signed all the same."""
    predicate = deepcopy(dict(target.statement.predicate))
    change(predicate)
    other = replace(target, statement=replace(target.statement, predicate=predicate))
    return [other if each.name == target.name else each for each in receipts]


def verdict(receipts: list[Logged]) -> Report:
    report = Report()
    check_signatures(receipts, report)
    return report


def codes(receipts: list[Logged]) -> set[Code]:
    return {each.code for each in verdict(receipts).findings}


def signed(predicate: dict) -> dict:
    return predicate["result"]["signature"]


def test_another_library_accepts_both_signatures(memo):
    """Yubico's ``fido2``: key, client data and authenticator data are read and compared by it."""
    receipts = logged(memo.files)
    keys = {
        each.statement.predicate["receipt"]: each
        for each in of_kind(receipts, ReceiptKind.PASSKEY_INTRODUCED)
    }
    decisions = of_kind(receipts, ReceiptKind.APPROVAL_APPROVED)
    assert len(decisions) == len(keys) == 2
    for each in decisions:
        signature = each.statement.predicate["result"]["signature"]
        key = keys[signature["passkey"]["receipt"]].statement.predicate["result"]
        parts = {name: decode_base64url(text) for name, text in signature["assertion"].items()}
        client_data = CollectedClientData(parts["clientDataJSON"])
        data = AuthenticatorData(parts["authenticatorData"])
        assert client_data.type == CollectedClientData.TYPE.GET
        assert client_data.challenge == hashlib.sha256(canonical(signature["statement"])).digest()
        assert client_data.origin == key["origin"] == "https://trust.example"
        assert data.rp_id_hash == hashlib.sha256(key["rp_id"].encode()).digest()
        assert data.is_user_present()
        assert data.is_user_verified()
        public = CoseKey.parse(cbor.decode(decode_base64url(key["public_key"])))
        public.verify(data + client_data.hash, parts["signature"])
        with pytest.raises(Exception, match=r".*"):
            public.verify(data + hashlib.sha256(b"else").digest(), parts["signature"])


def test_the_verdict_says_what_was_proved_and_what_was_not(memo):
    report = verdict(logged(memo.files))
    assert report.findings == ()
    (proved,) = report.proved
    assert proved.startswith("2 decisions are signed with passkeys of 2 people")
    enrolled, recognised = report.not_proved
    assert "the vendor enrolled it" in enrolled
    assert "the word of the key itself" in recognised


def test_without_the_request_that_a_decision_rests_on_nothing_is_believed(memo):
    receipts = logged(memo.files)
    (asked,) = of_kind(receipts, ReceiptKind.APPROVAL_REQUESTED)
    without = [each for each in receipts if each is not asked]
    another = replace(asked, name="receipts/another.dsse.json")
    for lied in (without, [*without, another], [*without, replace(asked, sha256="0" * 64)]):
        report = verdict(lied)
        assert {(each.code, each.field) for each in report.findings} == {
            (Code.ASSERTION_NOT_THIS_STATEMENT, "predicate.inputs")
        }
        assert report.proved == []

    def unsign(predicate):
        predicate["result"].pop("signature")

    first = of_kind(receipts, ReceiptKind.APPROVAL_APPROVED)[0]
    assert Code.ASSERTION_MISSING in codes(changed(without, first, unsign))


def test_a_second_request_of_the_same_approval_does_not_speak_for_the_one_decided_on(memo):
    """Asked for once more without a passkey: the decisions rest on the first."""
    receipts = logged(memo.files)
    (asked,) = of_kind(receipts, ReceiptKind.APPROVAL_REQUESTED)
    lax = changed(receipts, asked, lambda p: p["result"].update(passkey="optional", nonce="00"))
    second = next(each for each in lax if each.name == asked.name)
    assert codes([*receipts, replace(second, name="receipts/second.dsse.json", sha256="0" * 64)]) == set()


@pytest.mark.parametrize("asked_by", ["required", "optional", "never", None])
def test_an_approval_that_nobody_signed_is_a_finding_whatever_the_request_says(memo, asked_by: str | None):
    """The request is the vendor's word as well: it cannot say that its approvals need no signature."""
    receipts = logged(memo.files)
    (asked,) = of_kind(receipts, ReceiptKind.APPROVAL_REQUESTED)
    lax = changed(receipts, asked, lambda p: p["result"].update(passkey=asked_by))
    first = of_kind(receipts, ReceiptKind.APPROVAL_APPROVED)[0]
    report = verdict(changed(lax, first, lambda p: p["result"].pop("signature")))
    assert [(each.code, each.file, each.field) for each in report.findings] == [
        (Code.ASSERTION_MISSING, first.name, "predicate.result.signature")
    ]
    assert report.proved[0].startswith("1 decisions are signed")


def test_a_denial_that_nobody_signed_is_no_finding(memo):
    """Who stops something looks for no phone."""
    receipts = logged(memo.files)
    first = of_kind(receipts, ReceiptKind.APPROVAL_APPROVED)[0]
    unsigned = changed(receipts, first, lambda p: p["result"].pop("signature"))
    denied = PREDICATE_TYPES[ReceiptKind.APPROVAL_DENIED]
    report = verdict(
        [
            replace(each, statement=replace(each.statement, predicate_type=denied))
            if each.name == first.name
            else each
            for each in unsigned
        ]
    )
    assert report.findings == ()
    assert report.proved[0].startswith("1 decisions are signed")


def test_a_memo_whose_approval_nobody_signed_does_not_verify(memo):
    """Signed and logged again with the vendor's own keys, and the request says that it needs no passkey."""
    files, log = memo.files, None
    kinds = (ReceiptKind.APPROVAL_REQUESTED, ReceiptKind.APPROVAL_APPROVED)
    for target in [of_kind(logged(files), kind)[0] for kind in kinds]:
        predicate = json.loads(json.dumps(target.statement.predicate))
        predicate["result"].pop("signature", None)
        predicate["result"].pop("passkey", None)
        lied = replace(target.statement, predicate=predicate)
        files[target.name] = sign_envelope(lied.canonical(), memo.keyring.receipts).to_json()
    again, log = signed_again(files, memo.keyring)
    found = verify(build(again), policy=policy_of(log.receipts, log.checkpoints), kinds=KINDS)
    assert Code.ASSERTION_MISSING in found.codes
    assert not found.ok


def test_a_signature_on_what_nobody_decides_is_not_counted(memo):
    receipts = logged(memo.files)
    first = of_kind(receipts, ReceiptKind.APPROVAL_APPROVED)[0]
    used = of_kind(receipts, ReceiptKind.APPROVAL_USED)[0]
    signature = signed(dict(first.statement.predicate))
    moved = changed(receipts, used, lambda p: p["result"].update(signature=signature))
    report = verdict(moved)
    assert (Code.ASSERTION_NOT_THIS_STATEMENT, used.name, "predicateType") in {
        (each.code, each.file, each.field) for each in report.findings
    }
    assert report.proved[0].startswith("2 decisions")


def places(value: object) -> Iterator[tuple[object, ...]]:
    """The way to everything in a JSON value."""
    if isinstance(value, dict | list):
        for key, each in value.items() if isinstance(value, dict) else enumerate(value):
            yield (key,)
            yield from ((key, *rest) for rest in places(each))


#: What a signature stands on, by the receipt: everything in it, and what request and key say of it.
BEARING: dict[ReceiptKind, set[tuple[object, ...]]] = {
    ReceiptKind.APPROVAL_APPROVED: {
        ("result", "signature"),
        *(("result", name) for name in ("approval", "digest", "role", "slot")),
        ("rationale",),
        ("actor", "person"),
        ("at",),
    },
    ReceiptKind.APPROVAL_REQUESTED: {("result", name) for name in ("approval", "nonce", "expires_at")},
    ReceiptKind.PASSKEY_INTRODUCED: {
        ("result", name) for name in ("passkey", "person", "credential_id", "public_key", "rp_id", "origin")
    },
}


@pytest.mark.parametrize("junk", [None, [], {}, [[]], "", "2026-07-18T00:00:00", True, 7])
@pytest.mark.parametrize("kind", BEARING, ids=lambda kind: kind.value)
def test_junk_in_a_receipt_is_a_finding_wherever_a_signature_stands_on_it_and_nowhere_a_traceback(
    memo, kind: ReceiptKind, junk: object
):
    receipts = logged(memo.files)
    target = of_kind(receipts, kind)[0]
    decisions = {each.name for each in of_kind(receipts, ReceiptKind.APPROVAL_APPROVED)}
    unfound = []
    for way in places(target.statement.predicate):

        def spoil(predicate, way=way):
            place = predicate
            for key in way[:-1]:
                place = place[key]
            place[way[-1]] = junk

        spoiled = changed(receipts, target, spoil)
        report = verdict(spoiled)
        for each in report.findings:
            assert isinstance(each.code, Code)
            assert each.file in decisions, way
            assert each.field.startswith("predicate"), way
            assert each.message, way
        bearing = any(way[: len(each)] == each for each in BEARING[kind])
        if bearing and spoiled != receipts and not report.findings:
            unfound.append(way)
    assert unfound == []


def test_a_bundle_with_junk_where_the_approval_stands_gets_a_verdict(memo):
    """The whole verifier: an approval that is a list, and an end of time without its offset."""
    for kind, way, junk in (
        (ReceiptKind.APPROVAL_REQUESTED, "approval", []),
        (ReceiptKind.APPROVAL_APPROVED, "approval", []),
        (ReceiptKind.APPROVAL_APPROVED, "expires_at", "2026-07-18T00:00:00"),
    ):
        files = memo.files
        target = of_kind(logged(files), kind)[0]
        predicate = json.loads(json.dumps(target.statement.predicate))
        place = predicate["result"] if way == "approval" else signed(predicate)["statement"]
        place[way] = junk
        lied = replace(target.statement, predicate=predicate)
        files[target.name] = sign_envelope(lied.canonical(), memo.keyring.receipts).to_json()
        again, log = signed_again(files, memo.keyring)
        found = verify(build(again), policy=policy_of(log.receipts, log.checkpoints), kinds=KINDS)
        assert Code.ASSERTION_NOT_THIS_STATEMENT in found.codes


def set_amount(predicate):
    (line,) = [each for each in signed(predicate)["statement"]["intent"]["act"] if each["label"] == "Amount"]
    line["value"] = "120.00"


#: What a vendor with its own keys might write into a decision's receipt, and how that is found.
LIES: dict[str, tuple[Callable[[dict], object], set[Code]]] = {
    "the amount": (set_amount, {Code.ASSERTION_NOT_THIS_STATEMENT}),
    "the reason beside it": (lambda p: p.update(rationale="gladly"), {Code.ASSERTION_NOT_THIS_STATEMENT}),
    "the reason signed": (
        lambda p: signed(p)["statement"].update(reason="gladly"),
        {Code.ASSERTION_NOT_THIS_STATEMENT},
    ),
    "the role": (lambda p: p["result"].update(role="approver_security"), {Code.ASSERTION_NOT_THIS_STATEMENT}),
    "the digest": (lambda p: p["result"].update(digest="0" * 64), {Code.ASSERTION_NOT_THIS_STATEMENT}),
    "too late": (lambda p: p.update(at="2030-01-01T00:00:00Z"), {Code.ASSERTION_NOT_THIS_STATEMENT}),
    "the person": (
        lambda p: p["actor"].update(person=str(new_id())),
        {Code.ASSERTION_NOT_THIS_STATEMENT, Code.APPROVER_KEY_UNKNOWN},
    ),
    "the signature": (
        lambda p: signed(p)["assertion"].update(signature=encode_base64url(b"no signature")),
        {Code.BAD_ASSERTION},
    ),
    "no assertion": (lambda p: signed(p).update(assertion={}), {Code.BAD_ASSERTION}),
    "another key": (
        lambda p: signed(p)["passkey"].update(receipt=str(new_id())),
        {Code.APPROVER_KEY_UNKNOWN},
    ),
    "not resting on the key": (
        lambda p: p.update(
            inputs=[e for e in p["inputs"] if signed(p)["passkey"]["receipt"] not in e["name"]]
        ),
        {Code.APPROVER_KEY_UNKNOWN},
    ),
    "nothing signed": (lambda p: p["result"].pop("signature"), {Code.ASSERTION_MISSING}),
}


@pytest.mark.parametrize("lie", LIES)
def test_every_change_to_a_signed_decision_has_its_name(memo, lie: str):
    change, expected = LIES[lie]
    receipts = logged(memo.files)
    first = of_kind(receipts, ReceiptKind.APPROVAL_APPROVED)[0]
    assert codes(changed(receipts, first, change)) == expected


def test_the_signature_of_one_approver_is_not_that_of_the_other(memo):
    receipts = logged(memo.files)
    fay, rob = of_kind(receipts, ReceiptKind.APPROVAL_APPROVED)
    other = signed(dict(rob.statement.predicate))

    def swap(predicate):
        signed(predicate)["assertion"] = other["assertion"]

    assert codes(changed(receipts, fay, swap)) == {Code.ASSERTION_NOT_THIS_STATEMENT}

    def take_over(predicate):
        predicate["result"]["signature"] = other

    assert codes(changed(receipts, fay, take_over)) == {
        Code.ASSERTION_NOT_THIS_STATEMENT,
        Code.APPROVER_KEY_UNKNOWN,
    }


@pytest.mark.parametrize("field", ["nonce", "expires_at"])
def test_a_signature_for_another_request_or_another_time_does_not_fit(memo, field: str):
    receipts = logged(memo.files)
    (asked,) = of_kind(receipts, ReceiptKind.APPROVAL_REQUESTED)
    other = changed(receipts, asked, lambda p: p["result"].update({field: "2026-07-18T00:00:00Z"}))
    assert codes(other) == {Code.ASSERTION_NOT_THIS_STATEMENT}


def test_a_key_counts_from_its_introduction_to_its_revocation_by_place_in_the_log(memo):
    receipts = logged(memo.files)
    key, decision = of_kind(receipts, ReceiptKind.PASSKEY_INTRODUCED)[0], None
    for each in of_kind(receipts, ReceiptKind.APPROVAL_APPROVED):
        if signed(dict(each.statement.predicate))["passkey"]["receipt"] == key.statement.predicate["receipt"]:
            decision = each
    assert decision is not None
    assert decision.index is not None
    later = [replace(each, index=10**6) if each is key else each for each in receipts]
    assert codes(later) == {Code.APPROVER_KEY_UNKNOWN}

    said = {"result": {"passkey": key.statement.predicate["result"]["passkey"]}}
    revoked = Statement(key.statement.subjects, PREDICATE_TYPES[ReceiptKind.PASSKEY_REVOKED], said)
    before = Logged("receipts/revoked.dsse.json", decision.index - 1, revoked, "")
    assert codes([*receipts, before]) == {Code.KEY_RETIRED_AT_INDEX}
    assert codes([*receipts, replace(before, index=decision.index + 1)]) == set()


async def test_a_revoked_key_is_revoked_in_the_bundle_and_the_bundle_stays_what_it_was(
    house: House, desk: Desk, sequencer: None
):
    await promise(house)
    await desk.sign()
    credit = await desk.issued()

    async def revoke(name: str) -> str:
        (passkey,) = await house.passkeys.of(desk.by(name))
        await house.passkeys.revoke(passkey.id, desk.by(name))
        await house.passkey_revocations.spread(passkey.tenant_id, passkey.id)
        return str(passkey.id)

    fay = await revoke("fay")
    data = await memo_bundle(house, credit)
    export = await house.credits.request_bundle(CONSOLE, credit.tenant_id, credit.id)
    await revoke("rob")
    revoked = of_kind(logged(bundle.read(data).files), ReceiptKind.PASSKEY_REVOKED)
    assert [result_of(each.statement)["passkey"] for each in revoked] == [fay]
    found = verify(data, policy=await trust_of(house, desk), kinds=KINDS)
    assert found.findings == (), "they signed before"
    assert await house.exports.reproduce(credit.tenant_id, export.id) == data


def test_a_key_that_the_vendor_makes_up_afterwards_signs_nothing_of_the_approvers(memo):
    """A vendor that forges the signature needs a key, and the key it introduces is another one."""
    receipts = logged(memo.files)
    decision = of_kind(receipts, ReceiptKind.APPROVAL_APPROVED)[0]
    forged = Authenticator("trust.example", "https://trust.example")
    credential = decode_base64url(signed(dict(decision.statement.predicate))["assertion"]["credentialId"])
    device = replace(forged, credential_id=credential)

    def forge(predicate):
        set_amount(predicate)
        statement = signed(predicate)["statement"]
        signed(predicate)["assertion"] = dict(device.sign(challenge_of(canonical(statement))).json())

    found = verdict(changed(receipts, decision, forge)).findings
    assert {each.code for each in found} == {Code.ASSERTION_NOT_THIS_STATEMENT, Code.BAD_ASSERTION}


def test_in_a_bundle_that_is_signed_again_the_edited_amount_is_found_by_the_assertion(memo):
    """The whole verifier, on a bundle with which nothing but the truth is wrong."""
    files = memo.files
    name = of_kind(logged(files), ReceiptKind.APPROVAL_APPROVED)[0].name
    statement = Statement.parse(Envelope.parse(files[name]).payload)
    predicate = json.loads(json.dumps(statement.predicate))
    set_amount(predicate)
    lied = Statement(statement.subjects, statement.predicate_type, predicate)
    files[name] = sign_envelope(lied.canonical(), memo.keyring.receipts).to_json()
    again, log = signed_again(files, memo.keyring)
    found = verify(build(again), policy=policy_of(log.receipts, log.checkpoints), kinds=KINDS)
    assert Code.ASSERTION_NOT_THIS_STATEMENT in found.codes


def test_one_person_in_two_places_is_found_whatever_is_signed(memo):
    files = memo.files
    receipts = logged(files)
    name = of_kind(receipts, ReceiptKind.APPROVAL_USED)[0].name
    statement = Statement.parse(Envelope.parse(files[name]).payload)
    predicate = json.loads(json.dumps(statement.predicate))
    first, second = predicate["result"]["approvals"]
    second["person"] = first["person"]
    lied = Statement(statement.subjects, statement.predicate_type, predicate)
    files[name] = sign_envelope(lied.canonical(), memo.keyring.receipts).to_json()
    again, log = signed_again(files, memo.keyring)
    found = verify(build(again), policy=policy_of(log.receipts, log.checkpoints), kinds=KINDS)
    assert Code.SAME_APPROVER in found.codes
