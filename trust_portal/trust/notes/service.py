"""Writing notes, for one customer or for all."""

from __future__ import annotations

from uuid import UUID

from trust_portal.access.access_log.service import AccessLog
from trust_portal.access.action import Action
from trust_portal.access.gate import Gate
from trust_portal.access.policy import Resource
from trust_portal.errors import NotFound
from trust_portal.evidence.act import Act
from trust_portal.evidence.ledger import Ledger
from trust_portal.evidence.statement import ReceiptKind, Subject
from trust_portal.kernel.actor import Actor
from trust_portal.kernel.canonical import Json, digest
from trust_portal.kernel.ids import VENDOR_ID, new_id
from trust_portal.storage.tenancy import TenantScope
from trust_portal.storage.unit_of_work import Storage
from trust_portal.trust.notes.model import NOUN, StoredNote, WriteNote
from trust_portal.trust.notes.repository import add_note, newest_notes


class TrustNotes:
    """What the vendor adds to Trust Reports."""

    def __init__(self, storage: Storage, gate: Gate, ledger: Ledger, access_log: AccessLog) -> None:
        self._storage = storage
        self._gate = gate
        self._ledger = ledger
        self._access_log = access_log

    async def write(self, command: WriteNote, actor: Actor) -> StoredNote:
        """The next word on a subject. Raises ``NotFound`` where there is nothing to take back, ``Conflict``
        (NOTE_CHANGED).
        """
        decision = await self._gate.require(actor, Action.TRUST_NOTE_WRITE, Resource(NOUN, command.tenant_id))
        async with self._storage.write(TenantScope(command.tenant_id)) as session:
            known = await newest_notes(session, command.tenant_id)
            same = (command.kind, command.subject)
            before = next((each for each in known if (each.kind, each.subject) == same), None)
            if command.text is None and (before is None or before.text is None):
                raise NotFound(NOUN, field="subject")
            note = StoredNote(
                id=new_id(),
                tenant_id=command.tenant_id,
                kind=command.kind,
                subject=command.subject,
                revision=1 if before is None else before.revision + 1,
                text=command.text,
                valid_from=command.valid_from,
                valid_to=command.valid_to,
                written_at=session.clock.now(),
                written_by=actor.name,
                receipt_id=new_id(),
            )
            result: dict[str, Json] = {
                "kind": note.kind.value,
                "subject": note.subject,
                "revision": str(note.revision),
                "text": note.text,
                "valid_from": note.valid_from.isoformat(),
                "valid_to": None if note.valid_to is None else note.valid_to.isoformat(),
            }
            act = Act(
                kind=ReceiptKind.TRUST_NOTE_WRITTEN,
                tenant_id=note.tenant_id,
                actor=actor,
                at=note.written_at,
                subjects=(Subject(f"trust-note/{note.id}", digest(result)),),
                predicate=result,
                policies=decision.policies,
                policy_version=decision.version,
            )
            await self._ledger.record(session, act, receipt_id=note.receipt_id)
            await add_note(session, note, actor)
        return note

    async def standing(self, actor: Actor, tenant_id: UUID) -> tuple[StoredNote, ...]:
        """What is said to a customer now: the vendor's words for all, and those for this one."""
        await self._gate.require(actor, Action.TRUST_REPORT_READ, Resource(NOUN, tenant_id))
        found: list[StoredNote] = []
        for owner in dict.fromkeys((VENDOR_ID, tenant_id)):
            async with self._storage.read(TenantScope(owner)) as session:
                found += await newest_notes(session, owner)
        await self._access_log.looked(actor, tenant_id, "notes", purpose="Trust Report")
        return tuple(each for each in found if each.text is not None)
