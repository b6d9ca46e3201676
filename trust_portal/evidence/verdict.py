"""What a verification says: findings with fixed codes, what was proved, and what was not.

============================  =======================================================================
code                          means
============================  =======================================================================
NOT_A_BUNDLE                  not a zip, a hostile zip, or without a readable manifest
NOT_CANONICAL                 the archive is not the one zip of its files: bytes were changed or it was
                              packed again
FILE_MISSING                  the manifest (or a receipt) names a file that is not there
FILE_EXTRA                    a file that the manifest does not name
DIGEST_MISMATCH               a file's SHA-256 is not the one in the manifest
BAD_SIGNATURE                 a signature does not hold, or what it should be on cannot be read
UNKNOWN_KEY                   signed by a key that the policy (or the pinned key) does not name
UNPINNED                      nothing outside the bundle says whom to believe; compare the fingerprint
KEY_RETIRED_AT_INDEX          the key was not valid at this place of the log
NO_QUORUM                     too few of the policy's witnesses have cosigned the checkpoint
NOT_INCLUDED                  a receipt is not proved to stand in the log under the checkpoint
FORKED                        the log does not extend what was published before: history was rewritten
STALE                         older than the bundle it should follow
NO_CONSISTENCY_PROOF          the bundle continues from another export than the one given
UNREFERENCED_DISCLOSURE       a disclosure that no signed digest stands for
FALSE_DISCLOSURE              a disclosure that is malformed, doubled, or contradicts an open value
ASSERTION_MISSING             an approval, or a postmortem, that no passkey signed
ASSERTION_NOT_THIS_STATEMENT  what an approver signed is another statement than the receipt's
BAD_ASSERTION                 an approver's signature with a passkey does not hold
APPROVER_KEY_UNKNOWN          no receipt of the log knows the passkey as the approver's
SAME_APPROVER                 one person fills two places of a dual-control decision
NOT_ATTESTED                  a document or an input that no receipt in the bundle was issued for
RECOMPUTE_MISMATCH            a reported figure is not the one its own inputs give
NOT_RECOMPUTABLE              recomputing was asked for, and there is no way to do it
DECK_ALTERED                  edited slides state other data than those in the bundle
NOT_A_DECK                    what was given as edited slides is none, or the bundle has none beside it
============================  =======================================================================
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from trust_portal.evidence.checkpoint import Checkpoint
from trust_portal.evidence.strict import encode_base64


class Code(StrEnum):
    """The closed list of verdict codes; the table above says what each means."""

    NOT_A_BUNDLE = "NOT_A_BUNDLE"
    NOT_CANONICAL = "NOT_CANONICAL"
    FILE_MISSING = "FILE_MISSING"
    FILE_EXTRA = "FILE_EXTRA"
    DIGEST_MISMATCH = "DIGEST_MISMATCH"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    UNPINNED = "UNPINNED"
    KEY_RETIRED_AT_INDEX = "KEY_RETIRED_AT_INDEX"
    NO_QUORUM = "NO_QUORUM"
    NOT_INCLUDED = "NOT_INCLUDED"
    FORKED = "FORKED"
    STALE = "STALE"
    NO_CONSISTENCY_PROOF = "NO_CONSISTENCY_PROOF"
    UNREFERENCED_DISCLOSURE = "UNREFERENCED_DISCLOSURE"
    FALSE_DISCLOSURE = "FALSE_DISCLOSURE"
    ASSERTION_MISSING = "ASSERTION_MISSING"
    ASSERTION_NOT_THIS_STATEMENT = "ASSERTION_NOT_THIS_STATEMENT"
    BAD_ASSERTION = "BAD_ASSERTION"
    APPROVER_KEY_UNKNOWN = "APPROVER_KEY_UNKNOWN"
    SAME_APPROVER = "SAME_APPROVER"
    NOT_ATTESTED = "NOT_ATTESTED"
    RECOMPUTE_MISMATCH = "RECOMPUTE_MISMATCH"
    NOT_RECOMPUTABLE = "NOT_RECOMPUTABLE"
    DECK_ALTERED = "DECK_ALTERED"
    NOT_A_DECK = "NOT_A_DECK"


#: What to do next when a finding does not know better.
NEXT: Mapping[Code, str] = {
    Code.NOT_A_BUNDLE: "Download the bundle again from the portal.",
    Code.NOT_CANONICAL: "Use the file as it was downloaded; do not unpack and pack it again.",
    Code.FILE_MISSING: "Download the bundle again; if the file is still missing, tell the vendor.",
    Code.FILE_EXTRA: "Do not rely on this file; download the bundle again.",
    Code.DIGEST_MISMATCH: "Do not rely on this file; download the bundle again.",
    Code.BAD_SIGNATURE: "Do not rely on this bundle; download it again and compare.",
    Code.UNKNOWN_KEY: "Ask the vendor, by another way than this bundle, whether the key is theirs.",
    Code.UNPINNED: "Compare the fingerprint with one you got another way, then pass --policy or --key.",
    Code.KEY_RETIRED_AT_INDEX: "Ask the vendor for a bundle signed by a key that is still valid.",
    Code.NO_QUORUM: "Wait until the witnesses have cosigned and export again.",
    Code.NOT_INCLUDED: "Do not rely on this receipt; ask the vendor for its inclusion proof.",
    Code.FORKED: "Keep both bundles: together they are evidence. Ask the vendor to explain.",
    Code.STALE: "Ask for a current export; swap the two files if you mixed them up.",
    Code.NO_CONSISTENCY_PROOF: "Pass the export that came directly before this one.",
    Code.UNREFERENCED_DISCLOSURE: "Do not rely on the disclosed text: nothing signed stands for it.",
    Code.FALSE_DISCLOSURE: "Do not rely on the disclosed text: it cannot be what was signed.",
    Code.ASSERTION_MISSING: "Treat the decision as not approved and ask the vendor.",
    Code.ASSERTION_NOT_THIS_STATEMENT: "Treat the decision as not approved: its approver signed something else.",
    Code.BAD_ASSERTION: "Treat the decision as not approved and ask the vendor.",
    Code.APPROVER_KEY_UNKNOWN: "Treat the decision as not approved; ask the vendor whose key this is.",
    Code.SAME_APPROVER: "Treat the decision as not approved and ask the vendor.",
    Code.NOT_ATTESTED: "Do not rely on this document: its vendor signed a bundle, but no receipt for what is in it.",
    Code.RECOMPUTE_MISMATCH: "Ask the vendor for a restatement; keep this bundle as evidence.",
    Code.NOT_RECOMPUTABLE: "Verify without --recompute, or use a version that knows this document.",
    Code.DECK_ALTERED: "Do not rely on these slides; take those in the bundle, and write into their slots alone.",
    Code.NOT_A_DECK: "Give a PPTX that was made from the slides of this very bundle.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold; ``file`` and ``field`` are empty where none is meant."""

    code: Code
    file: str
    field: str
    message: str
    next: str


@dataclass(frozen=True, slots=True)
class Gap:
    """A link missing between a document and the receipts it rests on; ``field`` may be empty."""

    file: str
    field: str
    message: str

    def __str__(self) -> str:
        return f"{' '.join(part for part in (self.file, self.field) if part)}: {self.message}"


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A figure that recomputing gives differently; strings as they are printed."""

    file: str
    field: str
    reported: str
    recomputed: str


class NotRecomputable(Exception):
    """A file of the bundle cannot be used for recomputing: which, and where in it."""

    def __init__(self, message: str, *, file: str, field: str = "") -> None:
        super().__init__(f"{file}: {message}")
        self.message = message
        self.file = file
        self.field = field


@dataclass(frozen=True, slots=True)
class Subject:
    """What was verified, in the bundle's own words: believe them only if the verdict is ok."""

    kind: str = ""
    tenant: str = ""
    period: str = ""
    checkpoint: Checkpoint | None = None
    key_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    findings: tuple[Finding, ...]
    proved: tuple[str, ...]
    not_proved: tuple[str, ...]
    subject: Subject

    @property
    def ok(self) -> bool:
        """Whether everything that was asked for holds."""
        return not self.findings

    @property
    def codes(self) -> frozenset[Code]:
        return frozenset(finding.code for finding in self.findings)

    def to_json(self) -> dict[str, Any]:
        """The shape of FORMATS section 4, with the signers' key ids added to the subject."""
        head = self.subject.checkpoint
        return {
            "ok": self.ok,
            "findings": [asdict(finding) | {"code": finding.code.value} for finding in self.findings],
            "proved": list(self.proved),
            "not_proved": list(self.not_proved),
            "subject": {
                "kind": self.subject.kind,
                "tenant": self.subject.tenant,
                "period": self.subject.period,
                "checkpoint": head
                and {"origin": head.origin, "size": str(head.size), "root": encode_base64(head.root)},
                "keys": list(self.subject.key_ids),
            },
        }
