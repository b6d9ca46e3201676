"""The audit: nothing stored is believed, everything is computed again.

For each tenant: every envelope's body is hashed and its signature verified, the tree is rebuilt
leaf by leaf and compared with every node and every checkpoint on the way, and every bundle's
digest is taken again. Rows are streamed, so memory does not grow with the log.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias
from uuid import UUID

import asyncpg

from trust_portal.errors import Broken, Refused
from trust_portal.evidence.checkpoint import Checkpoint
from trust_portal.evidence.dsse import Envelope
from trust_portal.evidence.export_rows import find_artefact
from trust_portal.evidence.keyring import KeyPurpose
from trust_portal.evidence.merkle import CompactRange, leaf_hash
from trust_portal.evidence.note import NoteKey, SignedNote
from trust_portal.evidence.sealing.vault import KEY_WITHDRAWN, Vault
from trust_portal.evidence.signing import VerifyKey
from trust_portal.evidence.statement import Statement
from trust_portal.evidence.strict import Malformed
from trust_portal.storage.tenancy import StaffScope, TenantScope
from trust_portal.storage.unit_of_work import Storage

Driver: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class AuditCode(StrEnum):
    """What an audit can find. The values are stable."""

    ARTEFACT_CHANGED = "ARTEFACT_CHANGED"
    ARTEFACT_NOT_OPENED = "ARTEFACT_NOT_OPENED"
    ARTEFACT_WITHHELD = "ARTEFACT_WITHHELD"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    BODY_CHANGED = "BODY_CHANGED"
    CHECKPOINT_FORKED = "CHECKPOINT_FORKED"
    ENTRY_MISSING = "ENTRY_MISSING"
    ENTRY_WITHOUT_RECEIPT = "ENTRY_WITHOUT_RECEIPT"
    NODE_CHANGED = "NODE_CHANGED"
    NOT_ATTESTED = "NOT_ATTESTED"
    NOT_REPRODUCIBLE = "NOT_REPRODUCIBLE"
    NO_CHECKPOINT = "NO_CHECKPOINT"
    RECEIPT_NOT_LOGGED = "RECEIPT_NOT_LOGGED"
    UNKNOWN_KEY = "UNKNOWN_KEY"
    UNREADABLE = "UNREADABLE"


_RESTORE = "keep this database as it is; compare this row with your last backup"
_NEXT: dict[AuditCode, str] = {
    AuditCode.UNKNOWN_KEY: "find out who holds this key; restore signing_keys from a backup",
    AuditCode.RECEIPT_NOT_LOGGED: "start a worker and audit again; if it stays, " + _RESTORE,
    AuditCode.NO_CHECKPOINT: "start a worker and audit again; if it stays, " + _RESTORE,
    AuditCode.NOT_REPRODUCIBLE: (
        "if neither version nor keys changed since it was made, "
        "compare the files of both bundles with `trust-portal verify`; the stored one stays valid"
    ),
    AuditCode.ARTEFACT_NOT_OPENED: "look after the key service; audit again (docs/posture.md)",
    AuditCode.ARTEFACT_WITHHELD: "nothing is broken; audit again once the customer enables its key (docs/posture.md)",
    AuditCode.ARTEFACT_CHANGED: "ask for the export again and compare; " + _RESTORE,
}


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """``where`` names tenant and row, ``next`` what to do about it."""

    code: AuditCode
    tenant_id: UUID
    where: str
    message: str

    @property
    def next(self) -> str:
        return _NEXT.get(self.code, _RESTORE)


class Auditor(Protocol):
    """Compares a tenant's documents with the receipts they were issued by, or what people decided with what
    they signed; yields place and difference.

    In the tenant's own scope: staff do not read what a document was computed from.
    """

    def audit(self, storage: Storage, tenant_id: UUID) -> AsyncIterator[tuple[str, str]]: ...


@dataclass(slots=True)
class AuditTotals:
    """How much was looked at."""

    tenants: int = 0
    receipts: int = 0
    checkpoints: int = 0
    artefacts: int = 0
    reproduced: int = 0


_TENANTS = """
SELECT tenant_id FROM receipts UNION SELECT tenant_id FROM logs
UNION SELECT tenant_id FROM artefacts ORDER BY tenant_id
"""
_KEYS = "SELECT purpose, public_key FROM signing_keys"
_ORIGIN = "SELECT origin FROM logs WHERE tenant_id = $1"
_ENTRIES = """
SELECT e.index, e.receipt_id, e.leaf_hash, r.envelope, r.leaf_hash AS of_receipt, r.predicate_type
FROM log_entries e
LEFT JOIN receipts r ON r.tenant_id = e.tenant_id AND r.id = e.receipt_id AND r.tenant_id = $1
WHERE e.tenant_id = $1 ORDER BY e.index
"""
_UNLOGGED = """
SELECT r.id FROM receipts r
WHERE r.tenant_id = $1 AND NOT EXISTS
    (SELECT 1 FROM log_entries e WHERE e.tenant_id = $1 AND e.receipt_id = r.id)
  AND NOT EXISTS (SELECT 1 FROM pending_receipts p WHERE p.receipt_id = r.id)
"""
_CHECKPOINTS = "SELECT tree_size, root, note FROM checkpoints WHERE tenant_id = $1 ORDER BY tree_size"
_NODES = """
SELECT level, index, hash FROM log_nodes
WHERE tenant_id = $1 ORDER BY ((index + 1) << level), level
"""
_ARTEFACTS = """
SELECT a.export_id, a.content, a.sealed, e.digest FROM artefacts a
JOIN exports e ON e.tenant_id = a.tenant_id AND e.id = a.export_id
WHERE a.tenant_id = $1 AND e.tenant_id = $1
"""


async def audited_tenants(storage: Storage) -> tuple[UUID, ...]:
    """Everybody of whom evidence is stored, the vendor too."""
    async with storage.read(StaffScope()) as session:
        return await _everybody(await session.driver())


async def audit(
    storage: Storage,
    totals: AuditTotals,
    tenant_id: UUID | None = None,
    auditors: Sequence[Auditor] = (),
    vault: Vault | None = None,
) -> AsyncIterator[AuditFinding]:
    """Findings as they come up, over one tenant or all; ``totals`` counts along.

    ``auditors`` are of the rooms above, one for each kind of document that rows hold.
    One snapshot, so a running installation can be audited; sealed bundles are opened when it is over.
    """
    async with storage.read(StaffScope(), snapshot=True) as session:
        driver = await session.driver()
        keys = _Keys(await driver.fetch(_KEYS))
        tenants = (tenant_id,) if tenant_id else await _everybody(driver)
        audits = []
        for each in tenants:
            totals.tenants += 1
            tenant = _TenantAudit(driver, keys, totals, each, vault or Vault())
            audits.append(tenant)
            async for finding in tenant.run():
                yield finding
            for auditor in auditors:
                async for where, message in auditor.audit(storage, each):
                    yield AuditFinding(AuditCode.NOT_ATTESTED, each, where, message)
    for tenant in audits:
        async for finding in tenant.sealed(storage):
            yield finding


async def _everybody(driver: Driver) -> tuple[UUID, ...]:
    return tuple(row[0] for row in await driver.fetch(_TENANTS))


class _Keys:
    """The public keys the installation ever signed with, by purpose."""

    def __init__(self, rows: Iterable[asyncpg.Record]) -> None:
        found = [(row["purpose"], VerifyKey(row["public_key"])) for row in rows]
        self.receipts = {key.key_id: key for purpose, key in found if purpose == KeyPurpose.RECEIPTS}
        self.checkpoints = [key for purpose, key in found if purpose == KeyPurpose.CHECKPOINTS]


class _TenantAudit:
    """One tenant's receipts, log and bundles."""

    def __init__(
        self,
        driver: Driver,
        keys: _Keys,
        totals: AuditTotals,
        tenant_id: UUID,
        vault: Vault,
    ) -> None:
        self._driver = driver
        self._vault = vault
        self._keys = keys
        self._totals = totals
        self._tenant_id = tenant_id
        self._sealed: list[tuple[UUID, bytes]] = []

    async def run(self) -> AsyncIterator[AuditFinding]:
        for part in (self._log(), self._unlogged(), self._artefacts()):
            async for finding in part:
                yield finding

    async def _log(self) -> AsyncIterator[AuditFinding]:
        """Walk entries, nodes and checkpoints side by side, each in the order the tree grew."""
        tree = CompactRange()
        nodes = await _Stream.open(self._driver, _NODES, self._tenant_id)
        heads = await _Stream.open(self._driver, _CHECKPOINTS, self._tenant_id)
        entries = await _Stream.open(self._driver, _ENTRIES, self._tenant_id)
        origin = await self._driver.fetchval(_ORIGIN, self._tenant_id) or ""
        signed = 0
        while (entry := await entries.next()) is not None:
            if entry["index"] != tree.size:
                yield self._find(AuditCode.ENTRY_MISSING, f"log entry {tree.size}", "there is no such entry")
                return
            for finding in self._check_entry(entry):
                yield finding
            tree, completed = tree.append([entry["leaf_hash"]])
            for node in sorted(completed):
                if node[0] == 0:
                    continue
                row = await nodes.next()
                if row is None or (row["level"], row["index"], row["hash"]) != (*node, completed[node]):
                    yield self._find(
                        AuditCode.NODE_CHANGED, f"log node {node}", "it is not the hash of its leaves"
                    )
                    return
            head = await heads.peek()
            if head is not None and head["tree_size"] == tree.size:
                await heads.next()
                signed = tree.size
                for finding in self._check_head(head, Checkpoint(origin, tree.size, tree.root)):
                    yield finding
            if tree.size % 500 == 0:
                await asyncio.sleep(0)
        if (left := await heads.next()) is not None:
            yield self._find(
                AuditCode.ENTRY_MISSING,
                f"checkpoint {left['tree_size']}",
                f"it covers more than the {tree.size} entries there are",
            )
        elif signed != tree.size:
            yield self._find(
                AuditCode.NO_CHECKPOINT, f"log entry {signed}", "no checkpoint covers it and what follows"
            )

    def _check_entry(self, entry: asyncpg.Record) -> Iterable[AuditFinding]:
        self._totals.receipts += 1
        where = f"receipt {entry['receipt_id']} (log entry {entry['index']})"
        if entry["envelope"] is None:
            yield self._find(AuditCode.ENTRY_WITHOUT_RECEIPT, where, "the log has it, the table has not")
            return
        try:
            envelope = Envelope.parse(entry["envelope"])
            statement = Statement.parse(envelope.payload)
        except Malformed as error:
            yield self._find(AuditCode.UNREADABLE, where, error.message)
            return
        if not leaf_hash(envelope.pae) == entry["leaf_hash"] == entry["of_receipt"]:
            yield self._find(
                AuditCode.BODY_CHANGED, where, "the stored envelope does not hash to its leaf in the log"
            )
        if statement.predicate_type != entry["predicate_type"]:
            yield self._find(AuditCode.BODY_CHANGED, where, "predicate_type is not what the envelope says")
        for each in envelope.signatures:
            key = self._keys.receipts.get(each.key_id)
            if key is None:
                yield self._find(AuditCode.UNKNOWN_KEY, where, f"signed by {each.key_id}")
            elif not key.verify(envelope.pae, each.signature):
                yield self._find(AuditCode.BAD_SIGNATURE, where, f"not signed by {each.key_id}")
        if not envelope.signatures:
            yield self._find(AuditCode.BAD_SIGNATURE, where, "nobody signed it")

    def _check_head(self, head: asyncpg.Record, expected: Checkpoint) -> Iterable[AuditFinding]:
        self._totals.checkpoints += 1
        where = f"checkpoint {head['tree_size']}"
        try:
            note = SignedNote.parse(head["note"])
            stated = Checkpoint.parse(note.text)
        except Malformed as error:
            yield self._find(AuditCode.UNREADABLE, where, error.message)
            return
        if stated != expected or head["root"] != expected.root:
            yield self._find(
                AuditCode.CHECKPOINT_FORKED, where, "it states another tree than the entries make"
            )
        if not any(note.signed_by(NoteKey(expected.origin, key)) for key in self._keys.checkpoints):
            yield self._find(AuditCode.BAD_SIGNATURE, where, "not signed by a checkpoint key of ours")

    async def _unlogged(self) -> AsyncIterator[AuditFinding]:
        rows = await _Stream.open(self._driver, _UNLOGGED, self._tenant_id)
        while (row := await rows.next()) is not None:
            yield self._find(
                AuditCode.RECEIPT_NOT_LOGGED, f"receipt {row['id']}", "neither in the log nor waiting for it"
            )

    async def _artefacts(self) -> AsyncIterator[AuditFinding]:
        """Those stored plain; what is sealed is remembered for ``sealed``."""
        rows = await _Stream.open(self._driver, _ARTEFACTS, self._tenant_id, batch=1)
        while (row := await rows.next()) is not None:
            self._totals.artefacts += 1
            if row["sealed"]:
                self._sealed.append((row["export_id"], row["digest"]))
            elif hashlib.sha256(row["content"]).digest() != row["digest"]:
                yield self._changed(row["export_id"])

    async def sealed(self, storage: Storage) -> AsyncIterator[AuditFinding]:
        """The sealed bundles that ``run`` came upon, each read for itself: the key service is asked in no
        transaction.

        What the customer's own act keeps shut is one finding, however much it is: nobody can say how it is.
        """
        withheld = 0
        for export_id, digest in self._sealed:
            try:
                async with storage.read(TenantScope(self._tenant_id)) as session:
                    stored = await find_artefact(session, self._vault, self._tenant_id, export_id)
                content = (await stored.opened(self._vault)).content
            except (Refused, Broken) as error:
                if error.code == KEY_WITHDRAWN:
                    withheld += 1
                else:
                    where = f"bundle of export {export_id}"
                    yield self._find(AuditCode.ARTEFACT_NOT_OPENED, where, error.message)
                continue
            if hashlib.sha256(content).digest() != digest:
                yield self._changed(export_id)
        if withheld:
            yield self._find(
                AuditCode.ARTEFACT_WITHHELD,
                f"{withheld} bundle{'' if withheld == 1 else 's'}",
                "sealed under a key the customer withdrew",
            )

    def _changed(self, export_id: UUID) -> AuditFinding:
        return self._find(
            AuditCode.ARTEFACT_CHANGED,
            f"bundle of export {export_id}",
            "its bytes are not those that were finished",
        )

    def _find(self, code: AuditCode, where: str, message: str) -> AuditFinding:
        return AuditFinding(code, self._tenant_id, where, message)


class _Stream:
    """Rows of one query, a batch in memory at a time, with a look at the next."""

    def __init__(self, cursor: asyncpg.cursor.Cursor[asyncpg.Record], batch: int) -> None:
        self._cursor = cursor
        self._batch = batch
        self._rows: list[asyncpg.Record] = []
        self._at = 0

    @classmethod
    async def open(cls, driver: Driver, query: str, tenant_id: UUID, batch: int = 500) -> _Stream:
        return cls(await driver.cursor(query, tenant_id), batch)

    async def peek(self) -> asyncpg.Record | None:
        if self._at == len(self._rows):
            self._rows, self._at = await self._cursor.fetch(self._batch), 0
        return self._rows[self._at] if self._rows else None

    async def next(self) -> asyncpg.Record | None:
        row = await self.peek()
        self._at += row is not None
        return row
