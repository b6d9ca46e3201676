"""Receipts that name other receipts: what a statement rests on, by the names its inputs have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from uuid import UUID

from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.manifest import ENVELOPE_SUFFIX, RECEIPTS
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import Malformed
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import sha256_hex

_RECEIPT = "receipt/"


def named(statement: Statement) -> dict[str, str]:
    """Digests by name, as a receipt says what it rests on."""
    inputs: Any = statement.predicate["inputs"]
    return {each["name"]: each["digest"]["sha256"] for each in inputs}


def rests_on(statement: Statement) -> tuple[str, ...]:
    """The ids of the receipts that a receipt names among its inputs."""
    return tuple(name.removeprefix(_RECEIPT) for name in named(statement) if name.startswith(_RECEIPT))


def data_of(statement: Statement) -> dict[str, str]:
    """Digests by name of what it rests on that is no receipt."""
    return {name: sha256 for name, sha256 in named(statement).items() if not name.startswith(_RECEIPT)}


def file_of(receipt_id: UUID | str) -> str:
    """Where a bundle carries a receipt."""
    return f"{RECEIPTS}{receipt_id}{ENVELOPE_SUFFIX}"


def statements(files: Mapping[str, bytes]) -> Iterator[tuple[str, Statement]]:
    """By file, those receipts of a bundle that can be read; whoever verifies signatures says which cannot."""
    for name, content in files.items():
        if name.startswith(RECEIPTS) and name.endswith(ENVELOPE_SUFFIX):
            try:
                yield name, Statement.parse(Envelope.parse(content).payload)
            except Malformed:
                continue


def signed(envelope: bytes, keys: Mapping[str, VerifyKey]) -> Statement | None:
    """What an envelope states, if it can be read and one of ``keys`` (by id), the one it names, signed it."""
    try:
        parsed = Envelope.parse(envelope)
        signers = [keys[each.key_id] for each in parsed.signatures if each.key_id in keys]
        return Statement.parse(parsed.payload) if any(map(parsed.verify, signers)) else None
    except Malformed:
        return None


def missing(files: Mapping[str, bytes], name: str, receipt: Statement) -> Iterator[Gap]:
    """Every receipt that ``receipt`` (the file ``name``) rests on and that is not there byte for byte."""
    for id_, sha256 in named(receipt).items():
        if not id_.startswith(_RECEIPT):
            continue
        file = file_of(id_.removeprefix(_RECEIPT))
        if file not in files:
            yield Gap(file, "", f"{name} rests on it, and it is not there")
        elif sha256_hex(files[file]) != sha256:
            yield Gap(file, "", f"not the receipt that {name} rests on")


def of_kind(receipts: Mapping[str, Statement], receipt_id: object, kind: ReceiptKind) -> Statement | None:
    """The receipt with that id among ``receipts`` by file, if it is of that kind."""
    receipt = receipts.get(file_of(str(receipt_id)))
    return receipt if receipt is not None and receipt.kind is kind else None


def result_of(receipt: Statement | None) -> Mapping[str, Any]:
    """The kind's own part of a receipt; empty where there is none."""
    result: Any = None if receipt is None else receipt.predicate.get("result")
    return result if isinstance(result, Mapping) else {}
