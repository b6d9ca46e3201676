"""Whether a report is the one that was issued: every link from its bytes to signed receipts.

    report.json ──▶ sla_report.issued ──▶ receipts it names ──▶ contract.recorded, maintenance.recorded, …
                                      ──▶ the sla_report.issued of the revision it replaces
    inputs/…    ──▶ (digests in both)                     ──▶ inputs/contract.yaml, exclusions.json, crosscheck.json

What is asked of every document stands in ``evidence.attestation``; here, what is asked of this one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from trust_portal.evidence.attestation import Attestation, Issued, attest_document, other_than_stated
from trust_portal.evidence.links import data_of, file_of, missing, rests_on, result_of
from trust_portal.evidence.manifest import INPUTS
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import digest, sha256_hex
from trust_portal.reliability.exclusions.attestation import approval_gaps
from trust_portal.reliability.reports.model import (
    CONTRACT_FILE,
    CROSS_CHECK_FILE,
    EXCLUSIONS_FILE,
    MEASUREMENTS_FILE,
    REPORT_FILE,
)
from trust_portal.reliability.reports.restatement import figures

_INPUT_FILES = frozenset({CONTRACT_FILE, EXCLUSIONS_FILE, MEASUREMENTS_FILE})
#: What an exclusion and the receipt of its window both say.
_OF_WINDOW = ("window", "start", "end", "announced_at", "recorded_at", "reason", "objectives")


def attest(files: Mapping[str, bytes]) -> Attestation:
    """``files`` as a bundle names them: report, inputs, and envelopes of receipts."""
    return attest_document(
        files, REPORT_FILE, ReceiptKind.SLA_REPORT_ISSUED, id_field="report", links=partial(_links, files)
    )


def attest_bundle(files: Mapping[str, bytes], manifest: Statement) -> Sequence[Gap]:
    """What ``attest`` finds, and that the manifest speaks of the same tenant and period."""
    found = attest(files)
    return found.gaps or other_than_stated(files, REPORT_FILE, manifest, found.tenant, "report")


def _links(files: Mapping[str, bytes], issued: Issued) -> Iterator[Gap]:
    body, receipt, found = issued.body, issued.receipt, issued.found
    named = {file_of(each) for each in rests_on(receipt)}
    links = {each: statement for each, statement in found.items() if each in named}
    yield from _inputs(files, body, issued.name, receipt)
    yield from missing(files, issued.name, receipt)
    yield from _restatement(body, receipt, links)
    yield from _contract(files, body, links)
    yield from _exclusions(files, body, links, found)
    yield from _second_sources(files, body, links)


def _inputs(
    files: Mapping[str, bytes], body: Mapping[str, Any], name: str, receipt: Statement
) -> Iterator[Gap]:
    """The input files are those the report names, and those its receipt names."""
    stated = {each["name"]: each["sha256"] for each in body["inputs"]}
    if data_of(receipt) != stated or stated.keys() - {CROSS_CHECK_FILE} != _INPUT_FILES:
        yield Gap(name, "predicate.inputs", "it names other input files than the report")
    for each in sorted({file for file in files if file.startswith(INPUTS)} | stated.keys()):
        if each not in files:
            yield Gap(each, "", "the report was computed from it, and it is not there")
        elif sha256_hex(files[each]) != stated.get(each):
            yield Gap(each, "", "not what the report was computed from")


def _restatement(
    body: Mapping[str, Any], receipt: Statement, links: Mapping[str, Statement]
) -> Iterator[Gap]:
    """Which revision it is, which it replaces and why, as its receipt says; and what it says of that one,
    as far as the receipt of that one does. A restatement of before receipts rested on it has none there.
    """
    result, stated = result_of(receipt), body["restatement"]
    if str(body["revision"]) != result.get("revision"):
        yield Gap(REPORT_FILE, "revision", f"the receipt says {result.get('revision')!r}")
    if (stated is None) != (result.get("supersedes") is None):
        yield Gap(REPORT_FILE, "restatement", f"the receipt says it replaces {result.get('supersedes')!r}")
    if stated is None or result.get("supersedes") is None:
        return
    if stated["reason"] != receipt.predicate.get("rationale"):
        yield Gap(REPORT_FILE, "restatement.reason", "the receipt gives another reason")
    for replaced in (each for each in links.values() if each.kind is ReceiptKind.SLA_REPORT_ISSUED):
        yield from _replaced(body, result, replaced)


def _replaced(body: Mapping[str, Any], result: Mapping[str, Any], replaced: Statement) -> Iterator[Gap]:
    before, stated = result_of(replaced), body["restatement"]
    same = (
        ("supersedes.sha256", stated["supersedes"]["sha256"], replaced.subjects[0].sha256),
        ("supersedes.revision", str(stated["supersedes"]["revision"]), before.get("revision")),
        ("supersedes", result["supersedes"], before.get("report")),
    )
    for field, said, meant in same:
        if said != meant:
            yield Gap(REPORT_FILE, f"restatement.{field}", f"the receipt of what it replaces says {meant!r}")
    # A receipt carries some of a report's figures; what it says nothing of, this says nothing of.
    old, new = figures(before), figures(body)
    told = {each["field"]: each["before"] for each in stated["delta"]}
    for field in sorted(old):
        if told.get(field, new.get(field)) != old[field]:
            yield Gap(
                REPORT_FILE, f"restatement.delta.{field}", f"it was {old[field]!r} before, by its receipt"
            )


def _contract(
    files: Mapping[str, bytes], body: Mapping[str, Any], links: Mapping[str, Statement]
) -> Iterator[Gap]:
    recorded = [each for each in links.values() if each.kind is ReceiptKind.CONTRACT_RECORDED]
    if len(recorded) != 1:
        yield Gap(CONTRACT_FILE, "", f"{len(recorded) or 'no'} contract.recorded receipts stand behind it")
        return
    subject = recorded[0].subjects[0]
    if subject.sha256 != sha256_hex(files.get(CONTRACT_FILE, b"")):
        yield Gap(CONTRACT_FILE, "", f"not the text that was recorded as {subject.name}")
    stated = body["contract"]
    if (subject.name, subject.sha256) != (f"contract/{stated['version']}", stated["sha256"]):
        yield Gap(REPORT_FILE, "contract", f"its contract is not the recorded {subject.name}")


def _exclusions(
    files: Mapping[str, bytes],
    body: Mapping[str, Any],
    links: Mapping[str, Statement],
    found: Mapping[str, Statement],
) -> Iterator[Gap]:
    """Every window that was excluded, or could have been, was recorded, or approved after the fact."""
    windows: dict[str, Any] = {
        str(each.predicate["receipt"]): each.predicate["result"]
        for each in links.values()
        if each.kind in {ReceiptKind.MAINTENANCE_RECORDED, ReceiptKind.EXCLUSION_APPROVED}
    }
    for name, each in links.items():
        if each.kind is ReceiptKind.EXCLUSION_APPROVED:
            yield from approval_gaps(files, found, name, each)
    for number, entry in enumerate(parse_json(files.get(EXCLUSIONS_FILE, b"[]"), field=EXCLUSIONS_FILE)):
        recorded = windows.get(entry["receipts"][0]) if len(entry["receipts"]) == 1 else None
        if recorded is None:
            yield Gap(
                EXCLUSIONS_FILE,
                f"[{number}].receipts",
                "no maintenance.recorded or exclusion.approved receipt behind it",
            )
        approved = [each["person"] for each in recorded.get("approvals", [])] if recorded else []
        if entry["approvals"] != approved:
            yield Gap(EXCLUSIONS_FILE, f"[{number}].approvals", f"the receipt says {approved!r}")
        for field in _OF_WINDOW:
            if recorded is not None and entry.get(field) != recorded.get(field):
                yield Gap(EXCLUSIONS_FILE, f"[{number}].{field}", f"the receipt says {recorded.get(field)!r}")
    for objective in body["objectives"]:
        for excluded in objective["exclusions"]:
            if not excluded["receipts"] or not windows.keys() >= set(excluded["receipts"]):
                yield Gap(
                    REPORT_FILE,
                    f"objectives.{objective['objective']}.exclusions",
                    f"window {excluded['window']} was never recorded",
                )


def _second_sources(
    files: Mapping[str, bytes], body: Mapping[str, Any], links: Mapping[str, Statement]
) -> Iterator[Gap]:
    """Whoever was asked for a second count was set up by a recorded act, and asked as it says."""
    set_up = {
        str(each.predicate["receipt"]): each
        for each in links.values()
        if each.kind is ReceiptKind.CROSS_CHECK_SET
    }
    entries = parse_json(files.get(CROSS_CHECK_FILE, b"[]"), field=CROSS_CHECK_FILE)
    for number, entry in enumerate(entries):
        receipt = set_up.get(entry["receipt"])
        named = (f"cross-check/{entry['objective']}/{entry['settings']}", digest(entry["source"]))
        if receipt is None or named not in {(each.name, each.sha256) for each in receipt.subjects}:
            yield Gap(CROSS_CHECK_FILE, f"[{number}].source", "no cross_check.set receipt behind it")
    stated = [
        each for each in body.get("cross_check", {}).get("objectives", []) if each["source"] is not None
    ]
    if sorted(each["objective"] for each in stated) != sorted(each["objective"] for each in entries):
        yield Gap(REPORT_FILE, "cross_check", f"it speaks of other sources than {CROSS_CHECK_FILE}")
