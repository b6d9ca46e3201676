"""That the log only grew: since the tenant's previous export, and since the bundle one already holds."""

from __future__ import annotations

from collections.abc import Mapping

from trust_portal.evidence.checkpoint import Checkpoint, ConsistencyProof, TlogProof
from trust_portal.evidence.manifest import (
    CONSISTENCY,
    MANIFEST,
    MANIFEST_PROOF,
    MEANWHILE,
    MEANWHILE_HEAD,
    Manifest,
    TreeHead,
    head_of,
)
from trust_portal.evidence.note import SignedNote
from trust_portal.evidence.strict import Malformed
from trust_portal.evidence.verdict import Code
from trust_portal.evidence.verification.report import Report
from trust_portal.evidence.verification.trust import Trust, check_note


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


def check_meanwhile(
    files: Mapping[str, bytes], head: TlogProof, trust: Trust, report: Report
) -> TreeHead | None:
    """The signed head of an export that was finished while this one was made, if the checkpoint extends it."""
    if MEANWHILE not in files or MEANWHILE_HEAD not in files:
        return None
    try:
        proof = ConsistencyProof.parse(files[MEANWHILE])
        note = SignedNote.parse(files[MEANWHILE_HEAD].decode())
        stated = Checkpoint.parse(note.text)
    except (Malformed, UnicodeDecodeError) as error:
        report.find(Code.FORKED, f"not a readable proof of growth: {error}", file=MEANWHILE)
        return None
    if check_note(note, MEANWHILE_HEAD, trust, report) is None:
        return None
    same_log = stated.origin == head.checkpoint.origin and proof.note == head.note
    if not same_log or proof.old != stated.size or not proof.verifies(stated.root):
        report.find(Code.FORKED, f"the log does not extend its first {stated.size} entries", file=MEANWHILE)
        return None
    report.proved.append(f"the log kept its first {stated.size} entries since an export made meanwhile")
    return head_of(stated)


def check_since(
    older: Checkpoint,
    newer: Checkpoint,
    previous: TreeHead | None,
    grown: bool,
    report: Report,
    *,
    meanwhile: TreeHead | None = None,
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
    elif meanwhile is not None and meanwhile.size == older.size:
        _check_same(meanwhile.root == older.root, older.size, report)
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
