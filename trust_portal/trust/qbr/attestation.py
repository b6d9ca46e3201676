"""Whether a QBR is the one that was issued: every link from its bytes to signed receipts.

    qbr.json ◀── qbr.issued ──▶ qbr.prepared (the digest of each section, when its data were locked)
    inputs/… ──▶ (digests)  ──▶ qbr.commented, qbr.omitted, qbr.recommendation_reviewed
                            ──▶ every receipt that a figure names

What is asked of every document stands in ``evidence.attestation``; here, what is asked of this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from trust_portal.evidence.attestation import Attestation, Issued, attest_document, other_than_stated
from trust_portal.evidence.links import (
    data_of,
    of_kind,
    rests_on,
    result_of,
)
from trust_portal.evidence.manifest import INPUTS
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Gap, NotRecomputable
from trust_portal.kernel.canonical import digest, sha256_hex
from trust_portal.trust.qbr.ageing import wait_of
from trust_portal.trust.qbr.closing import closing_of, derived_of, same_but_for_pages
from trust_portal.trust.qbr.ids import PROPOSED, RECOMMENDATIONS
from trust_portal.trust.qbr.model import DOCUMENT_FILE
from trust_portal.trust.qbr.reviewing import EVIDENCE, before_review, proposal_of, seen
from trust_portal.trust.qbr.sources import sources_of
from trust_portal.trust.sections.document import section_of, sections_of
from trust_portal.trust.sections.model import Section


def attest(files: Mapping[str, bytes]) -> Attestation:
    """``files`` as a bundle names them: the document, its inputs, and envelopes of receipts."""
    return attest_document(
        files, DOCUMENT_FILE, ReceiptKind.QBR_ISSUED, id_field="qbr", links=partial(_links, files)
    )


def attest_bundle(files: Mapping[str, bytes], manifest: Statement) -> Sequence[Gap]:
    """What ``attest`` finds, and that the manifest speaks of the same tenant and period."""
    found = attest(files)
    return found.gaps or other_than_stated(files, DOCUMENT_FILE, manifest, found.tenant, "QBR")


def told(files: Mapping[str, bytes], _: Statement) -> Sequence[str]:
    """What a reader should not miss: what was left out, and what was let stand."""
    body = parse_json(files[DOCUMENT_FILE])
    said = [
        f"the review says of itself that {each['title']} is left out, because: {each['text']}"
        for each in body["omissions"]
    ]
    said += [
        f"the review says of itself that {each['title']} is {each['state']}: {each['why']}; issued all the same, because: {each['reason']}"
        for each in body["acknowledgements"]
    ]
    if body["supersedes"] is not None:
        before = body["supersedes"]
        said.append(
            f"revision {body['revision']} supersedes revision {before['revision']}, SHA-256 {before['sha256']}: "
            f"{body['reason']}"
        )
    return said


def _links(files: Mapping[str, bytes], issued: Issued) -> Iterator[Gap]:
    yield from issued.missing(files)
    yield from _says_the_same(issued.body, issued.name, issued.receipt)
    yield from _inputs(files, issued.body, issued.receipt)
    yield from _named(issued.body, issued.receipt)
    yield from _locked(issued.body, issued.found)
    yield from _closing(files, issued.body)
    yield from _said(issued.body, issued.found)


def _says_the_same(body: Mapping[str, Any], name: str, receipt: Statement) -> Iterator[Gap]:
    result = result_of(receipt)
    said = {
        "period": body["period"]["label"],
        "revision": body["revision"],
        "acknowledgements": body["acknowledgements"],
        "omissions": body["omissions"],
    }
    for field, value in said.items():
        if result.get(field) != value:
            yield Gap(name, f"predicate.result.{field}", f"the QBR says {value!r}")
    if receipt.predicate["at"] != body["issued_at"]:
        yield Gap(DOCUMENT_FILE, "issued_at", "not the moment that was signed")
    if receipt.predicate.get("rationale") != body["reason"]:
        yield Gap(DOCUMENT_FILE, "reason", "not the reason that was signed")


def _inputs(files: Mapping[str, bytes], body: Mapping[str, Any], receipt: Statement) -> Iterator[Gap]:
    """The files beside it are those that it names, lists, and the receipt signs."""
    wanted = {each.file: each.sha256 for each in sources_of(body)}
    if {each["name"]: each["sha256"] for each in body["inputs"]} != wanted:
        yield Gap(DOCUMENT_FILE, "inputs", "not the documents that it names")
    if data_of(receipt) != wanted:
        yield Gap(DOCUMENT_FILE, "inputs", "not the documents that were signed for")
    for each in sorted({file for file in files if file.startswith(INPUTS)} | set(wanted)):
        if each not in files:
            yield Gap(each, "", "the QBR was laid beside it, and it is not there")
        elif sha256_hex(files[each]) != wanted.get(each):
            yield Gap(each, "", "not what the QBR was laid beside")


def _named(body: Mapping[str, Any], receipt: Statement) -> Iterator[Gap]:
    """A figure that names a receipt names one that the QBR rests on."""
    known = set(rests_on(receipt))
    for section in body["sections"]:
        for id_ in sorted({each["receipt"] for each in _cells(section) if each["receipt"]} - known):
            yield Gap(
                DOCUMENT_FILE, f"sections.{section['id']}", f"names receipt {id_}, which it does not rest on"
            )


def _locked(body: Mapping[str, Any], found: Mapping[str, Statement]) -> Iterator[Gap]:
    """Every section that was locked is there as it was, or its omission is; of recommendations, some.

    One may have grown too old until it was issued, and says so then. What follows from the other sections is compared
    with what does follow (``_closing``).
    """
    prepared = of_kind(found, body["prepared"]["receipt"], ReceiptKind.QBR_PREPARED)
    if prepared is None or prepared.subjects[0].sha256 != body["prepared"]["sha256"]:
        yield Gap(DOCUMENT_FILE, "prepared", "no qbr.prepared receipt of this snapshot is there")
        return
    locked: Mapping[str, str] = result_of(prepared)["sections"]
    there = {each["id"]: each for each in body["sections"]}
    omitted = {each["section"] for each in body["omissions"]}
    if there.keys() | omitted != locked.keys() or there.keys() & omitted:
        yield Gap(
            DOCUMENT_FILE, "sections", "not the sections that were locked, less those that were omitted"
        )
        return
    for name, section in there.items():
        if name == RECOMMENDATIONS or name in closing_of(body):
            continue
        if locked[name] not in {digest(each) for each in _as_they_were(body, section)}:
            yield Gap(DOCUMENT_FILE, f"sections.{name}", "not the data that were locked")


def _as_they_were(body: Mapping[str, Any], section: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for each in wait_of(body).as_they_were(section_of(section)):
        yield {**section, "state": each.state.value, "why": each.why}


def _closing(files: Mapping[str, bytes], body: Mapping[str, Any]) -> Iterator[Gap]:
    """What is different from the review before, and what all of it rests on, say what follows from what is there."""
    sections = sections_of(body)
    try:
        derived = derived_of(files, body, sections)
    except NotRecomputable as error:
        yield Gap(error.file or DOCUMENT_FILE, "", error.message)
        return
    for each in sections:
        if each.id in derived and not same_but_for_pages(each, derived[each.id]):
            yield Gap(DOCUMENT_FILE, f"sections.{each.id}", "not what follows from the other sections")


def _said(body: Mapping[str, Any], found: Mapping[str, Statement]) -> Iterator[Gap]:
    """Comments and omissions are those that receipts were left of; advice was accepted by somebody."""
    for part, kind in (
        ("commentary", ReceiptKind.QBR_COMMENTED),
        ("omissions", ReceiptKind.QBR_OMITTED),
    ):
        for each in body[part]:
            receipt = of_kind(found, each["receipt"], kind)
            result = result_of(receipt)
            if (result.get("subject"), result.get("sha256")) != (each["section"], digest(each["text"])):
                yield Gap(DOCUMENT_FILE, part, f"what is said of {each['section']} is not what was signed")
    for section in sections_of(body):
        if section.id == RECOMMENDATIONS:
            yield from _advised(section, body["period"]["label"], found)


def _advised(section: Section, period: str, found: Mapping[str, Statement]) -> Iterator[Gap]:
    """Each recommendation with its evidence is the one that somebody accepted, for the review of this period."""
    place, as_read = f"sections.{RECOMMENDATIONS}", before_review(section)
    proposed, evidence = section.table(PROPOSED), section.table(EVIDENCE).rows
    for row in proposed.rows:
        at = proposed.cell(row, "on")
        receipt = of_kind(found, at.receipt, ReceiptKind.QBR_RECOMMENDATION_REVIEWED)
        result = result_of(receipt)
        said = (result.get("subject"), result.get("period"), result.get("verdict"))
        if receipt is None or said != (row.id, period, "accepted"):
            yield Gap(DOCUMENT_FILE, place, f"{row.id} was accepted by nobody")
        elif result.get("seen") != seen(as_read, row.id):
            yield Gap(DOCUMENT_FILE, place, f"{row.id} is not what somebody accepted")
        elif receipt.predicate["at"] != at.value:
            yield Gap(DOCUMENT_FILE, place, f"{row.id} was accepted at another moment")
    strange = {proposal_of(each) for each in evidence} - {row.id for row in proposed.rows}
    for id_ in sorted(strange):
        yield Gap(DOCUMENT_FILE, place, f"holds evidence for {id_}, which it does not recommend")
    if section.figure("recommendations").cell.value != str(len(proposed.rows)):
        yield Gap(DOCUMENT_FILE, place, "counts other recommendations than it holds")


def _cells(section: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from section["figures"]
    for table in section["tables"]:
        for row in table["rows"]:
            yield from row["cells"]
