"""Whether an evaluation in a bundle is the one that was made: from its bytes to the receipt in the tenant's log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from trust_portal.documents.csv import write_csv
from trust_portal.evidence.attestation import Issued, attest_document
from trust_portal.evidence.links import missing, result_of
from trust_portal.evidence.manifest import Manifest
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import Malformed, parse_json
from trust_portal.evidence.verdict import Gap, Mismatch
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.reliability.comparison import file_in, mismatches, reading, table_differs
from trust_portal.trust.compliance.document import SCHEMA, csv_rows
from trust_portal.trust.compliance.model import CSV_FILE, DOCUMENT_FILE, POAM_FILE, RESULTS_FILE
from trust_portal.trust.compliance.oscal.assessment import assessment_results
from trust_portal.trust.compliance.oscal.poam import plan_of_action


def attest_evaluation(files: Mapping[str, bytes], tenant: str) -> Sequence[Gap]:
    """``files`` as a bundle names them; ``tenant`` is the id of whose they are said to be."""
    return attest_document(
        files,
        DOCUMENT_FILE,
        ReceiptKind.COMPLIANCE_EVALUATED,
        id_field="evaluation",
        links=partial(_links, files, tenant),
    ).gaps


def attest_bundle(files: Mapping[str, bytes], manifest: Statement) -> Sequence[Gap]:
    """What ``attest_evaluation`` finds, and that the manifest speaks of the same tenant."""
    if gaps := attest_evaluation(files, str(manifest.predicate.get("tenant"))):
        return gaps
    said, meant = Manifest.of(manifest).tenant, parse_json(files[DOCUMENT_FILE])["tenant"]["key"]
    if said == meant:
        return []
    return [
        Gap(
            "manifest.dsse.json",
            "predicate.result.tenant",
            f"the manifest says {said!r}, the evaluation {meant!r}",
        )
    ]


def told(files: Mapping[str, bytes], _: Statement) -> Sequence[str]:
    """How it came out: a reader who only verifies should not miss a gap."""
    body = parse_json(files[DOCUMENT_FILE])
    return [
        f"{each['control']} ({each['party']}): {each['state'].replace('_', ' ')}"
        + (f", {each['gap_count']} gaps" if each["gap_count"] != "0" else "")
        for each in body["results"]
        if each["state"] != "satisfied"
    ]


def recompute_evaluation(files: Mapping[str, bytes]) -> list[Mismatch]:
    """OSCAL and CSV follow from the document alone."""
    with reading(DOCUMENT_FILE):
        made = derived_files(parse_json(file_in(files, DOCUMENT_FILE)))
    found = table_differs(CSV_FILE, files.get(CSV_FILE, b""), made[CSV_FILE])
    for name in (RESULTS_FILE, POAM_FILE):
        found += _oscal_differs(name, files.get(name), made.get(name))
    return found


def derived_files(body: Mapping[str, Any]) -> dict[str, bytes]:
    """What a bundle carries beside the document; without a gap there is no plan of action."""
    header, *rows = csv_rows(body)
    plan = plan_of_action(body)
    return {
        CSV_FILE: write_csv(header, rows),
        RESULTS_FILE: assessment_results(body),
        **({} if plan is None else {POAM_FILE: plan}),
    }


def _oscal_differs(name: str, claimed: bytes | None, made: bytes | None) -> list[Mismatch]:
    """Each place where the two say otherwise; the digests where one is not there, or differs in no place."""
    if claimed == made:
        return []
    whole = Mismatch(name, "", _digest(claimed), _digest(made))
    if claimed is None or made is None:
        return [whole]
    try:
        return mismatches(name, parse_json(claimed), parse_json(made)) or [whole]
    except Malformed:
        return [whole]


def _digest(content: bytes | None) -> str:
    return "(absent)" if content is None else f"SHA-256 {sha256_hex(content)}"


def _links(files: Mapping[str, bytes], tenant: str, issued: Issued) -> Iterator[Gap]:
    body, name, receipt = issued.body, issued.name, issued.receipt
    if body["schema"] != SCHEMA:
        yield Gap(DOCUMENT_FILE, "schema", f"not {SCHEMA}")
        return
    yield from missing(files, name, receipt)
    if result_of(receipt).get("evaluation") != body["evaluation"]:
        yield Gap(name, "predicate.result.evaluation", f"the document says {body['evaluation']!r}")
    if not receipt.predicate.get("tenant") == tenant == body["tenant"]["id"]:
        yield Gap(DOCUMENT_FILE, "tenant.id", "of another tenant")
