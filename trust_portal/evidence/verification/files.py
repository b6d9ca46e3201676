"""Every file is the one the manifest names, and there are no others."""

from __future__ import annotations

from collections.abc import Mapping

from trust_portal.evidence.manifest import (
    CONSISTENCY,
    ENVELOPE_SUFFIX,
    MANIFEST,
    MANIFEST_PROOF,
    MEANWHILE,
    MEANWHILE_HEAD,
    RECEIPTS,
    Manifest,
    is_proof,
    proof_name,
)
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verification.report import Report
from trust_portal.kernel.canonical import sha256_hex


def check_files(files: Mapping[str, bytes], statement: Statement, manifest: Manifest, report: Report) -> None:
    """FILE_MISSING, FILE_EXTRA and DIGEST_MISMATCH, by name."""
    before = len(report.findings)
    named = {subject.name: subject.sha256 for subject in statement.subjects}
    for name, sha256 in named.items():
        if is_proof(name):
            report.find(Code.FILE_EXTRA, "the manifest speaks for a file it cannot know", file=name)
        elif name not in files:
            report.find(Code.FILE_MISSING, "named by the manifest, but not in the bundle", file=name)
        elif sha256_hex(files[name]) != sha256:
            report.find(
                Code.DIGEST_MISMATCH,
                f"its SHA-256 is {sha256_hex(files[name])}, the manifest says {sha256}",
                file=name,
            )
    proofs = _proofs_of(named, manifest)
    if not files.keys().isdisjoint(meanwhile := {MEANWHILE, MEANWHILE_HEAD}):
        proofs |= meanwhile  # nobody announced them: each proves itself or fails
    for name in sorted(proofs - files.keys()):
        report.find(Code.FILE_MISSING, "the proof that belongs here is not in the bundle", file=name)
    for name in sorted(files.keys() - named.keys() - proofs):
        report.find(Code.FILE_EXTRA, "in the bundle, but not named by the manifest", file=name)
    if len(report.findings) == before:
        report.proved.append(
            f"{len(named)} files are byte for byte those the manifest names; no file is extra"
        )


def _proofs_of(named: Mapping[str, str], manifest: Manifest) -> set[str]:
    """Exactly the files that may stand beside those the manifest names."""
    receipts = {n for n in named if n.startswith(RECEIPTS) and n.endswith(ENVELOPE_SUFFIX)}
    proofs = {MANIFEST, MANIFEST_PROOF} | {proof_name(name) for name in receipts}
    return proofs | ({CONSISTENCY} if manifest.previous is not None else set())
