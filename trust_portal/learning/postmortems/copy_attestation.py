"""Whether a customer's copy is the one that was issued: from its bytes to the receipt in the customer's log."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from trust_portal.documents.csv import write_csv
from trust_portal.evidence.attestation import UNREADABLE, is_for, read_document, unreadable
from trust_portal.evidence.links import file_of, missing, rests_on, result_of, statements
from trust_portal.evidence.manifest import Manifest
from trust_portal.evidence.statement import ReceiptKind, Statement
from trust_portal.evidence.strict import parse_json
from trust_portal.evidence.verdict import Gap, Mismatch
from trust_portal.kernel.canonical import canonical, sha256_hex
from trust_portal.learning.postmortems.model import COPY_FILE, EVIDENCE_FILE, FORMAT, PROFILE_FILE
from trust_portal.learning.postmortems.rows import evidence_rows
from trust_portal.reliability.comparison import file_in, reading, table_differs


def attest_copy(files: Mapping[str, bytes], tenant: str) -> Sequence[Gap]:
    """``files`` as a bundle names them; ``tenant`` is the id of whose they are said to be."""
    try:
        return list(_gaps(files, tenant))
    except UNREADABLE as error:
        return [unreadable(COPY_FILE, error)]


def attest_bundle(files: Mapping[str, bytes], manifest: Statement) -> Sequence[Gap]:
    """What ``attest_copy`` finds, and that the manifest speaks of the same customer."""
    if gaps := attest_copy(files, str(manifest.predicate.get("tenant"))):
        return gaps
    said, meant = Manifest.of(manifest).tenant, parse_json(files[COPY_FILE])["customer"]["key"]
    if said == meant:
        return []
    return [
        Gap(
            "manifest.dsse.json",
            "predicate.result.tenant",
            f"the manifest says {said!r}, the copy {meant!r}",
        )
    ]


def whole_again(value: Any) -> Sequence[str]:
    """What is proved once everything withheld is disclosed: ``value`` is the copy with it put back."""
    original = value["original"]["sha256"]
    if sha256_hex(canonical(value["document"])) != original:
        return ()
    return (f"with everything disclosed the copy is the signed document, byte for byte: SHA-256 {original}",)


def superseded_by(files: Mapping[str, bytes]) -> str | None:
    """The version that the bundle says superseded the copy in it; ``None`` where it says nothing of that."""
    return next((str(_later(each)["version"]) for _, each in _superseding(files)), None)


def supersession_told(files: Mapping[str, bytes], _: Statement) -> Sequence[str]:
    """What the bundle knows of a later version of the document that it is a copy of."""
    own = parse_json(files[COPY_FILE])["original"]["version"]
    return [
        f"version {own}, of which this is a copy, is superseded by version {later['version']}, SHA-256 "
        f"{later['sha256']}, signed {later['signed_at']}: the copy was issued, and is no longer what counts"
        for _, each in _superseding(files)
        for later in [_later(each)]
    ]


def recompute_copy(files: Mapping[str, bytes]) -> list[Mismatch]:
    """The evidence table of what the copy shows openly."""
    with reading(COPY_FILE):
        rows = evidence_rows(parse_json(file_in(files, COPY_FILE))["document"])
        table = write_csv(next(rows), rows)
    return table_differs(EVIDENCE_FILE, files.get(EVIDENCE_FILE), table)


def _gaps(files: Mapping[str, bytes], tenant: str) -> Iterator[Gap]:
    body, sha256 = read_document(files, COPY_FILE)
    if body["format"] != FORMAT:
        yield Gap(COPY_FILE, "format", f"not {FORMAT}")
        return
    issued = [
        (name, each)
        for name, each in statements(files)
        if each.kind is ReceiptKind.POSTMORTEM_COPY_ISSUED and is_for(each, COPY_FILE, sha256)
    ]
    if not issued:
        yield Gap(COPY_FILE, "", "no postmortem.copy_issued receipt was issued for it")
        return
    for name, receipt in issued:
        yield from missing(files, name, receipt)
        yield from _said(body, name, receipt, tenant)
    for name, receipt in _superseding(files):
        yield from missing(files, name, receipt)
        yield from _superseded(body, sha256, name, receipt, {file for file, _ in issued}, tenant)
    if sha256_hex(files.get(PROFILE_FILE, b"")) != body["profile"]["sha256"]:
        yield Gap(PROFILE_FILE, "", "not the profile by which the copy withholds")


def _said(body: Mapping[str, Any], name: str, receipt: Statement, tenant: str) -> Iterator[Gap]:
    result, own = result_of(receipt), body["document"]["postmortem"]
    said = {
        "original": body["original"]["sha256"],
        "postmortem": body["original"]["postmortem"],
        "version": body["original"]["version"],
        "profile": body["profile"],
    }
    for field, value in said.items():
        if result.get(field) != value:
            yield Gap(name, f"predicate.result.{field}", f"the copy says {value!r}")
    if (own["id"], own["version"]) != (said["postmortem"], said["version"]):
        yield Gap(COPY_FILE, "document.postmortem", "not of the version it says to be a copy of")
    if not receipt.predicate.get("tenant") == tenant == body["customer"]["id"]:
        yield Gap(COPY_FILE, "customer.id", "issued to another customer")


def _superseding(files: Mapping[str, bytes]) -> list[tuple[str, Statement]]:
    found = statements(files)
    return [(name, each) for name, each in found if each.kind is ReceiptKind.POSTMORTEM_COPY_SUPERSEDED]


def _later(receipt: Statement) -> Mapping[str, Any]:
    said: Mapping[str, Any] = result_of(receipt)["superseded_by"]
    return said


def _superseded(
    body: Mapping[str, Any],
    sha256: str,
    name: str,
    receipt: Statement,
    issued: set[str],
    tenant: str,
) -> Iterator[Gap]:
    """It is of this very copy, rests on its issue, and names a later version."""
    result = result_of(receipt)
    if not is_for(receipt, COPY_FILE, sha256) or not issued & {file_of(each) for each in rests_on(receipt)}:
        yield Gap(name, "subject", "it is of another copy")
    for field in ("postmortem", "version"):
        if result.get(field) != body["original"][field]:
            yield Gap(name, f"predicate.result.{field}", f"the copy says {body['original'][field]!r}")
    if int(_later(receipt)["version"]) <= int(body["original"]["version"]):
        yield Gap(name, "predicate.result.superseded_by", "not a later version")
    if receipt.predicate.get("tenant") != tenant:
        yield Gap(name, "predicate.tenant", "recorded for another customer")
