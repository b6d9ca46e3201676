"""The manifest of a bundle: one signed, logged statement whose subjects are the other files.

Proof files are the exception. They are made *after* the manifest, because every proof in a bundle
leads to the one checkpoint that includes the manifest itself; each proves itself or fails.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from trust_portal.evidence.checkpoint import Checkpoint
from trust_portal.evidence.merkle import HASH_BYTES
from trust_portal.evidence.statement import ReceiptKind, Statement, Subject
from trust_portal.evidence.strict import Malformed, decimal, decode_base64, encode_base64
from trust_portal.kernel.canonical import Json, sha256_hex

MANIFEST = "manifest.dsse.json"
MANIFEST_PROOF = "manifest.tlog-proof"
POLICY = "policy.txt"
CONSISTENCY = "consistency/previous.proof"
#: From the export that was finished last while this one was made, with what that one showed. The manifest, signed
#: before, cannot know it.
MEANWHILE, MEANWHILE_HEAD = "consistency/meanwhile.proof", "consistency/meanwhile.checkpoint"
RECEIPTS, DISCLOSURES, KEYS, INPUTS = "receipts/", "disclosures/", "keys/", "inputs/"
ENVELOPE_SUFFIX, PROOF_SUFFIX = ".dsse.json", ".tlog-proof"
_RESULT = "result"


@dataclass(frozen=True, slots=True)
class TreeHead:
    """Size and root of the log as the tenant's previous export proved it."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the bundle says it is: ``kind`` of document, the tenant's name, the period's label.

    ``period`` is empty for documents that have none.
    """

    kind: str
    tenant: str
    period: str
    previous: TreeHead | None

    def result(self) -> dict[str, Json]:
        """The kind's own part of the manifest's predicate (``result`` in the frame of every receipt)."""
        previous: Json = None
        if self.previous is not None:
            previous = {"size": str(self.previous.size), "root": encode_base64(self.previous.root)}
        return {"kind": self.kind, "tenant": self.tenant, "period": self.period, "previous": previous}

    @classmethod
    def of(cls, statement: Statement) -> Manifest:
        """``Malformed`` unless ``statement`` is a bundle's manifest."""
        if statement.kind is not ReceiptKind.EXPORT_MANIFEST:
            raise Malformed("this statement is not a bundle's manifest", field="predicateType")
        section = statement.predicate.get(_RESULT)
        if not isinstance(section, Mapping):
            raise Malformed("the manifest does not say what the bundle is", field=f"predicate.{_RESULT}")
        texts = {name: section.get(name) for name in ("kind", "tenant", "period")}
        for name, text in texts.items():
            if not isinstance(text, str):
                raise Malformed("not a text", field=f"predicate.{_RESULT}.{name}")
        previous = _tree_head(section.get("previous"))
        return cls(str(texts["kind"]), str(texts["tenant"]), str(texts["period"]), previous)


def _tree_head(value: Json) -> TreeHead | None:
    if value is None:
        return None
    where = f"predicate.{_RESULT}.previous"
    size, root = (value.get("size"), value.get("root")) if isinstance(value, Mapping) else (None, None)
    if not isinstance(size, str) or not isinstance(root, str):
        raise Malformed("not a tree head", field=where)
    head = TreeHead(decimal(size, field=where), decode_base64(root, field=where))
    if len(head.root) != HASH_BYTES:
        raise Malformed("not a tree head", field=where)
    return head


def head_of(checkpoint: Checkpoint) -> TreeHead:
    """What the next export's manifest will state as ``previous``."""
    return TreeHead(checkpoint.size, checkpoint.root)


def is_proof(name: str) -> bool:
    """Whether ``name`` is a file that the manifest cannot digest, because it comes later."""
    return name in {MANIFEST, MANIFEST_PROOF, CONSISTENCY, MEANWHILE, MEANWHILE_HEAD} or (
        name.startswith(RECEIPTS) and name.endswith(PROOF_SUFFIX)
    )


def manifest_subjects(files: Mapping[str, bytes]) -> tuple[Subject, ...]:
    """A subject for every file the manifest speaks for, by name."""
    return tuple(Subject(name, sha256_hex(files[name])) for name in sorted(files) if not is_proof(name))


def proof_name(envelope: str) -> str:
    """``receipts/x.dsse.json`` → ``receipts/x.tlog-proof``."""
    return envelope.removesuffix(ENVELOPE_SUFFIX) + PROOF_SUFFIX


def disclosure_name(envelope: str) -> str:
    """``receipts/x.dsse.json`` → ``disclosures/x.json``."""
    return DISCLOSURES + envelope.removesuffix(ENVELOPE_SUFFIX).removeprefix(RECEIPTS) + ".json"
