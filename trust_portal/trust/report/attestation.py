"""Whether a Trust Report is the one that was published: every link from its bytes to signed receipts.

    trust-report.json ◀── trust_report.published ──▶ sla_report.issued, credit.issued, playbook.…, anomaly.…
    inputs/…          ──▶ (digests in both)          (every receipt that a figure names)

A row of the database is believed by nobody: the exporter, the audit and the customer's own verifier ask the
same question here, of bytes alone. That the envelopes' signatures hold is asked before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trust_portal.errors import TrustPortalError
from trust_portal.evidence.links import data_of, file_of, missing, rests_on, result_of, statements
from trust_portal.evidence.manifest import INPUTS, Manifest
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import Malformed, parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.trust.report.model import DOCUMENT_FILE
from trust_portal.trust.report.sources import inputs_of


@dataclass(frozen=True, slots=True)
class Attestation:
    """``tenant`` and ``report`` are the ids in the receipt; ``gaps`` is empty where every link holds."""

    gaps: tuple[Gap, ...]
    tenant: str = ""
    report: str = ""


def attest(files: Mapping[str, bytes]) -> Attestation:
    """``files`` as a bundle names them: the document, its inputs, and envelopes of receipts."""
    try:
        return _attest(files)
    except Malformed as error:
        return Attestation((Gap(DOCUMENT_FILE, error.field or "", error.message),))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError, TrustPortalError) as error:
        return Attestation((Gap(DOCUMENT_FILE, "", f"not what belongs here: {error!r}"),))


def attest_bundle(files: Mapping[str, bytes], manifest: Statement) -> Sequence[Gap]:
    """What ``attest`` finds, and that the manifest speaks of the same tenant and period."""
    found = attest(files)
    if found.gaps:
        return found.gaps
    body, stated = parse_json(files[DOCUMENT_FILE]), Manifest.of(manifest)
    same = (
        ("predicate.result.tenant", stated.tenant, body["tenant"]["key"]),
        ("predicate.result.period", stated.period, body["period"]["label"]),
        ("predicate.tenant", manifest.predicate.get("tenant"), found.tenant),
    )
    return [
        Gap("manifest.dsse.json", field, f"the manifest says {said!r}, the signed report {meant!r}")
        for field, said, meant in same
        if said != meant
    ]


def told(files: Mapping[str, bytes], _: Statement) -> Sequence[str]:
    """What was let stand, and what it supersedes: a reader who only verifies should not miss it."""
    body = parse_json(files[DOCUMENT_FILE])
    said = [
        f"{each['title']} is {each['state']}: {each['why']}; published all the same, because: {each['reason']}"
        for each in body["acknowledgements"]
    ]
    if body["supersedes"] is not None:
        before = body["supersedes"]
        said.append(
            f"revision {body['revision']} supersedes revision {before['revision']}, SHA-256 {before['sha256']}: "
            f"{body['reason']}"
        )
    return said


def _attest(files: Mapping[str, bytes]) -> Attestation:
    content = files.get(DOCUMENT_FILE)
    if content is None:
        return Attestation((Gap(DOCUMENT_FILE, "", "is not there"),))
    body = parse_json(content)
    if canonical(body) != content:
        return Attestation((Gap(DOCUMENT_FILE, "", "spelled otherwise than RFC 8785 wants"),))
    found = dict(statements(files))
    published = [
        (name, each)
        for name, each in found.items()
        if each.kind is ReceiptKind.TRUST_REPORT_PUBLISHED
        and any(s.name == DOCUMENT_FILE and s.sha256 == sha256_hex(content) for s in each.subjects)
    ]
    if len(published) != 1:
        return Attestation(
            (Gap(DOCUMENT_FILE, "", f"{len(published) or 'no'} trust_report.published receipts are for it"),)
        )
    name, receipt = published[0]
    gaps = (
        *(gap for each, statement in _behind(found, name) for gap in missing(files, each, statement)),
        *_says_the_same(body, name, receipt),
        *_inputs(files, body, receipt),
        *_named(body, receipt),
    )
    return Attestation(gaps, str(receipt.predicate["tenant"]), str(result_of(receipt)["report"]))


def _behind(found: Mapping[str, Statement], name: str) -> Iterator[tuple[str, Statement]]:
    """The receipt of the file ``name`` and every one it rests on, all the way down."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        each = waiting.pop()
        if each in found and each not in seen:
            seen.add(each)
            yield each, found[each]
            waiting += [file_of(id_) for id_ in rests_on(found[each])]


def _says_the_same(body: Mapping[str, Any], name: str, receipt: Statement) -> Iterator[Gap]:
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
