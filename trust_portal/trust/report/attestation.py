"""Whether a Trust Report is the one that was published: every link from its bytes to signed receipts.

    trust-report.json ◀── trust_report.published ──▶ sla_report.issued, credit.issued, playbook.…, anomaly.…
    inputs/…          ──▶ (digests in both)          (every receipt that a figure names)

What is asked of every document stands in ``evidence.attestation``; here, what is asked of this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from trust_portal.evidence.attestation import Attestation, Issued, attest_document, other_than_stated
from trust_portal.evidence.links import data_of, rests_on, result_of
from trust_portal.evidence.manifest import INPUTS
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.trust.gathering.ids import SECTIONS_OF
from trust_portal.trust.report.model import DOCUMENT_FILE
from trust_portal.trust.report.sources import inputs_of


def attest(files: Mapping[str, bytes]) -> Attestation:
    """``files`` as a bundle names them: the document, its inputs, and envelopes of receipts."""
    return attest_document(
        files,
        DOCUMENT_FILE,
        ReceiptKind.TRUST_REPORT_PUBLISHED,
        id_field="report",
        links=partial(_links, files),
    )


def attest_bundle(files: Mapping[str, bytes], manifest: Statement) -> Sequence[Gap]:
    """What ``attest`` finds, and that the manifest speaks of the same tenant and period."""
    found = attest(files)
    return found.gaps or other_than_stated(files, DOCUMENT_FILE, manifest, found.tenant, "report")


def told(files: Mapping[str, bytes], _: Statement) -> Sequence[str]:
    """What was let stand, and what it supersedes: a reader who only verifies should not miss it."""
    body = parse_json(files[DOCUMENT_FILE])
    said = [
        f"the report says of itself that {each['title']} is {each['state']}: {each['why']}; published all the same, because: {each['reason']}"
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


def _says_the_same(body: Mapping[str, Any], name: str, receipt: Statement) -> Iterator[Gap]:
    wanted = SECTIONS_OF.get(body["format"])
    if wanted is None:
        yield Gap(DOCUMENT_FILE, "format", f"{body['format']!r} is none of {', '.join(SECTIONS_OF)}")
    elif tuple(each["id"] for each in body["sections"]) != wanted:
        yield Gap(DOCUMENT_FILE, "sections", "not the sections that a Trust Report has")
    result = result_of(receipt)
    said = {
        "period": body["period"]["label"],
        "revision": body["revision"],
        "sections": {each["id"]: each["state"] for each in body["sections"]},
        "acknowledgements": body["acknowledgements"],
    }
    for field, value in said.items():
        if result.get(field) != value:
            yield Gap(name, f"predicate.result.{field}", f"the report says {value!r}")
    if receipt.predicate.get("rationale") != body["reason"]:
        yield Gap(DOCUMENT_FILE, "reason", "not the reason that was signed")


def _inputs(files: Mapping[str, bytes], body: Mapping[str, Any], receipt: Statement) -> Iterator[Gap]:
    """The files it was read from are those that its sections name, the document lists and the receipt signs."""
    wanted = {each.file: each.sha256 for each in inputs_of(body)}
    listed = {each["name"]: each["sha256"] for each in body["inputs"]}
    if listed != wanted:
        yield Gap(DOCUMENT_FILE, "inputs", "not the documents that its sections name")
    if data_of(receipt) != wanted:
        yield Gap(DOCUMENT_FILE, "inputs", "not the documents that were signed for")
    for each in sorted({file for file in files if file.startswith(INPUTS)} | set(wanted)):
        if each not in files:
            yield Gap(each, "", "the report was made from it, and it is not there")
        elif sha256_hex(files[each]) != wanted.get(each):
            yield Gap(each, "", "not what the report was made from")


def _named(body: Mapping[str, Any], receipt: Statement) -> Iterator[Gap]:
    """A figure that names a receipt names one that the report rests on."""
    known = set(rests_on(receipt))
    for section in body["sections"]:
        cells = [*section["figures"], *(c for t in section["tables"] for r in t["rows"] for c in r["cells"])]
        for id_ in sorted({each["receipt"] for each in cells if each["receipt"] is not None} - known):
            yield Gap(
                DOCUMENT_FILE, f"sections.{section['id']}", f"names receipt {id_}, which it does not rest on"
            )
