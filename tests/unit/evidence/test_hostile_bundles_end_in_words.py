"""Whatever stands in a bundle, verifying ends in a verdict and soon: never in a traceback, never in a wait."""

import pytest
from evidence_sample import (
    FOREIGN_KEY,
    POLICY,
    Log,
    export,
)

from trust_portal.evidence.bundle import build
from trust_portal.evidence.disclosure import Disclosure, reveal
from trust_portal.evidence.dsse import sign_envelope
from trust_portal.evidence.manifest import MANIFEST, Manifest, manifest_subjects
from trust_portal.evidence.statement import ReceiptKind, statement_of
from trust_portal.evidence.verdict import Code, Verdict
from trust_portal.evidence.verification.report import Report
from trust_portal.evidence.verify import verify
from trust_portal.kernel.canonical import canonical
from trust_portal.learning.postmortems.model import COPY_FILE, COPY_KIND
from trust_portal.learning.verification import KINDS

RECEIPT = "receipts/01-sla_report.issued.dsse.json"
SAMPLE = export(Log()).files


def of_kind(kind: str, files: dict[str, bytes]) -> Verdict:
    """The verdict on what anybody can put into a zip: ``files`` under a manifest that nobody trusted signed."""
    manifest = statement_of(
        ReceiptKind.EXPORT_MANIFEST,
        manifest_subjects(files),
        {"tenant": "x", "result": Manifest(kind, "acme", "2026-06", None).result()},
    )
    signed = sign_envelope(manifest.canonical(), FOREIGN_KEY).to_json()
    return verify(build({**files, MANIFEST: signed}), policy=POLICY, kinds=KINDS)


@pytest.mark.parametrize(
    "document", [b"{}", b"[]", b'"x"', b'{"original":1}', b'{"original":{"sha256":"x"}}', b'{"_sd":1}']
)
def test_a_copy_that_is_none_is_refused_in_words(document: bytes) -> None:
    assert Code.NOT_ATTESTED in of_kind(COPY_KIND, {"policy.txt": b"", COPY_FILE: document}).codes


def test_disclosures_within_disclosures_are_followed_no_deeper_than_a_document_goes() -> None:
    disclosed, inner = [], "the innermost"
    for number in range(5000):
        each = Disclosure.make("a", inner, f"salt{number}")  # type: ignore[arg-type]
        disclosed.append(each.encoded)
        inner = {"_sd": [each.digest]}  # type: ignore[assignment]
    found = reveal(inner, disclosed)  # type: ignore[arg-type]
    assert "what is disclosed is nested deeper than 64 levels" in found.false
    assert len(found.unreferenced) > 4900


def test_more_disclosures_than_any_document_has_are_refused_unread() -> None:
    name = "disclosures/01-sla_report.issued.json"
    files = {**SAMPLE, name: canonical([str(number) for number in range(10_001)])}
    found = [each for each in verify(build(files), policy=POLICY).findings if each.file == name]
    assert [(each.code, each.message) for each in found][-1] == (
        Code.FALSE_DISCLOSURE,
        "more than 10000 disclosures",
    )


def test_a_hundred_thousand_findings_are_as_quick_as_they_are_many() -> None:
    report = Report()
    for _ in range(2):
        for number in range(100_000):
            report.find(Code.FILE_EXTRA, "in the bundle", file=str(number))
    assert len(report.findings) == 100_000
