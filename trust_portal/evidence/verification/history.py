"""That the log only grew: since the tenant's previous export, and since the bundle one already holds."""

from __future__ import annotations

from collections.abc import Mapping

from trust_portal.evidence.checkpoint import Checkpoint, ConsistencyProof, TlogProof
from trust_portal.evidence.manifest import CONSISTENCY, MANIFEST, MANIFEST_PROOF, Manifest, TreeHead
from trust_portal.evidence.strict import Malformed
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verification.report import Report


def check_growth(files: Mapping[str, bytes], manifest: Manifest, head: TlogProof, report: Report) -> bool:
    """That the checkpoint extends the tree head the manifest states as ``previous``."""
    if manifest.previous is None or CONSISTENCY not in files:
        return False
    try:
        proof = ConsistencyProof.parse(files[CONSISTENCY])
    except Malformed as error:
        report.find(
            Code.FORKED,
            f"not a readable consistency proof: {error.message}",
            file=CONSISTENCY,
            field=error.field or "",
        )
        return False
    if proof.note != head.note or proof.old != manifest.previous.size:
        report.find(Code.FORKED, "the proof is for other tree heads than the manifest's", file=CONSISTENCY)
        return False
    if not proof.verifies(manifest.previous.root):
        report.find(Code.FORKED, f"the log does not extend its first {proof.old} entries", file=CONSISTENCY)
        return False
    report.proved.append(f"the log kept its first {proof.old} entries since this tenant's previous export")
    return True


def check_since(
    older: Checkpoint, newer: Checkpoint, previous: TreeHead | None, grown: bool, report: Report
) -> None:
    """That ``newer`` extends the checkpoint of a bundle one already holds."""
    if older.origin != newer.origin:
        report.find(
            Code.FORKED,
            f"another log: {older.origin} before, {newer.origin} now",
            file=MANIFEST_PROOF,
            field="checkpoint.origin",
        )
    elif older.size > newer.size:
        report.find(
            Code.STALE,
            f"the older bundle shows {older.size} entries, this one {newer.size}",
            file=MANIFEST_PROOF,
            field="checkpoint.size",
        )
    elif older.size == newer.size:
        _check_same(older.root == newer.root, older.size, report)
    elif previous is None or previous.size != older.size:
        start = "from nothing" if previous is None else f"from {previous.size} entries"
        report.find(
            Code.NO_CONSISTENCY_PROOF,
            f"this bundle proves growth {start}, the older bundle shows {older.size}",
            file=MANIFEST,
            field="predicate.result.previous",
        )
    else:
        _check_same(grown and previous.root == older.root, older.size, report)


def _check_same(same: bool, size: int, report: Report) -> None:
    if same:
        report.proved.append(f"the log extends the older bundle's {size} entries unchanged")
    else:
        report.find(
            Code.FORKED,
            f"the first {size} entries are not those of the older bundle",
            file=MANIFEST_PROOF,
            field="checkpoint.root",
        )
