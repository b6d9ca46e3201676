"""A small tenant log and the bundles exported from it, made with the pure functions alone."""

import json
from dataclasses import dataclass, field

from trust_portal.evidence.bundle import build
from trust_portal.evidence.checkpoint import Checkpoint, ConsistencyProof, TlogProof
from trust_portal.evidence.disclosure import Disclosure, conceal
from trust_portal.evidence.dsse import Envelope, sign_envelope
from trust_portal.evidence.manifest import (
    CONSISTENCY,
    MANIFEST,
    MANIFEST_PROOF,
    MEANWHILE,
    MEANWHILE_HEAD,
    Manifest,
    TreeHead,
    disclosure_name,
    head_of,
    manifest_subjects,
    proof_name,
)
from trust_portal.evidence.merkle import CompactRange, consistency_proof, inclusion_proof, leaf_hash
from trust_portal.evidence.note import NoteKey, SignedNote
from trust_portal.evidence.policy_file import Policy
from trust_portal.evidence.signing import SigningKey
from trust_portal.evidence.statement import ReceiptKind, Subject, statement_of
from trust_portal.kernel.canonical import canonical, sha256_hex

ORIGIN = "trust.example/logs/5f0c"
TENANT = "0190c0de-0000-7000-8000-000000000010"
RECEIPT_KEY = SigningKey(bytes([1]) * 32)
LOG_KEY = SigningKey(bytes([2]) * 32)
FOREIGN_KEY = SigningKey(bytes([3]) * 32)


def policy_of(receipts: SigningKey = RECEIPT_KEY, log: SigningKey = LOG_KEY, **more: object) -> Policy:
    return Policy((NoteKey(ORIGIN, log.verify_key),), (receipts.verify_key,), **more)  # type: ignore[arg-type]


POLICY = policy_of()


@dataclass
class Log:
    """One tenant's log, in memory."""

    receipts: SigningKey = RECEIPT_KEY
    checkpoints: SigningKey = LOG_KEY
    range: CompactRange = field(default_factory=CompactRange)
    nodes: dict[tuple[int, int], bytes] = field(default_factory=dict)

    def record(
        self, kind: ReceiptKind, subject: Subject | tuple[Subject, ...], result: dict, tenant: str = TENANT
    ):
        """An envelope and its index."""
        subjects = subject if isinstance(subject, tuple) else (subject,)
        predicate = {"receipt": f"r{self.range.size}", "tenant": tenant, "at": "2026-07-01T06:00:00Z"}
        statement = statement_of(kind, subjects, predicate | {"result": result})
        envelope = sign_envelope(statement.canonical(), self.receipts)
        self.append(envelope)
        return envelope, self.range.size - 1

    def append(self, envelope: Envelope) -> tuple[bytes, int]:
        """The envelope's file and its index."""
        self.range, completed = self.range.append([leaf_hash(envelope.pae)])
        self.nodes |= completed
        return envelope.to_json(), self.range.size - 1

    def record_of(self, file: bytes) -> bytes:
        """The statement of an envelope, signed by this log's key instead."""
        return sign_envelope(Envelope.parse(file).payload, self.receipts).to_json()

    def head(self) -> SignedNote:
        return Checkpoint(ORIGIN, self.range.size, self.range.root).sign(self.checkpoints)

    def proof(self, index: int, note: SignedNote) -> TlogProof:
        size = Checkpoint.parse(note.text).size
        return TlogProof(index, inclusion_proof(index, size, self.nodes), note)

    def grow(self, count: int) -> None:
        for n in range(count):
            self.record(ReceiptKind.TENANT_CREATED, Subject("x", sha256_hex(b"%d" % n)), {"n": str(n)})


def report_files(policy: Policy) -> dict[str, bytes]:
    document = {"period": "2026-06", "slas": [{"objective": "api", "attained": {"percent": "99.912345"}}]}
    return {
        "report.json": canonical(document),
        "report.csv": b"objective,attained\napi,99.912345\n",
        "report.pdf": b"%PDF-1.7\n" + bytes(range(256)),
        "inputs/measurements.csv": b"objective,time,total,good\napi,2026-06-01T00:00:00Z,100,99\n",
        "policy.txt": policy.text.encode(),
        f"keys/{RECEIPT_KEY.key_id}.pem": RECEIPT_KEY.verify_key.pem.encode(),
        f"keys/{LOG_KEY.key_id}.pem": LOG_KEY.verify_key.pem.encode(),
        "VERIFY.md": b"# How to verify\n",
        "verify.html": b"<!doctype html>\n",
    }


@dataclass
class Export:
    files: dict[str, bytes]
    head: TreeHead
    disclosures: tuple[Disclosure, ...] = ()

    @property
    def zip(self) -> bytes:
        return build(self.files)


def export(
    log: Log,
    previous: TreeHead | None = None,
    policy: Policy = POLICY,
    result: dict | None = None,
    disclose: tuple[str, ...] = ("owner",),
    issued_for: str | None = None,
    beside: tuple[ReceiptKind, dict] = (ReceiptKind.MAINTENANCE_RECORDED, {"window": "w1"}),
    meanwhile: SignedNote | None = None,
) -> Export:
    """A bundle of one SLA report: two receipts, one with a shown and a hidden field; ``beside`` is the other.

    ``meanwhile`` is the head of what was finished while it was made.
    """
    files = report_files(policy)
    digest = issued_for or sha256_hex(files["report.json"])
    hidden, disclosures = conceal(
        {"attained": "99.912345", "owner": "Ada", "cause": "a rack"} | (result or {}),
        ("owner", "cause"),
        iter(["c2FsdC1vbmU", "c2FsdC10d28"]).__next__,
    )
    issued = log.record(ReceiptKind.SLA_REPORT_ISSUED, Subject("report.json", digest), dict(hidden))
    kind, said = beside
    window = log.record(kind, Subject("window", sha256_hex(b"w")), said)
    receipts: dict[str, tuple[Envelope, int]] = {
        "receipts/01-sla_report.issued.dsse.json": issued,
        f"receipts/02-{kind.value}.dsse.json": window,
    }
    files |= {name: envelope.to_json() for name, (envelope, _) in receipts.items()}
    shown = [each for each in disclosures if each.name in disclose]
    if shown:
        files[disclosure_name("receipts/01-sla_report.issued.dsse.json")] = canonical(
            [each.encoded for each in shown]
        )
    manifest = Manifest("letter", "Acme GmbH", "2026-06", previous)
    envelope, index = log.record(ReceiptKind.EXPORT_MANIFEST, manifest_subjects(files), manifest.result())
    note = log.head()
    files[MANIFEST] = envelope.to_json()
    files[MANIFEST_PROOF] = str(log.proof(index, note)).encode()
    for name, (_, place) in receipts.items():
        files[proof_name(name)] = str(log.proof(place, note)).encode()
    if previous is not None:
        hashes = consistency_proof(previous.size, log.range.size, log.nodes)
        files[CONSISTENCY] = str(ConsistencyProof(previous.size, hashes, note)).encode()
    if meanwhile is not None:
        old = Checkpoint.parse(meanwhile.text).size
        hashes = consistency_proof(old, log.range.size, log.nodes)
        files[MEANWHILE] = str(ConsistencyProof(old, hashes, note)).encode()
        files[MEANWHILE_HEAD] = str(meanwhile).encode()
    return Export(files, head_of(Checkpoint.parse(note.text)), disclosures)


def two_exports() -> tuple[Export, Export]:
    """An export, some days later the next one of the same tenant."""
    log = Log()
    log.grow(5)
    older = export(log)
    log.grow(9)
    return older, export(log, older.head)


def overlapping_exports() -> tuple[Export, Export]:
    """Both settled what went before when there was nothing; the first was finished while the second was made."""
    log = Log()
    log.grow(5)
    first = export(log)
    note = TlogProof.parse(first.files[MANIFEST_PROOF]).note
    log.grow(4)
    return first, export(log, meanwhile=note)


def reseal(files: dict[str, bytes], log: Log, policy: Policy) -> dict[str, bytes]:
    """What a forger with his own keys would do: sign and log everything again."""
    forged = export(log, policy=policy).files
    return forged | {"report.json": files["report.json"]}


def edited_number(data: bytes) -> bytes:
    """The attained percentage, improved."""
    document = json.loads(data)
    document["slas"][0]["attained"]["percent"] = "99.999999"
    return canonical(document)
