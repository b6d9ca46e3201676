"""Whom to believe: a policy or a pinned key from outside, and only then what the bundle brings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trust_portal.evidence.checkpoint import Checkpoint, TlogProof
from trust_portal.evidence.dsse import IN_TOTO, Envelope
from trust_portal.evidence.manifest import MANIFEST, POLICY
from trust_portal.evidence.note import SignedNote
from trust_portal.evidence.policy_file import NO_QUORUM, Policy
from trust_portal.evidence.strict import Malformed
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verification.report import Report


@dataclass(frozen=True, slots=True)
class Trust:
    """``policy`` names the keys; ``pinned``, where not empty, must hold the manifest's signer.

    A pinned key vouches for the bundle's own policy: the manifest it signs digests ``policy.txt``.
    """

    policy: Policy
    pinned: frozenset[str]


def resolve_trust(
    files: Mapping[str, bytes], policy: Policy | None, pinned: frozenset[str], report: Report
) -> Trust:
    """The policy from outside, else the bundle's own: vouched for by a pinned key, or UNPINNED."""
    if policy is not None:
        return Trust(policy, pinned)
    try:
        own = Policy.parse(files.get(POLICY, b""))
    except Malformed as error:
        report.find(
            Code.UNKNOWN_KEY,
            f"the bundle's policy names no key: {error.message}",
            file=POLICY,
            field=error.field or "",
        )
        own = Policy(())
    return Trust(own, pinned)


def say_unpinned(signer: str, report: Report) -> None:
    """Nothing from outside was given: show what there is to compare."""
    report.find(
        Code.UNPINNED,
        f"nothing outside the bundle says whom to believe; its manifest names the key {signer}",
        file=MANIFEST,
        field="keyid",
    )


def check_envelope(envelope: Envelope, index: int | None, name: str, trust: Trust, report: Report) -> bool:
    """One signature by a receipt key that is valid at ``index`` (``None``: place unknown)."""
    if envelope.payload_type != IN_TOTO or len(envelope.signatures) != 1:
        report.find(
            Code.BAD_SIGNATURE, "not one signature over an in-toto statement", file=name, field="signatures"
        )
        return False
    key_id = envelope.signatures[0].key_id
    key = trust.policy.receipt_key(key_id)
    if key is None:
        report.find(Code.UNKNOWN_KEY, f"signed by {key_id}, which is not trusted", file=name, field="keyid")
        return False
    if not envelope.verify(key):
        report.find(Code.BAD_SIGNATURE, f"the signature of {key_id} does not hold", file=name, field="sig")
        return False
    span = trust.policy.span(key)
    if index is not None and not span.covers_entry(index):
        report.find(
            Code.KEY_RETIRED_AT_INDEX,
            f"{key_id} signs entries {span}, this is entry {index}",
            file=name,
            field="keyid",
        )
        return False
    return True


def check_note(note: SignedNote, name: str, trust: Trust, report: Report) -> Checkpoint | None:
    """The checkpoint, if a log key valid at its size signed it and the quorum is met."""
    head = Checkpoint.parse(note.text)
    signers = [key for key in trust.policy.log_keys(head.origin) if note.signed_by(key) is not None]
    if not signers:
        report.find(
            Code.UNKNOWN_KEY,
            f"no trusted key of log {head.origin} signed the checkpoint",
            file=name,
            field="checkpoint.origin",
        )
        return None
    if not all(note.signed_by(key) for key in signers):
        report.find(
            Code.BAD_SIGNATURE,
            "the checkpoint's signature does not hold",
            file=name,
            field="checkpoint.signature",
        )
        return None
    if not any(trust.policy.span(key.key).covers_size(head.size) for key in signers):
        report.find(
            Code.KEY_RETIRED_AT_INDEX,
            f"{signers[0].key.key_id} signs sizes {trust.policy.span(signers[0].key)}, this is {head.size}",
            file=name,
            field="checkpoint.size",
        )
        return None
    if not trust.policy.witnessed(note):
        report.find(
            Code.NO_QUORUM,
            f"too few cosignatures for quorum {trust.policy.quorum}",
            file=name,
            field="checkpoint.signatures",
        )
        return None
    if trust.policy.quorum == NO_QUORUM:
        report.not_proved.append(
            "No witness cosigned: that the vendor shows everybody the same log rests on comparing checkpoints"
        )
    else:
        report.proved.append(f"witnesses meet the quorum {trust.policy.quorum}")
    return head


def read_proof(data: bytes | None, name: str, report: Report) -> TlogProof | None:
    """A proof file, or NOT_INCLUDED. (That it is absent is said by the check of the files.)"""
    if data is None:
        return None
    try:
        return TlogProof.parse(data)
    except Malformed as error:
        report.find(
            Code.NOT_INCLUDED, f"not a readable proof: {error.message}", file=name, field=error.field or ""
        )
        return None
