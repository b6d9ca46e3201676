"""Every signature with a passkey in the bundle: by a key the log knows, over what its receipt says, user verified.

A decision's receipt carries ``result.signature``: the statement, the assertion, and the receipt by which
the key was introduced to this log (docs/formats/receipts.md). Nothing else is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from trust_portal.evidence.assertion import (
    Assertion,
    BadAssertion,
    NotThisStatement,
    PasskeyKey,
    RelyingParty,
    check_assertion,
)
from trust_portal.evidence.links import file_of, named, rests_on, result_of
from trust_portal.evidence.signing_statement import SIGN, TYPE
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import Malformed, decode_base64url
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verification.report import Report
from trust_portal.kernel.canonical import canonical, digest

_SIGNATURE: Final = "predicate.result.signature"
_DECISIONS: Final = {ReceiptKind.APPROVAL_APPROVED: "approve", ReceiptKind.APPROVAL_DENIED: "deny"}
#: Documents that a person signs, by the field of the receipt's result that says what they are of.
_DOCUMENTS: Final = {ReceiptKind.POSTMORTEM_SIGNED: "postmortem"}
#: What is nothing without a signature, whatever the request or the rule behind it says.
_SIGNED: Final = {
    ReceiptKind.APPROVAL_APPROVED: "an approval takes a passkey, whatever it was asked for by, and nothing is signed",
    ReceiptKind.POSTMORTEM_SIGNED: "it takes a passkey to sign this document, and nothing is signed",
}


@dataclass(frozen=True, slots=True)
class Logged:
    """A receipt of the bundle as it was read; ``index`` is its place in the log, where that is known.

    ``sha256`` is that of its envelope's bytes, by which other receipts name it.
    """

    name: str
    index: int | None
    statement: Statement
    sha256: str


@dataclass(frozen=True, slots=True)
class _Fault:
    code: Code
    field: str
    message: str


def check_signatures(receipts: Sequence[Logged], report: Report) -> None:
    """What does not hold is a finding by its own code; what holds is said once, with what stays open."""
    by_name = {each.name: each for each in receipts}
    people: set[str] = set()
    held = documents = 0
    for each in receipts:
        if "signature" not in result_of(each.statement):
            if each.statement.kind in _SIGNED:
                message = _SIGNED[each.statement.kind]
                report.find(Code.ASSERTION_MISSING, message, file=each.name, field=_SIGNATURE)
            continue
        faults = [*_faults(each, _asked(each, by_name), by_name)]
        for fault in faults:
            report.find(fault.code, fault.message, file=each.name, field=fault.field)
        if faults:
            continue
        if each.statement.kind in _DOCUMENTS:
            documents += 1
            name = each.statement.subjects[0].name
            report.proved.append(
                f"{name} is signed with a passkey by {_name(each.statement)}: a key that the log knew before, over "
                "the very digest, version, person and rationale in its receipt"
            )
        else:
            held += 1
            people.add(_person(each.statement))
    if held:
        report.proved.append(
            f"{held} decisions are signed with passkeys of {len(people)} people: each by a key that the log knew "
            "before, over the very request, nonce, expiry, intent, role, person and reason in its receipt"
        )
    if held or documents:
        report.not_proved.append(
            "That a passkey is its owner's: the vendor enrolled it; the receipt of that stands in the log of "
            "the vendor and is named here by its digest"
        )
        report.not_proved.append(
            "That a device recognised its owner: each signature says so, which is the word of the key itself; "
            "nothing attests what kind of device holds it"
        )


def _asked(receipt: Logged, by_name: Mapping[str, Logged]) -> Mapping[str, Any]:
    """What the request says that the decision rests on; empty where that is not in the bundle."""
    approval = result_of(receipt.statement).get("approval")
    for each in _behind(receipt, by_name).values():
        if each.statement.kind is ReceiptKind.APPROVAL_REQUESTED:
            asked = result_of(each.statement)
            if asked.get("approval") == approval:
                return asked
    return {}


def _behind(receipt: Logged, by_name: Mapping[str, Logged]) -> dict[str, Logged]:
    """By file, what the receipt rests on and the bundle has, byte for byte."""
    try:
        digests = {
            file_of(id_): named(receipt.statement)[f"receipt/{id_}"] for id_ in rests_on(receipt.statement)
        }
    except (LookupError, TypeError, AttributeError):
        return {}
    return {
        name: by_name[name]
        for name, sha256 in digests.items()
        if name in by_name and by_name[name].sha256 == sha256
    }


def _faults(receipt: Logged, asked: Mapping[str, Any], by_name: Mapping[str, Logged]) -> Iterator[_Fault]:
    signature: Any = result_of(receipt.statement)["signature"]
    try:
        statement, assertion = signature["statement"], Assertion.of(signature["assertion"])
        introduction = by_name.get(file_of(signature["passkey"]["receipt"]))
        passkey = signature["passkey"]["id"]
    except Malformed as error:
        yield _Fault(Code.BAD_ASSERTION, f"{_SIGNATURE}.{error.field}", error.message)
        return
    except (LookupError, TypeError) as error:
        yield _Fault(Code.BAD_ASSERTION, _SIGNATURE, f"not a signature: {error!r}")
        return
    yield from _not_about_this(receipt, statement, asked)
    key = _key(receipt, introduction, passkey, by_name)
    if isinstance(key, _Fault):
        yield key
        return
    yield from _revoked(receipt, passkey, by_name)
    try:
        check_assertion(assertion, canonical(statement), key)
    except NotThisStatement as error:
        yield _Fault(
            Code.ASSERTION_NOT_THIS_STATEMENT, f"{_SIGNATURE}.assertion.clientDataJSON", error.message
        )
    except BadAssertion as error:
        yield _Fault(Code.BAD_ASSERTION, f"{_SIGNATURE}.assertion", error.message)


def _key(
    receipt: Logged, introduction: Logged | None, passkey: object, by_name: Mapping[str, Logged]
) -> PasskeyKey | _Fault:
    """The public key, if this log knew it as the decider's before they decided."""
    where = f"{_SIGNATURE}.passkey"

    def unknown(message: str) -> _Fault:
        return _Fault(Code.APPROVER_KEY_UNKNOWN, where, message)

    if introduction is None or introduction.statement.kind is not ReceiptKind.PASSKEY_INTRODUCED:
        return unknown("no passkey.introduced receipt is there for it")
    known = result_of(introduction.statement)
    if file_of(str(known.get("passkey"))) != file_of(str(passkey)):
        return unknown("the receipt it names introduces another passkey")
    if introduction.name not in _behind(receipt, by_name):
        return unknown("the decision does not rest on the receipt that introduces it")
    if known.get("person") != _person(receipt.statement):
        return unknown("it was introduced as somebody else's")
    if receipt.index is not None and introduction.index is not None and receipt.index < introduction.index:
        return unknown(f"introduced at entry {introduction.index}, after the decision at {receipt.index}")
    try:
        return PasskeyKey(
            credential_id=decode_base64url(known["credential_id"]),
            public_key=decode_base64url(known["public_key"]),
            party=RelyingParty(str(known["rp_id"]), str(known["origin"])),
        )
    except (LookupError, TypeError, AttributeError, Malformed):
        return unknown(f"{introduction.name} holds no public key")


def _revoked(receipt: Logged, passkey: object, by_name: Mapping[str, Logged]) -> Iterator[_Fault]:
    for each in by_name.values():
        if each.statement.kind is not ReceiptKind.PASSKEY_REVOKED:
            continue
        if str(result_of(each.statement).get("passkey")) != str(passkey) or each.index is None:
            continue
        if receipt.index is not None and each.index < receipt.index:
            yield _Fault(
                Code.KEY_RETIRED_AT_INDEX,
                f"{_SIGNATURE}.passkey",
                f"the passkey was revoked at entry {each.index}, the decision is entry {receipt.index}",
            )


def _not_about_this(receipt: Logged, statement: Any, asked: Mapping[str, Any]) -> Iterator[_Fault]:
    """Where the statement that was signed is not that of the decision it is given for."""
    if receipt.statement.kind in _DOCUMENTS:
        yield from _not_about_this_document(receipt, statement)
        return
    decision = _DECISIONS.get(receipt.statement.kind) if receipt.statement.kind else None
    if decision is None:
        message = "a receipt of this kind is no decision that anybody signs"
        yield _Fault(Code.ASSERTION_NOT_THIS_STATEMENT, "predicateType", message)
        return
    if not asked:
        message = "no approval.requested receipt that it rests on is there, so nothing says what was asked"
        yield _Fault(Code.ASSERTION_NOT_THIS_STATEMENT, "predicate.inputs", message)
    predicate, result = receipt.statement.predicate, result_of(receipt.statement)
    wanted: dict[str, Any] = {
        "request": result.get("approval"),
        "decision": decision,
        "slot": result.get("slot"),
        "role": result.get("role"),
        "person.id": _person(receipt.statement),
        "reason": predicate.get("rationale"),
        "intent": result.get("digest"),
    }
    if asked:
        wanted |= {"nonce": asked.get("nonce"), "expires_at": asked.get("expires_at")}
    try:
        said = {**statement, "person.id": statement["person"]["id"], "intent": digest(statement["intent"])}
        at, until = (datetime.fromisoformat(str(each)) for each in (predicate["at"], statement["expires_at"]))
        late = at > until
    except (LookupError, TypeError, ValueError) as error:
        yield _Fault(
            Code.ASSERTION_NOT_THIS_STATEMENT, f"{_SIGNATURE}.statement", f"not a statement: {error!r}"
        )
        return
    for field, value in wanted.items():
        if said.get(field) != value:
            yield _Fault(
                Code.ASSERTION_NOT_THIS_STATEMENT,
                f"{_SIGNATURE}.statement.{field}",
                f"signed was {said.get(field)!r}, the decision is about {value!r}",
            )
    if late:
        yield _Fault(
            Code.ASSERTION_NOT_THIS_STATEMENT,
            f"{_SIGNATURE}.statement.expires_at",
            f"it could be decided until {statement['expires_at']}, and was at {predicate['at']}",
        )


def _not_about_this_document(receipt: Logged, statement: Any) -> Iterator[_Fault]:
    """Where the statement is not of the document that the receipt is of."""
    predicate, result = receipt.statement.predicate, result_of(receipt.statement)
    wanted: dict[str, Any] = {
        "type": TYPE,
        "request": result.get(_DOCUMENTS[ReceiptKind(receipt.statement.kind)])
        if receipt.statement.kind
        else None,
        "decision": SIGN,
        "version": result.get("version"),
        "digest": receipt.statement.subjects[0].sha256,
        "rationale": predicate.get("rationale"),
        "person.id": _person(receipt.statement),
    }
    try:
        said = {**statement, "person.id": statement["person"]["id"]}
    except (LookupError, TypeError) as error:
        yield _Fault(
            Code.ASSERTION_NOT_THIS_STATEMENT, f"{_SIGNATURE}.statement", f"not a statement: {error!r}"
        )
        return
    for field, value in wanted.items():
        if said.get(field) != value:
            yield _Fault(
                Code.ASSERTION_NOT_THIS_STATEMENT,
                f"{_SIGNATURE}.statement.{field}",
                f"signed was {said.get(field)!r}, the document is of {value!r}",
            )


def _person(statement: Statement) -> str:
    """Who acted, the person also behind a token."""
    actor: Any = statement.predicate.get("actor")
    return str(actor.get("person", actor.get("id"))) if isinstance(actor, Mapping) else ""


def _name(statement: Statement) -> str:
    actor: Any = statement.predicate.get("actor")
    return str(actor.get("name")) if isinstance(actor, Mapping) else ""
