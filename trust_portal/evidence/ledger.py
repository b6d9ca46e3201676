"""Receipts: recorded in the transaction of their act, provable as soon as the log holds them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert

from trust_portal.errors import Broken
from trust_portal.evidence.act import Act
from trust_portal.evidence.checkpoint import TlogProof
from trust_portal.evidence.dsse import sign_envelope
from trust_portal.evidence.keyring import KeyPurpose, Keyring
from trust_portal.evidence.log_reader import LogReader
from trust_portal.evidence.merkle import leaf_hash
from trust_portal.evidence.proof_desk import ProofDesk
from trust_portal.evidence.statement import PREDICATE_TYPES, ReceiptKind, Subject
from trust_portal.evidence.tables import receipt_disclosures
from trust_portal.kernel.canonical import sha256_hex
from trust_portal.kernel.ids import new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import ReadSession, Storage, WriteSession

#: Receipt and inbox row in one statement: one round trip, and neither without the other.
_RECORD = """
WITH receipt AS (
    INSERT INTO receipts (tenant_id, id, kind, predicate_type, subjects, envelope, leaf_hash, key_id,
                          actor_kind, actor_id, actor_name, at)
    VALUES ($1, $2, $4, $5, $6, $7, $3, $8, $9, $10, $11, $12)
)
INSERT INTO pending_receipts (tenant_id, receipt_id, leaf_hash) VALUES ($1, $2, $3)
"""
#: The keys that sign now: those that none has replaced.
IN_FORCE = """
SELECT k.key_id, k.purpose FROM signing_keys k
WHERE NOT EXISTS (SELECT 1 FROM signing_keys n WHERE n.replaces = k.key_id)
"""


@dataclass(frozen=True, slots=True)
class Receipt:
    """A signed act. ``envelope`` is the DSSE envelope's bytes exactly as signed and stored."""

    id: UUID
    tenant_id: UUID
    kind: ReceiptKind
    at: datetime
    actor_name: str
    subjects: tuple[Subject, ...]
    envelope: bytes
    disclosures: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """Hex digest of the envelope: how other receipts and manifests refer to this one."""
        return sha256_hex(self.envelope)


class Ledger:
    """The one door to the log: record, prove, wait."""

    def __init__(self, storage: Storage, keyring: Keyring) -> None:
        self._keyring = keyring
        self.reader = LogReader()
        self._desk = ProofDesk(storage, self.reader)

    async def record(self, session: WriteSession, act: Act, *, receipt_id: UUID | None = None) -> Receipt:
        """Sign ``act`` and store its receipt in the caller's transaction.

        Which key is in force is asked each time, in that transaction: a key may have been rotated, and
        whoever is asked after that must not sign with the old one (``key_turnover``).

        ``Broken`` when the transaction belongs to another tenant than the act; ``InvalidInput``
        (``KEY_FILE``) when the database knows other keys than ours. With a
        ``receipt_id`` of the caller's choice the same act gives the same bytes again.
        """
        if session.scope != TenantScope(act.tenant_id):
            raise Broken("a receipt is recorded in its own tenant's transaction", code="WRONG_SCOPE")
        driver = await session.driver()
        in_force = await driver.fetch(IN_FORCE)
        self._keyring.follow({KeyPurpose(row["purpose"]): row["key_id"] for row in in_force})
        id_ = receipt_id or new_id()
        key = self._keyring.receipts
        statement, disclosures = act.statement(id_)
        envelope = sign_envelope(statement.canonical(), key)
        receipt = Receipt(
            id_,
            act.tenant_id,
            act.kind,
            act.at,
            act.actor.name,
            act.subjects,
            envelope.to_json(),
            tuple(each.encoded for each in disclosures),
        )
        subjects = [{"name": each.name, "sha256": each.sha256} for each in act.subjects]
        await driver.execute(
            _RECORD,
            act.tenant_id,
            id_,
            leaf_hash(envelope.pae),
            act.kind.value,
            PREDICATE_TYPES[act.kind],
            json.dumps(subjects),
            receipt.envelope,
            key.key_id,
            act.actor.kind.value,
            act.actor.id,
            act.actor.name,
            act.at,
        )
        if receipt.disclosures:
            await session.execute(
                insert(receipt_disclosures).values(
                    [
                        {
                            "tenant_id": act.tenant_id,
                            "receipt_id": id_,
                            "position": position,
                            "disclosure": encoded,
                        }
                        for position, encoded in enumerate(receipt.disclosures)
                    ]
                )
            )
        return receipt

    async def proof(self, session: ReadSession, tenant_id: UUID, receipt_id: UUID) -> TlogProof | None:
        """Inclusion under the newest checkpoint; ``None`` while the receipt waits for the sequencer."""
        found = await self.reader.proofs(session, tenant_id, [receipt_id])
        return found.get(receipt_id)

    async def wait(self, tenant_id: UUID, receipt_id: UUID, timeout: float = 30.0) -> TlogProof:  # noqa: ASYNC109 - part of the contract: what happens after it is Unavailable
        """The proof, as soon as there is one. ``Unavailable`` after ``timeout`` seconds."""
        return await self._desk.wait(tenant_id, receipt_id, timeout)

    async def close(self) -> None:
        """Stop waiting on behalf of anybody."""
        await self._desk.close()
