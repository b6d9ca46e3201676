"""Writing and withdrawing what the vendor adds to Trust Reports."""

from __future__ import annotations

from datetime import date

import strawberry

from schema.context import Info
from schema.ids import decode
from schema.payload import Payload, mutation
from schema.types.trust_note import TrustNote, trust_note
from trust_portal.trust.notes.model import NoteKind, WriteNote


@strawberry.input(description="What is said of a subject from now on: another word replaces the last.")
class WriteTrustNoteInput:
    tenant_id: strawberry.ID = strawberry.field(description="A customer; the vendor: it is said to all.")
    kind: NoteKind
    subject: str
    text: str
    valid_from: date
    valid_to: date | None = strawberry.field(default=None, description="The last day on which it holds.")


@strawberry.input(description="The subject of which nothing is said any more.")
class WithdrawTrustNoteInput:
    tenant_id: strawberry.ID = strawberry.field(description="To whom it is said.")
    kind: NoteKind
    subject: str
    valid_from: date = strawberry.field(description="Since when it does not hold.")


@strawberry.type(description="The last word on the subject.")
class TrustNotePayload(Payload):
    note: TrustNote | None = None


@strawberry.type
class TrustNoteMutations:
    @mutation(description="Add a sub-processor or a note, or say it anew.")
    async def write_trust_note(self, info: Info, input: WriteTrustNoteInput) -> TrustNotePayload:
        return await _write(info, input, input.text, input.valid_to)

    @mutation(description="Withdraw a sub-processor or a note; what was published keeps it.")
    async def withdraw_trust_note(self, info: Info, input: WithdrawTrustNoteInput) -> TrustNotePayload:
        return await _write(info, input, None, None)


async def _write(
    info: Info, given: WriteTrustNoteInput | WithdrawTrustNoteInput, text: str | None, valid_to: date | None
) -> TrustNotePayload:
    house, actor = info.context.house, info.context.actor
    tenant_id = decode(given.tenant_id, "Tenant", field="tenantId").tenant_id
    await house.tenants.get(actor, tenant_id, purpose="GraphQL")
    command = WriteNote(tenant_id, given.kind, given.subject, text, given.valid_from, valid_to)
    note = await house.trust_notes.write(command, actor)
    return TrustNotePayload(note=trust_note(note))
