"""Whether a report is the one that was issued: every link from its bytes to signed receipts.

    report.json ──▶ sla_report.issued ──▶ receipts it names ──▶ contract.recorded, maintenance.recorded, …
    inputs/…    ──▶ (digests in both)                     ──▶ inputs/contract.yaml, exclusions.json, crosscheck.json

A row of the database is believed by nobody: the exporter, the audit and the customer's own verifier
ask the same question here, of bytes alone. That the envelopes' signatures hold is asked before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trust_portal.evidence.links import data_of, file_of, missing, rests_on, statements
from trust_portal.evidence.manifest import INPUTS, Manifest
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import Malformed, parse_json
from trust_portal.evidence.verdict import Gap
from trust_portal.kernel.canonical import canonical, digest, sha256_hex
from trust_portal.reliability.exclusions.attestation import approval_gaps
from trust_portal.reliability.reports.model import (
    CONTRACT_FILE,
    CROSS_CHECK_FILE,
    EXCLUSIONS_FILE,
    MEASUREMENTS_FILE,
    REPORT_FILE,
)

_INPUT_FILES = frozenset({CONTRACT_FILE, EXCLUSIONS_FILE, MEASUREMENTS_FILE})
#: What an exclusion and the receipt of its window both say.
_OF_WINDOW = ("window", "start", "end", "announced_at", "recorded_at", "reason", "objectives")


@dataclass(frozen=True, slots=True)
class Attestation:
    """``tenant`` and ``report`` are the ids in the receipt; ``gaps`` is empty where every link holds."""

    gaps: tuple[Gap, ...]
    tenant: str = ""
    report: str = ""


def attest(files: Mapping[str, bytes]) -> Attestation:
    """``files`` as a bundle names them: report, inputs, and envelopes of receipts."""
    try:
        return _attest(files)
    except Malformed as error:
        return Attestation((Gap(REPORT_FILE, error.field or "", error.message),))
    except (LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        return Attestation((Gap(REPORT_FILE, "", f"not what belongs here: {error!r}"),))


def attest_bundle(files: Mapping[str, bytes], manifest: Statement) -> Sequence[Gap]:
    """What ``attest`` finds, and that the manifest speaks of the same tenant, report and period."""
    found = attest(files)
    if found.gaps:
        return found.gaps
    body, stated = parse_json(files[REPORT_FILE]), Manifest.of(manifest)
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


def _attest(files: Mapping[str, bytes]) -> Attestation:
    document = files.get(REPORT_FILE)
    if document is None:
        return Attestation((Gap(REPORT_FILE, "", "is not there"),))
    body = parse_json(document)
    if canonical(body) != document:
        return Attestation((Gap(REPORT_FILE, "", "spelled otherwise than RFC 8785 wants"),))
    found = dict(statements(files))
    issued = [
        (name, each)
        for name, each in found.items()
        if each.kind is ReceiptKind.SLA_REPORT_ISSUED
        and any(s.name == REPORT_FILE and s.sha256 == sha256_hex(document) for s in each.subjects)
    ]
    if len(issued) != 1:
        return Attestation(
            (Gap(REPORT_FILE, "", f"{len(issued) or 'no'} sla_report.issued receipts were issued for it"),)
        )
    name, receipt = issued[0]
    behind = {file_of(each) for each in rests_on(receipt)}
    links = {each: statement for each, statement in found.items() if each in behind}
    gaps = [
        *_inputs(files, body, name, receipt),
        *missing(files, name, receipt),
        *_contract(files, body, links),
        *_exclusions(files, body, links, found),
        *_second_sources(files, body, links),
    ]
    result: Any = receipt.predicate["result"]
    return Attestation(tuple(gaps), str(receipt.predicate["tenant"]), str(result["report"]))


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
