"""Every receipt in the bundle: signed, in the log, its disclosures true, its approvers distinct."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from trust_portal.evidence.checkpoint import TlogProof
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.manifest import (
    DISCLOSURES,
    ENVELOPE_SUFFIX,
    MANIFEST_PROOF,
    RECEIPTS,
    disclosure_name,
    proof_name,
)
from trust_portal.evidence.merkle import leaf_hash
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.strict import Malformed
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verification.disclosures import check_disclosed, listed
from trust_portal.evidence.verification.passkeys import Logged, check_signatures
from trust_portal.evidence.verification.report import Report
from trust_portal.evidence.verification.trust import Trust, check_envelope, read_proof
from trust_portal.kernel.canonical import sha256_hex


def check_receipts(
    files: Mapping[str, bytes],
    head: TlogProof | None,
    trust: Trust,
    report: Report,
    *,
    known: Collection[str] = (),
) -> None:
    """All of ``receipts/`` and ``disclosures/`` against the one checkpoint of the manifest.

    ``known`` are disclosures that belong to a document, and are looked at with it.
    """
    before = len(report.findings)
    names = sorted(n for n in files if n.startswith(RECEIPTS) and n.endswith(ENVELOPE_SUFFIX))
    places: dict[int, str] = {} if head is None else {head.index: MANIFEST_PROOF}
    stood_for: dict[str, set[str]] = {}
    logged: list[Logged] = []
    for name in names:
        try:
            envelope = Envelope.parse(files[name])
            statement = Statement.parse(envelope.payload)
        except Malformed as error:
            report.find(
                Code.BAD_SIGNATURE,
                f"not a readable receipt: {error.message}",
                file=name,
                field=error.field or "",
            )
            continue
        for subject in statement.subjects:
            stood_for.setdefault(subject.name, set()).add(subject.sha256)
        proof = read_proof(files.get(proof_name(name)), proof_name(name), report)
        check_envelope(envelope, proof.index if proof else None, name, trust, report)
        if proof is not None and head is not None:
            _check_place(proof, head, envelope, proof_name(name), report)
            first = places.setdefault(proof.index, name)
            if first != name:
                report.find(
                    Code.NOT_INCLUDED, f"claims the entry of {first}", file=proof_name(name), field="index"
                )
        _check_disclosures(statement, name, files.get(disclosure_name(name)), report)
        check_approvers(statement.predicate, name, report)
        logged.append(Logged(name, proof.index if proof else None, statement, sha256_hex(files[name])))
    check_signatures(logged, report)
    _check_subjects(files, stood_for, report)
    owned = {disclosure_name(name) for name in names} | set(known)
    for name in sorted(n for n in files if n.startswith(DISCLOSURES) and n not in owned):
        report.find(Code.UNREFERENCED_DISCLOSURE, "there is no receipt it could belong to", file=name)
    if names and head is not None and len(report.findings) == before:
        said = (
            "1 receipt is signed and stands"
            if len(names) == 1
            else f"{len(names)} receipts are signed and stand"
        )
        report.proved.append(f"{said} in the log under this checkpoint")


def _check_subjects(files: Mapping[str, bytes], stood_for: Mapping[str, set[str]], report: Report) -> None:
    """A file that receipts speak of is what one of them speaks of (the others: earlier revisions)."""
    found_already = {finding.file for finding in report.findings}
    for name in sorted(stood_for.keys() & files.keys() - found_already):
        if sha256_hex(files[name]) in stood_for[name]:
            report.proved.append(f"{name} is what a receipt in the bundle was issued for")
        else:
            report.find(Code.DIGEST_MISMATCH, "none of the receipts was issued for this file", file=name)


def _check_place(proof: TlogProof, head: TlogProof, envelope: Envelope, name: str, report: Report) -> None:
    if proof.note != head.note:
        report.find(
            Code.NOT_INCLUDED,
            "proved under another checkpoint than the manifest",
            file=name,
            field="checkpoint",
        )
    elif not proof.verifies(leaf_hash(envelope.pae)):
        report.find(
            Code.NOT_INCLUDED, "the proof does not lead to the checkpoint's root", file=name, field="hashes"
        )


def _check_disclosures(statement: Statement, receipt: str, data: bytes | None, report: Report) -> None:
    name = disclosure_name(receipt)
    disclosed = [] if data is None else listed(name, data, report)
    concealed = check_disclosed(statement.predicate, disclosed, name, report, what="the receipt")
    if concealed:
        report.not_proved.append(f"{concealed} redacted field(s) of {receipt}: not shown to you")


def check_approvers(predicate: Mapping[str, Any], name: str, report: Report) -> None:
    """Distinct persons in ``result.approvals[].person``, none of them ``result.requester.person``."""
    result = predicate.get("result")
    if not isinstance(result, Mapping) or not isinstance(result.get("approvals"), list):
        return
    requester = _person(result.get("requester"))
    persons = {requester} if requester else set()
    for number, approval in enumerate(result["approvals"]):
        person = _person(approval)
        if not person or person in persons:
            report.find(
                Code.SAME_APPROVER,
                "an approver is nobody, the requester, or an approver already",
                file=name,
                field=f"predicate.result.approvals[{number}].person",
            )
        persons.add(person)


def _person(place: object) -> str:
    """The person in one place of a decision; empty where there is none."""
    person = place.get("person") if isinstance(place, Mapping) else None
    return person if isinstance(person, str) else ""
